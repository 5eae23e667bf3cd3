//! Shells in VMs of a real engine (with `MINICLOUD_TEST_DOCKER=1`) through ends of their node's process and
//! of its holder.
#![allow(dead_code)] // of the shared helpers only a part is used
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "conformance/bench.rs"]
mod bench;
mod common;
#[path = "common/private_engine.rs"]
mod private_engine;
#[path = "conformance/terminal.rs"]
mod terminal;
#[path = "shell/viewer.rs"]
mod viewer;

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bench::Bench;
use common::SECRET;
use node::shell::frame::{NodeFrame, ViewerFrame};
use node_api::{shell::ShellCreate, vm::VmSpec};
use sha2::{Digest, Sha256};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;
use viewer::{Got, PATIENCE, Viewer};

/// A node's process, that can be ended and started again, and a VM on it.
struct Place<'a> {
    bench: &'a Bench,
    spec: VmSpec,
    folder: tempfile::TempDir,
    /// Where the holder is to be.
    data: PathBuf,
    child: Option<Child>,
    address: SocketAddr,
}

async fn in_a_vm(test: impl AsyncFnOnce(&mut Place<'_>)) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    with_data(folder, data, test).await;
}

async fn with_data(
    folder: tempfile::TempDir,
    data: PathBuf,
    test: impl AsyncFnOnce(&mut Place<'_>),
) {
    let Some(bench) = Bench::docker().await else {
        return;
    };
    bench
        .run(async |bench: &Bench| {
            let credential = folder.path().join("credential");
            fs::write(&credential, SECRET).unwrap();
            fs::set_permissions(&credential, fs::Permissions::from_mode(0o600)).unwrap();
            let mut place = Place {
                bench,
                spec: bench.vm("web1", 0).await,
                folder,
                data,
                child: None,
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
            };
            place.start().await;
            test(&mut place).await;
        })
        .await;
}

impl Place<'_> {
    async fn start(&mut self) {
        let log = self.folder.path().join("log");
        let before = fs::read_to_string(&log).unwrap_or_default().len();
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).append(true).open(&log).unwrap();
        let path = |name: &str| self.folder.path().join(name);
        let child = Command::new(env!("CARGO_BIN_EXE_minicloud-node"))
            .args(["--name", &self.bench.node, "--listen", "127.0.0.1:0"])
            // Rules for all VMs of this machine would be the other tests', too.
            .args(["--vm-reach", "all"])
            .arg("--credential-file")
            .arg(path("credential"))
            .arg("--lock-dir")
            .arg(bench::locks())
            .arg("--data-dir")
            .arg(&self.data)
            .stdin(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let mut address = None;
        common::until("it listens", async || {
            let said = fs::read_to_string(&log).unwrap();
            let line = said[before..]
                .lines()
                .find(|line| line.contains("listens on "));
            address = line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok());
            address.is_some()
        })
        .await;
        self.address = address.unwrap();
    }

    fn signal(&mut self, signal: &str) {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.unwrap().success());
        child.wait().unwrap();
    }

    fn holder(&self) -> Option<String> {
        let pid = fs::read_to_string(self.data.join("holder.lock")).ok()?;
        let pid = pid.trim().to_owned();
        fs::exists(format!("/proc/{pid}")).unwrap().then_some(pid)
    }

    async fn create(&self) -> Uuid {
        let id = Uuid::now_v7();
        let mut request = ShellCreate::new(id, 80, 24);
        request.at_first_attach = true;
        let url = format!("http://{}/v1/vms/{}/shells", self.address, self.spec.id);
        let asked = common::client()
            .post(url)
            .bearer_auth(SECRET)
            .json(&request);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        id
    }

    async fn close(&self, shell: Uuid) {
        let url = format!("http://{}/v1/shells/{shell}", self.address);
        let asked = common::client().delete(url).bearer_auth(SECRET);
        assert_eq!(asked.send().await.unwrap().status(), 204);
    }

    fn processes(&self) -> Vec<String> {
        bench::lines(&["top", &format!("mc-{}", self.spec.id), "-eo", "pid,args"])
    }

    fn runs(&self, words: &str) -> bool {
        self.processes().iter().any(|line| line.contains(words))
    }

    /// In a session of its own: `setsid` has become it.
    fn runs_apart(&self, words: &str) -> bool {
        let processes = self.processes();
        let mut named = processes.iter().filter(|line| line.contains(words));
        named.any(|line| !line.contains("setsid"))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(holder) = self.holder() {
            let _ = Command::new("kill").arg(holder).status();
        }
    }
}

