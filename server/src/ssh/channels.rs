//! The channels of one connection, and what was asked on each so far.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use russh::{ChannelId, Sig};
use tokio_util::sync::CancellationToken;

use super::channel::{self, Event, Feed, Inbox};

/// Sessions that a connection may have at once, as many as OpenSSH's server allows.
const SESSIONS: usize = 10;
/// Connections to ports that a connection may have at once: a browser behind `-D` opens some dozens.
const PORTS: usize = 64;
/// Channels over a connection's whole life: russh keeps some 4 KiB of each that we close first, until
/// the connection ends.
const IN_ALL: u32 = 4_000;
/// Different ports that are noted of a connection.
const PORTS_NOTED: usize = 16;
/// Variables that a session may set, and bytes of a name and its value together.
const ENV_MAX: usize = 32;
const ENV_BYTES: usize = 1_024;

/// The client does not keep to its window.
#[derive(Debug, thiserror::Error)]
#[error("the client does not keep to its window")]
pub struct Flood;

/// Why no more channels are opened now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// At once: another may be opened when one has ended.
    #[error("this connection has {most} sessions already. End one of them, or make another connection", most = SESSIONS)]
    Sessions,
    /// The same of connections to ports.
    #[error("this connection has {most} connections to ports already. Close one, or make another SSH connection", most = PORTS)]
    Ports,
    /// Over the connection's whole life: only a new one helps.
    #[error("this connection has had {most} sessions and connections to ports, as many as one may. Connect anew", most = IN_ALL)]
    InAll,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Session,
    /// Of `-L`, `-D`, `-W` and `-J`.
    Port,
}

impl Kind {
    fn most(self) -> (usize, TooMany) {
        match self {
            Self::Session => (SESSIONS, TooMany::Sessions),
            Self::Port => (PORTS, TooMany::Ports),
        }
    }
}

/// Those whose task has ended are forgotten when the next is opened.
#[derive(Default)]
pub struct Channels {
    open: HashMap<ChannelId, Entry>,
    opened: u32,
    noted: HashSet<u16>,
}

struct Entry {
    kind: Kind,
    feed: Feed,
    started: bool,
    env: usize,
}

impl Channels {
    /// The task's end of a new channel.
    pub fn open(
        &mut self,
        id: ChannelId,
        kind: Kind,
    ) -> Result<(Inbox, CancellationToken), TooMany> {
        self.open.retain(|_, entry| !entry.feed.is_over());
        let others = self.open.values().filter(|entry| entry.kind == kind);
        let (most, too_many) = kind.most();
        if others.count() >= most {
            return Err(too_many);
        }
        if self.opened >= IN_ALL {
            return Err(TooMany::InAll);
        }
        self.opened += 1;
        let (feed, inbox, closed) = channel::channel();
        let entry = Entry::new(kind, feed);
        self.open.insert(id, entry);
        Ok((inbox, closed))
    }

    /// Lets go of our end, by which the channel's task hears of it. Fine when it is closed already.
    pub fn close(&mut self, id: ChannelId) {
        self.open.remove(&id);
    }

    /// Hands an event to a channel's task.
    pub fn push(&self, id: ChannelId, event: Event) -> Result<(), Flood> {
        match self.open.get(&id) {
            Some(entry) if !entry.feed.push(event) => Err(Flood),
            _ => Ok(()),
        }
    }

    /// True, once, when a request may be made on a session to which nothing was started before.
    pub fn request(&mut self, id: ChannelId, event: &Event) -> bool {
        let entry = self.open.get_mut(&id);
        let entry = entry.filter(|entry| entry.kind == Kind::Session && !entry.started);
        match entry {
            None => false,
            Some(entry) => {
                entry.started = matches!(event, Event::Start(_));
                true
            }
        }
    }

    /// True when a session may set this.
    pub fn may_set(&mut self, id: ChannelId, name: &str, value: &str) -> bool {
        let entry = self.open.get_mut(&id);
        entry.is_some_and(|entry| entry.may_set(name, value))
    }

    /// True the first time that this port is connected to.
    pub fn is_new_port(&mut self, port: u16) -> bool {
        self.noted.len() < PORTS_NOTED && self.noted.insert(port)
    }

    /// True while some task has more to do than it should.
    pub fn is_full(&self) -> bool {
        self.open.values().any(|entry| entry.feed.is_full())
    }

    /// Waits until the tasks have no more to do than they should.
    pub async fn room(&self) {
        for entry in self.open.values() {
            entry.feed.room().await;
        }
    }

    /// Takes a client's bytes for a channel.
    pub fn data(&self, id: ChannelId, data: &[u8]) -> Result<(), Flood> {
        self.push(id, Event::Data(Bytes::copy_from_slice(data)))
    }
}

impl Entry {
    fn new(kind: Kind, feed: Feed) -> Self {
        Self {
            kind,
            feed,
            started: false,
            env: 0,
        }
    }

    /// True for what tells of language: everything else could change what programs in the VM do.
    fn may_set(&mut self, name: &str, value: &str) -> bool {
        let fits = name.len() + value.len() <= ENV_BYTES && !value.contains('\0');
        let is_locale = name == "LANG" || name.starts_with("LC_");
        let mut letters = name.bytes();
        let is_word = letters.all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        self.env += 1;
        fits && is_locale && is_word && self.env <= ENV_MAX
    }
}

/// Those that commands are sent (docs/exec-protocol.md); others mean nothing here.
pub fn signal_name(signal: &Sig) -> Option<&'static str> {
    Some(match signal {
        Sig::ALRM => "ALRM",
        Sig::HUP => "HUP",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::QUIT => "QUIT",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) if name == "USR2" => "USR2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_sets_a_few_short_variables_of_its_language() {
        let (feed, _inbox, _closed) = channel::channel();
        let mut entry = Entry::new(Kind::Session, feed);
        assert!(entry.may_set("LANG", "de_DE.UTF-8") && entry.may_set("LC_ALL", "C"));
        let longest = "x".repeat(ENV_BYTES - "LANG".len());
        assert!(entry.may_set("LANG", &longest));
        assert!(!entry.may_set("LANG", &format!("{longest}x")));
        for name in ["PATH", "LANGUAGE", "LC_all", "LC_=", "LD_PRELOAD", ""] {
            assert!(!entry.may_set(name, "x"), "{name}");
        }
        assert!(!entry.may_set("LANG", "a\0b"));
    }

    #[test]
    fn who_sets_variable_after_variable_is_stopped() {
        let (feed, _inbox, _closed) = channel::channel();
        let mut entry = Entry::new(Kind::Session, feed);
        for number in 0..ENV_MAX {
            assert!(entry.may_set("LC_NAME", "x"), "{number}");
        }
        assert!(!entry.may_set("LC_NAME", "x"));
    }

    #[test]
    fn a_refusal_says_how_many_there_may_be_and_what_to_do() {
        for (why, number) in [
            (TooMany::Sessions, "10"),
            (TooMany::Ports, "64"),
            (TooMany::InAll, "4000"),
        ] {
            let words = why.to_string();
            assert!(words.contains(number) && words.contains(". "), "{words}");
        }
    }
}
