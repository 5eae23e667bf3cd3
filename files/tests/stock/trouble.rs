//! What goes wrong, and is told.

use std::{
    io::{Read as _, Write as _},
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::client::{Bench, helper, talk};

fn packet(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&(body.len() as u32 + 1).to_be_bytes()[..], &[kind], &body].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn init() -> Vec<u8> {
    packet(1, &[&3_u32.to_be_bytes()])
}

/// The packets of an answer: kind and body.
fn packets(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let len = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        found.push((bytes[4], bytes[5..4 + len].to_vec()));
        bytes = &bytes[4 + len..];
    }
    found
}

#[test]
fn who_is_not_understood_is_left_with_a_reason() {
    let too_long = [&init()[..], &300_000_u32.to_be_bytes()].concat();
    let short = [init(), packet(3, &[&[0, 0, 0, 1], &[0, 0, 0, 9], b"abc"])].concat();
    let cut = [&init()[..], &[0, 0, 0, 9, 17]].concat();
    for (input, words) in [
        (
            &b"\0\0\0\x05\x03\0\0\0\x01"[..],
            "did not begin with SSH_FXP_INIT",
        ),
        (&too_long, "a packet of 300000 bytes came"),
        (&short, "a packet ended too early"),
        (&cut, "a packet ended too early"),
        (b"\0\0\0\0", "a packet ended too early"),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            "a packet of 1195725856 bytes came",
        ),
    ] {
        let (code, _, err) = talk(helper(&["sftp"]), input);
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(words), "{words}: {err}");
    }
}

#[test]
fn what_was_asked_before_the_end_amid_a_packet_is_answered() {
    let real = packet(16, &[&1_u32.to_be_bytes(), &string(b"/")]);
    let input = [&init()[..], &real, &real[..6]].concat();
    let (code, out, _) = talk(helper(&["sftp"]), &input);
    assert_eq!(code, 1);
    let kinds: Vec<u8> = packets(&out).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [2, 104]);
}

/// As libssh2 does when its window is used up amid a packet.
#[test]
fn who_has_sent_half_a_packet_and_waits_for_an_answer_gets_it() {
    let real = packet(16, &[&1_u32.to_be_bytes(), &string(b"/")]);
    let (half, rest) = real.split_at(6);
    let mut child = helper(&["sftp"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut len = [0; 4];
        while stdout.read_exact(&mut len).is_ok() {
            let mut answer = vec![0; u32::from_be_bytes(len) as usize];
            stdout.read_exact(&mut answer).unwrap();
            tell.send(answer[0]).unwrap();
        }
    });
    let next = || told.recv_timeout(Duration::from_secs(30));

    let first = [&init()[..], &real, half].concat();
    stdin.write_all(&first).unwrap();
    assert_eq!((next(), next()), (Ok(2), Ok(104)));
    stdin.write_all(rest).unwrap();
    assert_eq!(next(), Ok(104));
    drop(stdin);
    reading.join().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_it_does_not_know_is_unsupported_and_it_goes_on() {
    let number = 7_u32.to_be_bytes();
    let unknown = packet(99, &[&number]);
    let extension = packet(200, &[&number, &string(b"no-such@example.com")]);
    let real = packet(16, &[&number, &string(b"/")]);
    let (code, out, err) = talk(
        helper(&["sftp"]),
        &[init(), unknown, extension, real].concat(),
    );
    assert_eq!((code, err.as_str()), (0, ""));
    let found = packets(&out);
    let kinds: Vec<u8> = found.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [2, 101, 101, 104]);
    assert_eq!(found[1].1[4..8], 8_u32.to_be_bytes());
}

#[test]
fn handles_are_limited_and_those_of_nobody_are_refused() {
    let open = packet(11, &[&1_u32.to_be_bytes(), &string(b"/")]);
    let stray = packet(12, &[&1_u32.to_be_bytes(), &string(&900_u32.to_be_bytes())]);
    let odd = packet(4, &[&1_u32.to_be_bytes(), &string(b"x")]);
    let (code, out, _) = talk(
        helper(&["sftp"]),
        &[init(), open.repeat(513), stray, odd].concat(),
    );
    assert_eq!(code, 0);
    let kinds: Vec<u8> = packets(&out).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == 102).count(), 512);
    assert_eq!(kinds[513..], [101, 101, 101]);
}

#[test]
fn it_greets_who_asks_for_it_and_goes_on() {
    let (code, out, err) = talk(helper(&["--greet", "sftp"]), &init());
    assert_eq!((code, err.as_str()), (0, ""));
    let rest = out.strip_prefix(b"minicloud-files 1\n").unwrap();
    assert_eq!(packets(rest)[0].0, 2);
    let (code, out, _) = talk(helper(&["sftp", "--greet"]), b"");
    assert_eq!((code, out.len()), (2, 0));
}

#[test]
fn fifos_and_devices_hold_nobody_up() {
    let bench = Bench::new();
    assert!(
        Command::new("mkfifo")
            .arg(bench.path("fifo"))
            .status()
            .unwrap()
            .success()
    );
    bench.write("file", b"x");
    let begun = Instant::now();
    let path = bench.path("fifo");
    let open = packet(
        3,
        &[
            &1_u32.to_be_bytes(),
            &string(path.as_os_str().as_encoded_bytes()),
            &[0, 0, 0, 1],
            &[0; 4],
        ],
    );
    let (_, out, _) = talk(helper(&["sftp"]), &[init(), open].concat());
    assert!(
        String::from_utf8_lossy(&out).contains("It is a FIFO"),
        "{out:?}"
    );
    let ran = bench.sftp("-put %/file %/fifo\nput %/file /dev/null\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    let up = bench.scp("%/file vm:%/fifo");
    assert_ne!(up.code, 0);
    assert!(begun.elapsed().as_secs() < 20);
}

/// Mounts a small file system, where we may.
#[test]
fn a_full_disk_is_a_failure_and_said_in_words() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("small")).unwrap();
    let small = bench.path("small");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        return;
    }
    bench.write("big", &vec![1; 3_000_000]);
    let sftp = bench.sftp("put %/big %/small/one\n");
    let scp = bench.scp("%/big vm:%/small/two");
    let fits = bench.scp("%/.ssh-wrapper vm:%/three");
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.unwrap().success());
    assert_ne!(sftp.code, 0);
    assert!(
        sftp.err.contains("Failure") && sftp.err.contains("No space left on device"),
        "{sftp:?}"
    );
    assert_ne!(scp.code, 0);
    assert!(scp.err.contains("two: No space left on device"), "{scp:?}");
    assert_eq!(fits.code, 0, "{fits:?}");
}

#[test]
fn how_it_is_called_is_told_to_who_calls_it_wrongly() {
    for words in [
        &[][..],
        &["sftp", "x"],
        &["scp"],
        &["scp", "-t"],
        &["scp", "-x", "-t", "a"],
        &["--help"],
    ] {
        let (code, _, err) = talk(helper(words), b"");
        assert_eq!(code, 2, "{words:?}");
        assert!(err.contains("usage: minicloud-files"), "{err}");
    }
}