/// Attaches to a whole node, with its credential; None where it is not there.
async fn attach(address: SocketAddr, shell: Uuid, query: &str) -> Option<Viewer> {
    let url = format!("ws://{address}/v1/shells/{shell}/attach?client=0000000000000001{query}");
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {SECRET}").parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let connecting = tokio_tungstenite::connect_async_with_config(request, None, true);
    let (socket, _) = connecting.await.ok()?;
    let mut viewer = Viewer {
        socket,
        hello: None,
    };
    match viewer.next().await {
        Got::Frame(NodeFrame::Hello(hello)) => viewer.hello = Some(hello),
        _ => return None,
    }
    Some(viewer)
}

/// One viewer across connections, as a page is: knows what it has seen and typed.
struct Page {
    shell: Uuid,
    viewer: Viewer,
    seen: Vec<u8>,
    offset: u64,
    typed: Vec<u8>,
    sent: usize,
    acked: usize,
}

impl Page {
    async fn open(place: &Place<'_>, shell: Uuid) -> Self {
        let query = "&cols=91&rows=33";
        let viewer = attach(place.address, shell, query).await;
        let mut page = Self {
            shell,
            viewer: viewer.unwrap(),
            seen: Vec::new(),
            offset: 0,
            typed: Vec::new(),
            sent: 0,
            acked: 0,
        };
        let (offset, _, drawn) = page.viewer.snapshot().await;
        page.offset = offset;
        page.seen.extend_from_slice(&drawn);
        page
    }

    /// Comes back to a node that has begun again: goes on exactly where it was.
    async fn back(&mut self, place: &Place<'_>) {
        let query = format!("&cols=91&rows=33&from={}", self.offset);
        let viewer = attach(place.address, self.shell, &query).await;
        self.viewer = viewer.expect("the node does not have the shell");
        let hello = self.viewer.hello();
        assert_eq!(hello.offset, self.offset, "the stream goes on");
        let taken = hello.input_offset as usize;
        assert!(
            (self.acked..=self.sent).contains(&taken),
            "{} {taken} {}",
            self.acked,
            self.sent
        );
        // Dropped is what the node counts: it must not be lost any more.
        self.acked = taken;
        self.sent = taken;
        self.send().await;
    }

    async fn type_in(&mut self, text: &[u8]) {
        self.typed.extend_from_slice(text);
        self.send().await;
    }

    async fn send(&mut self) {
        while self.sent < self.typed.len() {
            let end = self.typed.len().min(self.sent + 4_000);
            let bytes = self.typed[self.sent..end].to_vec();
            self.viewer.type_at(self.sent as u64, bytes).await;
            self.sent = end;
        }
    }

    /// Takes one frame; false when the socket has closed.
    async fn take(&mut self) -> bool {
        match self.viewer.next().await {
            Got::Frame(NodeFrame::Output { offset, bytes }) => {
                assert_eq!(offset, self.offset, "a byte was lost or doubled");
                self.seen.extend_from_slice(&bytes);
                self.offset += bytes.len() as u64;
                self.viewer.send(ViewerFrame::Ack(self.offset)).await;
            }
            Got::Frame(NodeFrame::Snapshot { .. }) => panic!("drawn in place of what was missed"),
            Got::Frame(NodeFrame::InputAck(offset)) => self.acked = offset as usize,
            Got::Frame(_) => {}
            Got::Closed(..) | Got::Cut => return false,
        }
        true
    }

    async fn until(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if seen.contains(text) {
                return seen;
            }
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {seen:?}");
            assert!(self.take().await, "closed before {text:?}: {seen:?}");
        }
    }

    /// Takes what comes for so long.
    async fn for_a_while(&mut self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        while let Ok(true) = tokio::time::timeout_at(until, self.take()).await {}
    }

    fn numbers(&self) -> Vec<u32> {
        let text = String::from_utf8_lossy(&self.seen).into_owned();
        let numbers = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("n=")?.parse().ok());
        numbers.collect()
    }
}

const COUNT: &str =
    "i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo n=$i; sleep 0.05; done; echo do''ne\r";

