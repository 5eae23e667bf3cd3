//! In a VM, over the simulated engine.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::{
    client::Client,
    house::{House, Person, eventually},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_its_streams_and_its_exit_code() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let ran = ann.run("web1", &["echo", "hello"]).await;
    assert_eq!(
        (ran.code, ran.text().as_str(), ran.err.as_str()),
        (0, "hello\n", "")
    );
    assert_eq!(ann.run("web1", &["exit 42"]).await.code, 42);
    let every_byte: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let back = ann.run_with(&[], "web1", &["cat"], &every_byte).await;
    assert_eq!(back.code, 0, "{}", back.err);
    assert!(back.out == every_byte, "{} bytes came back", back.out.len());
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_its_size_and_ends_with_its_shell() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let typed = b"echo in-a-terminal\nexit 7\n";
    let ran = ann.run_with(&["-tt"], "web1", &[], typed).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.text().contains("in-a-terminal\r\n"), "{ran:?}");
    let shells = house
        .by_token(Person::Ann, "GET", "/api/v1/vms/web1/events", "")
        .await;
    assert!(
        shells.text.contains("ann opened a shell in web1"),
        "{shells:?}"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_vm_is_started_and_it_is_said() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let stop = house
        .by_token(Person::Ann, "POST", "/api/v1/vms/web1/stop?wait=30s", "")
        .await;
    assert_eq!(stop.status, 200);
    let ran = ann.run("web1", &["hostname"]).await;
    assert_eq!((ran.code, ran.text().as_str()), (0, "web1\n"), "{ran:?}");
    assert!(
        ran.err.contains("web1 is not running; starting it"),
        "{ran:?}"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_commands_on_one_connection_lose_nothing() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let folder = tempfile::tempdir().unwrap();
    let path = format!("ControlPath={}/c", folder.path().display());
    let master = ["-N", "-M", "-o", &path];
    let mut master = ann.command(&master, "web1", &[]).spawn().unwrap();
    while !folder.path().join("c").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for number in 0..100 {
        let words = format!("echo {number}; exit {}", number % 7);
        let ran = ann.run_with(&["-o", &path], "web1", &[&words], b"").await;
        assert_eq!(
            (ran.code, ran.text()),
            (number % 7, format!("{number}\n")),
            "{ran:?}"
        );
    }
    master.kill().await.unwrap();
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eleventh_session_on_one_connection_is_refused_in_words_until_another_ends() {
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
    // A client that is refused would make a connection of its own.
    let over_it = ["-o", path.as_str(), "-o", "ProxyCommand=false"];
    let mut held = Vec::new();
    for number in 0..10 {
        let mut child = ann.command(&over_it, "web1", &["cat"]).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"x").await.unwrap();
        let mut back = [0];
        let read = child.stdout.as_mut().unwrap().read_exact(&mut back);
        let read = timeout(Duration::from_secs(60), read).await;
        assert!(read.is_ok_and(|read| read.is_ok()), "session {number}");
        held.push(child);
    }
    let eleventh = ann.run_with(&over_it, "web1", &["echo here"], b"").await;
    assert_eq!(eleventh.code, 255, "{eleventh:?}");
    let mut one = held.pop().unwrap();
    drop(one.stdin.take());
    assert!(one.wait().await.unwrap().success());
    eventually("another session is opened", async || {
        let ran = ann.run_with(&over_it, "web1", &["echo here"], b"").await;
        ran.text() == "here\n"
    })
    .await;
    master.start_kill().unwrap();
    let said = master.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("has 10 sessions already"), "{said}");
    house.end().await;
}
