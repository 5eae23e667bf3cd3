//! A driver to be tested, and what a test does with it.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

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

pub use super::private_engine::{image, lines};
use super::{common, terminal::Terminal};

/// A node of its own on one of the engines, with owners of its own.
pub struct Bench {
    pub driver: Arc<dyn Driver>,
    pub node: String,
    pub image: String,
    /// Base of the owners of this test.
    owner: u128,
    engine: Engine,
    _block: Option<Block>,
}

pub enum Engine {
    Sim(Arc<SimEngine>),
    /// The folder of the locks.
    Docker(PathBuf),
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
            _block: None,
        }
    }

    /// None where the real engine is not to be used.
    pub async fn docker() -> Option<Self> {
        if std::env::var("MINICLOUD_TEST_DOCKER").as_deref() != Ok("1") {
            eprintln!("skipped: MINICLOUD_TEST_DOCKER is not 1");
            return None;
        }
        let locks = locks();
        let block = Block::take();
        let node = node_name();
        let driver = DockerDriver::new(docker_config(&node, &locks)).expect("a driver");
        Some(Self {
            driver: Arc::new(driver),
            node,
            image: image(),
            owner: own_owners(&block),
            engine: Engine::Docker(locks),
            _block: Some(block),
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

    /// A driver of this node to which the engine's disk is always too full.
    pub fn full_node(&self) -> Arc<dyn Driver> {
        let Engine::Docker(locks) = &self.engine else {
            unreachable!("only a real engine has a disk")
        };
        let config = DockerConfig {
            disk_reserve_percent: 101,
            ..docker_config(&self.node, locks)
        };
        Arc::new(DockerDriver::new(config).expect("a driver"))
    }

    /// A driver of this node with other settings.
    pub fn node_with(&self, change: impl FnOnce(&mut DockerConfig)) -> Arc<dyn Driver> {
        let Engine::Docker(locks) = &self.engine else {
            unreachable!("only a real engine has such settings")
        };
        let mut config = docker_config(&self.node, locks);
        change(&mut config);
        Arc::new(DockerDriver::new(config).expect("a driver"))
    }

    /// A driver of this node that has no helper for files.
    pub fn node_without_helper(&self) -> Arc<dyn Driver> {
        let Engine::Docker(locks) = &self.engine else {
            unreachable!("only a real engine has files")
        };
        let config = DockerConfig {
            files: "/nowhere/minicloud-files".into(),
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

    /// What a user types so that something is done when the VM stops; "armed" is printed once it will
    /// be. (An interactive shell runs a trap of its own only at its next line.)
    pub fn trap(&self) -> &'static str {
        match &self.engine {
            Engine::Sim(_) => "trap 'echo trapped > /root/trap' TERM; echo ar''med\r",
            Engine::Docker(_) => {
                "sh -c 'trap \"echo trapped > /root/trap; exit\" TERM; echo ar\"\"med; \
                 while :; do sleep 1; done' &\r"
            }
        }
    }

    /// Something on port 7 of the VM that gives back what it is given. (The simulated
    /// ones have it always.)
    pub async fn echo_on_port_7(&self, spec: &VmSpec) {
        if let Engine::Docker(_) = &self.engine {
            let listen = "nc -l -p 7 -e cat >/dev/null 2>&1 &";
            self.sh(spec, listen).await;
            self.until_listens(spec, 7).await;
        }
    }

    /// Something on port 7000 of a VM of a real engine that says `hello` to one after another.
    pub async fn greet_on_port_7000(&self, spec: &VmSpec) {
        let listen = "(while :; do echo hello | nc -l -p 7000; done) >/dev/null 2>&1 &";
        self.sh(spec, listen).await;
        self.until_listens(spec, 7000).await;
    }

    /// Until something in a VM of a real engine listens on the port.
    pub async fn until_listens(&self, spec: &VmSpec, port: u16) {
        let entry = format!("00:{port:04X} ");
        common::until("something listens", async || {
            let tables = "cat /proc/net/tcp /proc/net/tcp6";
            self.sh(spec, tables).await.stdout.contains(&entry)
        })
        .await;
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

    fn clean(&self) {
        if matches!(self.engine, Engine::Sim(_)) {
            return;
        }
        for node in [self.node.clone(), format!("{}-b", self.node)] {
            let label = format!("label=org.minicloud.node={node}");
            remove(&["rm", "-f", "-v"], &["ps", "-aq", "--filter", &label]);
        }
        for owner in (0..16).map(|owner| self.owner + owner) {
            let label = format!("label=org.minicloud.owner={}", Uuid::from_u128(owner));
            remove(
                &["network", "rm"],
                &["network", "ls", "-q", "--filter", &label],
            );
            let lock = format!("{}.lock", common::spec("", owner).network.name);
            // It went with the network, mostly.
            let _ = std::fs::remove_file(locks().join(lock));
        }
    }
}

/// In the engine's words about a network that cannot be removed.
pub const LOST_COUNT: &str = "has active endpoints";

/// Until none is listed: a node that sweeps may take one away in between, and one may be in use for a moment longer.
fn remove(command: &[&str], list: &[&str]) {
    let mut said = String::new();
    for _ in 0..20 {
        let ids = lines(list);
        if ids.is_empty() {
            return;
        }
        let output = Command::new("docker").args(command).args(&ids).output();
        said = String::from_utf8_lossy(&output.expect("docker").stderr).into_owned();
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(
        lines(list).is_empty() || said.contains(LOST_COUNT),
        "{command:?}: {said}"
    );
}

pub fn docker_config(node: &str, locks: &Path) -> DockerConfig {
    DockerConfig {
        lock_dir: locks.to_owned(),
        trial_every: Duration::from_secs(1),
        // Where `cargo xtask files` puts it.
        files: PathBuf::from(env!("CARGO_BIN_EXE_minicloud-node"))
            .with_file_name("minicloud-files"),
        ..DockerConfig::new(node)
    }
}

/// The same for all nodes of the engine: one of another test that looks for networks without VMs would take one away
/// that is just being made or removed. Where else tests write may differ from run to run.
pub fn locks() -> PathBuf {
    Path::new("/tmp/minicloud-test-locks").to_owned()
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

/// Addresses for sixteen owners, this test's alone while it runs: tests of a real engine run beside each
/// other, and two networks with the same addresses cannot be.
pub struct Block {
    number: u32,
    /// Locked as long as it is open.
    _file: std::fs::File,
}

/// How many there are below 10.79.0.0/16 (see `common::spec`).
const BLOCKS: u32 = 128;

impl Block {
    fn take() -> Self {
        let folder = Path::new("/tmp/minicloud-test-networks");
        std::fs::create_dir_all(folder).expect("a folder");
        let first = u32::from_be_bytes(random());
        for at in 0..BLOCKS {
            let number = first.wrapping_add(at) % BLOCKS;
            let file = std::fs::File::create(folder.join(number.to_string())).expect("a file");
            if file.try_lock().is_ok() {
                return Self {
                    number,
                    _file: file,
                };
            }
        }
        panic!("{BLOCKS} tests of a real engine run already");
    }
}

/// The first of the block's owners; what stands above tells networks of two runs apart.
fn own_owners(block: &Block) -> u128 {
    let run = u128::from(u32::from_be_bytes(random())) & 0xf_ffff;
    (run << 16) | (u128::from(block.number) << 4)
}
