//! `minicloud-server` as it is started: what it refuses and what it says then, how patient it is with
//! clients, and how it ends.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "binary/left_over.rs"]
mod left_over;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

const PASSWORD: &str = "violet-kettle-harbour";
/// The promise is that SIGTERM ends the server within 10 s; twice that is the test's patience.
const END: Duration = Duration::from_secs(20);
/// For what takes a moment, on a machine that is busy.
const SOON: Duration = Duration::from_secs(60);

/// What the script of a page accepts.
const SCRIPT: &str = "application/json";

/// Files that no page is whole without; the first names the build of the others.
const PAGES: [&str; 4] = [
    "build.txt",
    "minicloud.css",
    "minicloud.0a1b.js",
    "minicloud.0a1b.wasm",
];

/// A scratch data folder, and pages beside it as far as the server looks at them.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(folder.site().join("pkg")).unwrap();
        for name in PAGES {
            fs::write(folder.site().join("pkg").join(name), "0a1b").unwrap();
        }
        folder
    }

    fn site(&self) -> PathBuf {
        self.0.path().join("site")
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// The program with no other configuration than this.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minicloud-server"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("MINICLOUD_CONFIG", self.0.path().join("none.toml"))
            .env("MINICLOUD_DATA_DIR", self.data())
            .env("MINICLOUD_SITE_ROOT", self.site())
            .env("MINICLOUD_LISTEN", "127.0.0.1:0")
            .env("MINICLOUD_API_LISTEN", "off")
            .env("MINICLOUD_SSH_LISTEN", "off")
            .env("MINICLOUD_NODE_PORTS", "none")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self) -> Server {
        Server::start(self.command(&[]).env("MINICLOUD_ADMIN_PASSWORD", PASSWORD))
    }

    /// Runs it, to its end by itself; what it says.
    fn refused(&self, args: &[&str]) -> String {
        refused(&mut self.command(args))
    }
}

fn refused(command: &mut Command) -> String {
    let begun = Instant::now();
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let text = String::from_utf8(stderr).unwrap();
    let message = text.lines().last().unwrap_or_default().to_owned();
    assert!(message.starts_with("minicloud-server: "), "{text}");
    message
}

