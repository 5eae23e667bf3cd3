//! `scp -O`: the old protocol.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Stdio,
};

use super::client::{Bench, HELPER, helper, plant, talk, tree};

#[test]
fn a_tree_goes_there_and_back_as_it_was() {
    let bench = Bench::new();
    let given = plant(&bench, "given");
    let up = bench.scp("-r -p %/given vm:%/there");
    assert_eq!(up.code, 0, "{up:?}");
    let down = bench.scp("-r -p vm:%/there %/back");
    assert_eq!(down.code, 0, "{down:?}");
    assert_eq!(tree(&bench.path("there")), tree(&given));
    assert_eq!(tree(&bench.path("back")), tree(&given));
    // Over what is there already, into the folder.
    let again = bench.scp("-r -p %/given vm:%/there");
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(tree(&bench.path("there/given")), tree(&given));
}

#[test]
fn without_p_the_mask_counts_and_what_is_there_keeps_its_mode() {
    let bench = Bench::new();
    let open = bench.write("open", b"new and longer");
    fs::set_permissions(&open, Permissions::from_mode(0o4777)).unwrap();
    let kept = bench.write("into/kept", b"old, and much longer than what comes");
    fs::set_permissions(&kept, Permissions::from_mode(0o640)).unwrap();
    for target in ["fresh", "kept"] {
        let ran = bench.scp(&format!("%/open vm:%/into/{target}"));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(bench.read(&format!("into/{target}")), b"new and longer");
    }
    let mode = |name: &str| fs::metadata(bench.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("into/fresh"), mode("into/kept")), (0o755, 0o640));
}

#[test]
fn several_go_into_a_folder_and_only_into_one() {
    let bench = Bench::new();
    for name in ["one", "two"] {
        bench.write(name, name.as_bytes());
    }
    fs::create_dir(bench.path("folder")).unwrap();
    assert_eq!(bench.scp("%/one %/two vm:%/folder").code, 0);
    assert_eq!(bench.read("folder/two"), b"two");
    let refused = bench.scp("%/one %/two vm:%/nowhere");
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("Not a directory"), "{refused:?}");
}

#[test]
fn patterns_are_for_the_far_side() {
    let bench = Bench::new();
    for name in ["far/a1.txt", "far/a2.txt", "far/b1.txt", "far/.a0.txt"] {
        bench.write(name, name.as_bytes());
    }
    fs::create_dir(bench.path("near")).unwrap();
    let ran = bench.scp("vm:%/f?r/[a]*.txt %/near");
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut names: Vec<_> = fs::read_dir(bench.path("near"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a1.txt", "a2.txt"]);
    assert_eq!(bench.scp("%/far/b1.txt vm:%/ne*").code, 0);
    assert_eq!(bench.read("near/b1.txt"), b"far/b1.txt");
    let several = bench.scp("%/far/b1.txt vm:%/far/a*");
    assert!(
        several.code != 0 && several.err.contains("ambiguous target"),
        "{several:?}"
    );
    let none = bench.scp("vm:%/far/z* %/near");
    assert_ne!(none.code, 0);
    assert!(
        none.err.contains("z*: No such file or directory"),
        "{none:?}"
    );
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_comes() {
    let bench = Bench::new();
    bench.write("far/fine", b"fine");
    symlink(".", bench.path("far/up")).unwrap();
    symlink("loop", bench.path("far/loop")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .args([bench.path("far/fifo"), bench.path("far/new\nline")])
        .status();
    assert!(fifo.unwrap().success());
    fs::create_dir(bench.path("near")).unwrap();
    let ran = bench.scp("-r vm:%/far %/near");
    assert_ne!(ran.code, 0);
    assert_eq!(bench.read("near/far/fine"), b"fine");
    for words in [
        "fifo: not a regular file",
        "new?line: not a regular file",
        "loop: Too many levels of symbolic links",
        "it leads back to a folder above it",
    ] {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    let ran = bench.scp("vm:%/far %/near");
    assert!(ran.err.contains("far: not a regular file"), "{ran:?}");
}

/// Few files may be open in it, as in a VM: 1,024 are usual.
#[test]
fn a_tree_too_deep_is_told_and_the_rest_comes() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path(&format!("far/{}", "d/".repeat(600)))).unwrap();
    bench.write("far/fine", b"fine");
    let far = bench.path("far");
    let limited = format!("ulimit -n 600; exec {HELPER} scp -r -f {}", far.display());
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &limited]).stdin(Stdio::piped());
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    // Yes to everything.
    let (code, out, err) = talk(child.unwrap(), &[0; 4_000]);
    let out = String::from_utf8_lossy(&out);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.contains("it is more than 500 folders deep"), "{out}");
    assert!(out.contains("C0644 4 fine\nfine"), "{out}");
    assert_eq!(out.matches("D0755 0 d\n").count(), 499, "{out}");
}

#[test]
fn a_sparse_gigabyte_is_a_gigabyte() {
    let bench = Bench::new();
    File::create(bench.path("sparse"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let ran = bench.scp("vm:%/sparse /dev/null");
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_name_that_leads_elsewhere_is_refused_and_nothing_is_written() {
    let bench = Bench::new();
    fs::create_dir(bench.path("target")).unwrap();
    let target = bench.path("target");
    for line in [
        "C0644 1 ../evil\n",
        "C0644 1 /tmp/evil\n",
        "C0644 1 ..\n",
        "D0755 0 ..\n",
        "D0755 0 a/b\n",
    ] {
        let child = helper(&["scp", "-r", "-t", target.to_str().unwrap()]);
        let (code, out, _) = talk(child, format!("{line}x\0").as_bytes());
        assert_eq!(code, 1, "{line}");
        assert!(
            out.starts_with(b"\0\x01scp: protocol error: unexpected filename"),
            "{line}: {out:?}"
        );
    }
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    assert!(!bench.path("evil").exists());
    // A folder that was not asked for.
    let child = helper(&["scp", "-t", target.to_str().unwrap()]);
    let (code, out, _) = talk(child, b"D0755 0 x\nE\n");
    assert_eq!(code, 1);
    assert!(
        String::from_utf8_lossy(&out).contains("without -r"),
        "{out:?}"
    );
}
