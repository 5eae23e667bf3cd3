//! Shells over WebSockets in VMs of a real engine (with `MINICLOUD_TEST_DOCKER=1`). What is only a
//! matter of speed is measured by `script/bench`.
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
    future::pending,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bench::Bench;
use futures_util::future::join_all;
use node::{
    hold::{self, HolderConfig},
    shell::{
        ShellLimits, ShellRegistry,
        frame::{NodeFrame, ViewerFrame},
    },
};
use node_api::{shell::ShellCreate, vm::VmSpec};
use sha2::{Digest, Sha256};
use tokio::net::UnixListener;
use uuid::Uuid;
use viewer::Viewer;

/// A VM with shells.
struct Place<'a> {
    bench: &'a Bench,
    spec: VmSpec,
    shells: Arc<ShellRegistry>,
    address: SocketAddr,
}

async fn in_a_vm(limits: ShellLimits, test: impl AsyncFnOnce(&Place<'_>)) {
    let Some(bench) = Bench::docker().await else {
        return;
    };
    bench
        .run(async |bench: &Bench| {
            let spec = bench.vm("web1", 0).await;
            let folder = tempfile::tempdir().unwrap();
            let config = holder(bench, &folder);
            let shells = ShellRegistry::with_holder(bench.driver.clone(), limits, Some(config));
            let address = viewer::serve(shells.clone()).await;
            test(&Place {
                bench,
                spec,
                shells,
                address,
            })
            .await;
        })
        .await;
}

/// A holder, as every node of a real engine has one; here it lives in this process.
fn holder(bench: &Bench, folder: &tempfile::TempDir) -> HolderConfig {
    let listener = UnixListener::bind(folder.path().join("holder.sock")).unwrap();
    let limits = hold::Limits::default();
    tokio::spawn(hold::serve(
        listener,
        bench.driver.clone(),
        limits,
        pending(),
    ));
    HolderConfig {
        folder: folder.path().to_owned(),
        start: None,
    }
}

impl Place<'_> {
    async fn create(&self, cols: u16, rows: u16) -> Uuid {
        let id = Uuid::now_v7();
        self.shells
            .create(self.spec.id, ShellCreate::new(id, cols, rows))
            .await
            .unwrap();
        id
    }

    async fn attach(&self, shell: Uuid, client: u64) -> Viewer {
        Viewer::attach(self.address, shell, client, "").await
    }

    async fn processes(&self) -> Vec<String> {
        bench::lines(&["top", &format!("mc-{}", self.spec.id), "-eo", "pid,args"])
    }
}

