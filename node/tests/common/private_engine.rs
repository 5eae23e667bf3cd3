//! A Docker engine of a test's own, to be stopped, killed and broken. The server's tests use it as well.
#![allow(dead_code)] // each test file uses its own part

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use node::driver::docker::{DockerConfig, DockerDriver};

/// A Docker engine of the test's own.
pub struct PrivateEngine {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl PrivateEngine {
    /// None where the real engine is not to be used.
    pub fn start() -> Option<Self> {
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

    pub fn socket(&self) -> String {
        format!(
            "unix://{}",
            self.folder.path().join("docker.sock").display()
        )
    }

    pub fn driver(&self) -> DockerDriver {
        let config = DockerConfig {
            host: self.socket(),
            lock_dir: self.folder.path().join("locks"),
            trial_every: Duration::from_secs(1),
            files: helper(),
            ..DockerConfig::new("test-private")
        };
        DockerDriver::new(config).expect("a driver")
    }

    /// While this is there, the runtime starts nothing.
    pub fn set_broken(&self, broken: bool) {
        let flag = self.folder.path().join("broken");
        if broken {
            fs::write(flag, "").expect("written");
        } else {
            fs::remove_file(flag).expect("removed");
        }
    }

    /// It answers nothing from here on, until `resume`.
    pub fn pause(&self) {
        self.signal("STOP");
        // A signal that was sent has not stopped the last thread yet: one may still answer.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.is_stopped() {
            assert!(Instant::now() < deadline, "the engine stops in time");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.daemon.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    /// All of its threads.
    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.daemon.id()));
        let mut threads = threads.expect("it runs").flatten();
        threads.all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // Its name, in brackets, may hold anything.
            stat.rsplit_once(") ")
                .is_none_or(|(_, rest)| rest.starts_with('T'))
        })
    }

    /// At once; fine where it has ended.
    pub fn kill(&mut self) {
        let _ = self.daemon.kill();
        self.daemon.wait().expect("ended");
    }

    pub fn restart(&mut self) {
        // Its containerd died with it. Where the machine's init does not reap the dead, the engine
        // would take this one for alive.
        let pid = self.folder.path().join("exec/containerd/containerd.pid");
        fs::remove_file(pid).expect("removed");
        self.daemon = spawn(self.folder.path());
        self.wait();
    }

    fn wait(&self) {
        let began = Instant::now();
        while self.try_docker(&["version"]).is_none() {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "dockerd: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What it printed.
    pub fn docker(&self, args: &[&str]) -> String {
        let said = self.try_docker(args);
        said.unwrap_or_else(|| panic!("{args:?}"))
    }

    fn try_docker(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("docker")
            .arg("-H")
            .arg(self.socket())
            .args(args)
            .output();
        let output = output.expect("docker");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(said)
    }

    /// Lets those go who wait for somebody at the other end of a FIFO in place of a VM's list of users.
    pub fn open_fifos(&self) {
        let found = Command::new("find")
            .arg(self.folder.path().join("data"))
            .args(["-path", "*/etc/passwd", "-type", "p"])
            .output();
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        for path in String::from_utf8_lossy(&found.expect("find").stdout).lines() {
            // Nobody may be there.
            let _ = fs::File::options()
                .write(true)
                .custom_flags(nonblock)
                .open(path);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The helper for files as it was built, two above the test's own program.
fn helper() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let folder = program.ancestors().nth(2).expect("a folder");
    folder.join("minicloud-files")
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        self.signal("CONT");
        self.open_fifos();
        let list = Command::new("docker")
            .arg("-H")
            .arg(self.socket())
            .args(["ps", "-aq"])
            .output();
        for id in String::from_utf8_lossy(&list.expect("docker").stdout).lines() {
            self.try_docker(&["rm", "-f", id]);
        }
        // Bridges are the host's, and would outlive the engine.
        self.try_docker(&["network", "prune", "--force"]);
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
    // In a network namespace of its own: an engine without a bridge removes the one that is there, which is
    // the machine's engine's.
    Command::new("unshare")
        .args(["--net", "--", "dockerd"])
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

/// What a docker command prints.
pub fn lines(args: &[&str]) -> Vec<String> {
    let output = Command::new("docker").args(args).output().expect("docker");
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// The image to test with. `script/bootstrap --test` makes it.
pub fn image() -> String {
    let name = std::env::var("MINICLOUD_TEST_IMAGE").unwrap_or("minicloud/base".into());
    let inspected = Command::new("docker")
        .args(["image", "inspect", &name])
        .output();
    assert!(
        inspected.expect("docker").status.success(),
        "the engine has no image {name}; script/image base makes it"
    );
    name
}

/// The image's root folder as a tar of one layer, for engines and registries of a test's own; to be
/// removed by the caller.
pub fn image_tar() -> PathBuf {
    let tar = tempfile::Builder::new().suffix(".tar").tempfile();
    let (_, tar) = tar.expect("a file").keep().expect("kept");
    let container = lines(&["create", &image(), "/bin/sh"]).remove(0);
    lines(&["export", "--output", &tar.to_string_lossy(), &container]);
    lines(&["rm", &container]);
    tar
}
