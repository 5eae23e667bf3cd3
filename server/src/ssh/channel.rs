//! A channel between russh, which must never wait, and the task that serves it.
//!
//! russh opens a client's window again as soon as bytes have come, and hands them on by a queue that
//! it waits for: one command that does not read its input would hold up everything on the connection,
//! its own output included. So the queue here takes all at once, and is kept small by the window:
//! while it is full the window is opened by two bytes at a time, each slowly, and the client stops
//! by itself (docs/decisions/0007).

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a client may send before it is told to go on.
pub const WINDOW: u32 = 2 * 1024 * 1024;
/// The window of who has sent more than is wanted.
pub const WINDOW_CLOSED: u32 = 2;
/// Past this the window is closed.
const FULL: usize = 1024 * 1024;
/// Past this the client does not keep to windows, or floods with requests.
const OVERFLOW: usize = FULL + 3 * WINDOW as usize;
/// What a thing costs beside its bytes.
const EACH: usize = 64;

/// A terminal's columns and rows, clamped to what the node takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub cols: u16,
    pub rows: u16,
}

impl Size {
    /// At most 500 of each; for 0, which means "not known", 80 columns and 24 rows.
    pub fn new(cols: u32, rows: u32) -> Self {
        let clamp = |value: u32, default: u16| match value {
            0 => default,
            value => u16::try_from(value.min(500)).unwrap_or(500),
        };
        Self {
            cols: clamp(cols, 80),
            rows: clamp(rows, 24),
        }
    }
}

/// What a client says on a channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A terminal is wanted; `term` is its TERM.
    Pty {
        term: String,
        size: Size,
    },
    /// A variable that a session may set, and its value.
    Env(String, String),
    /// Once, and last of what is asked for before anything runs.
    Start(Start),
    Data(Bytes),
    /// No more data comes.
    Eof,
    Resize(Size),
    /// By its name without SIG.
    Signal(String),
}

/// What a session is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Shell,
    /// A command line, bytes as they came.
    Exec(Vec<u8>),
    /// By its name, such as `sftp`.
    Subsystem(String),
}

/// Data that waits: small parts lie in one piece, so that a queue is no larger than what is in it.
#[derive(Default)]
struct Pile {
    bytes: BytesMut,
    /// An empty `Data` in the queue stands for it.
    queued: bool,
}

/// What waits in a channel, in bytes, and word of its getting less.
#[derive(Default)]
struct Held {
    bytes: AtomicUsize,
    less: Notify,
}

impl Held {
    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > FULL
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.less.notify_waiters();
    }

    fn clear(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.less.notify_waiters();
    }
}

/// russh's end. Dropped, the channel is closed.
pub struct Feed {
    to: mpsc::UnboundedSender<Event>,
    pile: Arc<Mutex<Pile>>,
    held: Arc<Held>,
    _closed: DropGuard,
}

/// The task's end.
pub struct Inbox {
    from: mpsc::UnboundedReceiver<Event>,
    pile: Arc<Mutex<Pile>>,
    held: Arc<Held>,
    /// Of the event that was read last: until the next is asked for it has not been sent on.
    lent: usize,
    /// What was given back.
    front: Option<Bytes>,
    /// How large the client's terminal is, as far as was read.
    size: Size,
    ended: bool,
}

/// A channel's two ends, and what is cancelled when the client has closed it.
pub fn channel() -> (Feed, Inbox, CancellationToken) {
    let (to, from) = mpsc::unbounded_channel();
    let held = Arc::new(Held::default());
    let closed = CancellationToken::new();
    let pile = Arc::default();
    let feed = Feed {
        to,
        pile: Arc::clone(&pile),
        held: held.clone(),
        _closed: closed.clone().drop_guard(),
    };
    let inbox = Inbox {
        from,
        pile,
        held,
        lent: 0,
        front: None,
        size: Size::new(0, 0),
        ended: false,
    };
    (feed, inbox, closed)
}

impl Feed {
    /// Hands an event on. False: this client must go, it sends more than it may.
    pub fn push(&self, event: Event) -> bool {
        let held = self.held.bytes.fetch_add(cost(&event), Ordering::Relaxed);
        let event = match event {
            Event::Data(bytes) => {
                let mut pile = lock(&self.pile);
                pile.bytes.extend_from_slice(&bytes);
                if std::mem::replace(&mut pile.queued, true) {
                    return held < OVERFLOW;
                }
                Event::Data(Bytes::new())
            }
            other => other,
        };
        if self.to.send(event).is_err() {
            // The task has ended, and the client will hear of that.
            self.held.clear();
            return true;
        }
        held < OVERFLOW
    }

    /// True while the client should send no more.
    pub fn is_full(&self) -> bool {
        self.held.is_full()
    }

    /// Waits while the client should send no more.
    pub async fn room(&self) {
        loop {
            let less = self.held.less.notified();
            if !self.held.is_full() {
                return;
            }
            less.await;
        }
    }

