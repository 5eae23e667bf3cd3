//! A node's shells on a port of their own, a terminal driven by the test, and a viewer.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use node::{
    driver::{
        Driver, DriverError, DriverEvent, EngineReport, Process, ProcessControl, ProcessSignal,
        Tty, TtyControl, TtySpec, UsageReading,
    },
    shell::{ShellLimits, ShellRegistry},
};
use node_api::{
    error::NodeErrorCode,
    exec::{ExecOutput, ExecRequest, ExecStart},
    image::ImageReport,
    shell::{ShellCreate, ShellReport},
    ssh::SshServe,
    vm::{NetworkSpec, PowerState, VmReport, VmSpec},
};
use tokio::{
    io::{AsyncReadExt, DuplexStream},
    sync::{broadcast, mpsc},
    time::timeout,
};
use uuid::Uuid;

use crate::viewer::{PATIENCE, Viewer, serve, until};

/// The one VM.
pub const VM: Uuid = Uuid::from_u128(7);

/// The program's end of a terminal.
pub struct Program {
    print: Option<mpsc::Sender<Bytes>>,
    pub typed: DuplexStream,
    pub control: Control,
}

/// What was done to a terminal.
#[derive(Clone, Default)]
pub struct Control(Arc<Mutex<ControlState>>);

#[derive(Default)]
struct ControlState {
    sizes: Vec<(u16, u16)>,
    exit_code: Option<i32>,
    killed: u32,
    end: Option<mpsc::Sender<()>>,
}

impl Control {
    pub fn sizes(&self) -> Vec<(u16, u16)> {
        self.0.lock().unwrap().sizes.clone()
    }

    pub fn killed(&self) -> u32 {
        self.0.lock().unwrap().killed
    }
}

#[async_trait]
impl TtyControl for Control {
    async fn resize(&self, cols: u16, rows: u16) -> Result<(), DriverError> {
        self.0.lock().unwrap().sizes.push((cols, rows));
        Ok(())
    }
}

#[async_trait]
impl ProcessControl for Control {
    async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        Ok(self.0.lock().unwrap().exit_code)
    }

    async fn signal(&self, _: ProcessSignal) -> Result<(), DriverError> {
        not_here()
    }

    async fn kill(&self) -> Result<(), DriverError> {
        let mut state = self.0.lock().unwrap();
        state.killed += 1;
        state.exit_code.get_or_insert(129);
        state.end = None;
        Ok(())
    }
}

impl Program {
    pub async fn print(&self, text: impl Into<Bytes>) {
        let print = self.print.as_ref().expect("the program has ended");
        timeout(PATIENCE, print.send(text.into()))
            .await
            .expect("the PTY is not drained")
            .unwrap();
    }

    /// All but the last two pieces printed have left the terminal: it holds sixteen, and `print` is through
    /// when there is room for one.
    pub async fn drained(&self) {
        let print = self.print.as_ref().expect("the program has ended");
        until("drained", || print.capacity() == print.max_capacity()).await;
    }

    /// Ends; the terminal ends with it.
    pub fn exit(&mut self, code: i32) {
        self.control.0.lock().unwrap().exit_code = Some(code);
        self.print = None;
    }

    pub async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut read = vec![0; count];
        timeout(PATIENCE, self.typed.read_exact(&mut read))
            .await
            .expect("no input came")
            .unwrap();
        read
    }

    /// What is there to read now.
    pub async fn read_some(&mut self) -> Vec<u8> {
        let mut read = vec![0; 64 * 1024];
        match timeout(Duration::from_millis(100), self.typed.read(&mut read)).await {
            Ok(Ok(count)) => read[..count].to_vec(),
            _ => Vec::new(),
        }
    }
}

/// An engine that can do terminals and nothing else.
pub struct FakeDriver {
    pub programs: Mutex<Vec<Program>>,
    pub opened: Mutex<u32>,
    pub power: Mutex<Result<PowerState, NodeErrorCode>>,
    pub open_delay: Duration,
    /// How many terminals are refused first.
    pub refuse: Mutex<u32>,
    /// Sessions that were ended by their mark.
    pub ended_marks: Mutex<Vec<String>>,
    /// Marks of the sessions in the one VM; without them no VM is listed.
    pub sessions: Mutex<Option<Vec<String>>>,
}

