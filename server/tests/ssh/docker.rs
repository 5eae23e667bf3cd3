//! In real VMs, with `MINICLOUD_TEST_DOCKER=1`: what only an engine and real programs can show. More
//! rounds with `MINICLOUD_TEST_LONG=1`.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use node::driver::{
    Driver as _,
    docker::{DockerConfig, DockerDriver},
};

use crate::{
    client::{Client, finish},
    house::{House, Person, eventually},
};

/// For what takes a moment, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn is_long() -> bool {
    std::env::var("MINICLOUD_TEST_LONG").is_ok()
}

/// Runs a test on the real engine, and removes its VMs whatever comes of it.
pub async fn on_docker<F: Future<Output = ()>>(test: impl FnOnce(Arc<Client>) -> F) {
    on_docker_with(|_, ann| test(ann)).await;
}

/// The same with the whole server at hand.
pub async fn on_docker_with<F: Future<Output = ()>>(
    test: impl FnOnce(Arc<House>, Arc<Client>) -> F,
) {
    if std::env::var("MINICLOUD_TEST_DOCKER").as_deref() != Ok("1") {
        return;
    }
    let image = std::env::var("MINICLOUD_TEST_IMAGE").unwrap_or_else(|_| "minicloud/base".into());
    let config = DockerConfig {
        // The same for all nodes of the engine, whichever test they are of.
        lock_dir: "/tmp/minicloud-test-locks".into(),
        // Where `cargo xtask files` puts it.
        files: Path::new(env!("CARGO_BIN_EXE_minicloud-server")).with_file_name("minicloud-files"),
        ..DockerConfig::new(&format!("ssh-{}", uuid::Uuid::now_v7().simple()))
    };
    let driver = Arc::new(DockerDriver::new(config).unwrap());
    let made = AssertUnwindSafe(House::over(driver.clone(), &image))
        .catch_unwind()
        .await;
    let outcome = match made {
        Ok(house) => {
            let house = Arc::new(house);
            let ann = Arc::new(Client::of(&house, Person::Ann).await);
            let outcome = AssertUnwindSafe(test(house.clone(), ann))
                .catch_unwind()
                .await;
            let house = Arc::into_inner(house).expect("the test has let go of it");
            house.end().await;
            outcome
        }
        Err(panic) => Err(panic),
    };
    for vm in driver.vm_list().await.unwrap() {
        // A node beside this one may be sweeping its network away at that moment.
        eventually("it goes", async || {
            driver.vm_delete(vm.spec.id).await.is_ok()
        })
        .await;
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_is_as_sshd_does_it() {
    on_docker(async |ann| {
        let ran = ann.run("web1", &["echo out; echo err >&2; exit 42"]).await;
        assert_eq!(
            (ran.code, ran.text().as_str(), ran.err.as_str()),
            (42, "out\n", "err\n")
        );
        assert_eq!(ann.run("web1", &["pwd"]).await.text(), "/root\n");
        assert_eq!(ann.run("web1", &["kill -TERM $$"]).await.code, 143);
        assert_eq!(ann.run("web1", &["nothing-of-that-name"]).await.code, 127);
        // A pipe into a shell, as scripts use it.
        let ran = ann
            .run_with(&["-T"], "web1", &[], b"cd /tmp\npwd\nexit 5\n")
            .await;
        assert_eq!((ran.code, ran.text().as_str()), (5, "/tmp\n"), "{ran:?}");
        let set = ["-o", "SetEnv=LC_NAME=x LANG=de_DE.UTF-8 EVIL=y"];
        let ran = ann
            .run_with(&set, "web1", &["echo $LC_NAME-$LANG-$EVIL"], b"")
            .await;
        assert_eq!(ran.text(), "x-de_DE.UTF-8-\n");
        let rounds = if is_long() { 1_000 } else { 40 };
        for number in 0..rounds {
            let ran = ann.run("web1", &[&format!("echo {number}")]).await;
            assert_eq!(
                (ran.code, ran.text()),
                (0, format!("{number}\n")),
                "{ran:?}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_come_whole_in_every_direction() {
    on_docker(async |ann| {
        let rounds = if is_long() { 30 } else { 2 };
        for _ in 0..rounds {
            let ran = ann.run("web1", &["head -c 52428800 /dev/urandom"]).await;
            assert_eq!((ran.code, ran.out.len()), (0, 52_428_800), "{}", ran.err);
        }
        let sent: Vec<u8> = (0..52_428_800_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let there = ann.run_with(&[], "web1", &["wc -c; exit 3"], &sent).await;
        assert_eq!(
            (there.code, there.text().trim()),
            (3, "52428800"),
            "{there:?}"
        );
        // Both at once: neither may wait for the other for ever.
        let back = ann.run_with(&[], "web1", &["cat"], &sent).await;
        assert_eq!(back.code, 0, "{}", back.err);
        assert!(back.out == sent, "{} bytes came back", back.out.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_be_silent_while_its_client_asks_whether_anybody_is_there() {
    on_docker(async |ann| {
        let seconds = if is_long() { 65 } else { 12 };
        // Without an answer the client would end it long before.
        let asks = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=8"];
        let command = format!("sleep {seconds}; echo ok; exit 7");
        let ran = ann.run_with(&asks, "web1", &[&command], b"").await;
        assert_eq!((ran.code, ran.text().as_str()), (7, "ok\n"), "{ran:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_one() {
    on_docker(async |ann| {
        let typed = b"stty size; echo $TERM; tty | head -c 5; echo; exit 9\n";
        let mut command = ann.command(&["-tt"], "web1", &[]);
        command.env("TERM", "xterm-256color");
        let ran = finish(command.spawn().unwrap(), typed).await;
        assert_eq!(ran.code, 9, "{ran:?}");
        for words in ["24 80\r\n", "xterm-256color\r\n", "/dev/\r\n"] {
            assert!(ran.text().contains(words), "{words:?}: {ran:?}");
        }
        // ssh -t VM COMMAND: a terminal, and the command's exit code.
        let ran = ann
            .run_with(&["-tt"], "web1", &["tty >/dev/null && exit 6"], b"")
            .await;
        assert_eq!(ran.code, 6, "{ran:?}");
    })
    .await;
}

/// How many processes of web1 have these words in their command line.
pub async fn count(ann: &Client, words: &str) -> usize {
    let (first, rest) = words.split_at(1);
    let ran = ann
        .run("web1", &[&format!("ps | grep -c '[{first}]{rest}'")])
        .await;
    ran.text().trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_who_has_gone() {
    on_docker(async |ann| {
        for (options, words) in [
            (&[][..], "sleep 4321 & sleep 4322"),
            (&["-tt"], "sleep 4321 & sleep 4322"),
        ] {
            let mut child = ann.command(options, "web1", &[words]).spawn().unwrap();
            let begun = Instant::now();
            while count(&ann, "sleep 432").await < 2 {
                assert!(begun.elapsed() < PATIENCE, "{options:?}: it does not begin");
            }
            child.kill().await.unwrap();
            let begun = Instant::now();
            while count(&ann, "sleep 432").await > 0 {
                assert!(begun.elapsed() < PATIENCE, "{options:?}: something is left");
            }
        }
    })
    .await;
}
