//! The helper for files in VMs of a real engine: brought, damaged, hindered.

use std::time::Duration;

use node::driver::DriverError;
use node_api::{error::NodeErrorCode, exec::FILES, vm::VmSpec};

use super::{
    bench::Bench,
    common,
    docker::on_docker,
    process::{process, start, through},
};

/// SSH_FXP_INIT, and the first bytes of the answer: a length, SSH_FXP_VERSION, 3.
const INIT: [u8; 9] = [0, 0, 0, 5, 1, 0, 0, 0, 3];
const VERSION: [u8; 5] = [2, 0, 0, 0, 3];

async fn greeted(bench: &Bench, spec: &VmSpec) {
    let mut process = process(bench, spec, &[FILES, "sftp"]).await;
    let out = through(&mut process, &INIT).await;
    assert_eq!(out.get(4..9), Some(&VERSION[..]), "{out:?}");
}

async fn refused(bench: &Bench, spec: &VmSpec) -> DriverError {
    let start = start(&[FILES, "sftp"]);
    let opened = bench.driver.vm_process(spec.id, &start).await;
    opened.err().expect("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_helper_for_files_is_brought_once_and_anew_where_it_is_not_whole() {
    on_docker(async |bench| {
        let spec = bench.vm("web1", 0).await;
        // Six at once find nothing there.
        futures_util::future::join_all((0..6).map(|_| greeted(bench, &spec))).await;
        let list = bench
            .sh(
                &spec,
                "ls -lnA /.minicloud | tail -n +2; ls -ldn /.minicloud",
            )
            .await;
        let lines: Vec<&str> = list.stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{list:?}");
        assert!(
            lines[0].starts_with("-r-xr-xr-x    1 0        0"),
            "{list:?}"
        );
        assert!(
            lines[1].starts_with("drwxr-xr-x    2 0        0"),
            "{list:?}"
        );
        let number = "ls -iA /.minicloud";
        let first = bench.sh(&spec, number).await.stdout;
        greeted(bench, &spec).await;
        assert_eq!(bench.sh(&spec, number).await.stdout, first);
        for damage in [
            "cd /.minicloud && for f in *; do : >$f; done",
            "cd /.minicloud && for f in *; do head -c 9000 $f >/tmp/f; cat /tmp/f >$f; done",
            "rm -r /.minicloud",
            "chmod 0 /.minicloud/*",
            "cd /.minicloud && for f in *; do rm $f; ln -s /bin/true $f; done",
        ] {
            bench.sh(&spec, damage).await;
            greeted(bench, &spec).await;
            assert_eq!(
                bench.sh(&spec, "ls -A /.minicloud | wc -l").await.stdout,
                "1\n"
            );
        }
        // What a symlink in its place points to is not written to.
        let pointed = bench.sh(&spec, "/bin/true && echo fine").await;
        assert_eq!(pointed.stdout, "fine\n");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_where_the_helper_goes_is_named_and_left_alone() {
    on_docker(async |bench| {
        let spec = bench.vm("web1", 0).await;
        for obstacle in [
            "ln -s /tmp /.minicloud",
            "ln -s /.minicloud /.minicloud",
            "ln -s nowhere /.minicloud",
            "echo mine >/.minicloud",
            "mkfifo /.minicloud",
        ] {
            bench.sh(&spec, obstacle).await;
            let look = "ls -A /tmp; ls -ld /.minicloud";
            let before = bench.sh(&spec, look).await.stdout;
            let refused = refused(bench, &spec).await;
            assert_eq!(
                refused.code,
                NodeErrorCode::Conflict,
                "{obstacle}: {refused}"
            );
            assert!(
                refused
                    .message
                    .contains("is in the way. Remove it there (rm -r /.minicloud)"),
                "{obstacle}: {refused}"
            );
            assert_eq!(bench.sh(&spec, look).await.stdout, before, "{obstacle}");
            bench.sh(&spec, "rm -r /.minicloud").await;
        }
        greeted(bench, &spec).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_without_a_shell_or_tools_is_told_what_is_missing() {
    on_docker(async |bench| {
        let spec = bench.vm("web1", 0).await;
        let run = async |argv: &[&str]| {
            let ran = bench.exec(spec.id, argv).await.expect("ran");
            assert_eq!(ran.exit_code, 0, "{argv:?}: {ran:?}");
        };
        run(&["mv", "/bin/sh", "/root/kept"]).await;
        let none = refused(bench, &spec).await;
        assert_eq!(none.code, NodeErrorCode::Conflict, "{none}");
        assert!(
            none.message
                .contains("/bin/sh of the VM, which does not run: "),
            "{none}"
        );
        assert!(none.message.contains("no such file"), "{none}");
        run(&["mv", "/root/kept", "/bin/sh"]).await;
        run(&["mv", "/bin/cat", "/root/cat"]).await;
        let tool = refused(bench, &spec).await;
        assert!(
            tool.message
                .contains("could not be put into /.minicloud there: "),
            "{tool}"
        );
        assert!(tool.message.contains("cat"), "{tool}");
        run(&["mv", "/root/cat", "/bin/cat"]).await;
        greeted(bench, &spec).await;
        // Once it is there, nothing else is needed.
        run(&["mv", "/bin/sh", "/root/kept"]).await;
        greeted(bench, &spec).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_place_of_the_helper_hurts_its_own_vm_alone() {
    on_docker(async |bench| {
        let spec = bench.vm("web1", 0).await;
        greeted(bench, &spec).await;
        let replace = async |script: &str| {
            let write = format!(
                "cd /.minicloud && for f in *; do rm $f; printf '#!/bin/sh\n{script}\n' >$f; chmod 755 $f; done"
            );
            bench.sh(&spec, &write).await;
        };
        replace("yes").await;
        let noise = refused(bench, &spec).await;
        assert_eq!(noise.code, NodeErrorCode::Conflict, "{noise}");
        assert!(noise.message.contains("something else runs in place of the helper"), "{noise}");
        replace("sleep 871").await;
        let began = std::time::Instant::now();
        let silence = refused(bench, &spec).await;
        assert_eq!(silence.code, NodeErrorCode::Timeout, "{silence}");
        assert!(silence.message.contains("rm -r /.minicloud"), "{silence}");
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        // Nobody has it any more.
        common::until("their end", async || {
            let list = "ps -o args | grep -c -e '^yes' -e '^sleep 871' -e '[.]minicloud'";
            bench.sh(&spec, list).await.stdout == "0\n"
        })
        .await;
        bench.sh(&spec, "rm -r /.minicloud").await;
        greeted(bench, &spec).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_that_is_missing_is_a_reason_and_not_a_crash() {
    on_docker(async |bench| {
        let spec = bench.vm("web1", 0).await;
        let without = bench.node_without_helper();
        let opened = without.vm_process(spec.id, &start(&[FILES, "sftp"])).await;
        let refused = opened.err().expect("refused");
        assert_eq!(refused.code, NodeErrorCode::Internal);
        assert!(
            refused.message.contains("/nowhere/minicloud-files"),
            "{refused}"
        );
    })
    .await;
}
