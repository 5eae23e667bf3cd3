//! OpenSSH's clients, with the helper in place of a connection.

use std::{
    ffi::OsStr,
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// The program as it was built for these tests.
pub const HELPER: &str = env!("CARGO_BIN_EXE_files");

/// A folder to work in, and what was said.
pub struct Bench(tempfile::TempDir);

/// How a client ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// -1 where a signal ended it.
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Of that name in the folder, there or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same with a name that need not be UTF-8.
    pub fn bytes(&self, name: &[u8]) -> PathBuf {
        self.0.path().join(OsStr::from_bytes(name))
    }

    /// Makes the folders above it, too.
    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// `sftp -b`, with `%` in the commands for this folder.
    pub fn sftp(&self, commands: &str) -> Ran {
        self.sftp_bytes(
            commands
                .replace('%', self.0.path().to_str().unwrap())
                .as_bytes(),
        )
    }

    /// The same with commands that need not be UTF-8; `%` stands for itself.
    pub fn sftp_bytes(&self, commands: &[u8]) -> Ran {
        let mut command = Command::new("sftp");
        command.args(["-q", "-D", &format!("{HELPER} sftp"), "-b", "-"]);
        finish(command, commands)
    }

    /// `scp -O WORDS`, with `%` for this folder. A host's name is anything: the helper is what runs there,
    /// with the words that scp sends, as the gateway splits them.
    pub fn scp(&self, words: &str) -> Ran {
        let wrapper = self.path(".ssh-wrapper");
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\nset -f\nset -- $last\nexec {HELPER} \"$@\"\n"
        );
        fs::write(&wrapper, script).unwrap();
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
        let words = words.replace('%', self.0.path().to_str().unwrap());
        let mut command = Command::new("scp");
        command
            .args(["-O", "-q", "-S"])
            .arg(wrapper)
            .args(words.split(' '));
        finish(command, b"")
    }
}

fn finish(mut command: Command, input: &[u8]) -> Ran {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .expect("OpenSSH's client; script/bootstrap --test installs it");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// The helper alone, by its own streams.
pub fn helper(words: &[&str]) -> Child {
    let mut command = Command::new(HELPER);
    command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Gives it all of its input, then reads all that it says.
pub fn talk(mut child: Child, input: &[u8]) -> (i32, Vec<u8>, String) {
    let mut stdin = child.stdin.take().unwrap();
    // What has given up reads no more.
    let _ = stdin.write_all(input);
    drop(stdin);
    let (mut out, mut err) = (Vec::new(), String::new());
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), out, err)
}

/// What there is to know of everything below a folder, in order of names.
pub fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let entry = entry.unwrap();
            let facts = entry.metadata().unwrap();
            let path = entry.path();
            let content = match facts.is_file() {
                true => format!("{:?}", fs::read(&path).unwrap()),
                false => String::new(),
            };
            let name = path.strip_prefix(folder).unwrap();
            found.push(format!(
                "{name:?} {:o} {} {content}",
                facts.mode(),
                facts.mtime()
            ));
            if facts.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A tree as people have them: deep, empty places, special modes, old times, any name.
pub fn plant(bench: &Bench, name: &str) -> PathBuf {
    let deep = format!("{name}/a b/{}", "deep/".repeat(30));
    fs::create_dir_all(bench.path(&deep)).unwrap();
    bench.write(&format!("{deep}/leaf"), b"leaf");
    bench.write(&format!("{name}/empty"), b"");
    fs::create_dir(bench.path(&format!("{name}/hollow"))).unwrap();
    let odd = [name.as_bytes(), b"/caf\xe9 \x01"].concat();
    fs::write(bench.bytes(&odd), b"latin").unwrap();
    let program = bench.write(&format!("{name}/program"), b"#!/bin/sh\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let secret = bench.write(&format!("{name}/secret"), b"s");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    for old in [&program, &bench.path(&format!("{name}/hollow"))] {
        let touched = Command::new("touch")
            .args(["-d", "2001-02-03 04:05:06"])
            .arg(old)
            .status();
        assert!(touched.unwrap().success());
    }
    bench.path(name)
}
