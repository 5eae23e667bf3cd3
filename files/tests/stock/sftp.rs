//! `sftp`.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, symlink},
    time::Instant,
};

use super::client::{Bench, plant, tree};

#[test]
fn a_tree_goes_there_and_back_as_it_was() {
    let bench = Bench::new();
    let given = plant(&bench, "given");
    let ran = bench.sftp("put -r -p %/given %/there\nget -r -p %/there %/back\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(tree(&bench.path("there")), tree(&given));
    assert_eq!(tree(&bench.path("back")), tree(&given));
}

#[test]
fn a_file_is_the_same_after_both_ways_and_it_is_fast() {
    let bench = Bench::new();
    let content: Vec<u8> = (0..40_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    bench.write("big", &content);
    let begun = Instant::now();
    let ran = bench.sftp("put %/big %/there\nget %/there %/back\n");
    eprintln!("80 MB in {:?}", begun.elapsed());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(bench.read("there") == content && bench.read("back") == content);
}

#[test]
fn a_sparse_gigabyte_is_a_gigabyte() {
    let bench = Bench::new();
    File::create(bench.path("sparse"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let ran = bench.sftp("ls -l %/sparse\nget %/sparse /dev/null\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(" 1073741824 "), "{ran:?}");
}

#[test]
fn an_interrupted_download_and_upload_go_on_where_they_were() {
    let bench = Bench::new();
    bench.write("whole", b"0123456789");
    bench.write("here", b"01234");
    bench.write("there", b"01234");
    let ran = bench.sftp("reget %/whole %/here\nreput %/whole %/there\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.read("here"), b"0123456789");
    assert_eq!(bench.read("there"), b"0123456789");
}

#[test]
fn names_are_bytes() {
    let bench = Bench::new();
    let name = [
        bench.path("").as_os_str().as_encoded_bytes(),
        b"\xff\xfe.txt",
    ]
    .concat();
    bench.write("plain", b"odd");
    let put = format!("put {} ", bench.path("plain").display());
    let commands = [
        put.as_bytes(),
        &name,
        b"\nrename ",
        &name,
        b" ",
        &name,
        b"2\n",
    ]
    .concat();
    let ran = bench.sftp_bytes(&commands);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(fs::read(bench.bytes(b"\xff\xfe.txt2")).unwrap(), b"odd");
}

#[test]
fn a_rename_replaces_and_a_folder_that_is_not_empty_stays() {
    let bench = Bench::new();
    bench.write("one", b"1");
    bench.write("two", b"2");
    bench.write("full/x", b"");
    let ran = bench.sftp("rename %/one %/two\n-rmdir %/full\n-mkdir %/full\n-rm %/none\n");
    assert_eq!(bench.read("two"), b"1");
    assert!(bench.path("full/x").exists() && !bench.path("one").exists());
    assert!(ran.err.contains("No such file"), "{ran:?}");
    // The protocol's own rename, which old clients use, replaces nothing.
    let ran = bench.sftp("-rename -l %/two %/full/x\nrename -l %/two %/three\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("Failure"), "{ran:?}");
    assert_eq!(bench.read("full/x"), b"");
    assert_eq!(bench.read("three"), b"1");
}

#[test]
fn modes_owners_links_and_copies() {
    let bench = Bench::new();
    bench.write("file", b"content");
    let is_root = fs::metadata(bench.path("file")).unwrap().uid() == 0;
    let ran = bench.sftp(
        "chmod 4710 %/file\nln %/file %/hard\nln -s file %/soft\ncp %/file %/copy\nchmod -h 600 %/copy\nsymlink /nowhere %/away\ndf %\nls -l %\n",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let of = |name: &str| fs::symlink_metadata(bench.path(name)).unwrap();
    assert_eq!(
        (of("file").mode() & 0o7777, of("file").nlink()),
        (0o4710, 2)
    );
    assert_eq!(of("copy").mode() & 0o7777, 0o600);
    assert_eq!(bench.read("soft"), b"content");
    assert_eq!(bench.read("copy"), b"content");
    assert!(ran.out.contains("-rws--x---    2 "), "{}", ran.out);
    assert!(ran.out.contains("lrwxrwxrwx    1 "), "{}", ran.out);
    if is_root {
        let ran = bench.sftp("chown 12 %/file\nchgrp 34 %/file\nchown -h 56 %/away\nls -ln %\n");
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(
            (of("file").uid(), of("file").gid(), of("away").uid()),
            (12, 34, 56)
        );
    }
}

#[test]
fn symlinks_lead_where_they_point_and_loops_end() {
    let bench = Bench::new();
    bench.write("folder/file", b"x");
    symlink("folder", bench.path("link")).unwrap();
    symlink("loop", bench.path("loop")).unwrap();
    let ran =
        bench.sftp("cd %/link/../link\npwd\nget file %/got\n-get %/loop %/none\n-cd %/loop\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("folder\n"), "{ran:?}");
    assert_eq!(bench.read("got"), b"x");
    assert!(!bench.path("none").exists());
}

#[test]
fn a_folder_of_many_is_listed_whole() {
    let bench = Bench::new();
    for number in 0..1_234 {
        bench.write(&format!("many/{number:04}"), b"");
    }
    let ran = bench.sftp("ls -1 %/many\n");
    let listed = ran
        .out
        .lines()
        .filter(|line| line.contains("/many/"))
        .count();
    assert_eq!(listed, 1_234, "{}", ran.err);
}
