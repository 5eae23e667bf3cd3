//! A driver to be tested, and what a test does with it.

use std::{panic::AssertUnwindSafe, path::PathBuf, process::Command, sync::Arc, time::Duration};

use futures_util::FutureExt;
use node::driver::{
    Driver, DriverError, TtySpec,
    docker::{DockerConfig, DockerDriver},
    sim::{SimConfig, SimDriver, SimEngine},
};
use node_api::{
    exec::{ExecOutput, ExecRequest},
    vm::{PowerState, VmReport, VmSpec},
};
use uuid::Uuid;

use super::{common, terminal::Terminal};

/// A node of its own on one of the engines, with owners of its own.
pub struct Bench {
    pub driver: Arc<dyn Driver>,
    pub node: String,
    pub image: String,
    /// Base of the owners of this test.
    owner: u128,
    engine: Engine,
}

pub enum Engine {
    Sim(Arc<SimEngine>),
    /// The folder of the locks.
    Docker(tempfile::TempDir),
}

impl Bench {
    pub fn sim() -> Self {
        let engine = SimEngine::new(SimConfig::default());
        let node = node_name();
        Self {
            driver: Arc::new(SimDriver::new(engine.clone(), &node)),
            node,
            image: "minicloud/base".into(),
            owner: 0x1000,
            engine: Engine::Sim(engine),
        }
    }

    /// None where the real engine is not to be used.
    pub async fn docker() -> Option<Self> {
        if std::env::var("MINICLOUD_TEST_DOCKER").as_deref() != Ok("1") {
            eprintln!("skipped: MINICLOUD_TEST_DOCKER is not 1");
            return None;
        }
        let locks = tempfile::tempdir().expect("a folder");
        let node = node_name();
        let driver = DockerDriver::new(docker_config(&node, &locks)).expect("a driver");
        Some(Self {
            driver: Arc::new(driver),
            node,
            image: image(),
            owner: u128::from(u64::from_be_bytes(random())) & 0xff_ffff_fff0,
            engine: Engine::Docker(locks),
        })
    }

