//! Faults of an engine that is the test's own: one that cannot start things, one that is stopped,
//! one that is killed. Needs root, dockerd and runc, as the other tests of the real engine.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use node::driver::{
    Driver,
    docker::{DockerConfig, DockerDriver},
};
use node_api::{
    error::NodeErrorCode,
    exec::ExecRequest,
    vm::{PowerState, VmSpec},
};

use super::{bench::image_tar, common};

/// A Docker engine of the test's own.
struct PrivateEngine {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl PrivateEngine {
    /// None where the real engine is not to be used.
    fn start() -> Option<Self> {
        if std::env::var("MINICLOUD_TEST_DOCKER").as_deref() != Ok("1") {
            eprintln!("skipped: MINICLOUD_TEST_DOCKER is not 1");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        write_runtime(folder.path());
        let daemon = spawn(folder.path());
        let engine = Self { folder, daemon };
        engine.wait();
        let tar = image_tar();
        engine.docker(&["import", &tar.to_string_lossy(), "minicloud/base"]);
        fs::remove_file(tar).expect("removed");
        Some(engine)
    }

    fn socket(&self) -> String {
        format!(
            "unix://{}",
            self.folder.path().join("docker.sock").display()
        )
    }

    fn driver(&self) -> DockerDriver {
        let config = DockerConfig {
            host: self.socket(),
            lock_dir: self.folder.path().join("locks"),
            trial_every: Duration::from_secs(1),
            ..DockerConfig::new("test-private")
        };
        DockerDriver::new(config).expect("a driver")
    }

    /// While this is there, the runtime starts nothing.
    fn set_broken(&self, broken: bool) {
        let flag = self.folder.path().join("broken");
        if broken {
            fs::write(flag, "").expect("written");
        } else {
            fs::remove_file(flag).expect("removed");
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.daemon.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    /// At once; fine where it has ended.
    fn kill(&mut self) {
        let _ = self.daemon.kill();
        self.daemon.wait().expect("ended");
    }

    fn restart(&mut self) {
        // Its containerd died with it. Where the machine's init does not reap the dead, the engine
        // would take this one for alive.
        let pid = self.folder.path().join("exec/containerd/containerd.pid");
        fs::remove_file(pid).expect("removed");
        self.daemon = spawn(self.folder.path());
        self.wait();
    }

    fn wait(&self) {
        let began = Instant::now();
        while !self.try_docker(&["version"]) {
            assert!(
                began.elapsed() < Duration::from_secs(40),
                "dockerd: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn docker(&self, args: &[&str]) {
        assert!(self.try_docker(args), "{args:?}");
    }

    fn try_docker(&self, args: &[&str]) -> bool {
        let output = Command::new("docker")
            .arg("-H")
            .arg(self.socket())
            .args(args)
            .output();
        output.expect("docker").status.success()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        self.signal("CONT");
        let list = Command::new("docker")
            .arg("-H")
            .arg(self.socket())
            .args(["ps", "-aq"])
            .output();
        for id in String::from_utf8_lossy(&list.expect("docker").stdout).lines() {
            self.try_docker(&["rm", "-f", id]);
        }
        self.signal("TERM");
        let began = Instant::now();
        while matches!(self.daemon.try_wait(), Ok(None))
            && began.elapsed() < Duration::from_secs(15)
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kill();
        // The engine leaves its data folder mounted on itself.
        let data = self.folder.path().join("data");
        let _ = Command::new("umount").arg("--lazy").arg(data).output();
    }
}

/// runc, unless the file `broken` is there: then it starts nothing, and says why where it is told to.
fn write_runtime(folder: &Path) {
    let path = folder.join("runtime");
    let script = format!(
        r#"#!/bin/sh
create= log= before=
for word in "$@"; do
  [ "$before" = --log ] && log=$word
  [ "$word" = create ] && create=yes
  before=$word
done
if [ -n "$create" ] && [ -e "{}" ]; then
  echo '{{"level":"error","msg":"could not find bridge docker0","time":"2026-01-01T00:00:00Z"}}' >>"$log"
  exit 1
fi
exec runc "$@"
"#,
        folder.join("broken").display()
    );
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
}

fn spawn(folder: &Path) -> Child {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("a log");
    let at = |name: &str| folder.join(name).display().to_string();
    Command::new("dockerd")
        .arg(format!("--data-root={}", at("data")))
        .arg(format!("--exec-root={}", at("exec")))
        .arg(format!("--pidfile={}", at("pid")))
        .arg(format!("--host=unix://{}", at("docker.sock")))
        .arg(format!("--add-runtime=flaky={}", at("runtime")))
        .args([
            "--default-runtime=flaky",
            "--bridge=none",
            "--iptables=false",
            "--ip-masq=false",
        ])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("dockerd")
}

fn vm(owner: u128) -> VmSpec {
    common::spec("web1", owner)
}

async fn degraded(driver: &DockerDriver) -> Option<String> {
    driver.engine().await.engine.degraded
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_nothing_degrades_and_heals_by_a_trial() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let (good, bad) = (vm(0xf001), vm(0xf002));
    driver.vm_create(&good, true).await.expect("created");
    engine.set_broken(true);
    let first = driver.vm_create(&bad, true).await.expect_err("broken");
    assert_eq!(first.code, NodeErrorCode::Engine, "{first}");
    assert_eq!(degraded(&driver).await, None);
    driver.vm_start(bad.id).await.expect_err("broken");
    let reason = degraded(&driver).await.expect("degraded");
    assert!(reason.contains("could not find bridge docker0"), "{reason}");
    // Trials fail as well, leave nothing, and what runs runs on.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(degraded(&driver).await.is_some());
    assert_eq!(
        driver.vm_get(good.id).await.expect("there").power,
        PowerState::Running
    );
    assert_eq!(driver.vm_list().await.expect("a list").len(), 2);
    let failed = driver
        .vm_get(bad.id)
        .await
        .expect("there")
        .exit
        .expect("why it does not run");
    assert!(
        failed.error.contains("could not find bridge docker0"),
        "{failed:?}"
    );
    engine.set_broken(false);
    common::until("healed by a trial", async || {
        degraded(&driver).await.is_none()
    })
    .await;
    assert_eq!(
        driver.vm_start(bad.id).await.expect("started").power,
        PowerState::Running
    );
    assert_eq!(driver.vm_list().await.expect("a list").len(), 2);
    for spec in [good, bad] {
        driver.vm_delete(spec.id).await.expect("deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_engine_degrades_within_seconds_and_comes_back() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let spec = vm(0xf003);
    driver.vm_create(&spec, true).await.expect("created");
    engine.signal("STOP");
    let began = Instant::now();
    let reason = degraded(&driver).await.expect("degraded");
    assert!(reason.contains("did not answer"), "{reason}");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    let capacity = driver.engine().await.capacity;
    assert!(capacity.memory_mib > 0, "what was known stays known");
    engine.signal("CONT");
    common::until("back", async || degraded(&driver).await.is_none()).await;
    assert_eq!(
        driver.vm_list().await.expect("a list")[0].power,
        PowerState::Running
    );
    driver.vm_delete(spec.id).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_engine_was_killed_its_vms_are_seen_and_start_again_with_their_files() {
    let Some(mut engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let spec = vm(0xf004);
    driver.vm_create(&spec, true).await.expect("created");
    let run = async |script: &str| {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).into();
        let request = ExecRequest {
            argv,
            timeout_s: 10,
        };
        driver.vm_exec(spec.id, &request).await
    };
    run("echo kept > /root/file").await.expect("ran");
    let mut events = driver.events();
    engine.kill();
    assert!(degraded(&driver).await.is_some());
    assert_eq!(
        driver.vm_list().await.expect_err("away").code,
        NodeErrorCode::EngineAway
    );
    engine.restart();
    common::until("back", async || degraded(&driver).await.is_none()).await;
    let power = driver.vm_get(spec.id).await.expect("there").power;
    assert_eq!(
        power,
        PowerState::Exited,
        "without live-restore it went down with the engine"
    );
    common::until("started", async || driver.vm_start(spec.id).await.is_ok()).await;
    assert_eq!(run("cat /root/file").await.expect("ran").stdout, "kept\n");
    // The stream of events came back, too.
    let heard = tokio::time::timeout(Duration::from_secs(10), async {
        while events.recv().await.expect("an event").vm_id != spec.id {}
    });
    heard.await.expect("an event within 10 s");
    driver.vm_delete(spec.id).await.expect("deleted");
}
