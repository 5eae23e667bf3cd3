//! Uploads past the engine. By its stream each byte is copied four times on the way, and wakes two programs of
//! the engine's. The helper's input is a pipe; where this node sees the VM's processes, it writes there itself.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use futures_util::future::BoxFuture;
use rustix::{
    fs::{FileType, Mode, OFlags, fstat, open, openat},
    io::Errno,
    pipe::fcntl_setpipe_size,
};
use tokio::{
    io::AsyncWrite, net::unix::pipe::Sender, runtime::Handle, task::spawn_blocking, time::timeout,
};

use crate::driver::docker::{exec_control::ExecControl, process::Begun, seen::Seen};

/// For the helper to be found among the host's processes. Without that, the engine's stream does.
const FIND: Duration = Duration::from_secs(5);
/// Of the kernel's memory, per session: at each time that a pipe is full, both its ends wake each other.
const PIPE: usize = 256 * 1024;

/// Has the input go straight to the helper where that can be, from its first byte on. It said its greeting:
/// nothing was written yet that could be overtaken.
pub(super) async fn direct(mut begun: Begun) -> Begun {
    let found = timeout(FIND, find(begun.control.control())).await;
    if let Ok(Some(pipe)) = found {
        begun.input = Box::pin(Direct::new(pipe, begun.input));
    }
    begun
}

async fn find(control: &ExecControl) -> Option<Sender> {
    let (pid, seen) = control.seen_session().await.ok()??;
    // Not in a turn of those who look: who has the pipe can hold up its opening.
    let opened = spawn_blocking(move || open_input(pid, &seen)).await.ok()?;
    let pipe = opened.and_then(Sender::from_file);
    pipe.inspect_err(|error| tracing::debug!(pid, "its input goes by the engine: {error}"))
        .ok()
}

/// By the process's folder, which cannot come to mean another process. What was put in the helper's place may have
/// anything for its input: so that is looked at before it is opened, and never waited for. The look is no use of it:
/// who closes the last use of a socket can be made to wait.
fn open_input(pid: i32, seen: &Seen) -> io::Result<File> {
    let process = folder_of(pid)?;
    if !seen.has(pid) {
        return Err(Errno::SRCH.into());
    }
    Ok(input_of(&process)?)
}

fn folder_of(pid: i32) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(format!("/proc/{pid}"), flags, Mode::empty())
}

fn input_of(process: &OwnedFd) -> Result<File, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let reading = openat(process, "fd/0", flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&reading)?.st_mode) != FileType::Fifo {
        return Err(Errno::INVAL);
    }
    let name = format!("/proc/self/fd/{}", reading.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let writing = open(name, flags, Mode::empty())?;
    // It is as large as pipes are where this is refused.
    let _ = fcntl_setpipe_size(&writing, PIPE);
    Ok(writing.into())
}

/// The way that was found, and the engine's, which is the end of input as well. What it takes is written by the
/// time that it is flushed.
struct Direct {
    /// None once the end was said.
    pipe: Option<Arc<Sender>>,
    /// Until what was taken is written.
    writing: Option<BoxFuture<'static, io::Result<()>>>,
    engine: Pin<Box<dyn AsyncWrite + Send>>,
}

impl Direct {
    fn new(pipe: Sender, engine: Pin<Box<dyn AsyncWrite + Send>>) -> Self {
        Self {
            pipe: Some(Arc::new(pipe)),
            writing: None,
            engine,
        }
    }

    fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else {
            return Poll::Ready(Ok(()));
        };
        let written = ready!(writing.as_mut().poll(context));
        self.writing = None;
        Poll::Ready(written)
    }

    /// The pipe ends with the last who has it for writing.
    fn close(&mut self) {
        self.writing = None;
        let pipe = self.pipe.take();
        // Without a runtime the node itself is ending.
        if let (Some(pipe), Ok(runtime)) = (pipe, Handle::try_current()) {
            runtime.spawn_blocking(move || drop(pipe));
        }
    }
}

/// Beside the threads that carry everybody's bytes: who reads holds the pipe while it copies, for as long as the memory
/// that it copies to takes to come.
async fn write(pipe: Arc<Sender>, mut bytes: Bytes) -> io::Result<()> {
    while !bytes.is_empty() {
        pipe.writable().await?;
        let (pipe, rest) = (pipe.clone(), bytes.clone());
        match spawn_blocking(move || pipe.try_write(&rest)).await? {
            Ok(count) => bytes.advance(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl AsyncWrite for Direct {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_written(context))?;
        let Some(pipe) = self.pipe.clone() else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let count = bytes.len().min(PIPE);
        let taken = Bytes::copy_from_slice(&bytes[..count]);
        self.writing = Some(Box::pin(write(pipe, taken)));
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Where nobody takes the rest, the end is said all the same.
        let _ = ready!(self.poll_written(context));
        self.close();
        self.engine.as_mut().poll_shutdown(context)
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use std::{
        io::{Read as _, Write as _},
        process::{Child, Command, Stdio},
    };

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn cat(input: Stdio) -> Child {
        let mut cat = Command::new("cat");
        cat.stdin(input).stdout(Stdio::piped()).spawn().unwrap()
    }

    fn folder(child: &Child) -> OwnedFd {
        folder_of(child.id().try_into().unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_the_input_until_both_ways_are_closed() {
        let mut child = cat(Stdio::piped());
        let mut pipe = input_of(&folder(&child)).unwrap();
        pipe.write_all(b"straight\n").unwrap();
        drop(pipe);
        let mut engine = child.stdin.take().unwrap();
        engine.write_all(b"by the engine\n").unwrap();
        drop(engine);
        let mut out = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, "straight\nby the engine\n");
        child.wait().unwrap();
    }

    #[test]
    fn an_input_of_another_kind_and_a_process_that_has_ended_are_not_opened() {
        let mut child = cat(Stdio::null());
        let folder = folder(&child);
        // It ends at once, and is there until it is waited for.
        assert!(input_of(&folder).is_err());
        child.wait().unwrap();
        assert_eq!(input_of(&folder).unwrap_err(), Errno::SRCH);
    }

    #[tokio::test]
    async fn what_is_taken_is_all_written_and_then_the_end_is_said() {
        let mut child = cat(Stdio::piped());
        let pipe = Sender::from_file(input_of(&folder(&child)).unwrap()).unwrap();
        drop(child.stdin.take());
        let mut out = child.stdout.take().unwrap();
        let read = spawn_blocking(move || {
            let mut all = Vec::new();
            out.read_to_end(&mut all).unwrap();
            all
        });
        let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
        let mut input = Direct::new(pipe, Box::pin(tokio::io::sink()));
        input.write_all(&content).await.unwrap();
        input.shutdown().await.unwrap();
        assert!(read.await.unwrap() == content);
        let after = input.write_all(b"more").await.unwrap_err();
        assert_eq!(after.kind(), io::ErrorKind::BrokenPipe);
        child.wait().unwrap();
    }
}
