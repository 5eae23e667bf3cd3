//! A VM of a real engine that has as many processes as it may.

use node_api::{
    error::NodeErrorCode,
    vm::{PowerState, VmSpec},
};
use tokio::io::AsyncWriteExt as _;

use super::{bench::Bench, docker::on_docker};

/// What is said there, and what to do about it.
const FULL: &str = "web1 has no room for another process (";
/// Commands, and terminals, that are tried: the engine may get one in, as it happens.
const TRIES: usize = 5;

/// Until no more can be made: a shell ends where it cannot, and leaves those it has.
const FILL: &str = "while :; do sleep 3600 & done";

async fn filled(bench: &Bench) -> VmSpec {
    let mut spec = bench.spec("web1", 0);
    // For so many, small as they are.
    spec.memory_mib = 256;
    bench.driver.vm_create(&spec, true).await.expect("created");
    let fill = format!("({FILL}) >/dev/null 2>&1 </dev/null");
    bench.sh(&spec, &fill).await;
    let usage = bench.driver.vm_usage(spec.id).await.expect("told");
    println!("{} processes", usage.processes);
    assert!(usage.processes >= 250, "{usage:?}");
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_full_vm_runs_or_is_refused_in_words() {
    on_docker(async |bench| {
        let spec = filled(bench).await;
        let mut refused = 0;
        for _ in 0..TRIES {
            match bench.exec(spec.id, &["true"]).await {
                Ok(ran) => assert_eq!((ran.exit_code, ran.mixed.as_str()), (0, "")),
                Err(error) => {
                    assert_eq!(error.code, NodeErrorCode::Conflict);
                    assert!(error.message.starts_with(FULL), "{error}");
                    refused += 1;
                }
            }
        }
        println!("{refused} of {TRIES} commands were refused");
        let stopped = bench.driver.vm_stop(spec.id).await.expect("stopped");
        assert_eq!(stopped.power, PowerState::Exited);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_in_a_full_vm_has_a_shell_or_says_why_not() {
    on_docker(async |bench| {
        let spec = filled(bench).await;
        let mut refused = 0;
        for _ in 0..TRIES {
            let mut terminal = bench.terminal(&spec, 80, 24).await;
            // Of one that was refused the input may be closed already.
            let _ = terminal.tty.input.write_all(b"echo he''re; exit\r").await;
            terminal.drain().await;
            let text = terminal.text();
            if text.contains("\nhere\r\n") {
                continue;
            }
            assert!(text.contains(FULL), "{text:?}");
            assert!(!text.contains("OCI"), "{text:?}");
            refused += 1;
        }
        println!("{refused} of {TRIES} terminals were refused");
    })
    .await;
}
