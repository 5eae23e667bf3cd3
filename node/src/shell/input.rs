//! What viewers type, taken exactly once and in order.
//!
//! Each client numbers its input bytes from 0 and keeps them until they are acknowledged; after a
//! reconnect it sends again from the hello's `input_offset` on. What has been taken already is
//! dropped here by offset, whichever connection brought it.

mod queue;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bytes::Bytes;

pub use self::queue::{Piece, Queue};
use super::limits::ShellLimits;
use crate::hold::wire;

/// A viewer across reconnects: 16 hex digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(pub u64);

/// Why input was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    /// The bytes between never came, which is against the protocol.
    #[error("input from offset {got} on leaves a gap: {expected} comes next")]
    Gap { expected: u64, got: u64 },
    /// The most that may wait of one client, bytes.
    #[error(
        "no more than {0} bytes of a client's input may wait for the program; send on when it has read some"
    )]
    TooMuch(u64),
    /// Too much waits of all clients together, or there is no room for one more.
    #[error("the shell's input is full; come back when the program has read some")]
    Full,
}

/// The input of one shell: what waits, and how far each client has come.
#[derive(Debug)]
pub struct Inputs {
    clients: HashMap<ClientId, Progress>,
    waiting: Queue,
    /// Taken, but not in the PTY yet; of all clients.
    unwritten_bytes: u64,
    /// Forgotten since they were last asked for.
    forgotten: Vec<ClientId>,
    /// Grows with each use of a client; the smallest is the one to forget.
    clock: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Taken over from the client.
    taken: u64,
    /// Passed to the PTY.
    written: u64,
    used: u64,
}

impl Progress {
    fn is_settled(&self) -> bool {
        self.taken == self.written
    }
}

impl Inputs {
    /// Of a shell that nobody has typed in.
    pub fn new() -> Self {
        Self {
            clients: HashMap::new(),
            waiting: Queue::default(),
            unwritten_bytes: 0,
            forgotten: Vec::new(),
            clock: 0,
        }
    }

    /// As a holder has it, the one used longest ago first. What waits waits there.
    pub fn of(held: &[wire::Progress]) -> Self {
        let mut inputs = Self::new();
        for one in held {
            inputs.clock += 1;
            let progress = Progress {
                taken: one.taken,
                written: one.written.min(one.taken),
                used: inputs.clock,
            };
            inputs.unwritten_bytes += progress.taken - progress.written;
            inputs.clients.insert(ClientId(one.client), progress);
        }
        inputs
    }

    /// A client has come (back): how much of its input has been taken. Room for a new one is made among
    /// those that are not `needed`, so that nobody who comes and goes can push out who is here; refused
    /// where all of these have input that waits.
    pub fn attach(
        &mut self,
        client: ClientId,
        limits: &ShellLimits,
        needed: impl Fn(ClientId) -> bool,
    ) -> Result<u64, InputRefused> {
        if !self.clients.contains_key(&client) {
            self.make_room(limits.clients, needed)?;
        }
        self.clock += 1;
        let progress = self.clients.entry(client).or_default();
        progress.used = self.clock;
        Ok(progress.taken)
    }

    /// Takes what is new of these bytes. Ok(false): nothing was.
    pub fn take(
        &mut self,
        client: ClientId,
        offset: u64,
        bytes: &Bytes,
        limits: &ShellLimits,
    ) -> Result<bool, InputRefused> {
        self.clock += 1;
        let progress = self.clients.entry(client).or_default();
        progress.used = self.clock;
        let expected = progress.taken;
        let gap = InputRefused::Gap {
            expected,
            got: offset,
        };
        let end = offset.checked_add(bytes.len() as u64).ok_or(gap)?;
        if offset > expected {
            return Err(gap);
        }
        if end <= expected {
            return Ok(false);
        }
        if end - progress.written > limits.unwritten_input_bytes {
            return Err(InputRefused::TooMuch(limits.unwritten_input_bytes));
        }
        // Less than the frame's length, which is a usize.
        let bytes = &bytes[(expected - offset) as usize..];
        let length = bytes.len() as u64;
        if self.unwritten_bytes + length > limits.unwritten_total_bytes as u64 {
            return Err(InputRefused::Full);
        }
        progress.taken = end;
        self.unwritten_bytes += length;
        self.waiting.push(client, end, bytes);
        Ok(true)
    }

    /// The next piece for the PTY.
    pub fn next(&mut self) -> Option<Piece> {
        self.waiting.pop()
    }

    /// Whether there is a next piece.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The PTY has this client's input up to here.
    pub fn written(&mut self, client: ClientId, end: u64) {
        if let Some(progress) = self.clients.get_mut(&client) {
            let written = end.clamp(progress.written, progress.taken);
            self.unwritten_bytes -= written - progress.written;
            progress.written = written;
        }
    }

    /// Whether the PTY has all that was taken of this client.
    pub fn is_settled(&self, client: ClientId) -> bool {
        let progress = self.clients.get(&client);
        progress.is_none_or(Progress::is_settled)
    }

    /// Who was forgotten since this was last asked.
    pub fn take_forgotten(&mut self) -> Vec<ClientId> {
        std::mem::take(&mut self.forgotten)
    }

    /// How much of a client's input the PTY has.
    pub fn written_of(&self, client: ClientId) -> u64 {
        self.clients
            .get(&client)
            .map_or(0, |progress| progress.written)
    }

    /// Forgets clients that are not needed, the one used longest ago first, until there is room. Never one
    /// whose input waits: it would wait on and count nowhere. Where all are needed there is one more for a
    /// while; there are no more of those than viewers.
    fn make_room(
        &mut self,
        clients: usize,
        needed: impl Fn(ClientId) -> bool,
    ) -> Result<(), InputRefused> {
        while self.clients.len() >= clients {
            let others = self.clients.iter().filter(|(client, _)| !needed(**client));
            let oldest = others.min_by_key(|(_, progress)| (!progress.is_settled(), progress.used));
            match oldest {
                None => return Ok(()),
                Some((_, progress)) if !progress.is_settled() => return Err(InputRefused::Full),
                Some((client, _)) => {
                    let client = *client;
                    self.clients.remove(&client);
                    self.forgotten.push(client);
                }
            }
        }
        Ok(())
    }
}
