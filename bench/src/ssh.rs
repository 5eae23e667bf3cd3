//! SSH with OpenSSH's client: to the prompt, a key's echo, a gigabyte, many connections at once.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use app::model::VmState;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    MODEL,
    client::Browser,
    figures::{Figures, memory},
    vm,
};

/// Keys typed for the echo, and for that with many others connected.
const KEYS: u32 = 1_000;
const KEYS_AMONG_MANY: u32 = 200;
/// Connections at once: users, and connections of each, as many commands as one may have at once.
const USERS: usize = 7;
const EACH: usize = 29;
/// How many sign in at the same time.
const AT_ONCE: usize = 8;
/// The big file, MiB.
const FILE_MIB: u64 = 1_024;
/// Nothing that is waited for takes longer.
const DEADLINE: Duration = Duration::from_secs(120);
/// The terminal echoes, and nothing else says anything.
const QUIET: &[u8] = b"stty -icanon; echo rea''dy; cat >/dev/null\n";

/// A person's client: a key, and where the gateway is.
pub struct Client {
    folder: PathBuf,
    host: String,
    port: u16,
}

impl Client {
    /// Makes a key and adds it to the account.
    pub async fn new(browser: &Browser) -> Result<Self> {
        let (text, _) = browser.page("/api/v1/ssh").await?;
        let host: serde_json::Value = serde_json::from_str(&text)?;
        let port = host["port"].as_u64().context("SSH is switched off")?;
        let folder = std::env::temp_dir().join(format!("mc-bench-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder)?;
        let client = Self {
            folder,
            host: host["host"].as_str().unwrap_or_default().to_owned(),
            port: u16::try_from(port)?,
        };
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f"])
            .arg(client.folder.join("id"))
            .status()
            .await?;
        ensure!(made.success(), "ssh-keygen failed");
        let public = std::fs::read_to_string(client.folder.join("id.pub"))?;
        browser
            .call("ssh_key_add", &[("public_key", &public)])
            .await?;
        Ok(client)
    }

    fn options(&self) -> Vec<String> {
        let folder = self.folder.display();
        [
            "BatchMode=yes".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "StrictHostKeyChecking=accept-new".to_owned(),
            format!("UserKnownHostsFile={folder}/known"),
            format!("IdentityFile={folder}/id"),
            format!("Port={}", self.port),
        ]
        .into_iter()
        .flat_map(|option| ["-o".to_owned(), option])
        .collect()
    }

    fn ssh(&self, flags: &[&str], words: &[&str]) -> Result<Session> {
        let mut child = Command::new("ssh")
            .args(["-F", "/dev/null"])
            .args(self.options())
            .args(flags)
            .arg(format!("{MODEL}@{}", self.host))
            .args(words)
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Session {
            input: child.stdin.take().context("no input")?,
            output: child.stdout.take().context("no output")?,
            child,
        })
    }

    /// Copies a file to the VM or back.
    async fn scp(&self, from: &str, to: &str) -> Result<Duration> {
        let begun = Instant::now();
        let copied = Command::new("scp")
            .args(["-q", "-F", "/dev/null"])
            .args(self.options())
            .args([from, to])
            .status()
            .await?;
        ensure!(copied.success(), "scp {from} {to} failed");
        Ok(begun.elapsed())
    }

    fn remote(&self, path: &str) -> String {
        format!("{MODEL}@{}:{path}", self.host)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // What is left in a temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Session {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Session {
    async fn output(&mut self) -> Result<Vec<u8>> {
        let mut buffer = vec![0; 64 * 1024];
        let got = timeout(DEADLINE, self.output.read(&mut buffer)).await??;
        ensure!(got > 0, "ssh ended");
        buffer.truncate(got);
        Ok(buffer)
    }

    async fn wait_for(&mut self, mark: &[u8]) -> Result<()> {
        let mut seen = Vec::new();
        while !seen.windows(mark.len()).any(|window| window == mark) {
            seen.extend(self.output().await?);
        }
        Ok(())
    }

    async fn input(&mut self, bytes: &[u8]) -> Result<()> {
        self.input.write_all(bytes).await?;
        Ok(self.input.flush().await?)
    }

    async fn echoes(&mut self, keys: u32) -> Result<Figures> {
        let mut figures = Figures::default();
        for _ in 0..keys {
            let begun = Instant::now();
            self.input(b"k").await?;
            self.output().await?;
            figures.add(begun.elapsed());
        }
        Ok(figures)
    }

    async fn end(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// From starting the client to the prompt.
pub async fn prompts(client: &Client, runs: u32) -> Result<()> {
    let mut figures = Figures::default();
    for _ in 0..runs {
        let begun = Instant::now();
        let mut session = client.ssh(&["-tt"], &[])?;
        session.wait_for(b"# ").await?;
        figures.add(begun.elapsed());
        session.end().await?;
    }
    println!("{}", figures.row("ssh: connect to prompt"));
    Ok(())
}

/// One key and its echo.
pub async fn echoes(client: &Client) -> Result<()> {
    let mut session = quiet(client).await?;
    let figures = session.echoes(KEYS).await?;
    println!("{}", figures.row("echo of a key, ssh"));
    session.end().await
}

async fn quiet(client: &Client) -> Result<Session> {
    let mut session = client.ssh(&["-tt"], &[])?;
    session.input(QUIET).await?;
    session.wait_for(b"ready\r\n").await?;
    Ok(session)
}

/// A gigabyte up and down against `docker cp`; answers what to say of it.
pub async fn files(client: &Client, container: &str) -> Result<String> {
    let file = client.folder.join("big");
    let made = Command::new("sh")
        .args(["-c", "head -c \"$1\" /dev/urandom >\"$2\"", "sh"])
        .arg((FILE_MIB * 1024 * 1024).to_string())
        .arg(&file)
        .status()
        .await?;
    ensure!(made.success(), "no room for a file of 1 GiB");
    let local = file.display().to_string();
    let back = client.folder.join("back").display().to_string();
    let raw_up = copy(&local, &format!("{container}:/root/raw")).await?;
    remove(client, "/root/raw").await?;
    let up = client.scp(&local, &client.remote("/root/big")).await?;
    let raw_down = copy(&format!("{container}:/root/big"), &back).await?;
    let down = client.scp(&client.remote("/root/big"), &back).await?;
    remove(client, "/root/big").await?;
    ensure!(
        same(&file, Path::new(&back)).await?,
        "the file came back another"
    );
    Ok(format!(
        "A file of 1 GiB: up by docker cp {}, by scp {} ({:.0} %); down by docker cp {}, by scp {} ({:.0} %).",
        speed(raw_up),
        speed(up),
        raw_up.as_secs_f64() / up.as_secs_f64() * 100.0,
        speed(raw_down),
        speed(down),
        raw_down.as_secs_f64() / down.as_secs_f64() * 100.0,
    ))
}

async fn copy(from: &str, to: &str) -> Result<Duration> {
    let begun = Instant::now();
    let mut copied = Command::new("docker");
    copied.args(["cp", from, to]).stdout(Stdio::null());
    let copied = copied.status().await?;
    ensure!(copied.success(), "docker cp {from} {to} failed");
    Ok(begun.elapsed())
}

async fn remove(client: &Client, path: &str) -> Result<()> {
    let mut session = client.ssh(&[], &["rm", "-f", path])?;
    session.child.wait().await?;
    Ok(())
}

async fn same(one: &Path, other: &Path) -> Result<bool> {
    let compared = Command::new("cmp").arg(one).arg(other).status().await?;
    Ok(compared.success())
}

fn speed(took: Duration) -> String {
    let megabytes = (FILE_MIB * 1024 * 1024) as f64 / 1e6;
    format!("{:.0} MB/s", megabytes / took.as_secs_f64())
}

/// Many connections at once, of several people; answers what to say of the server's memory.
pub async fn many(url: &str, image: &str, server: Option<u32>) -> Result<String> {
    let before = server.and_then(memory);
    let mut clients = Vec::new();
    for number in 0..USERS {
        let name = format!("crowd{number}");
        let browser = Browser::sign_up(url, &name).await?;
        let mut live = browser.socket("/live").await?;
        vm::create(&browser, MODEL, "tiny", image).await?;
        browser.vm_wait(&mut live, MODEL, VmState::Running).await?;
        clients.push((Client::new(&browser).await?, browser));
    }
    let mut sessions = Vec::new();
    for (client, _) in &clients {
        let mut left = EACH;
        while left > 0 {
            let now = left.min(AT_ONCE);
            let mut starting = (0..now)
                .map(|_| client.ssh(&["-T"], &["cat"]))
                .collect::<Result<Vec<_>>>()?;
            for session in &mut starting {
                session.input(b"here\n").await?;
                session.wait_for(b"here\n").await?;
            }
            sessions.extend(starting);
            left -= now;
        }
    }
    let during = server.and_then(memory);
    let last = sessions.last_mut().context("no connection")?;
    let figures = last.echoes(KEYS_AMONG_MANY).await?;
    println!(
        "{}",
        figures.row(&format!(
            "a byte and back by ssh, {} connections open",
            sessions.len()
        ))
    );
    let count = sessions.len();
    for session in sessions {
        session.end().await?;
    }
    for (_, browser) in &clients {
        vm::delete(browser, &mut browser.socket("/live").await?, MODEL).await?;
    }
    Ok(match (before, during) {
        (Some(before), Some(during)) => format!(
            "{count} SSH connections with a command each: the server has {during:.0} MiB, {:.0} KiB a connection.",
            (during - before) * 1024.0 / count as f64
        ),
        _ => format!("{count} SSH connections were open at once."),
    })
}
