//! Input that waits. It takes the memory of its bytes, however small the pieces are in which it comes, and
//! whatever buffers those lie in: they are copied, and put together.

use std::collections::VecDeque;

use bytes::Bytes;

use super::ClientId;

/// Pieces of a client are put together up to this many bytes.
const JOINED_BYTES: usize = 16 * 1024;
/// Clients take turns exactly as they typed while no more pieces wait. Past it a client's bytes go behind
/// its own, wherever those are.
const PIECES: usize = 1024;

/// Bytes on their way to the PTY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Who typed it.
    pub client: ClientId,
    pub bytes: Bytes,
    /// The client's input offset once these are written.
    pub end: u64,
}

/// What waits of one shell. Each client's bytes stay in their order.
#[derive(Debug, Default)]
pub struct Queue {
    pieces: VecDeque<Joined>,
    bytes: usize,
}

#[derive(Debug)]
struct Joined {
    client: ClientId,
    bytes: Vec<u8>,
    end: u64,
}

impl Queue {
    /// Copies these bytes of a client, whose input offset behind them is `end`.
    pub fn push(&mut self, client: ClientId, end: u64, bytes: &[u8]) {
        self.bytes += bytes.len();
        if let Some(last) = self.with_room(client, bytes.len()) {
            last.bytes.extend_from_slice(bytes);
            last.end = end;
            return;
        }
        self.pieces.push_back(Joined {
            client,
            bytes: bytes.to_vec(),
            end,
        });
    }

    /// The next piece for the PTY.
    pub fn pop(&mut self) -> Option<Piece> {
        let Joined { client, bytes, end } = self.pieces.pop_front()?;
        self.bytes -= bytes.len();
        Some(Piece {
            client,
            bytes: bytes.into(),
            end,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many bytes wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The client's newest piece, where these may go behind it.
    fn with_room(&mut self, client: ClientId, more: usize) -> Option<&mut Joined> {
        let looked_at = if self.pieces.len() < PIECES {
            1
        } else {
            usize::MAX
        };
        let mut newest = self.pieces.iter_mut().rev().take(looked_at);
        let last = newest.find(|piece| piece.client == client)?;
        (last.bytes.len() + more <= JOINED_BYTES).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_bytes_of_many_clients_take_the_memory_of_their_bytes() {
        const CLIENTS: u64 = 64;
        const EACH: u64 = 5_000;
        let mut queue = Queue::default();
        for at in 0..EACH {
            for client in 0..CLIENTS {
                let byte = (at % 251) as u8;
                queue.push(ClientId(client), at + 1, &[byte]);
            }
        }
        let bytes = (CLIENTS * EACH) as usize;
        assert_eq!(queue.bytes(), bytes);
        let taken: usize = queue.pieces.iter().map(|one| one.bytes.capacity()).sum();
        assert!(taken <= 2 * bytes + 16 * PIECES, "{taken}");
        assert!(queue.pieces.len() <= PIECES + 2 * CLIENTS as usize);
        let mut ends = vec![0_u64; CLIENTS as usize];
        while let Some(piece) = queue.pop() {
            let end = &mut ends[piece.client.0 as usize];
            for byte in piece.bytes {
                assert_eq!(u64::from(byte), *end % 251);
                *end += 1;
            }
            assert_eq!(*end, piece.end);
        }
        assert!(ends.iter().all(|end| *end == EACH));
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn few_pieces_come_out_in_the_order_they_were_typed() {
        let mut queue = Queue::default();
        for (client, end, bytes) in [(1, 1, "a"), (1, 2, "b"), (2, 1, "c"), (1, 3, "d")] {
            queue.push(ClientId(client), end, bytes.as_bytes());
        }
        let mut typed = Vec::new();
        while let Some(piece) = queue.pop() {
            typed.push((piece.client.0, piece.end, piece.bytes));
        }
        let piece = |client: u64, end: u64, bytes: &'static str| (client, end, Bytes::from(bytes));
        assert_eq!(
            typed,
            [piece(1, 2, "ab"), piece(2, 1, "c"), piece(1, 3, "d")]
        );
        assert!(queue.is_empty());
    }

    #[test]
    fn what_waits_keeps_no_buffer_it_came_in() {
        let buffer = Bytes::from(vec![7; 16 * 1024]);
        let mut queue = Queue::default();
        queue.push(ClientId(1), 1, &buffer.slice(..1));
        assert!(buffer.is_unique());
    }
}
