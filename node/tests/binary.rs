//! `minicloud-node` as it is started: what it refuses, and how it ends.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

use common::SECRET;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("credential"), SECRET).expect("written");
        let files = Self(folder);
        files.set_mode(0o600);
        files
    }

    fn set_mode(&self, mode: u32) {
        let path = self.0.path().join("credential");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minicloud-node"));
        command
            .args(["--name", "node-1", "--driver", "sim", "--credential-file"])
            .arg(self.0.path().join("credential"))
            .args(args)
            .stderr(Stdio::piped());
        command
    }

    /// Runs it, to its end.
    fn refused(&self, args: &[&str]) -> String {
        let Output { status, stderr, .. } = self.command(args).output().expect("run");
        assert!(!status.success());
        String::from_utf8(stderr).expect("UTF-8")
    }
}

/// Starts it on a free port; gives its address and the rest of its log.
fn start(files: &Files, args: &[&str]) -> (Child, String, BufReader<ChildStderr>) {
    let mut child = files
        .command(args)
        .args(["--listen", "127.0.0.1:0"])
        .spawn()
        .expect("run");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("listens on ") {
        line.clear();
        assert!(log.read_line(&mut line).expect("a line") > 0, "it ended");
    }
    let address = line
        .trim()
        .rsplit_once(' ')
        .expect("an address")
        .1
        .to_owned();
    (child, address, log)
}

#[test]
fn a_credential_that_others_can_read_is_refused_with_what_to_do() {
    let files = Files::new();
    files.set_mode(0o644);
    let message = files.refused(&["--listen", "127.0.0.1:0"]);
    assert!(
        message.contains("can be read by others") && message.contains("chmod 600"),
        "{message}"
    );
    assert!(!message.contains(SECRET));
}

#[test]
fn beyond_loopback_without_tls_is_refused() {
    let message = Files::new().refused(&["--listen", "0.0.0.0:0"]);
    assert!(message.contains("--tls-cert"), "{message}");
}

#[test]
fn a_taken_port_is_named_with_who_holds_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let message = Files::new().refused(&["--listen", &address]);
    let pid = format!("(pid {})", std::process::id());
    assert!(
        message.contains(&address) && message.contains(&pid),
        "{message}"
    );
}

#[test]
fn a_bad_share_or_name_is_refused() {
    let files = Files::new();
    for bad in [
        ["--share", "0"],
        ["--share", "1.5"],
        ["--name", "No_Good"],
        ["--cpu-factor", "x"],
    ] {
        files.refused(&bad);
    }
}

#[tokio::test]
async fn it_answers_who_has_its_credential_and_ends_at_term_within_seconds() {
    let files = Files::new();
    let (mut child, address, mut log) = start(&files, &[]);
    let client = common::client();
    let status = client
        .get(format!("http://{address}/v1/status"))
        .bearer_auth(SECRET)
        .send();
    assert_eq!(status.await.expect("an answer").status(), 200);
    // A stream is open: it must not hold the end up.
    let stream = client
        .get(format!("http://{address}/v1/logs"))
        .bearer_auth(SECRET)
        .send();
    let stream = stream.await.expect("an answer");
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .arg(&pid)
            .status()
            .expect("kill")
            .success()
    );
    let began = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("known") {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(ended.success(), "{ended}");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut log, &mut rest).expect("UTF-8");
    assert!(
        rest.contains("its VMs run on") && !rest.contains(SECRET),
        "{rest}"
    );
    assert!(!rest.contains("connections were still open"), "{rest}");
    let told = stream.text().await.expect("the stream ended");
    assert!(
        told.contains("listens on") && !told.contains(SECRET),
        "{told}"
    );
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let files = Files::new();
    let (mut child, address, _log) = start(&files, &[]);
    let mut stream = tokio::net::TcpStream::connect(&address)
        .await
        .expect("connected");
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nslow:")
        .await
        .expect("written");
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest));
    closed.await.expect("closed in time").expect("read");
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_only() {
    let files = Files::new();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("made");
    let (cert, key) = (
        files.0.path().join("cert.pem"),
        files.0.path().join("key.pem"),
    );
    fs::write(&cert, made.cert.pem()).expect("written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let paths = [cert.to_str().expect("UTF-8"), key.to_str().expect("UTF-8")];
    let (mut child, address, _log) =
        start(&files, &["--tls-cert", paths[0], "--tls-key", paths[1]]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .build()
        .expect("a client");
    let status = client
        .get(format!("https://{address}/v1/status"))
        .bearer_auth(SECRET)
        .send();
    assert_eq!(status.await.expect("an answer").status(), 200);
    common::client()
        .get(format!("http://{address}/healthz"))
        .send()
        .await
        .expect_err("no plain http");
    let stranger = common::client()
        .get(format!("https://{address}/healthz"))
        .send();
    stranger
        .await
        .expect_err("its certificate is not trusted by everybody");
    child.kill().expect("killed");
    child.wait().expect("ended");
}