    /// Runs a test, and takes what it made away, also when it fails.
    pub async fn run(self, test: impl AsyncFnOnce(&Self)) {
        let outcome = AssertUnwindSafe(test(&self)).catch_unwind().await;
        self.clean();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    /// A small VM; owners 0 to 15 are this test's.
    pub fn spec(&self, name: &str, owner: u8) -> VmSpec {
        let mut spec = common::spec(name, self.owner + u128::from(owner));
        spec.image.clone_from(&self.image);
        spec
    }

    /// A VM that runs.
    pub async fn vm(&self, name: &str, owner: u8) -> VmSpec {
        let spec = self.spec(name, owner);
        let made = self.driver.vm_create(&spec, true).await.expect("created");
        assert_eq!(made.power, PowerState::Running);
        spec
    }

    pub async fn list(&self) -> Vec<VmReport> {
        self.driver.vm_list().await.expect("a list")
    }

    pub async fn sh(&self, spec: &VmSpec, script: &str) -> ExecOutput {
        self.exec(spec.id, &["/bin/sh", "-c", script])
            .await
            .expect("ran")
    }

    pub async fn exec(&self, id: Uuid, argv: &[&str]) -> Result<ExecOutput, DriverError> {
        self.exec_for(id, argv, 20).await
    }

    pub async fn exec_for(
        &self,
        id: Uuid,
        argv: &[&str],
        timeout_s: u32,
    ) -> Result<ExecOutput, DriverError> {
        let request = ExecRequest {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            timeout_s,
        };
        self.driver.vm_exec(id, &request).await
    }

    pub async fn terminal(&self, spec: &VmSpec, cols: u16, rows: u16) -> Terminal {
        let tty = self
            .driver
            .vm_tty(spec.id, &TtySpec::login(cols, rows))
            .await
            .expect("a terminal");
        Terminal::new(tty)
    }

    pub async fn until_power(&self, spec: &VmSpec, power: PowerState) {
        common::until("the VM's power", async || {
            self.driver.vm_get(spec.id).await.expect("there").power == power
        })
        .await;
    }

    /// A driver of another node on the same engine.
    pub fn second_node(&self) -> Arc<dyn Driver> {
        self.on_same_engine(&format!("{}-b", self.node))
    }

    /// A driver of this node that cannot see the engine's processes, as one in a container.
    pub fn blind_node(&self) -> Arc<dyn Driver> {
        let Engine::Docker(locks) = &self.engine else {
            unreachable!("only a real engine has processes")
        };
        let config = DockerConfig {
            host_processes: false,
            ..docker_config(&self.node, locks)
        };
        Arc::new(DockerDriver::new(config).expect("a driver"))
    }

    /// A driver of this node, made anew.
    pub fn same_node(&self) -> Arc<dyn Driver> {
        self.on_same_engine(&self.node)
    }

    fn on_same_engine(&self, node: &str) -> Arc<dyn Driver> {
        match &self.engine {
            Engine::Sim(engine) => Arc::new(SimDriver::new(engine.clone(), node)),
            Engine::Docker(locks) => {
                Arc::new(DockerDriver::new(docker_config(node, locks)).expect("a driver"))
            }
        }
    }

    pub async fn networks(&self) -> Vec<String> {
        match &self.engine {
            Engine::Sim(engine) => engine.networks(),
            Engine::Docker(_) => lines(&[
                "network",
                "ls",
                "--format",
                "{{.Name}}",
                "--filter",
                "label=org.minicloud.network",
            ]),
        }
    }

    /// What a user types to switch the VM off.
    pub fn poweroff(&self) -> [&'static str; 3] {
        match &self.engine {
            Engine::Sim(_) => ["/bin/sh", "-c", "poweroff"],
            Engine::Docker(_) => ["/bin/sh", "-c", "kill -TERM 1"],
        }
    }

    /// What a user types so that something is done when the VM stops. (An interactive shell runs a
    /// trap of its own only at its next line.)
    pub fn trap(&self) -> &'static str {
        match &self.engine {
            Engine::Sim(_) => "trap 'echo trapped > /root/trap' TERM\r",
            Engine::Docker(_) => {
                "sh -c 'trap \"echo trapped > /root/trap; exit\" TERM; while :; do sleep 1; done' &\r"
            }
        }
    }

    pub async fn make_busy(&self, spec: &VmSpec) {
        match &self.engine {
            Engine::Sim(engine) => engine.set_load(spec.id, 450),
            Engine::Docker(_) => {
                self.sh(spec, "(while :; do :; done) >/dev/null 2>&1 &")
                    .await;
            }
        }
    }

    /// Until the driver listens to its engine.
    pub async fn settle(&self) {
        if matches!(self.engine, Engine::Docker(_)) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    fn clean(&self) {
        if matches!(self.engine, Engine::Sim(_)) {
            return;
        }
        for node in [self.node.clone(), format!("{}-b", self.node)] {
            let label = format!("label=org.minicloud.node={node}");
            remove(
                &["rm", "-f", "-v"],
                &lines(&["ps", "-aq", "--filter", &label]),
            );
        }
        for owner in 0..16 {
            let owner = Uuid::from_u128(self.owner + owner);
            let label = format!("label=org.minicloud.owner={owner}");
            remove(
                &["network", "rm"],
                &lines(&["network", "ls", "-q", "--filter", &label]),
            );
        }
    }
}

fn remove(command: &[&str], ids: &[String]) {
    if !ids.is_empty() {
        let status = Command::new("docker").args(command).args(ids).output();
        assert!(
            status.expect("docker").status.success(),
            "{command:?} {ids:?}"
        );
    }
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

pub fn docker_config(node: &str, locks: &tempfile::TempDir) -> DockerConfig {
    DockerConfig {
        lock_dir: locks.path().to_owned(),
        trial_every: Duration::from_secs(1),
        ..DockerConfig::new(node)
    }
}

fn node_name() -> String {
    format!("test-{:x}", u32::from_be_bytes(random()))
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let id = Uuid::now_v7();
    // The last bytes of a v7 UUID are random.
    bytes.copy_from_slice(&id.as_bytes()[16 - N..]);
    bytes
}

/// The image to test with. `script/bootstrap --test` makes it.
fn image() -> String {
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
