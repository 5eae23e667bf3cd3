//! Terminals: how large they are, that bytes are left as they are, and what is typed when.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use node::driver::sim::SimCall;
use russh::{
    Channel, ChannelMsg,
    client::{Handle, Msg},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    client::{Client, finish},
    docker::on_docker,
    house::{House, Person},
    port::sha256,
    port_end::{Trusting, session},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// The prompt of the simulated engine's shells.
const PROMPT: &str = "/root # ";

/// Somebody at a terminal, by russh's own client: its size can be changed.
struct Typist {
    channel: Channel<Msg>,
    seen: String,
    code: Option<u32>,
}

impl Typist {
    async fn at(session: &Handle<Trusting>, cols: u32, rows: u32) -> Self {
        let channel = session.channel_open_session().await.unwrap();
        let asked = channel.request_pty(false, "xterm", cols, rows, 0, 0, &[]);
        asked.await.unwrap();
        Self {
            channel,
            seen: String::new(),
            code: None,
        }
    }

    async fn types(&self, keys: &str) {
        let keys = keys.as_bytes().to_vec();
        self.channel.data_bytes(keys).await.unwrap();
    }

    async fn resizes(&self, cols: u32, rows: u32) {
        let asked = self.channel.window_change(cols, rows, 0, 0);
        asked.await.unwrap();
    }

    /// Waits until these words come; answers what came up to them.
    async fn sees(&mut self, words: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(words) {
                let rest = self.seen.split_off(at + words.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            self.hears(words).await;
        }
    }

    /// Waits for the exit code.
    async fn ends(mut self) -> u32 {
        loop {
            if let Some(code) = self.code {
                return code;
            }
            self.hears("its end").await;
        }
    }

    async fn hears(&mut self, wanted: &str) {
        match timeout(PATIENCE, self.channel.wait()).await {
            Ok(Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. })) => {
                self.seen.push_str(&String::from_utf8_lossy(&data));
            }
            Ok(Some(ChannelMsg::ExitStatus { exit_status })) => self.code = Some(exit_status),
            Ok(Some(_)) => {}
            other => panic!("{wanted} did not come, but {other:?} after {:?}", self.seen),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_counts_from_before_the_start_and_stays_from_one_shell_to_the_next() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let in_vm = session(&ann, "web1").await;
    let mut early = Typist::at(&in_vm, 80, 24).await;
    early.resizes(133, 41).await;
    early.channel.exec(false, "stty").await.unwrap();
    early.sees("41 133\r\n").await;
    assert_eq!(early.ends().await, 0);
    let in_lobby = session(&ann, "ann").await;
    let mut typist = Typist::at(&in_lobby, 80, 24).await;
    typist.channel.request_shell(false).await.unwrap();
    typist.sees("ann> ").await;
    typist.types("shell web1\r").await;
    typist.sees(PROMPT).await;
    typist.resizes(100, 30).await;
    // The terminal has it a moment later.
    let begun = Instant::now();
    loop {
        typist.types("stty\r").await;
        let said = typist.sees(PROMPT).await;
        if said.contains("30 100\r\n") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{said}");
    }
    typist.types("exit\r").await;
    typist.sees("ann> ").await;
    typist.types("shell web2\r").await;
    typist.sees(PROMPT).await;
    typist.types("stty\r").await;
    let said = typist.sees(PROMPT).await;
    assert!(said.contains("30 100\r\n"), "{said}");
    drop((in_vm, in_lobby));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_heard_while_a_vm_starts() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let stop = house
        .by_token(Person::Ann, "POST", "/api/v1/vms/web1/stop?wait=30s", "")
        .await;
    assert_eq!(stop.status, 200);
    house
        .engine()
        .configure(|sim| sim.hold = vec![SimCall::Start]);
    let session = session(&ann, "web1").await;
    let mut staying = Typist::at(&session, 80, 24).await;
    staying.channel.request_shell(false).await.unwrap();
    staying.sees("web1 is not running; starting it").await;
    staying.types("echo typed-ahead\r").await;
    let mut leaving = Typist::at(&session, 80, 24).await;
    leaving.channel.request_shell(false).await.unwrap();
    leaving.types("ls\x03").await;
    leaving.sees("web1 starts all the same").await;
    assert_eq!(leaving.ends().await, 255);
    house.engine().configure(|sim| sim.hold.clear());
    // As it was typed, and as it was printed.
    staying.sees("typed-ahead\r\n").await;
    staying.sees("typed-ahead\r\n").await;
    staying.types("exit 3\r").await;
    assert_eq!(staying.ends().await, 3);
    drop(session);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_megabytes_for_a_program_that_reads_late_arrive_whole() {
    on_docker(async |ann| {
        let sent: Vec<u8> = (0..4_194_304_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let command = "stty raw -echo; printf ready; sleep 2; head -c 4194304 | sha256sum";
        let child = raw(&ann, command).await;
        let ran = finish(child, &sent).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.text().contains(&sha256(&sent)), "{ran:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_terminal_leaves_every_byte_as_it_is() {
    on_docker(async |ann| {
        let every_byte: Vec<u8> = (0..=255).collect();
        let child = raw(&ann, "stty raw -echo; printf ready; head -c 256").await;
        let ran = finish(child, &every_byte).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.out, every_byte);
    })
    .await;
}

/// A client with a terminal in web1, once that is raw, which the command tells by `ready`.
async fn raw(ann: &Client, command: &str) -> Child {
    // Nothing that is sent is for the client itself.
    let mut child = ann
        .command(&["-tt", "-e", "none"], "web1", &[command])
        .spawn()
        .unwrap();
    let mut ready = [0; 5];
    let read = child.stdout.as_mut().unwrap().read_exact(&mut ready);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(&ready, b"ready");
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_works_over_it() {
    on_docker(async |ann| {
        let mut child = ann
            .command(&["-tt"], "web1", &["vi /root/note"])
            .spawn()
            .unwrap();
        until(&mut child, "note").await;
        types(&mut child, b"ihello").await;
        let ended = timeout(PATIENCE, saves_and_quits(&mut child)).await;
        assert_eq!(ended.expect("the editor ends"), Some(0));
        let note = ann.run("web1", &["cat /root/note"]).await;
        assert_eq!(note.text(), "hello\n", "{note:?}");
    })
    .await;
}

/// An editor tells Escape from a longer key by the pause behind it. Where that was lost on the way, once more.
async fn saves_and_quits(child: &mut Child) -> Option<i32> {
    let mut keys = child.stdin.take().unwrap();
    loop {
        // Once it has quit, nobody reads.
        let _ = keys.write_all(b"\x1b").await;
        sleep(Duration::from_millis(500)).await;
        let _ = keys.write_all(b":wq\r").await;
        if let Ok(ended) = timeout(Duration::from_secs(5), child.wait()).await {
            return ended.unwrap().code();
        }
    }
}

/// OpenSSH's client in a terminal of its own, which `script` makes.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_as_large_as_the_clients_and_changes_with_it() {
    on_docker(async |ann| {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let there = "while :; do stty size; sleep 0.2; done";
        let options = ann.options();
        let options = options.iter().map(String::as_str);
        let ssh = ["ssh"]
            .into_iter()
            .chain(options)
            .chain(["-tt", "web1@127.0.0.1", there]);
        let ssh = shlex::try_join(ssh).unwrap();
        let line = format!(
            "stty rows 41 cols 133; (until [ -e {} ]; do sleep 0.1; done; stty rows 30 cols 100 </dev/tty) & exec {ssh}",
            seen.display()
        );
        let mut script = Command::new("script");
        script
            .args(["-qec", &line, "/dev/null"])
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = script.spawn().unwrap();
        let first = until(&mut child, "\n").await;
        assert!(first.starts_with("41 133\r"), "{first}");
        std::fs::write(&seen, "").unwrap();
        until(&mut child, "30 100\r\n").await;
        child.kill().await.unwrap();
    })
    .await;
}

async fn types(child: &mut Child, keys: &[u8]) {
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(keys).await.unwrap();
    stdin.flush().await.unwrap();
}

/// Reads what a client prints until these words are in it.
async fn until(child: &mut Child, words: &str) -> String {
    let stdout = child.stdout.as_mut().unwrap();
    let reading = async {
        let mut seen: Vec<u8> = Vec::new();
        let mut part = [0_u8; 4_096];
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if text.contains(words) {
                return text;
            }
            let count = stdout.read(&mut part).await.unwrap();
            assert!(count > 0, "{words:?} was not printed, but {text:?}");
            seen.extend_from_slice(&part[..count]);
        }
    };
    timeout(PATIENCE, reading).await.expect("it is printed")
}
