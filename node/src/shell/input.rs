//! What viewers type, taken exactly once and in order.
//!
//! Each client numbers its input bytes from 0 and keeps them until they are acknowledged; after a
//! reconnect it sends again from the hello's `input_offset` on. What has been taken already is
//! dropped here by offset, whichever connection brought it.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::limits::ShellLimits;
use crate::hold::wire;

/// A viewer across reconnects: 16 hex digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(pub u64);

/// Why input was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    #[error("input from offset {got} on leaves a gap: {expected} comes next")]
    Gap { expected: u64, got: u64 },
    #[error("more than {0} bytes of this client's input wait for the program")]
    TooMuch(u64),
    #[error("the shell's input is full; come back when the program has read some")]
    Full,
}

/// Bytes on their way to the PTY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub client: ClientId,
    pub bytes: Bytes,
    /// The client's input offset once these are written.
    pub end: u64,
}

/// The input of one shell: what waits, and how far each client has come.
#[derive(Debug)]
pub struct Inputs {
    clients: HashMap<ClientId, Progress>,
    waiting: VecDeque<Piece>,
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

impl Inputs {
    pub fn new() -> Self {
        Self {
            clients: HashMap::new(),
            waiting: VecDeque::new(),
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
    /// those that are not `needed`, so that nobody who comes and goes can push out who is here.
    pub fn attach(
        &mut self,
        client: ClientId,
        limits: &ShellLimits,
        needed: impl Fn(ClientId) -> bool,
    ) -> u64 {
        if !self.clients.contains_key(&client) && self.clients.len() >= limits.clients {
            self.forget_one(needed);
        }
        self.clock += 1;
        let progress = self.clients.entry(client).or_default();
        progress.used = self.clock;
        progress.taken
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
        let bytes = bytes.slice((expected - offset) as usize..);
        let length = bytes.len() as u64;
        if self.unwritten_bytes + length > limits.unwritten_total_bytes as u64 {
            return Err(InputRefused::Full);
        }
        progress.taken = end;
        self.unwritten_bytes += length;
        self.waiting.push_back(Piece { client, bytes, end });
        Ok(true)
    }

    /// The next piece for the PTY.
    pub fn next(&mut self) -> Option<Piece> {
        self.waiting.pop_front()
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
        progress.is_none_or(|progress| progress.taken == progress.written)
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

    /// Forgets the client that was used longest ago, rather one that waits for nothing. Where all are
    /// needed there is one more for a while; there are no more of those than viewers.
    fn forget_one(&mut self, needed: impl Fn(ClientId) -> bool) {
        let oldest = self
            .clients
            .iter()
            .filter(|(client, _)| !needed(**client))
            .min_by_key(|(_, progress)| (progress.taken != progress.written, progress.used))
            .map(|(client, _)| *client);
        let Some(client) = oldest else { return };
        if let Some(progress) = self.clients.remove(&client) {
            self.unwritten_bytes -= progress.taken - progress.written;
            self.forgotten.push(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: ClientId = ClientId(1);

    fn drain(inputs: &mut Inputs) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(piece) = inputs.next() {
            all.extend_from_slice(&piece.bytes);
            inputs.written(piece.client, piece.end);
        }
        all
    }

    proptest! {
        #[test]
        fn resent_input_arrives_exactly_once(
            text in proptest::collection::vec(any::<u8>(), 1..500),
            resends in proptest::collection::vec((any::<u16>(), 1_usize..60), 1..80),
        ) {
            let limits = ShellLimits::default();
            let mut inputs = Inputs::new();
            let mut written = Vec::new();
            for (back, length) in resends {
                let taken = inputs.attach(A, &limits, |_| false) as usize;
                let from = taken - (back as usize % (taken + 1));
                let to = text.len().min(from + length);
                let bytes = Bytes::copy_from_slice(&text[from..to]);
                prop_assert!(inputs.take(A, from as u64, &bytes, &limits).is_ok());
                written.extend(drain(&mut inputs));
            }
            prop_assert_eq!(&written, &text[..written.len()]);
            prop_assert_eq!(inputs.written_of(A), written.len() as u64);
        }
    }

    #[test]
    fn what_a_holder_has_is_not_taken_again() {
        let limits = ShellLimits {
            unwritten_input_bytes: 10,
            ..ShellLimits::default()
        };
        let held = wire::Progress {
            client: A.0,
            taken: 8,
            written: 3,
        };
        let mut inputs = Inputs::of(&[held]);
        assert_eq!(inputs.attach(A, &limits, |_| false), 8);
        assert!(!inputs.is_settled(A));
        let resent = Bytes::from_static(b"45678!");
        assert_eq!(inputs.take(A, 3, &resent, &limits), Ok(true));
        assert_eq!(drain(&mut inputs), b"!");
        assert!(inputs.is_settled(A));
        assert_eq!(inputs.unwritten_bytes, 0);
    }

    #[test]
    fn a_gap_is_refused_and_changes_nothing() {
        let limits = ShellLimits::default();
        let mut inputs = Inputs::new();
        inputs
            .take(A, 0, &Bytes::from_static(b"abc"), &limits)
            .unwrap();
        let refused = inputs.take(A, 4, &Bytes::from_static(b"e"), &limits);
        assert_eq!(
            refused,
            Err(InputRefused::Gap {
                expected: 3,
                got: 4
            })
        );
        assert!(
            inputs
                .take(A, u64::MAX, &Bytes::from_static(b"e"), &limits)
                .is_err()
        );
        assert_eq!(drain(&mut inputs), b"abc");
    }

    #[test]
    fn input_that_the_program_does_not_read_is_bounded() {
        let limits = ShellLimits {
            unwritten_input_bytes: 10,
            ..ShellLimits::default()
        };
        let mut inputs = Inputs::new();
        inputs
            .take(A, 0, &Bytes::from_static(&[0; 10]), &limits)
            .unwrap();
        let refused = inputs.take(A, 10, &Bytes::from_static(b"x"), &limits);
        assert_eq!(refused, Err(InputRefused::TooMuch(10)));
        drain(&mut inputs);
        assert_eq!(
            inputs.take(A, 10, &Bytes::from_static(b"x"), &limits),
            Ok(true)
        );
    }

    #[test]
    fn only_the_newest_clients_are_remembered() {
        let limits = ShellLimits {
            clients: 3,
            ..ShellLimits::default()
        };
        let mut inputs = Inputs::new();
        for client in 0..4 {
            inputs.attach(ClientId(client), &limits, |_| false);
            let typed = Bytes::from_static(b"x");
            inputs.take(ClientId(client), 0, &typed, &limits).unwrap();
            drain(&mut inputs);
        }
        assert_eq!(inputs.clients.len(), 3);
        assert_eq!(inputs.take_forgotten(), [ClientId(0)]);
        assert_eq!(inputs.attach(ClientId(3), &limits, |_| false), 1);
        assert_eq!(
            inputs.attach(ClientId(0), &limits, |_| false),
            0,
            "the oldest was forgotten"
        );
    }

    #[test]
    fn who_is_needed_is_never_forgotten() {
        let limits = ShellLimits {
            clients: 3,
            ..ShellLimits::default()
        };
        let mut inputs = Inputs::new();
        inputs.attach(A, &limits, |_| false);
        let typed = Bytes::from_static(b"x");
        inputs.take(A, 0, &typed, &limits).unwrap();
        drain(&mut inputs);
        for client in 2..100 {
            inputs.attach(ClientId(client), &limits, |client| client == A);
        }
        assert_eq!(inputs.clients.len(), 3);
        assert_eq!(inputs.attach(A, &limits, |_| false), 1);
        inputs.attach(ClientId(100), &limits, |_| true);
        assert_eq!(inputs.clients.len(), 4, "all are needed");
    }
}
