//! The command at a terminal of its own.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// A command, the terminal that it has, and what is seen there.
pub struct Sitting {
    pub screen: File,
    /// What stands on it, all in a row.
    seen: Arc<Mutex<Vec<u8>>>,
    /// Held open, so that the terminal is there after the command.
    terminal: OwnedFd,
    pub child: Child,
}

impl Sitting {
    /// With standard error apart.
    pub fn begin(mut command: Command) -> Self {
        Self::with(command.stderr(Stdio::piped()), false)
    }

    /// With standard error on the terminal, too, as people have it.
    pub fn begin_whole(mut command: Command) -> Self {
        Self::with(&mut command, true)
    }

    fn with(command: &mut Command, whole: bool) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open(name.as_c_str(), flags, Mode::empty()).unwrap();
        let screen = File::from(screen);
        resize(&screen, 100, 30);
        let seen = watch(screen.try_clone().unwrap());
        let end = || Stdio::from(terminal.try_clone().unwrap());
        if whole {
            command.stderr(end());
        }
        let child = command.stdin(end()).stdout(end()).spawn().unwrap();
        Self {
            screen,
            seen,
            terminal,
            child,
        }
    }

    pub fn types(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Waits until that is on the screen.
    pub fn sees(&self, text: &str) {
        until(text, || self.seen().contains(text));
    }

    /// Its exit code, and what it wrote to standard error where that is apart.
    pub fn ends(mut self) -> (i32, String) {
        let mut status = None;
        until("the command ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let code = status.and_then(|status| status.code()).unwrap();
        let mut err = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut err).unwrap();
        }
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        let usual = LocalModes::ECHO | LocalModes::ICANON;
        assert!(modes.contains(usual), "the terminal stayed raw");
        (code, err)
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        // One that ended well is not there to be killed.
        let _ = self.child.kill();
    }
}

/// Reads the screen until nobody can write on it any more.
fn watch(mut screen: File) -> Arc<Mutex<Vec<u8>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = seen.clone();
    thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut part) {
            all.lock().unwrap().extend(&part[..length]);
        }
    });
    seen
}

pub fn resize(screen: &File, cols: u16, rows: u16) {
    let size = Winsize {
        ws_col: cols,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(screen, size).unwrap();
}

/// For what takes a moment, on a machine that is busy.
const SOON: Duration = Duration::from_secs(60);

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}
