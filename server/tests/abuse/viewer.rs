//! Who looks at a shell in a program of their own, as in use: the `minicloud` command, optimised as the server is.
//! In this test's process a flood's viewer would take a processor from whoever is measured.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Reads on, whatever comes, until it is dropped.
pub struct Viewer {
    /// The shell's.
    pub id: String,
    came: Arc<AtomicU64>,
    /// With its input, whose end would end the shell.
    program: Child,
}

impl Viewer {
    pub fn begin(base: &str, token: &str, vm: &str, id: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/minicloud");
        let mut program = Command::new(&path)
            .args(["vm", "shell", vm, "--attach", id])
            .env("MINICLOUD_SERVER", base)
            .env("MINICLOUD_TOKEN", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut output = program.stdout.take().unwrap();
        let came = Arc::new(AtomicU64::new(0));
        let counted = came.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(bytes @ 1..) = output.read(&mut buffer) {
                counted.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        });
        Self {
            id: id.to_owned(),
            came,
            program,
        }
    }

    /// Bytes that came so far.
    pub fn bytes(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // It may have ended with its shell.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