/// Types from where this client is.
async fn type_in(viewer: &mut Viewer, at: &mut u64, text: &str) {
    viewer.type_at(*at, text.to_owned()).await;
    *at += text.len() as u64;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_is_right_at_the_first_prompt_in_two_hundred_opens() {
    in_a_vm(ShellLimits::default(), async |place| {
        for round in 0..50_u16 {
            let opens = (0..4_u16).map(async |at| {
                let (cols, rows) = (60 + round + at * 50, 20 + round % 40 + at);
                let shell = place.create(cols, rows).await;
                let query = format!("&cols={cols}&rows={rows}");
                let mut viewer = Viewer::attach(place.address, shell, 1, &query).await;
                viewer.type_at(0, "echo \"<$(stty size)>\"; exit\r").await;
                let expected = format!("<{rows} {cols}>");
                viewer.output_until(expected.as_bytes()).await;
            });
            join_all(opens).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_size_set_right_after_the_opening_stays() {
    in_a_vm(ShellLimits::default(), async |place| {
        let shell = place.create(80, 24).await;
        let mut viewer = Viewer::attach(place.address, shell, 1, "&cols=91&rows=33").await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        viewer.type_at(0, "echo \"<$(stty size)>\"\r").await;
        viewer.output_until(b"<33 91>").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_opens_and_closes_leave_nothing_behind() {
    in_a_vm(ShellLimits::default(), async |place| {
        let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        // Init and its script, which have the words in them, and a process of its own by which it waits. (Ubuntu's BusyBox lists that by
        // the script's name.)
        common::until("the VM is at rest", async || {
            let with_words = |line: &&String| line.contains("sleep 2147483647");
            place.processes().await.iter().filter(with_words).count() == 3
        })
        .await;
        let before = (place.processes().await.len(), files());
        for _ in 0..25 {
            let opens = (0..4).map(async |client| {
                let shell = place.create(80, 24).await;
                let mut viewer = place.attach(shell, client).await;
                viewer
                    .type_at(0, "sleep 999 & (sleep 998 &) ; echo rea''dy\r")
                    .await;
                viewer.output_until(b"ready").await;
                place.shells.close(shell).await.unwrap();
                assert_eq!(viewer.closed().await, 4001);
            });
            join_all(opens).await;
        }
        // Who was killed is listed until the VM's init has reaped it.
        common::until("nothing of them runs", async || {
            place.processes().await.len() <= before.0
        })
        .await;
        assert!(place.shells.list(place.spec.id).is_empty());
        // The runtime may keep a few open for a moment.
        viewer::until("files are closed", || files() <= before.1 + 10).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_ends_at_once_on_ctrl_c() {
    in_a_vm(ShellLimits::default(), async |place| {
        let shell = place.create(80, 24).await;
        let mut viewer = place.attach(shell, 1).await;
        let mut at = 0;
        type_in(&mut viewer, &mut at, "yes flood; echo sto''pped\r").await;
        let began = Instant::now();
        let mut pressed = None;
        loop {
            let (offset, bytes) = viewer.output().await;
            viewer.send(ViewerFrame::Ack(offset)).await;
            if pressed.is_none() && began.elapsed() > Duration::from_secs(2) {
                type_in(&mut viewer, &mut at, "\x03").await;
                pressed = Some(Instant::now());
                continue;
            }
            if let Some(pressed) = pressed
                && (bytes.windows(2).any(|two| two == b"^C") || bytes.ends_with(b"# "))
            {
                println!("Ctrl-C stopped `yes` after {:?}", pressed.elapsed());
                // By itself it never ends.
                assert!(pressed.elapsed() < Duration::from_secs(30));
                break;
            }
        }
        type_in(&mut viewer, &mut at, "echo ali''ve\r").await;
        viewer.output_until(b"alive").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_small_writes_comes_in_some_hundred_frames_a_second() {
    in_a_vm(ShellLimits::default(), async |place| {
        let shell = place.create(80, 24).await;
        let mut viewer = place.attach(shell, 1).await;
        // BusyBox writes each line by itself.
        type_in(&mut viewer, &mut 0, "yes\r").await;
        let began = Instant::now();
        let (mut frames, mut bytes) = (0, 0);
        while began.elapsed() < Duration::from_secs(3) {
            let (offset, output) = viewer.output().await;
            viewer.send(ViewerFrame::Ack(offset)).await;
            if began.elapsed() > Duration::from_secs(1) {
                frames += 1;
                bytes += output.len();
            }
        }
        println!(
            "{} frames a second, of {} bytes",
            frames / 2,
            bytes / frames.max(1)
        );
        // One in 3 ms are 333.
        assert!(frames / 2 < 1_000, "{frames} frames in two seconds");
        assert!(bytes > 50_000, "{bytes}: it is no flood");
    })
    .await;
}

/// Two gigabytes are promised; a debug build takes minutes for them, and `script/test --long` gives it those.
fn unwatched() -> (&'static str, Duration) {
    match std::env::var("MINICLOUD_TEST_LONG") {
        Ok(_) => ("2G", Duration::from_secs(540)),
        Err(_) => ("300M", Duration::from_secs(120)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_nobody_watches_finishes() {
    in_a_vm(ShellLimits::default(), async |place| {
        let (size, patience) = unwatched();
        let shell = place.create(80, 24).await;
        let mut viewer = place.attach(shell, 1).await;
        let command = format!("yes | head -c {size}; touch /tmp/finished\r");
        viewer.type_at(0, command).await;
        viewer.input_ack(1).await;
        drop(viewer);
        let began = Instant::now();
        common::until_within(patience, "it finished", async || {
            place
                .bench
                .sh(&place.spec, "test -e /tmp/finished")
                .await
                .exit_code
                == 0
        })
        .await;
        println!("{size} with nobody attached: {:?}", began.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paste_through_disconnects_arrives_whole_in_the_vm() {
    in_a_vm(ShellLimits::default(), async |place| {
        const PASTE: usize = 1024 * 1024;
        let shell = place.create(80, 24).await;
        let command = "stty raw -echo; echo rea''dy; head -c 1048576 | sha256sum; stty sane\r";
        let mut viewer = place.attach(shell, 1).await;
        viewer.type_at(0, command).await;
        viewer.output_until(b"ready").await;
        drop(viewer);
        let paste: Vec<u8> = (0..PASTE).map(|at| (at * 31 % 251) as u8).collect();
        let first = command.len();
        let mut disconnects = 0;
        loop {
            let mut viewer = place.attach(shell, 1).await;
            let mut sent = viewer.hello().input_offset as usize - first;
            let stop = if disconnects < 10 {
                sent + PASTE / 11
            } else {
                PASTE
            };
            while sent < PASTE.min(stop) {
                let end = PASTE.min(sent + 8_000);
                viewer
                    .type_at((first + sent) as u64, paste[sent..end].to_vec())
                    .await;
                sent = end;
            }
            if sent == PASTE {
                let sum = Sha256::digest(&paste);
                let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
                viewer.output_until(hex.as_bytes()).await;
                return;
            }
            disconnects += 1;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_are_told_apart() {
    in_a_vm(ShellLimits::default(), async |place| {
        let shell = place.create(80, 24).await;
        let mut viewer = place.attach(shell, 1).await;
        viewer.type_at(0, "exit 7\r").await;
        let code = viewer.find(|frame| match frame {
            NodeFrame::Exit(code) => Some(code),
            _ => None,
        });
        assert_eq!(code.await, 7);
        assert_eq!(viewer.closed().await, 4001);

        let shell = place.create(80, 24).await;
        let mut viewer = place.attach(shell, 1).await;
        viewer.output_until(b"# ").await;
        place.bench.driver.vm_stop(place.spec.id).await.unwrap();
        assert_eq!(viewer.closed().await, 4010);
    })
    .await;
}