/// A server that says that it is ready; killed when dropped.
struct Server {
    child: Child,
    scheme: String,
    /// `127.0.0.1:PORT`
    address: String,
    log: mpsc::Receiver<String>,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = lines(child.stderr.take().unwrap());
        let said = lines(child.stdout.take().unwrap());
        let line = said.recv_timeout(SOON).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("not ready: {:#?}", log.iter().collect::<Vec<_>>())
        });
        let url = line.strip_prefix("MiniCloud is ready: ");
        let url = url.and_then(|url| url.split_once("://"));
        let (scheme, address) = url.unwrap_or_else(|| panic!("{line}"));
        Self {
            child,
            scheme: scheme.to_owned(),
            address: address.to_owned(),
            log,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The cookie of the admin.
    async fn cookie(&self) -> String {
        let cookie = self.set_cookie(&client()).await;
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The same with all that is said of it.
    async fn set_cookie(&self, client: &reqwest::Client) -> String {
        let form = format!("name=admin&password={PASSWORD}");
        let answer = client
            .post(self.url("/api/login"))
            .header(ORIGIN, self.url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", SCRIPT)
            .body(form)
            .send();
        let answer = answer.await.unwrap();
        let cookie = answer.headers().get(SET_COOKIE).expect("signed in");
        cookie.to_str().unwrap().to_owned()
    }

    /// A connection on which this was sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Asks it to end; how it ended, and after how long.
    async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let pid = self.child.id().to_string();
        let begun = Instant::now();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        (self.ended().await, begun.elapsed())
    }

    async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < 2 * END, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it logs this.
    fn logs(&self, words: &str) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.log.recv_timeout(SOON) {
            if line.contains(words) {
                return line;
            }
            seen.push(line);
        }
        panic!("no {words} in {seen:#?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines as they come; read on also when nobody looks, so that the program never waits.
fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (to, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn client() -> reqwest::Client {
    // The second one to install it is told so; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy();
    client.timeout(SOON).build().unwrap()
}

fn half_headers(server: &Server) -> String {
    format!("GET /healthz HTTP/1.1\r\nhost: {}\r\nslow:", server.address)
}

/// A form of the sign-in page, as its script sends it (`application/json`) or without one (`text/html`).
fn half_form(server: &Server, accept: &str) -> String {
    format!(
        "POST /api/login HTTP/1.1\r\nhost: {}\r\nreferer: {}\r\ncontent-length: 1000\r\n\
         content-type: application/x-www-form-urlencoded\r\naccept: {accept}\r\n\r\nname=",
        server.address,
        server.url("/login")
    )
}

async fn half_json(server: &Server) -> String {
    let cookie = server.cookie().await;
    format!(
        "POST /api/v1/vms HTTP/1.1\r\nhost: {}\r\norigin: {}\r\ncookie: {cookie}\r\n\
         content-length: 1000\r\ncontent-type: application/json\r\n\r\n{{\"name\":",
        server.address,
        server.url("")
    )
}

/// What comes until the server closes, within so long.
async fn rest(mut stream: TcpStream, limit: Duration) -> String {
    let mut bytes = Vec::new();
    let read = timeout(limit, stream.read_to_end(&mut bytes));
    // A reset is an end, too.
    let _ = read.await.expect("closed in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The same while a byte more is sent every second.
async fn rest_beside_drops(stream: TcpStream, limit: Duration) -> String {
    let (mut read, mut write) = stream.into_split();
    let drops = async {
        while write.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let mut bytes = Vec::new();
    let all = async {
        tokio::select! {
            _ = read.read_to_end(&mut bytes) => {}
            () = drops => {}
        }
    };
    timeout(limit, all).await.expect("closed in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn systemd_is_told_when_the_pages_answer() {
    let folder = Folder::new();
    let path = folder.0.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let _server = Server::start(folder.command(&[]).env("NOTIFY_SOCKET", &path));
    let mut said = [0; 64];
    let length = socket.recv(&mut said).unwrap();
    assert_eq!(&said[..length], b"READY=1\n");
}

/// script/service is tried by hand, on a machine that systemd runs; this is what its user types and systemd reads.
fn service(shell: &str, kept: &str, args: &[&str]) -> String {
    let etc = tempfile::tempdir().unwrap();
    fs::write(etc.path().join("environment"), kept).unwrap();
    let begin = r#"set -euo pipefail; ROOT=/srv/my%cloud; source script/lib/service-unit; as_root() { "$@"; }
        service_variables() { printf 'MINICLOUD_%s\n' ADMIN_PASSWORD DATABASE_URL INVITE_CODE; };"#;
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("{begin} {shell}"), "service"])
        .args(args);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    command.env("SERVICE_ETC", etc.path());
    command.env("MINICLOUD_ADMIN_PASSWORD", r#"a "b" $c`\ 5%"#);
    command.env("MINICLOUD_INVITE_CODE", "");
    command.env("MINICLOUD_TOKEN", "the command's");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn flags_of_the_service_come_to_systemd_as_they_were_given() {
    let unit = service(
        r#"service_unit "$@""#,
        "",
        &["--public-url", r#"http://a/?b="c d"&$e%\"#],
    );
    let home = "/usr/local/lib/minicloud";
    let start = format!(
        r#"ExecStart="{home}/minicloud-server" "--site-root" "{home}/site" "--public-url" "http://a/?b=\"c d\"&$$e%%\\""#
    );
    for line in [
        "WorkingDirectory=/srv/my%%cloud",
        &start,
        "KillMode=process",
    ] {
        assert!(unit.lines().any(|other| other == line), "{line}\n{unit}");
    }
}

#[test]
fn variables_of_the_service_are_kept_until_others_of_their_name_are_given() {
    let kept = "MINICLOUD_DATABASE_URL=\"postgres://a\"\nMINICLOUD_ADMIN_PASSWORD=\"old\"\nMINICLOUD_INVITE_CODE=\"x\"\n";
    let password = r#"MINICLOUD_ADMIN_PASSWORD="a \"b\" \$c\`\\ 5%""#;
    assert_eq!(
        service("service_environment", kept, &[]),
        format!("MINICLOUD_DATABASE_URL=\"postgres://a\"\n{password}\n"),
    );
}

#[tokio::test]
async fn with_a_certificate_the_pages_are_https_alone_and_so_is_the_cookie() {
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.0.path().join(name));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let args = [
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let mut command = folder.command(&args);
    let server = Server::start(command.env("MINICLOUD_ADMIN_PASSWORD", PASSWORD));
    assert_eq!(server.scheme, "https");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let trusting = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .build()
        .unwrap();
    let page = trusting.get(server.url("/login")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let cookie = server.set_cookie(&trusting).await;
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure"),
        "{cookie}"
    );
    let plain = client().get(format!("http://{}/login", server.address));
    plain.send().await.expect_err("no plain http");
}

#[test]
fn an_address_of_pages_may_end_in_a_slash() {
    let folder = Folder::new();
    let server = Server::start(&mut folder.command(&["--public-url", "http://Cloud.Example:80/"]));
    assert_eq!(server.url("/"), "http://cloud.example/");
}

#[tokio::test]
async fn sigterm_ends_it_in_time_with_a_request_and_a_socket_open() {
    let folder = Folder::new();
    let mut server = folder.start();
    let cookie = server.cookie().await;
    let mut live = format!("ws://{}/live", server.address)
        .into_client_request()
        .unwrap();
    let headers = live.headers_mut();
    headers.insert(COOKIE, cookie.parse().unwrap());
    headers.insert(ORIGIN, server.url("").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(live).await.unwrap();
    socket.send(Message::Ping("here".into())).await.unwrap();
    assert!(socket.next().await.unwrap().is_ok());
    let idle = server.send("").await;
    let body = server.send(&half_form(&server, SCRIPT)).await;
    // The server has it, and waits for the rest.
    tokio::time::sleep(Duration::from_millis(500)).await;

    let (status, taken) = server.terminate().await;
    assert!(status.success(), "{status}");
    println!("it ended {taken:?} after SIGTERM");
    assert!(taken < END, "{taken:?}");
    server.logs("server ends; nodes and VMs go on");
    let mut last = None;
    while let Some(Ok(message)) = timeout(SOON, socket.next()).await.unwrap() {
        last = Some(message);
    }
    // "Service restart": the page comes again.
    let Some(Message::Close(Some(close))) = last else {
        panic!("{last:?}")
    };
    assert_eq!(u16::from(close.code), 1012);
    for stream in [idle, body] {
        rest(stream, SOON).await;
    }
}

#[tokio::test]
async fn a_half_sent_request_does_not_hold_the_end_up() {
    let folder = Folder::new();
    let mut server = folder.start();
    let _half = server.send(&half_headers(&server)).await;
    let _first = server.send("G").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (status, taken) = server.terminate().await;
    assert!(status.success(), "{status}");
    println!("it ended {taken:?} after SIGTERM");
    let log: Vec<String> = server.log.iter().collect();
    let held_up = |line: &&String| line.contains("were still open when the server stopped");
    assert_eq!(log.iter().find(held_up), None);
    let ends = |line: &String| line.contains("server ends; nodes and VMs go on");
    assert!(log.iter().any(ends), "{log:#?}");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_let_go() {
    let folder = Folder::new();
    let server = folder.start();
    let headers = server.send(&half_headers(&server)).await;
    let form = server.send(&half_form(&server, SCRIPT)).await;
    let plain = server.send(&half_form(&server, "text/html")).await;
    let json = server.send(&half_json(&server).await).await;
    let slow = server.send(&half_form(&server, SCRIPT)).await;
    let (headers, form, plain, json, slow) = tokio::join!(
        rest(headers, SOON),
        rest(form, SOON),
        rest(plain, SOON),
        rest(json, SOON),
        rest_beside_drops(slow, SOON)
    );
    assert_eq!(headers, "");
    // Not a fault of the server's.
    for answer in [form, json, slow] {
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("\"code\":\"timeout\""), "{answer}");
    }
    // Without script it comes back to its page, which says so.
    assert!(plain.starts_with("HTTP/1.1 303"), "{plain}");
    let mut lines = plain.lines();
    let back = lines.find_map(|line| line.strip_prefix("location: "));
    let back = back.unwrap_or_else(|| panic!("{plain}"));
    assert!(back.starts_with(&server.url("/login?")), "{back}");
    let page = client().get(back).header("accept", "text/html").send();
    let page = page.await.unwrap().text().await.unwrap();
    assert!(page.contains("did not come within 20 seconds"), "{page}");
    // It goes on for others.
    let answer = client().get(server.url("/healthz")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named_with_what_to_do() {
    let folder = Folder::new();
    // A file stands where the folder is to be.
    fs::write(folder.data(), "").unwrap();
    let message = folder.refused(&[]);
    let path = folder.data().display().to_string();
    assert!(
        message.contains(&path) && message.contains("--data-dir"),
        "{message}"
    );
}

#[test]
fn help_and_the_documents_table_name_the_same_variables() {
    let variables = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_ascii_uppercase() && c != '_')
            .filter(|word| word.starts_with("MINICLOUD_"))
            .map(str::to_owned)
            .collect()
    };
    let help = Folder::new().command(&["--help"]).output().unwrap();
    let help = variables(&String::from_utf8(help.stdout).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("\n## Configuration\n").unwrap();
    let (table, _) = rest.split_once("\n### A node's\n").unwrap();
    assert!(help.len() > 20, "{help:?}");
    assert_eq!(help, variables(table));
}

#[test]
fn pages_that_were_not_built_are_named_with_how_to_build_them_and_nothing_is_started() {
    for name in PAGES {
        let folder = Folder::new();
        fs::remove_file(folder.site().join("pkg").join(name)).unwrap();
        let message = folder.refused(&[]);
        for words in [name, "cargo xtask build", "--site-root"] {
            assert!(message.contains(words), "{words}: {message}");
        }
        assert!(!folder.data().exists());
    }
}

#[test]
fn a_second_server_on_one_data_folder_is_told_who_has_it_and_what_to_do() {
    let folder = Folder::new();
    let first = folder.start();
    let message = folder.refused(&[]);
    for words in [
        format!("(process {})", first.child.id()),
        "stop".into(),
        "--data-dir".into(),
    ] {
        assert!(message.contains(&words), "{words}: {message}");
    }
}

#[test]
fn a_taken_port_is_named_with_its_holder_and_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--api-listen", "--ssh-listen"] {
        let message = Folder::new().refused(&[flag, &address]);
        let holder = format!("(process {})", std::process::id());
        assert!(
            message.contains(&holder) && message.contains(flag),
            "{message}"
        );
    }
}

#[test]
fn a_taken_port_of_a_node_is_named_in_the_log_with_its_holder_and_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = Folder::new();
    let server = Server::start(
        folder
            .command(&["--node-ports", &port])
            .env("MINICLOUD_ADMIN_PASSWORD", PASSWORD),
    );
    let line = server.logs("the node could not be started");
    let holder = format!("(process {})", std::process::id());
    assert!(
        line.contains(&holder) && line.contains("--node-ports"),
        "{line}"
    );
}

#[test]
fn an_address_that_is_not_this_machines_is_refused_with_the_flag() {
    let folder = Folder::new();
    let message = folder.refused(&[
        "--listen",
        "192.0.2.1:5555",
        "--public-url",
        "http://192.0.2.1:5555",
    ]);
    assert!(
        message.contains("192.0.2.1:5555") && message.contains("--listen"),
        "{message}"
    );
}

#[test]
fn beyond_this_machine_it_does_not_listen_while_admin_admin_is_pending() {
    let folder = Folder::new();
    let open = [
        "--listen",
        "0.0.0.0:0",
        "--public-url",
        "http://192.0.2.1:5555",
    ];
    let message = folder.refused(&open);
    assert!(message.contains("MINICLOUD_ADMIN_PASSWORD"), "{message}");
    // Without the address that people use neither.
    let message = folder.refused(&["--listen", "0.0.0.0:0"]);
    assert!(message.contains("--public-url"), "{message}");
}

#[test]
fn a_public_url_that_is_no_address_of_pages_is_refused_with_how_to_write_it() {
    let folder = Folder::new();
    for wrong in [
        "192.0.2.1:5555",
        "ws://a:1",
        "http://a@b",
        "http://a/b",
        "http://a?b",
        "http://a#b",
        "",
    ] {
        // A good one beside it does not hide it.
        let message = folder.refused(&["--public-url", &format!("http://192.0.2.1:5555,{wrong}")]);
        let named = message.contains("--public-url") && message.contains("http://192.168.1.5:5555");
        assert!(named, "{wrong}: {message}");
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_said_with_what_to_do_and_without_its_password() {
    let folder = Folder::new();
    let mut command = folder.command(&[]);
    let url = "postgres://mc:canary-word@127.0.0.1:9/minicloud";
    let message = refused(command.env("MINICLOUD_DATABASE_URL", url));
    assert!(
        message.contains("MINICLOUD_DATABASE_URL") && message.contains("PostgreSQL"),
        "{message}"
    );
    assert!(!message.contains("canary-word"), "{message}");
}

#[tokio::test]
async fn stop_ends_the_server_that_has_the_data_folder_and_says_where_there_is_none() {
    let folder = Folder::new();
    let mut server = folder.start();
    let mut stop = folder.command(&["stop"]);
    let stopping = std::thread::spawn(move || stop.output().unwrap());
    assert!(server.ended().await.success());
    let stopped = stopping.join().unwrap();
    let said = String::from_utf8(stopped.stdout).unwrap();
    assert!(
        stopped.status.success() && said.contains("VMs go on"),
        "{said}"
    );
    let message = folder.refused(&["stop"]);
    assert!(message.contains("nothing to stop"), "{message}");
}

#[tokio::test]
async fn whoever_is_locked_out_gets_a_password_on_the_host() {
    let folder = Folder::new();
    let server = folder.start();
    let reset = folder.command(&["admin", "reset-password"]).output();
    let said = String::from_utf8(reset.unwrap().stdout).unwrap();
    let (_, password) = said.trim().split_once("sign in once with: ").expect("told");
    let form = |password: &str| format!("name=admin&password={password}");
    let login = async |body: String| {
        client()
            .post(server.url("/api/login"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert!(login(form(PASSWORD)).await.is_client_error());
    assert!(login(form(password)).await.is_success());
    assert_private(&folder.data());
}

/// Nobody else of this machine can look into it.
fn assert_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
