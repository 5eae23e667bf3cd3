//! What is no use of it: refused, bounded, and nobody else is disturbed.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use crate::{
    client::{Client, finish},
    house::{House, Person},
};

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_half_open_connections_disturb_nobody() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let mut held = Vec::new();
    for number in 0..1_000_u32 {
        let mut stream = TcpStream::connect(("127.0.0.1", house.ssh_port()))
            .await
            .unwrap();
        match number % 4 {
            0 => stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap(),
            1 => stream.write_all(&[0xff; 3_000]).await.unwrap(),
            2 => stream
                .write_all(b"SSH-2.0-x\r\n\xff\xff\xff\xff")
                .await
                .unwrap(),
            _ => {}
        }
        held.push(stream);
    }
    // They are of one address, which has ten places; those that say nothing are put out after a while.
    let begun = Instant::now();
    loop {
        let ran = ann.run("web1", &["echo", "here"]).await;
        if ran.code == 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(180), "{ran:?}");
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_sign_in_in_time_is_put_out() {
    let house = House::new().await;
    let mut stream = TcpStream::connect(("127.0.0.1", house.ssh_port()))
        .await
        .unwrap();
    let mut said = Vec::new();
    let begun = Instant::now();
    // The promise is 20 s.
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "still open after 60 s");
    println!("put out after {:?}", begun.elapsed());
    assert!(said.starts_with(b"SSH-2.0-MiniCloud"), "{said:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_is_refused_with_a_reason() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let other = ann.run_with(&["-s"], "web1", &["netconf"], b"").await;
    assert_eq!(other.code, 255);
    assert!(
        other.err.contains("there is no subsystem named netconf"),
        "{other:?}"
    );
    let options = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"];
    let remote = ann.run_with(&options, "web1", &["true"], b"").await;
    assert_eq!(remote.code, 255, "{remote:?}");
    // Asked for, refused, and the command runs all the same.
    let agent = ann
        .run_with(&["-A", "-X"], "web1", &["echo", "here"], b"")
        .await;
    assert_eq!(
        (agent.code, agent.text().as_str()),
        (0, "here\n"),
        "{agent:?}"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_reads_nothing_holds_up_nobody_on_its_connection() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let folder = tempfile::tempdir().unwrap();
    let path = format!("ControlPath={}/c", folder.path().display());
    let mut master = ann
        .command(&["-N", "-M", "-o", &path], "web1", &[])
        .spawn()
        .unwrap();
    while !folder.path().join("c").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sleeper = ann
        .command(&["-o", &path], "web1", &["sleep 60"])
        .spawn()
        .unwrap();
    let flood = vec![b'x'; 64 * 1024 * 1024];
    let sleeping = tokio::spawn(async move { finish(sleeper, &flood).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    let ran = ann
        .run_with(&["-o", &path], "web1", &["echo", "here"], b"")
        .await;
    assert_eq!((ran.code, ran.text().as_str()), (0, "here\n"), "{ran:?}");
    // The other sleeps on: its end was not waited for.
    assert!(!sleeping.is_finished());
    assert!(begun.elapsed() < Duration::from_secs(45));
    sleeping.abort();
    master.kill().await.unwrap();
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_file_is_not_reached_by_a_forwarded_one() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("s");
    let forwarded = format!("{}:/var/run/docker.sock", here.display());
    let mut child = ann
        .command(&["-N", "-L", &forwarded], "web1", &[])
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !here.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not signed in");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut stream = UnixStream::connect(&here).await.unwrap();
    // The client may have closed it already.
    let _ = stream.write_all(b"GET /version HTTP/1.0\r\n\r\n").await;
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "neither refused nor answered");
    assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
    child.start_kill().unwrap();
    let told = child.wait_with_output().await.unwrap();
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("prohibited"), "{told}");
    house.end().await;
}
