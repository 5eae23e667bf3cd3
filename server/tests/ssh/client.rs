//! OpenSSH's client as a person's: a key of its own, and a known host.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::timeout,
};

use crate::house::{House, Person};

/// No run of the client in a test takes longer.
const DEADLINE: Duration = Duration::from_secs(120);

pub struct Client {
    folder: tempfile::TempDir,
    port: u16,
    /// The key's id at the server.
    pub key_id: String,
}

/// What a run printed, and its exit code.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

impl Client {
    /// A client whose key is the person's.
    pub async fn of(house: &House, person: Person) -> Self {
        let mut client = Self::stranger(house).await;
        client.key_id = client.introduce(house, person).await;
        client
    }

    /// A client whose key is nobody's, and that knows the host by what the API says.
    pub async fn stranger(house: &House) -> Self {
        let client = Self {
            folder: tempfile::tempdir().unwrap(),
            port: house.ssh_port(),
            key_id: String::new(),
        };
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
            .arg(client.key())
            .status()
            .await
            .unwrap();
        assert!(made.success());
        let host = house
            .by_token(Person::Ann, "GET", "/api/v1/ssh", "")
            .await
            .json();
        assert_eq!(host["port"], client.port);
        let known = format!(
            "[127.0.0.1]:{} {}\n",
            client.port,
            host["host_key"].as_str().unwrap()
        );
        std::fs::write(client.folder.path().join("known_hosts"), known).unwrap();
        client
    }

    /// Adds the key to a person's account; its id.
    pub async fn introduce(&self, house: &House, person: Person) -> String {
        let text = self.public_key();
        let body = serde_json::json!({ "public_key": text }).to_string();
        let added = house
            .by_token(person, "POST", "/api/v1/me/keys", &body)
            .await;
        assert_eq!(added.status, 201, "{added:?}");
        added.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The public half of the key, as a line.
    pub fn public_key(&self) -> String {
        std::fs::read_to_string(self.key().with_extension("pub")).unwrap()
    }

    /// A file for `ssh -F` in which the VM is a host of its name, and `inside` is that VM from within.
    pub fn config(&self, vm: &str) -> String {
        let folder = self.folder.path().display();
        let (port, key) = (self.port, self.key().display().to_string());
        let text = format!(
            "Host {vm}\n  HostName 127.0.0.1\n  Port {port}\n  User {vm}\n  \
             UserKnownHostsFile {folder}/known_hosts\n  StrictHostKeyChecking yes\n\
             Host inside\n  HostName localhost\n  UserKnownHostsFile {folder}/inside\n  \
             StrictHostKeyChecking accept-new\n\
             Host *\n  IdentityFile {key}\n  IdentitiesOnly yes\n  BatchMode yes\n"
        );
        let path = self.folder.path().join("config");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The file of the private key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// Who it is and whom it knows, as ssh, scp and sftp take it.
    pub fn options(&self) -> Vec<String> {
        let folder = self.folder.path().display();
        let known = format!("UserKnownHostsFile={folder}/known_hosts");
        let (port, key) = (
            format!("Port={}", self.port),
            self.key().display().to_string(),
        );
        let fixed = [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            "ConnectTimeout=20",
            &known,
            &port,
        ];
        let options = fixed.iter().flat_map(|option| ["-o", option]);
        let all = ["-F", "/dev/null"]
            .into_iter()
            .chain(options)
            .chain(["-i", &key]);
        all.map(str::to_owned).collect()
    }

    /// `scp` or `sftp`, with its options.
    pub fn copier(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(self.options())
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `ssh OPTIONS USER@host COMMAND`.
    pub fn command(&self, options: &[&str], user: &str, words: &[&str]) -> Command {
        let mut command = self.copier("ssh");
        command
            .args(options)
            .arg(format!("{user}@127.0.0.1"))
            .args(words);
        command
    }

    /// Runs it with nothing on standard input.
    pub async fn run(&self, user: &str, words: &[&str]) -> Ran {
        self.run_with(&[], user, words, b"").await
    }

    /// Runs it with options, and this on standard input.
    pub async fn run_with(
        &self,
        options: &[&str],
        user: &str,
        words: &[&str],
        input: &[u8],
    ) -> Ran {
        let child = self.command(options, user, words).spawn().unwrap();
        finish(child, input).await
    }
}

/// Gives a client its input and waits for its end.
pub async fn finish(mut child: Child, input: &[u8]) -> Ran {
    let mut stdin = child.stdin.take().unwrap();
    let feed = async {
        // A client that has ended reads no more.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let wait = child.wait_with_output();
    let (_, output) = timeout(DEADLINE, async { tokio::join!(feed, wait) })
        .await
        .expect("ssh ends in time");
    let output = output.unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