    /// True when the task has ended.
    pub fn is_over(&self) -> bool {
        self.to.is_closed()
    }
}

impl Inbox {
    /// The next event; None when the channel was closed. May be dropped and called anew.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(bytes) = self.front.take() {
            return Some(Event::Data(bytes));
        }
        self.sent_on(self.lent);
        let event = match self.from.recv().await? {
            Event::Data(_) => {
                let mut pile = lock(&self.pile);
                pile.queued = false;
                Event::Data(pile.bytes.split().freeze())
            }
            other => other,
        };
        self.ended |= event == Event::Eof;
        if let Event::Pty { size, .. } | Event::Resize(size) = &event {
            self.size = *size;
        }
        self.lent = cost(&event);
        Some(event)
    }
}

impl Inbox {
    /// So many bytes of the data that was read last are on their way: there is room for as many more.
    pub fn sent_on(&mut self, bytes: usize) {
        let bytes = bytes.min(self.lent);
        self.lent -= bytes;
        self.held.give_back(bytes);
    }

    /// Gives data back that was read and is another's: the next reader has it first.
    pub fn give_back(&mut self, bytes: Bytes) {
        self.front = (!bytes.is_empty()).then_some(bytes);
    }

    /// The client's terminal as it is now, whoever has read of it: 80 x 24 until something was said.
    pub fn size(&self) -> Size {
        self.size
    }

    /// True when all data has been read, whoever has read it.
    pub fn has_ended(&self) -> bool {
        self.ended && self.front.is_none()
    }
}

impl Drop for Inbox {
    /// What nobody reads any more must not close the window of others.
    fn drop(&mut self) {
        self.held.clear();
    }
}

fn cost(event: &Event) -> usize {
    match event {
        Event::Data(bytes) => bytes.len(),
        Event::Start(Start::Exec(command)) => EACH + command.len(),
        _ => EACH,
    }
}

fn lock(pile: &Mutex<Pile>) -> MutexGuard<'_, Pile> {
    pile.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_queue_is_full_until_it_is_read_and_tells_who_floods() {
        let (feed, mut inbox, closed) = channel();
        let part = Bytes::from(vec![0; 32 * 1024]);
        let mut parts = 0;
        while !feed.is_full() {
            assert!(feed.push(Event::Data(part.clone())));
            parts += 1;
        }
        let all = inbox.next().await;
        assert_eq!(all, Some(Event::Data(vec![0; parts * part.len()].into())));
        assert!(feed.is_full(), "what was read is not sent on yet");
        assert!(feed.room().now_or_never().is_none());
        inbox.sent_on(part.len());
        assert!(!feed.is_full(), "a part of it is");
        feed.room().now_or_never().expect("at once");
        assert!(feed.push(Event::Data(part.clone())) && feed.is_full());
        let last = inbox.next().await;
        assert_eq!(last, Some(Event::Data(part.clone())));
        assert!(inbox.next().now_or_never().is_none());
        assert!(!feed.is_full());
        assert!((0..1_000).any(|_| !feed.push(Event::Data(part.clone()))));
        assert!(!closed.is_cancelled());
        drop(feed);
        assert!(closed.is_cancelled());
    }

    #[tokio::test]
    async fn two_bytes_at_a_time_for_an_hour_are_no_flood() {
        let (feed, mut inbox, _closed) = channel();
        assert!(feed.push(Event::Data(vec![0; FULL + 1].into())));
        for _ in 0..700_000 {
            assert!(feed.push(Event::Data(Bytes::from_static(b"ab"))));
        }
        feed.push(Event::Eof);
        let Some(Event::Data(all)) = inbox.next().await else {
            panic!("data comes first");
        };
        assert_eq!(all.len(), FULL + 1 + 1_400_000);
        assert_eq!(inbox.next().await, Some(Event::Eof));
        assert!(inbox.has_ended() && !feed.is_full());
    }

    #[tokio::test]
    async fn what_has_ended_is_not_full() {
        let (feed, inbox, _closed) = channel();
        feed.push(Event::Data(Bytes::from(vec![0; FULL + 1])));
        assert!(feed.is_full() && !feed.is_over());
        drop(inbox);
        assert!(!feed.is_full() && feed.is_over());
    }

    #[tokio::test]
    async fn the_newest_size_is_known_whoever_has_read_of_it() {
        let (feed, mut inbox, _closed) = channel();
        assert_eq!(inbox.size(), Size::new(80, 24));
        let (first, second) = (Size::new(133, 41), Size::new(100, 30));
        let term = "xterm".to_owned();
        feed.push(Event::Pty { term, size: first });
        feed.push(Event::Resize(second));
        inbox.next().await;
        assert_eq!(inbox.size(), first);
        inbox.next().await;
        assert_eq!(inbox.size(), second);
    }

    #[test]
    fn sizes_are_what_a_terminal_can_have() {
        assert_eq!(Size::new(0, 0), Size { cols: 80, rows: 24 });
        assert_eq!(Size::new(100_000, 3), Size { cols: 500, rows: 3 });
    }
}
