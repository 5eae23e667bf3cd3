//! Processes of nodes: started, recognised again, ended.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::LocalNode;

/// At a process that tells no command line.
const LOOKS: usize = 20;

/// A process, told apart from a later one with the same number by when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    /// Clock ticks after boot (field 22 of /proc/PID/stat).
    began: u64,
}

impl Process {
    /// The living process of that number; a zombie is not living.
    pub fn find(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold spaces: count from behind it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let state = *fields.first()?;
        let began = fields.get(19)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self { pid, began })
    }

    /// False also when another process has the number by now.
    pub fn is_alive(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// True when it is this program as its file is now, with these arguments and of this server's user. Where the system
    /// does not tell program or arguments, they count as right.
    pub fn is_current(self, bin: &Path, args: &[String]) -> bool {
        self.has_args(args) && self.has_program(bin) && self.has_our_user()
    }

    /// True for a node that was started to listen there.
    pub fn listens(self, address: SocketAddr) -> bool {
        let wanted = format!("\0--listen\0{address}\0");
        let line = self.command_line();
        let mut parts = line.windows(wanted.len());
        parts.any(|part| part == wanted.as_bytes())
    }

    fn has_args(self, args: &[String]) -> bool {
        // Every argument ends with a NUL; before them stands the program, and for a moment `setsid`.
        let line = self.command_line();
        let wanted: String = args.iter().flat_map(|arg| ["\0", arg.as_str()]).collect();
        line.is_empty() || line.ends_with(format!("{wanted}\0").as_bytes())
    }

    /// False also after an upgrade, which has put another file in its place ("… (deleted)").
    fn has_program(self, bin: &Path) -> bool {
        let runs = fs::read_link(self.told("exe"));
        match (runs, bin.canonicalize()) {
            (Ok(runs), Ok(bin)) => runs == bin,
            _ => true,
        }
    }

    fn has_our_user(self) -> bool {
        let us = rustix::process::geteuid().as_raw();
        fs::metadata(self.told("")).is_ok_and(|process| process.uid() == us)
    }

    /// Empty where the system does not tell. It is so too for a moment while `setsid` becomes the node: hence
    /// the other looks.
    fn command_line(self) -> Vec<u8> {
        let mut line = Vec::new();
        for _ in 0..LOOKS {
            line = fs::read(self.told("cmdline")).unwrap_or_default();
            if !line.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        line
    }

    fn told(self, what: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join(what)
    }

    fn signal(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            // It may have ended since: then there is nothing to do.
            let _ = kill_process(pid, signal);
        }
    }
}

/// The process that the pid file in a node's folder names, if it lives.
pub fn recorded(folder: &Path) -> Option<Process> {
    let text = fs::read_to_string(pid_file(folder)).ok()?;
    let (pid, began) = text.trim().split_once(' ')?;
    let process = Process {
        pid: pid.parse().ok()?,
        began: began.parse().ok()?,
    };
    process.is_alive().then_some(process)
}

/// Starts the node in a session of its own, so that Ctrl-C on the server's terminal passes it by. One whose number
/// cannot be kept, as on a full disk, is ended: nobody would know it again, and it has the port.
pub fn start(node: &LocalNode) -> io::Result<(Process, Child)> {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(node.log_file())?;
    let child = Command::new("setsid")
        .arg(&node.bin)
        .args(&node.args)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(false)
        .spawn()?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let process = pid
        .and_then(Process::find)
        .ok_or_else(|| io::Error::other(format!("{} ended at once", node.bin.display())))?;
    if let Err(error) = record(&node.folder, process) {
        process.signal(Signal::KILL);
        return Err(error);
    }
    Ok((process, child))
}

/// Whole or not at all: what stood there before is not lost to a full disk.
fn record(folder: &Path, process: Process) -> io::Result<()> {
    let new = folder.join("pid.new");
    fs::write(&new, format!("{} {}\n", process.pid, process.began))?;
    fs::rename(new, pid_file(folder))
}

/// Asks the node of that folder to end, and ends it if it does not.
pub async fn end(folder: &Path, limit: Duration) {
    let Some(process) = recorded(folder) else {
        return;
    };
    let node = folder.file_name().unwrap_or_default().to_string_lossy();
    process.signal(Signal::TERM);
    let begun = Instant::now();
    while process.is_alive() {
        if begun.elapsed() > limit {
            tracing::warn!(%node, "the node did not end when asked to and was killed");
            process.signal(Signal::KILL);
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tracing::info!(%node, "node ended");
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join("pid")
}

/// Who listens on a port, in words for an error message.
pub fn port_holder(address: SocketAddr) -> String {
    match listeners::get_process_by_port(address.port(), listeners::Protocol::TCP) {
        Ok(process) => format!(
            "{} (process {}) listens on port {} already",
            process.name,
            process.pid,
            address.port()
        ),
        Err(_) => format!("another process listens on port {} already", address.port()),
    }
}
