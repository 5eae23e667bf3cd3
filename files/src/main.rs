//! `minicloud-files`: the far side of sftp and scp, run inside a VM like any command there.
//!
//! With `--greet` before all else it says so first, for who is not sure that it is what runs.
//!
//! It speaks on standard input and output and knows nothing of MiniCloud: `sftp` is the SFTP protocol,
//! version 3, with OpenSSH's extensions (docs/ssh.md names them), `scp` the older protocol of that command.
//! Being static it needs nothing of the image; being a process of the VM it can do what root can do there,
//! and no more: the VM's root is its own, wherever a symlink points.

mod account;
mod fail;
mod home;
mod scp;
mod sftp;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd,
    process::ExitCode,
};

const GREET: &str = "--greet";
/// The node's driver/docker/files.rs has the same.
const GREETING: &[u8] = b"minicloud-files 1\n";

const USAGE: &str = "usage: minicloud-files [--greet] sftp\n       minicloud-files [--greet] scp -t|-f [-r] [-p] [-d] [-v] [--] PATH...";

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).peekable();
    if words.next_if(|word| word == GREET).is_some() && greet().is_err() {
        return ExitCode::FAILURE;
    }
    let mode = words.next();
    let rest: Vec<OsString> = words.collect();
    // Relative paths are home's.
    home::go();
    let ended = match mode.as_ref().and_then(|mode| mode.to_str()) {
        Some("sftp") if rest.is_empty() => streams().and_then(|(input, output)| {
            sftp::serve(input, output)?;
            Ok(0)
        }),
        Some("scp") => match scp::Args::read(rest) {
            Ok(args) => streams().and_then(|(input, output)| scp::run(&args, input, output)),
            Err(why) => return usage(&why),
        },
        _ => return usage("say what to speak"),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            fail::say(&fail::words(&error));
            ExitCode::FAILURE
        }
    }
}

fn greet() -> io::Result<()> {
    let mut output = io::stdout();
    output.write_all(GREETING)?;
    output.flush()
}

/// Standard input and output as they are: what std puts around them is for text.
fn streams() -> io::Result<(File, File)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

fn usage(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "minicloud-files: {why}\n{USAGE}");
    ExitCode::from(2)
}
