//! The SFTP protocol, version 3: requests in, answers out, in order.
//!
//! `request` reads what is asked for, `answer` does it, `reply` is what goes back. A client keeps many
//! requests under way, so what has come is answered in one go, and sent in one piece.

mod answer;
mod attributes;
mod change;
mod extension;
mod handle;
mod listing;
mod reply;
mod request;
mod status;
mod wire;

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use answer::Server;
use request::{INIT, Request};
use wire::{Fields, Malformed, PACKET};

use crate::fail;

/// What is read at once: two of the largest packets.
const INPUT: usize = 2 * (4 + PACKET);
/// Answers are sent when there are so many bytes of them, ...
const OUTPUT: usize = 256 * 1024;
/// ... or so many, ...
const ANSWERS: u32 = 8;
/// ... or nothing more is on its way: for so long, where a packet has begun.
const REST: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

/// Serves a client to the end of its input. What cannot be understood is an error.
pub fn serve(mut input: File, mut output: File) -> io::Result<()> {
    let mut server = Server::default();
    let mut buffer = vec![0; INPUT];
    let (mut begin, mut end) = (0, 0);
    let mut has_begun = false;
    let mut answers = 0;
    loop {
        while let Some((packet, len)) = wire::packet(&buffer[begin..end]).map_err(broken)? {
            match has_begun {
                true => one(&mut server, packet).map_err(broken)?,
                false => first(&mut server, packet).map_err(broken)?,
            }
            has_begun = true;
            begin += len;
            answers += 1;
            if server.replies.len() >= OUTPUT || answers >= ANSWERS {
                send(&mut server, &mut output, &mut answers)?;
            }
        }
        // On an upload each answer by itself costs as much as the 32 KiB that it is for, and of a packet that has
        // begun the rest mostly comes at once. Not always: libssh2, whose window is used up amid a packet, waits
        // for an answer before it sends the rest.
        if answers > 0 && (begin == end || !comes(&input)) {
            send(&mut server, &mut output, &mut answers)?;
        }
        // The rest of a packet goes to the front, once: it may come in many small parts.
        if begin > 0 {
            buffer.copy_within(begin..end, 0);
            (begin, end) = (0, end - begin);
        }
        match input.read(&mut buffer[end..]) {
            Ok(0) if end == 0 => return Ok(()),
            Ok(0) => {
                send(&mut server, &mut output, &mut answers)?;
                return Err(broken(Malformed::Short));
            }
            Ok(len) => end += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn first(server: &mut Server, packet: &[u8]) -> Result<(), Malformed> {
    let mut fields = Fields(packet);
    match (fields.u8()?, fields.u32()?) {
        // Any version is answered with ours.
        (INIT, _) => server.replies.version(),
        _ => return Err(Malformed::NoInit),
    }
    Ok(())
}

fn one(server: &mut Server, packet: &[u8]) -> Result<(), Malformed> {
    let mut fields = Fields(packet);
    let kind = fields.u8()?;
    let number = fields.u32()?;
    let request = Request::read(kind, fields)?;
    server.answer(number, request);
    Ok(())
}

/// Whether there is more to read, at once or within [`REST`]; the end of it is, too.
fn comes(input: &File) -> bool {
    let mut polled = [PollFd::new(input, PollFlags::IN)];
    // Interrupted, it is not waited for again: nothing is lost by answers that go out early.
    poll(&mut polled, Some(&REST)).is_ok_and(|ready| ready > 0)
}

fn send(server: &mut Server, output: &mut File, answers: &mut u32) -> io::Result<()> {
    output.write_all(server.replies.bytes())?;
    server.replies.clear();
    *answers = 0;
    Ok(())
}

fn broken(why: Malformed) -> io::Error {
    fail::other(format!("the client is not understood: {why}"))
}