impl Default for FakeDriver {
    fn default() -> Self {
        Self {
            programs: Mutex::default(),
            opened: Mutex::default(),
            power: Mutex::new(Ok(PowerState::Running)),
            open_delay: Duration::ZERO,
            refuse: Mutex::new(0),
            ended_marks: Mutex::default(),
            sessions: Mutex::default(),
        }
    }
}

fn not_here<T>() -> Result<T, DriverError> {
    Err(DriverError::new(
        NodeErrorCode::Internal,
        "not part of these tests",
    ))
}

#[async_trait]
impl Driver for FakeDriver {
    async fn engine(&self) -> EngineReport {
        panic!("not part of these tests")
    }

    async fn vm_list(&self) -> Result<Vec<VmReport>, DriverError> {
        if self.sessions.lock().unwrap().is_none() {
            return not_here();
        }
        Ok(vec![self.vm_get(VM).await?])
    }

    async fn vm_get(&self, id: Uuid) -> Result<VmReport, DriverError> {
        let power = self
            .power
            .lock()
            .unwrap()
            .map_err(|code| DriverError::new(code, "as told"))?;
        Ok(VmReport {
            spec: VmSpec {
                id,
                name: "web1".into(),
                owner_id: Uuid::nil(),
                image: "base".into(),
                cpu_millis: 500,
                memory_mib: 256,
                disk_gib: 2,
                network: NetworkSpec {
                    name: "mc0".into(),
                    subnet: "10.64.0.32/27".into(),
                },
                ssh_port: None,
            },
            power,
            engine_id: "0123456789ab".into(),
            started_at: Some(1),
            exit: None,
            address: None,
            oom_kills: 0,
            usage: None,
        })
    }

    async fn vm_settled(&self, _: Uuid) {}

    async fn vm_create(&self, _: &VmSpec, _: bool) -> Result<VmReport, DriverError> {
        not_here()
    }

    async fn vm_start(&self, _: Uuid) -> Result<VmReport, DriverError> {
        not_here()
    }

    async fn vm_stop(&self, _: Uuid) -> Result<VmReport, DriverError> {
        not_here()
    }

    async fn vm_delete(&self, _: Uuid) -> Result<(), DriverError> {
        not_here()
    }

    async fn vm_ssh_serve(&self, _: Uuid, _: &SshServe) -> Result<(), DriverError> {
        not_here()
    }

    async fn vm_exec(&self, _: Uuid, _: &ExecRequest) -> Result<ExecOutput, DriverError> {
        not_here()
    }

    async fn vm_usage(&self, _: Uuid) -> Result<UsageReading, DriverError> {
        not_here()
    }

    async fn vm_disk_bytes(&self, _: Uuid) -> Result<Option<u64>, DriverError> {
        not_here()
    }

    async fn vm_process(&self, _: Uuid, _: &ExecStart) -> Result<Process, DriverError> {
        not_here()
    }

    async fn vm_connect(&self, _: Uuid, _: u16) -> Result<Process, DriverError> {
        not_here()
    }

    async fn vm_tty(&self, _: Uuid, spec: &TtySpec) -> Result<Tty, DriverError> {
        tokio::time::sleep(self.open_delay).await;
        if let Some(fewer) = { *self.refuse.lock().unwrap() }.checked_sub(1) {
            *self.refuse.lock().unwrap() = fewer;
            return Err(DriverError::new(
                NodeErrorCode::Conflict,
                "the VM does not run",
            ));
        }
        *self.opened.lock().unwrap() += 1;
        let (print, mut printed) = mpsc::channel::<Bytes>(16);
        let (input, typed) = tokio::io::duplex(4 * 1024);
        let (end, mut ended) = mpsc::channel::<()>(1);
        let control = Control::default();
        {
            let mut state = control.0.lock().unwrap();
            state.sizes.push((spec.cols, spec.rows));
            state.end = Some(end);
        }
        let output = async_stream(async move |yielder: mpsc::Sender<Bytes>| {
            loop {
                tokio::select! {
                    chunk = printed.recv() => match chunk {
                        Some(chunk) => if yielder.send(chunk).await.is_err() { return },
                        None => return,
                    },
                    _ = ended.recv() => return,
                }
            }
        });
        let program = Program {
            print: Some(print),
            typed,
            control: control.clone(),
        };
        self.programs.lock().unwrap().push(program);
        Ok(Tty {
            output,
            input: Box::pin(input),
            control: Box::new(control),
        })
    }

