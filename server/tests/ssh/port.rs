//! Ports of VMs by `-W`, `-L`, `-D` and `-J`: into the VM that was named, and nowhere else.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Child,
    time::timeout,
};

use crate::{
    client::{Client, finish},
    docker::on_docker,
    house::{House, Person},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// The simulated engine's port that answers with what it hears.
const ECHO: &str = "localhost:7";

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_to_a_port_and_back_whole() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let sent: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let back = ann.run_with(&["-W", ECHO], "web1", &[], &sent).await;
    assert_eq!(back.code, 0, "{}", back.err);
    assert!(back.out == sent, "{} bytes came back", back.out.len());
    let events = events(&house, Person::Ann, "/api/v1/vms/web1/events").await;
    assert_eq!(
        events.matches("ann connected to web1: port 7").count(),
        1,
        "{events}"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_port_serves_many_at_once_and_ends_with_its_connection() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let (mut child, port) = forward(&ann, "-L", ":localhost:7").await;
    let mut streams = Vec::new();
    for number in 0..40_u8 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(&[number; 1_000]).await.unwrap();
        streams.push(stream);
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let mut back = [0; 1_000];
        let read = timeout(PATIENCE, stream.read_exact(&mut back)).await;
        assert!(read.unwrap().is_ok());
        assert!(back.iter().all(|byte| usize::from(*byte) == number));
    }
    // One connection's end is not the others'.
    drop(streams.pop());
    let one = &mut streams[0];
    one.write_all(b"still").await.unwrap();
    let mut back = [0; 5];
    timeout(PATIENCE, one.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"still");
    child.kill().await.unwrap();
    told(&house, "1 session", "40 connections to ports").await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_vms_is_refused_and_told_of() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let cases = [
        ("example.com:80", "forwarded into web1 only"),
        ("10.0.0.1:80", "forwarded into web1 only"),
        ("db:7", "forwarded into web1 only"),
        ("localhost:8", "nothing answers on port 8"),
    ];
    for (to, words) in cases {
        let ran = ann.run_with(&["-W", to], "web1", &[], b"").await;
        assert_ne!(ran.code, 0, "{to}");
        assert!(ran.err.contains(words), "{to}: {ran:?}");
    }
    let ran = ann.run_with(&["-W", ECHO], "nosuch", &[], b"").await;
    assert!(ran.err.contains("there is no VM named nosuch"), "{ran:?}");
    let ran = ann.run_with(&["-W", ECHO], "ann", &[], b"").await;
    assert!(ran.err.contains("ports are those of a VM"), "{ran:?}");
    told(
        &house,
        "refused that lead out of the VM",
        "as to example.com:80",
    )
    .await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_vm_is_started_for_a_connection() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let stop = house
        .by_token(Person::Ann, "POST", "/api/v1/vms/web1/stop?wait=30s", "")
        .await;
    assert_eq!(stop.status, 200);
    let back = ann.run_with(&["-W", ECHO], "web1", &[], b"hello").await;
    assert_eq!((back.code, back.text().as_str()), (0, "hello"), "{back:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_listens_on_a_vms_loopback_is_reached_and_the_hosts_is_not() {
    on_docker(async |ann| {
        let begin = "head -c 20000000 /dev/urandom >/tmp/f; sha256sum </tmp/f | head -c 64; \
            httpd -p 127.0.0.1:8080 -h /tmp";
        let sum = ann.run("web1", &[begin]).await;
        assert_eq!(sum.code, 0, "{sum:?}");
        let (mut child, port) = forward(&ann, "-L", ":127.0.0.1:8080").await;
        let whole = get(TcpStream::connect(("127.0.0.1", port)).await.unwrap(), "/f").await;
        assert_eq!(sha256(&whole), sum.text());
        child.kill().await.unwrap();
        // Ours listens on the same address, of another network.
        let ours = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = format!("127.0.0.1:{}", ours.local_addr().unwrap().port());
        let ran = ann.run_with(&["-W", &to], "web1", &[], b"").await;
        assert!(ran.err.contains("nothing answers on port"), "{ran:?}");
    })
    .await;
}

/// As VS Code's Remote-SSH does it: a script on standard input starts a server on the VM's loopback
/// and tells its port; everything after that goes by SOCKS.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_started_by_a_script_is_reached_by_socks() {
    on_docker(async |ann| {
        let socks = free_port().await;
        let mut child = ann
            .command(
                &["-T", "-D", &format!("127.0.0.1:{socks}")],
                "web1",
                &["sh"],
            )
            .spawn()
            .unwrap();
        let script = b"mkdir -p /tmp/w; echo hello from the vm >/tmp/w/i\n\
            httpd -p 127.0.0.1:9000 -h /tmp/w\necho listeningOn==9000==\n";
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(script).await.unwrap();
        let mut said = [0; 20];
        let stdout = child.stdout.as_mut().unwrap();
        timeout(PATIENCE, stdout.read_exact(&mut said))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&said, b"listeningOn==9000==\n");
        let stream = by_socks(socks, "localhost", 9_000).await.unwrap();
        assert_eq!(get(stream, "/i").await, b"hello from the vm\n");
        assert!(by_socks(socks, "example.com", 80).await.is_none());
        child.kill().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vms_own_ssh_server_is_reached_through_the_gateway() {
    on_docker(async |ann| {
        let key = ann.public_key();
        let begin = "mkdir -p /root/.ssh && chmod 700 /root/.ssh && cat >/root/.ssh/authorized_keys \
            && dropbear -R -s -p 127.0.0.1:22 2>/dev/null";
        let begun = ann.run_with(&[], "web1", &[begin], key.as_bytes()).await;
        assert_eq!(begun.code, 0, "{begun:?}");
        let config = ann.config("web1");
        let mut command = tokio::process::Command::new("ssh");
        command
            .args(["-F", &config, "-J", "web1", "root@inside", "echo $SSH_CONNECTION; exit 4"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_remove("SSH_AUTH_SOCK");
        let ran = finish(command.spawn().unwrap(), b"").await;
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.text().ends_with("127.0.0.1 22\n"), "{ran:?}");
    })
    .await;
}

/// Below those that the system gives to whoever wants any, so that it stays free until it is taken.
async fn free_port() -> u16 {
    loop {
        let [.., high, low] = *uuid::Uuid::now_v7().as_bytes();
        let port = 20_000 + u16::from_be_bytes([high, low]) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// A client that forwards a local port, once it does.
async fn forward(ann: &Client, flag: &str, to: &str) -> (Child, u16) {
    let port = free_port().await;
    let forwarded = format!("127.0.0.1:{port}{to}");
    let options = ["-o", "ExitOnForwardFailure=yes", flag, &forwarded];
    let mut child = ann.command(&options, "web1", &["cat"]).spawn().unwrap();
    // What comes back tells that the ports are open.
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(b"ready\n").await.unwrap();
    let mut ready = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    let read = timeout(PATIENCE, stdout.read_exact(&mut ready)).await;
    assert!(read.is_ok_and(|read| read.is_ok()), "no port is forwarded");
    (child, port)
}

/// A connection by SOCKS 5; None when it is refused.
async fn by_socks(proxy: u16, host: &str, port: u16) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy)).await.unwrap();
    stream.write_all(&[5, 1, 0]).await.unwrap();
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.unwrap();
    let mut wish = vec![5, 1, 0, 3, u8::try_from(host.len()).unwrap()];
    wish.extend(host.as_bytes());
    wish.extend(port.to_be_bytes());
    stream.write_all(&wish).await.unwrap();
    let mut answer = [0; 10];
    let answered = timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap();
    (answered.is_ok() && answer[1] == 0).then_some(stream)
}

/// The body of a page.
async fn get(mut stream: TcpStream, path: &str) -> Vec<u8> {
    let ask = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap();
    let head = all.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    all.split_off(head + 4)
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn events(house: &House, person: Person, path: &str) -> String {
    house.by_token(person, "GET", path, "").await.text
}

/// Waits until the end of a connection is told of with these words.
async fn told(house: &House, one: &str, other: &str) {
    let begun = Instant::now();
    loop {
        let events = events(house, Person::Admin, "/api/v1/admin/events").await;
        let ended = events.contains("ann ended an SSH connection");
        if ended && events.contains(one) && events.contains(other) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{one}, {other}: {events}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
