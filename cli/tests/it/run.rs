//! Runs the command with an environment of its own.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// What the command printed, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A user with a home and a server.
pub struct User {
    pub home: TempDir,
    server: String,
    token: Option<&'static str>,
}

impl User {
    /// Signed in by the environment.
    pub fn signed_in(server: &str) -> Self {
        Self {
            token: Some("mct_good"),
            ..Self::new(server)
        }
    }

    /// With nothing but a home.
    pub fn new(server: &str) -> Self {
        Self {
            home: TempDir::new().unwrap(),
            server: server.to_owned(),
            token: None,
        }
    }

    /// The command, ready to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minicloud"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(token) = self.token {
            command
                .env("MINICLOUD_SERVER", &self.server)
                .env("MINICLOUD_TOKEN", token);
        }
        command
    }

    /// Runs it with nothing on standard input.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs it with this on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).spawn().unwrap();
        // Who does not read has gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        ran(child.wait_with_output().unwrap())
    }

    pub fn profiles(&self) -> PathBuf {
        self.home.path().join(".config/minicloud/profiles.toml")
    }
}

pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Lines without the spaces at their beginning that the source's indent asks for.
pub fn lines(lines: &[&str]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
