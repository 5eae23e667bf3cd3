//! What is typed while a VM starts: kept for what is run in it then, unless it is Ctrl-C.

use bytes::BytesMut;

use super::channel::{Event, Inbox};

/// Bytes that are kept; what comes behind them waits in the channel.
const KEPT_MAX: usize = 64 * 1024;
const CTRL_C: u8 = 0x03;

/// Reads the keys of a client that waits. Dropped, it gives them back.
pub struct Ahead<'a> {
    inbox: &'a mut Inbox,
    kept: BytesMut,
}

impl<'a> Ahead<'a> {
    /// Nothing is read until [`Ahead::interrupt`] is waited for.
    pub fn new(inbox: &'a mut Inbox) -> Self {
        Self {
            inbox,
            kept: BytesMut::new(),
        }
    }

    /// Waits for Ctrl-C, or for the signal that is the same. May be dropped and called anew.
    pub async fn interrupt(&mut self) {
        while self.kept.len() < KEPT_MAX {
            match self.inbox.next().await {
                Some(Event::Data(bytes)) => {
                    if let Some(at) = bytes.iter().position(|byte| *byte == CTRL_C) {
                        // As a terminal does it: what was typed before is gone.
                        self.kept.clear();
                        self.kept.extend_from_slice(&bytes[at + 1..]);
                        return;
                    }
                    self.kept.extend_from_slice(&bytes);
                }
                Some(Event::Signal(name)) if name == "INT" => return,
                Some(_) => {}
                None => break,
            }
        }
        // Who has left is noticed by others.
        std::future::pending().await
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        // Nothing was read: what others have given back is there still.
        if !self.kept.is_empty() {
            self.inbox.give_back(self.kept.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::ssh::channel::{Size, channel};

    fn typed(bytes: &'static [u8]) -> Event {
        Event::Data(Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn what_is_typed_ahead_is_there_for_who_reads_next() {
        let (feed, mut inbox, _closed) = channel();
        feed.push(typed(b"l"));
        let mut ahead = Ahead::new(&mut inbox);
        assert!(ahead.interrupt().now_or_never().is_none());
        feed.push(Event::Resize(Size::new(100, 30)));
        feed.push(typed(b"s\r"));
        assert!(ahead.interrupt().now_or_never().is_none());
        drop(ahead);
        assert_eq!(inbox.size(), Size::new(100, 30));
        assert_eq!(inbox.next().await, Some(typed(b"ls\r")));
        assert!(inbox.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn control_c_ends_the_waiting_and_what_was_typed_before_it() {
        let (feed, mut inbox, _closed) = channel();
        feed.push(typed(b"ls\r"));
        let mut ahead = Ahead::new(&mut inbox);
        assert!(ahead.interrupt().now_or_never().is_none());
        feed.push(typed(b"pwd\x03exit\r"));
        assert!(ahead.interrupt().now_or_never().is_some());
        drop(ahead);
        assert_eq!(inbox.next().await, Some(typed(b"exit\r")));
    }

    #[tokio::test]
    async fn what_was_given_back_before_is_not_lost() {
        let (feed, mut inbox, _closed) = channel();
        feed.push(typed(b"ls\r"));
        inbox.next().await;
        inbox.give_back(Bytes::from_static(b"s\r"));
        drop(Ahead::new(&mut inbox));
        assert_eq!(inbox.next().await, Some(typed(b"s\r")));
        inbox.give_back(Bytes::from_static(b"\r"));
        let mut ahead = Ahead::new(&mut inbox);
        feed.push(Event::Signal("INT".into()));
        assert!(ahead.interrupt().now_or_never().is_some());
    }
}
