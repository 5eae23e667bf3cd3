//! Files by the clients that people have: `sftp`, `scp` and its older protocol, and `rsync`.
//!
//! On the simulated engine who may, and what is said to who may not; in real VMs the files themselves.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use crate::{
    client::{Client, Ran, finish},
    docker::{is_long, on_docker},
    house::{House, Person},
};

/// `sftp -b -` with these commands.
async fn sftp(client: &Client, user: &str, commands: impl AsRef<[u8]>) -> Ran {
    let mut command = client.copier("sftp");
    command
        .args(["-q", "-b", "-"])
        .arg(format!("{user}@127.0.0.1"));
    finish(command.spawn().unwrap(), commands.as_ref()).await
}

/// `scp WORDS`; what begins with a colon is web1's.
async fn scp(client: &Client, words: &[&str]) -> Ran {
    let mut command = client.copier("scp");
    command.arg("-q");
    for word in words {
        match word.starts_with(':') {
            true => command.arg(format!("web1@127.0.0.1{word}")),
            false => command.arg(word),
        };
    }
    finish(command.spawn().unwrap(), b"").await
}

fn refused(ran: &Ran, words: &str) {
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains(words), "{words}: {ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_a_vms_and_its_owners() {
    let house = House::new().await;
    let bob = Client::of(&house, Person::Bob).await;
    refused(
        &sftp(&bob, "web1", "ls\n").await,
        "there is no VM named web1",
    );
    let ran = scp(&bob, &["-O", ":/etc/passwd", "/dev/null"]).await;
    refused(&ran, "there is no VM named web1");
    let ann = Client::of(&house, Person::Ann).await;
    let lobby = sftp(&ann, "ann", "ls\n").await;
    refused(&lobby, "files are copied to and from a VM");
    assert!(lobby.err.contains("You have: web1, web2"), "{lobby:?}");
    // It comes as far as the node, whose engine is a simulated one; and that is an event.
    refused(
        &sftp(&ann, "web1", "ls\n").await,
        "files cannot be copied here",
    );
    refused(
        &scp(&ann, &["-O", ":x", "/dev/null"]).await,
        "files cannot be copied here",
    );
    let path = "/api/v1/vms/web1/events";
    let events = house.by_token(Person::Ann, "GET", path, "").await.text;
    assert_eq!(
        events.matches("ann opened the files of web1").count(),
        2,
        "{events}"
    );
    // A line that only begins like scp's is the VM's own shell's.
    let ran = ann.run("web1", &["echo scp -t x"]).await;
    assert_eq!(ran.text(), "scp -t x\n");
    ann.introduce(&house, Person::Bob).await;
    refused(&sftp(&ann, "web1", "ls\n").await, "ann+web1");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_goes_into_a_vm_and_comes_back_by_each_of_the_protocols() {
    on_docker(async |ann| {
        let folder = tempfile::tempdir().unwrap();
        let given = plant(folder.path());
        let given = given.to_str().unwrap();
        for (protocol, name) in [("-s", "new"), ("-O", "old")] {
            let there = format!(":/srv/{name}");
            let made = ann.run("web1", &["mkdir -p /srv"]).await;
            assert_eq!(made.code, 0, "{made:?}");
            let up = scp(&ann, &[protocol, "-r", "-p", given, &there]).await;
            assert_eq!((up.code, up.err.as_str()), (0, ""), "{protocol}");
            let seen = ann
                .run(
                    "web1",
                    &[&format!("cd /srv/{name} && ls -ln . a/b && cat a/b/leaf")],
                )
                .await;
            for words in [
                "-rwxr-x---    1 0        0",
                "-rw-------    1 0        0",
                "2001 program",
                "leaf",
            ] {
                assert!(seen.text().contains(words), "{protocol}: {words}: {seen:?}");
            }
            let back = folder.path().join(name);
            let down = scp(
                &ann,
                &[protocol, "-r", "-p", &there, back.to_str().unwrap()],
            )
            .await;
            assert_eq!((down.code, down.err.as_str()), (0, ""), "{protocol}");
            assert_eq!(tree(&back), tree(Path::new(given)), "{protocol}");
        }
        // Where no path is given it is root's home; `~` and patterns are the far side's.
        let program = format!("{given}/program");
        for protocol in ["-s", "-O"] {
            assert_eq!(scp(&ann, &[protocol, &program, ":"]).await.code, 0);
            let into = tempfile::tempdir().unwrap();
            for from in [":~/prog*", ":/root/p?ogram", ":program"] {
                let ran = scp(&ann, &[protocol, from, into.path().to_str().unwrap()]).await;
                assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{protocol} {from}");
                fs::remove_file(into.path().join("program")).unwrap();
            }
        }
        let none = scp(&ann, &["-O", ":/no/such", "/dev/null"]).await;
        refused(&none, "scp: /no/such: No such file or directory");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sftp_has_names_of_any_bytes_and_stays_in_the_vm() {
    on_docker(async |ann| {
        let folder = tempfile::tempdir().unwrap();
        let near = folder.path().to_str().unwrap();
        fs::write(folder.path().join("plain"), "odd").unwrap();
        let commands = format!("put {near}/plain caf\u{e9}\nmkdir sub\nrename caf\u{e9} sub/");
        let commands = [commands.as_bytes(), b"\xff\xfe.txt\ncd sub\nget \xff\xfe.txt ", near.as_bytes(), b"/\nls -l\n"].concat();
        let ran = sftp(&ann, "web1", commands).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.text().contains("-rw-r--r--    1 root     root            3 "), "{ran:?}");
        let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.txt");
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"odd");
        // Wherever a link of the VM's points, it is the VM's own files that are found there.
        let mark = folder.path().join("mark");
        fs::write(&mark, "the host's").unwrap();
        let script = format!(
            "ln -s /etc/passwd who; ln -s {0} out; ln -s ../../../../../../../..{0} up; echo mine:x:0:0::/root:/bin/sh >>/etc/passwd",
            mark.display()
        );
        assert_eq!(ann.run("web1", &[&script]).await.code, 0);
        let commands = format!("get who {near}/\n-get out {near}/\n-get up {near}/\n-get ../../../../{0} {near}/x\npwd\ncd /..\npwd\n", mark.display());
        let ran = sftp(&ann, "web1", commands).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let who = fs::read_to_string(folder.path().join("who")).unwrap();
        assert!(who.contains("mine:x:0:0") && who != fs::read_to_string("/etc/passwd").unwrap());
        for not_there in ["out", "up", "x"] {
            assert!(!folder.path().join(not_there).exists(), "{not_there}");
        }
        assert!(ran.text().ends_with("Remote working directory: /\n"), "{ran:?}");
    })
    .await;
}

/// What is written through a link that points out of the VM's root is written in the VM.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_put_onto_a_link_leaves_the_host_alone() {
    on_docker(async |ann| {
        let folder = tempfile::tempdir().unwrap();
        let (near, mark) = (folder.path().join("near"), folder.path().join("mark"));
        fs::write(&near, "written").unwrap();
        fs::write(&mark, "the host's").unwrap();
        let (near, mark) = (near.to_str().unwrap(), mark.to_str().unwrap());
        let up = "../../../../../../../..";
        for (link, target) in [("out", mark.to_owned()), ("up", format!("{up}{mark}"))] {
            // With that folder there is something to write to in the VM, too.
            let made = format!(
                "mkdir -p {}; ln -s {target} {link}",
                folder.path().display()
            );
            assert_eq!(ann.run("web1", &[&made]).await.code, 0);
            let put = format!("put {near} {link}\nput {near} {up}{mark}\n");
            let put = sftp(&ann, "web1", put).await;
            assert_eq!(put.code, 0, "{link}: {put:?}");
            let there = [format!(":{link}"), format!(":{up}{mark}")];
            for there in &there {
                let put = scp(&ann, &["-O", near, there]).await;
                assert_eq!(put.code, 0, "{there}: {put:?}");
            }
            assert_eq!(fs::read_to_string(mark).unwrap(), "the host's", "{link}");
            let inside = ann.run("web1", &[&format!("cat {mark}; rm {mark}")]).await;
            assert_eq!(inside.text(), "written", "{link}: {inside:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_the_same_after_both_ways() {
    on_docker(async |ann| {
        let bytes: u32 = if is_long() { 1 << 30 } else { 100_000_000 };
        let folder = tempfile::tempdir().unwrap();
        let (near, back) = (folder.path().join("near"), folder.path().join("back"));
        let content: Vec<u8> = (0..bytes)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        fs::write(&near, &content).unwrap();
        let expected = sha256(&near).await;
        for protocol in ["-s", "-O"] {
            let begun = Instant::now();
            let up = scp(&ann, &[protocol, near.to_str().unwrap(), ":big"]).await;
            let (taken, begun) = (begun.elapsed(), Instant::now());
            assert_eq!(up.code, 0, "{up:?}");
            let down = scp(&ann, &[protocol, ":big", back.to_str().unwrap()]).await;
            let speed = |time: std::time::Duration| f64::from(bytes) / 1e6 / time.as_secs_f64();
            eprintln!(
                "scp {protocol}: {:.0} MB/s up, {:.0} MB/s down",
                speed(taken),
                speed(begun.elapsed())
            );
            assert_eq!(down.code, 0, "{down:?}");
            let there = ann.run("web1", &["sha256sum <big; rm big"]).await;
            assert_eq!(
                there.text().split(' ').next(),
                Some(expected.as_str()),
                "{protocol}"
            );
            assert_eq!(sha256(&back).await, expected, "{protocol}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_is_shut_down_is_started_for_its_files() {
    on_docker(async |ann| {
        assert_eq!(ann.run("ann", &["stop", "web1"]).await.code, 0);
        let ran = sftp(&ann, "web1", "ls /etc/passwd\n").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.err.contains("web1 is not running; starting it"),
            "{ran:?}"
        );
        assert!(ran.text().contains("/etc/passwd"), "{ran:?}");
    })
    .await;
}

/// rsync is taken along by scp: the host's, with all that it needs. It then does as with any sshd.
#[tokio::test(flavor = "multi_thread")]
async fn rsync_works_where_the_vm_has_it() {
    on_docker(async |ann| {
        let folder = tempfile::tempdir().unwrap();
        let given = plant(folder.path());
        let kit = rsync_kit(folder.path()).await;
        let kit = kit.to_str().unwrap();
        assert_eq!(scp(&ann, &["-r", kit, ":rsync"]).await.code, 0);
        let wrapper = "printf '#!/bin/sh\\nexec /root/rsync/loader --library-path /root/rsync /root/rsync/rsync \"$@\"\\n' >/bin/rsync; chmod 755 /bin/rsync /root/rsync/*";
        assert_eq!(ann.run("web1", &[wrapper]).await.code, 0);
        let back = folder.path().join("back");
        let here = |path: &Path| format!("{}/", path.display());
        for (from, to) in [(here(&given), "web1@127.0.0.1:synced/".to_owned()), ("web1@127.0.0.1:synced/".to_owned(), here(&back))] {
            let ran = rsync(&ann, &["-a", &from, &to]).await;
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{from}");
        }
        assert_eq!(tree(&back), tree(&given));
        // Only what differs goes a second time.
        fs::write(given.join("secret"), "changed").unwrap();
        let again = rsync(&ann, &["-a", "-i", &here(&given), "web1@127.0.0.1:synced/"]).await;
        let files: Vec<_> = again.text().lines().filter(|line| line.starts_with("<f")).map(str::to_owned).collect();
        assert_eq!(files.len(), 1, "{again:?}");
    })
    .await;
}

async fn rsync(client: &Client, words: &[&str]) -> Ran {
    let ssh = [vec!["ssh".to_owned()], client.options()]
        .concat()
        .join(" ");
    let mut command = tokio::process::Command::new("rsync");
    command
        .args(["-e", &ssh])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command.stderr(Stdio::piped()).kill_on_drop(true);
    finish(command.spawn().unwrap(), b"").await
}

/// rsync, the libraries that it names, and what loads them.
async fn rsync_kit(folder: &Path) -> PathBuf {
    let kit = folder.join("kit");
    fs::create_dir(&kit).unwrap();
    let program = "/usr/bin/rsync";
    let told = tokio::process::Command::new("ldd")
        .arg(program)
        .output()
        .await;
    let told = String::from_utf8(
        told.expect("rsync; script/bootstrap --test installs it")
            .stdout,
    )
    .unwrap();
    fs::copy(program, kit.join("rsync")).unwrap();
    for path in told.split_whitespace().filter(|word| word.starts_with('/')) {
        let name = Path::new(path).file_name().unwrap();
        let name = if name.to_string_lossy().starts_with("ld-") {
            "loader".as_ref()
        } else {
            name
        };
        fs::copy(path, kit.join(name)).unwrap();
    }
    kit
}

async fn sha256(path: &Path) -> String {
    let ran = tokio::process::Command::new("sha256sum")
        .arg(path)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// A small tree with modes, an old time, an empty folder and a name that is not UTF-8.
fn plant(folder: &Path) -> PathBuf {
    let given = folder.join("given");
    fs::create_dir_all(given.join("a/b")).unwrap();
    fs::create_dir(given.join("hollow")).unwrap();
    fs::write(given.join("a/b/leaf"), "leaf").unwrap();
    fs::write(
        given.join(std::ffi::OsStr::from_bytes(b"caf\xe9 x")),
        "latin",
    )
    .unwrap();
    for (name, mode) in [("program", 0o750), ("secret", 0o600)] {
        fs::write(given.join(name), name).unwrap();
        fs::set_permissions(given.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(981_173_106);
    let program = fs::File::options()
        .write(true)
        .open(given.join("program"))
        .unwrap();
    program.set_modified(old).unwrap();
    given
}

/// What there is to know of everything below a folder, in order of names.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let (path, facts) = (entry.path(), entry.metadata().unwrap());
            let changed = facts
                .modified()
                .unwrap()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs();
            let content = fs::read(&path).unwrap_or_default();
            let name = path.strip_prefix(folder).unwrap();
            found.push(format!(
                "{name:?} {:o} {changed} {content:?}",
                facts.permissions().mode()
            ));
            if facts.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}