    async fn session_list(&self, _: Uuid) -> Result<Vec<String>, DriverError> {
        Ok(self.sessions.lock().unwrap().clone().unwrap_or_default())
    }

    async fn session_end(&self, _: Uuid, mark: &str) -> Result<(), DriverError> {
        self.ended_marks.lock().unwrap().push(mark.to_owned());
        Ok(())
    }

    async fn image_ensure(&self, _: &str) -> Result<ImageReport, DriverError> {
        not_here()
    }

    fn events(&self) -> broadcast::Receiver<DriverEvent> {
        broadcast::channel(1).1
    }
}

type Output =
    std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, DriverError>> + Send>>;

fn async_stream<F, Fut>(produce: F) -> Output
where
    F: FnOnce(mpsc::Sender<Bytes>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(produce(send));
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receive).map(Ok))
}

/// A node's shells, serving.
pub struct Node {
    pub shells: Arc<ShellRegistry>,
    pub driver: Arc<FakeDriver>,
    pub vm_id: Uuid,
    address: SocketAddr,
}

impl Node {
    pub async fn start(limits: ShellLimits) -> Self {
        Self::with_driver(limits, FakeDriver::default()).await
    }

    pub async fn with_driver(limits: ShellLimits, driver: FakeDriver) -> Self {
        let driver = Arc::new(driver);
        let shells = ShellRegistry::with_limits(driver.clone(), limits);
        let address = serve(shells.clone()).await;
        Self {
            shells,
            driver,
            vm_id: VM,
            address,
        }
    }

    /// A shell that begins with its first viewer's size.
    pub async fn waiting(&self) -> Uuid {
        let id = Uuid::now_v7();
        let mut request = ShellCreate::new(id, 80, 24);
        request.at_first_attach = true;
        self.shells.create(self.vm_id, request).await.unwrap();
        id
    }

    /// A shell of 80x24 and the program in it.
    pub async fn shell(&self) -> (Uuid, Program) {
        let id = Uuid::now_v7();
        self.create(id, 80, 24).await;
        (id, self.program())
    }

    pub async fn create(&self, id: Uuid, cols: u16, rows: u16) -> ShellReport {
        self.shells
            .create(self.vm_id, ShellCreate::new(id, cols, rows))
            .await
            .unwrap()
    }

    /// The program of the newest shell.
    pub fn program(&self) -> Program {
        self.driver.programs.lock().unwrap().pop().unwrap()
    }

    /// Attaches; the hello has been read.
    pub async fn attach(&self, shell: Uuid, client: u64) -> Viewer {
        self.attach_with(shell, client, "&cols=80&rows=24").await
    }

    pub async fn attach_from(&self, shell: Uuid, client: u64, from: u64) -> Viewer {
        self.attach_with(shell, client, &format!("&cols=80&rows=24&from={from}"))
            .await
    }

    pub async fn attach_with(&self, shell: Uuid, client: u64, query: &str) -> Viewer {
        Viewer::attach(self.address, shell, client, query).await
    }

    /// Connects with any query.
    pub async fn connect(&self, shell: impl std::fmt::Display, query: &str) -> Viewer {
        Viewer::connect(self.address, shell, query).await
    }
}

impl Viewer {
    /// Asserts that this viewer works: what is typed arrives, what is printed comes back.
    pub async fn works(&mut self, program: &mut Program) {
        let at = self.hello().input_offset;
        self.type_at(at, "ping!").await;
        assert_eq!(program.read(5).await, b"ping!");
        program.print("pong!").await;
        self.output_until(b"pong!").await;
    }
}