/// The number behind `name=`, as the shell prints it (and not as it was typed).
async fn number(page: &mut Page, name: &str) -> u32 {
    let begin = format!("{name}=");
    loop {
        let seen = page.until(&begin).await;
        let mut places = seen.split(&begin).skip(1);
        let number = |behind: &str| behind.split_once("\r\n")?.0.parse().ok();
        if let Some(number) = places.find_map(number) {
            return number;
        }
        let end = &page.seen[page.seen.len().saturating_sub(400)..];
        let end = String::from_utf8_lossy(end).into_owned();
        assert!(page.take().await, "closed before {name}: {end:?}");
    }
}

async fn survives(place: &mut Place<'_>, signal: &str) {
    let shell = place.create().await;
    let mut page = Page::open(place, shell).await;
    page.type_in(b"stty size; echo fir''st=$$\r").await;
    let before = number(&mut page, "first").await;
    page.until("33 91\r\n").await;
    let holder = place.holder().expect("a holder");
    page.type_in(COUNT.as_bytes()).await;
    page.until("n=10\r").await;
    page.type_in(b"echo ty''ped; echo seco''nd=$$\r").await;
    place.signal(signal);
    tokio::time::sleep(Duration::from_millis(300)).await;
    place.start().await;
    page.back(place).await;
    let seen = page.until("done\r\n").await;
    assert_eq!(seen.matches("done\r\n").count(), 1, "{seen:?}");
    let after = number(&mut page, "second").await;
    assert_eq!(after, before, "the same shell");
    let seen = page.until("typed\r\n").await;
    assert_eq!(seen.matches("typed\r\n").count(), 1, "{seen:?}");
    assert_eq!(page.numbers(), (1..=60).collect::<Vec<_>>());
    assert_eq!(place.holder(), Some(holder));
    place.close(shell).await;
    common::until("nothing is left", async || !place.runs("sh -l")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_goes_on_through_kill_9_of_its_node() {
    in_a_vm(async |place| survives(place, "-KILL").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_goes_on_through_a_restart_of_its_node() {
    in_a_vm(async |place| survives(place, "-TERM").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_at_any_moment_lose_and_double_nothing() {
    const TYPED: usize = 200_000;
    in_a_vm(async |place| {
        let shell = place.create().await;
        let mut page = Page::open(place, shell).await;
        let script = "stty raw -echo; (i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); \
            printf 'n=%s\\r\\n' $i; sleep 0.01; done; printf 'counted=%s\\r\\n' $i) & \
            echo rea''dy; s=$(head -c 200000 | sha256sum); touch /tmp/stop; wait; echo \"sum=$s\"\r";
        page.type_in(script.as_bytes()).await;
        page.until("ready").await;
        let text: Vec<u8> = (0..TYPED as u32).map(|at| (at * 31 % 251) as u8).collect();
        let mut rounds = 0;
        for part in text.chunks(TYPED / 20) {
            page.type_in(part).await;
            let [random] = bench::random::<1>();
            page.for_a_while(Duration::from_millis(u64::from(random) * 2)).await;
            place.signal("-KILL");
            place.start().await;
            page.back(place).await;
            rounds += 1;
        }
        assert_eq!(rounds, 20);
        page.until("sum=").await;
        let sum: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        page.until(&sum).await;
        let counted = number(&mut page, "counted").await;
        println!("{counted} lines through {rounds} kills");
        assert_eq!(page.numbers(), (1..=counted).collect::<Vec<_>>());
        place.close(shell).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_holder_is_killed_its_shells_end_with_a_word_why_and_nothing_is_left() {
    in_a_vm(async |place| {
        let shell = place.create().await;
        let mut page = Page::open(place, shell).await;
        page.type_in(b"sleep 999 & (sleep 998 &) ; setsid sleep 888; echo rea''dy\r")
            .await;
        common::until("it runs", async || place.runs_apart("sleep 888")).await;
        let holder = place.holder().expect("a holder");
        assert!(
            Command::new("kill")
                .args(["-KILL", &holder])
                .status()
                .unwrap()
                .success()
        );
        loop {
            match page.viewer.next().await {
                Got::Frame(_) => {}
                Got::Closed(code, why) => {
                    assert_eq!(code, 4004);
                    assert!(why.contains("holds this node's shells"), "{why}");
                    break;
                }
                Got::Cut => panic!("cut without a word"),
            }
        }
        common::until("all has ended", async || {
            !place.runs("sleep 99") && !place.runs("sh -l")
        })
        .await;
        assert!(place.runs("sleep 888"), "what called setsid may live");
        let shell = place.create().await;
        let mut page = Page::open(place, shell).await;
        page.type_in(b"echo ali''ve\r").await;
        page.until("alive").await;
        assert_ne!(place.holder().expect("another holder"), holder);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_without_a_holder_leaves_is_ended_when_it_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    with_data(folder, nowhere, async |place| {
        let shell = place.create().await;
        let mut page = Page::open(place, shell).await;
        page.type_in(b"sleep 999 & (sleep 998 &) ; setsid sleep 888 & echo rea''dy\r")
            .await;
        page.until("ready").await;
        common::until("it runs", async || place.runs_apart("sleep 888")).await;
        place.signal("-KILL");
        place.start().await;
        common::until("all has ended", async || {
            !place.runs("sleep 99") && !place.runs("sh -l")
        })
        .await;
        assert!(place.runs("sleep 888"), "what called setsid may live");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_viewers_have_their_size_from_the_first_byte_of_the_profile() {
    in_a_vm(async |place| {
        let profile = "echo 'echo \"$(stty size)=size\"' > /root/.profile";
        place.bench.sh(&place.spec, profile).await;
        for round in 0..25_u16 {
            let opens = (0..4_u16).map(async |at| {
                let shell = place.create().await;
                let (cols, rows) = (81 + round + at * 50, 20 + round + at);
                let query = format!("&cols={cols}&rows={rows}");
                let viewer = attach(place.address, shell, &query).await;
                let mut viewer = viewer.unwrap();
                let seen = viewer.output_until(b"=size").await;
                let expected = format!("{rows} {cols}=size");
                assert!(
                    String::from_utf8_lossy(&seen).contains(&expected),
                    "{seen:?}"
                );
                place.close(shell).await;
            });
            futures_util::future::join_all(opens).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_opens_and_closes_leave_no_file_open_in_node_or_holder() {
    in_a_vm(async |place| {
        let node = place.child.as_ref().unwrap().id().to_string();
        let files = |pid: &str| fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        // What is opened once and kept is there after the first.
        open_and_close(place, 4).await;
        let holder = place.holder().expect("a holder");
        let before = (files(&node), files(&holder));
        for _ in 0..25 {
            open_and_close(place, 4).await;
        }
        // The callers' connections and the engine's may be kept for a while.
        let is_back = async || files(&node) <= before.0 + 10 && files(&holder) <= before.1 + 10;
        common::until("files are closed", is_back).await;
        let after = (files(&node), files(&holder));
        println!("files of node and holder before {before:?}, after {after:?}");
        assert_eq!(place.holder(), Some(holder));
    })
    .await;
}

async fn open_and_close(place: &Place<'_>, at_once: usize) {
    let opens = (0..at_once).map(async |_| {
        let shell = place.create().await;
        let mut page = Page::open(place, shell).await;
        page.type_in(b"echo ali''ve\r").await;
        page.until("alive").await;
        place.close(shell).await;
    });
    futures_util::future::join_all(opens).await;
}

/// Times from a key to its echo, sorted.
async fn echoes(place: &mut Place<'_>) -> Vec<Duration> {
    let shell = place.create().await;
    let mut page = Page::open(place, shell).await;
    page.type_in(b"echo rea''dy; cat >/dev/null\r").await;
    page.until("ready\r\n").await;
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let (seen, began) = (page.seen.len(), Instant::now());
        page.type_in(b"k").await;
        while page.seen.len() == seen {
            assert!(page.take().await);
        }
        times.push(began.elapsed());
    }
    place.close(shell).await;
    times.sort();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn a_key_is_echoed_as_fast_as_without_a_holder() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let print = |what: &str, times: Vec<Duration>| {
        let (p50, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        println!("echo of a key {what}: p50 {p50:?}, p95 {p95:?}");
    };
    with_data(folder, nowhere, async |place| {
        print("from the node's own PTY", echoes(place).await);
    })
    .await;
    in_a_vm(async |place| print("through the holder", echoes(place).await)).await;
}
