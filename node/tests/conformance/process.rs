//! Commands with streams, on both drivers.

use std::time::Duration;

use futures_util::StreamExt;
use node::driver::{Piece, Process, ProcessSignal};
use node_api::{
    error::NodeErrorCode,
    exec::{ExecStart, FILES},
    vm::VmSpec,
};
use tokio::io::AsyncWriteExt;

use super::bench::Bench;

const PATIENCE: Duration = Duration::from_secs(60);

pub fn start(argv: &[&str]) -> ExecStart {
    ExecStart {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: vec![("MC_TEST".into(), "a b=c".into())],
    }
}

pub async fn process(bench: &Bench, spec: &VmSpec, argv: &[&str]) -> Process {
    let opened = bench.driver.vm_process(spec.id, &start(argv)).await;
    opened.expect("started")
}

/// What it printed on each stream, and its exit code.
async fn ended(process: &mut Process) -> (Vec<u8>, Vec<u8>, i32) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let read = async {
        while let Some(piece) = process.output.next().await {
            match piece.expect("output") {
                Piece::Stdout(bytes) => out.extend_from_slice(&bytes),
                Piece::Stderr(bytes) => err.extend_from_slice(&bytes),
            }
        }
        loop {
            if let Some(code) = process.control.exit_code().await.expect("known") {
                return code;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let code = tokio::time::timeout(PATIENCE, read).await.expect("its end");
    (out, err, code)
}

on_both! {

async fn a_command_gives_back_the_bytes_it_is_given_whatever_they_are(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut process = process(bench, &spec, &["cat"]).await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at * 31 % 251) as u8).chain(0..=255).collect();
    let mut input = std::mem::replace(&mut process.input, Box::pin(tokio::io::sink()));
    let given = bytes.clone();
    let giving = tokio::spawn(async move {
        input.write_all(&given).await.expect("written");
        input.shutdown().await.expect("ended");
        input
    });
    let (out, err, code) = ended(&mut process).await;
    giving.await.expect("given");
    assert_eq!((out == bytes, err.len(), code), (true, 0, 0));
}

async fn a_command_that_does_not_read_ends_all_the_same(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut process = process(bench, &spec, &["/bin/sh", "-c", "echo done; exit 7"]).await;
    let (out, _, code) = ended(&mut process).await;
    assert_eq!((out.as_slice(), code), (&b"done\n"[..], 7));
}

async fn a_signal_reaches_a_command_and_its_code_tells_it(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut process = process(bench, &spec, &["sleep", "300"]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    process.control.signal(ProcessSignal::Term).await.expect("signalled");
    assert_eq!(ended(&mut process).await.2, 143);
}

async fn a_command_ends_with_its_vm(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut process = process(bench, &spec, &["sleep", "300"]).await;
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    let (_, _, code) = ended(&mut process).await;
    assert_ne!(code, 0);
}

async fn a_port_is_connected_to_where_something_listens_and_only_there(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    bench.echo_on_port_7(&spec).await;
    let mut connection = bench.driver.vm_connect(spec.id, 7).await.expect("connected");
    assert_eq!(through(&mut connection, b"\0 to and fro \xff").await, b"\0 to and fro \xff");
    let refused = bench.driver.vm_connect(spec.id, 9).await.err().expect("refused");
    assert_eq!(refused.code, NodeErrorCode::Conflict);
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    let refused = bench.driver.vm_connect(spec.id, 7).await.err().expect("refused");
    assert_eq!(refused.code, NodeErrorCode::Conflict);
}

async fn no_command_starts_in_a_vm_that_does_not_run_or_is_not_there(bench: &Bench) {
    let spec = bench.spec("web1", 0);
    bench.driver.vm_create(&spec, false).await.expect("created");
    let refused = bench.driver.vm_process(spec.id, &start(&["true"])).await;
    assert_eq!(refused.err().expect("refused").code, NodeErrorCode::Conflict);
    let refused = bench.driver.vm_process(uuid::Uuid::now_v7(), &start(&["true"])).await;
    assert_eq!(refused.err().expect("refused").code, NodeErrorCode::NotFound);
}

}

/// What comes back through a connection that is given this.
pub async fn through(process: &mut Process, given: &[u8]) -> Vec<u8> {
    process.input.write_all(given).await.expect("written");
    process.input.shutdown().await.expect("ended");
    ended(process).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_engine_has_no_files() {
    Bench::sim()
        .run(async |bench| {
            let spec = bench.vm("web1", 0).await;
            let start = start(&[FILES, "sftp"]);
            let opened = bench.driver.vm_process(spec.id, &start).await;
            let refused = opened.err().expect("refused");
            assert!(
                refused.message.contains("files cannot be copied here"),
                "{refused}"
            );
        })
        .await;
}

/// What only a real engine has.
mod real {
    use super::{super::docker::on_docker, *};

    #[tokio::test(flavor = "multi_thread")]
    async fn streams_come_apart_and_the_environment_is_added() {
        on_docker(async |bench| {
            let spec = bench.vm("web1", 0).await;
            let script = "echo \"$MC_TEST\"; echo oops >&2; head -c 3 /dev/zero; exit 42";
            let mut process = process(bench, &spec, &["/bin/sh", "-c", script]).await;
            let (out, err, code) = ended(&mut process).await;
            assert_eq!(out, b"a b=c\n\0\0\0");
            assert_eq!((err.as_slice(), code), (&b"oops\n"[..], 42));
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn fifty_megabytes_come_whole_with_the_input_ended_at_once() {
        on_docker(async |bench| {
            let spec = bench.vm("web1", 0).await;
            for round in 0..5 {
                let argv = ["head", "-c", "52428800", "/dev/zero"];
                let mut process = process(bench, &spec, &argv).await;
                process.input.shutdown().await.expect("ended");
                let (out, _, code) = ended(&mut process).await;
                assert_eq!((out.len(), code), (52_428_800, 0), "round {round}");
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_of_an_ended_command_stays_background_jobs_included() {
        on_docker(async |bench| {
            let spec = bench.vm("web1", 0).await;
            for driver in [bench.driver.clone(), bench.blind_node()] {
                let script = "trap '' HUP; /bin/sleep 876 & (/bin/sleep 877 &) ; /bin/sleep 878";
                let opened = driver
                    .vm_process(spec.id, &start(&["/bin/sh", "-c", script]))
                    .await;
                let opened = opened.expect("started");
                super::super::common::until("its sleeps", async || sleeps(bench, &spec).await == 3)
                    .await;
                opened.control.kill().await.expect("killed");
                super::super::common::until("their end", async || sleeps(bench, &spec).await == 0)
                    .await;
            }
        })
        .await;
    }

    /// Whoever waited for it has gone.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_command_that_nobody_waits_for_any_more_ends() {
        on_docker(async |bench| {
            let spec = bench.vm("web1", 0).await;
            let start = start(&["sleep", "872"]);
            for wait_ms in [1, 10, 30, 60] {
                let opening = bench.driver.vm_process(spec.id, &start);
                let waited = tokio::time::timeout(Duration::from_millis(wait_ms), opening).await;
                if let Ok(Ok(opened)) = waited {
                    opened.control.kill().await.expect("killed");
                }
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            super::super::common::until("their end", async || sleeps(bench, &spec).await == 0)
                .await;
        })
        .await;
    }

    async fn sleeps(bench: &Bench, spec: &VmSpec) -> usize {
        let list = bench
            .sh(spec, "ps -o args | grep -E '^(/bin/)?sleep 87' || true")
            .await;
        list.stdout.lines().count()
    }
}
