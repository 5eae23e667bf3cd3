//! What one connection was used for; told in the events when it ends.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Characters that are kept of a host that was refused.
const HOST: usize = 64;

/// Begins with the connection; every channel of it counts here.
pub struct Tally {
    begun: Instant,
    sessions: AtomicU32,
    ports: AtomicU32,
    refused: AtomicU32,
    /// Where the client was not led, the first time.
    first_refused: Mutex<Option<String>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            sessions: AtomicU32::new(0),
            ports: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            first_refused: Mutex::default(),
        }
    }
}

impl Tally {
    /// A session was opened.
    pub fn session(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection to a port was asked for, and may be.
    pub fn port(&self) {
        self.ports.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection to a port was refused.
    pub fn refuse(&self, host: &str, port: u32) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let host = host.chars().filter(char::is_ascii_graphic).take(HOST);
        let mut first = self
            .first_refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| format!("{}:{port}", host.collect::<String>()));
    }

    /// Such as "5 min, 2 sessions, 12 connections to ports".
    pub fn words(&self) -> String {
        let mut parts = vec![time(self.begun.elapsed())];
        let counts = [
            (&self.sessions, "session"),
            (&self.ports, "connection to ports"),
        ];
        for (count, what) in counts {
            match count.load(Ordering::Relaxed) {
                0 => {}
                1 => parts.push(format!("1 {what}")),
                count => parts.push(format!("{count} {}", what.replacen("ion", "ions", 1))),
            }
        }
        let first = self
            .first_refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = first.as_ref() {
            let count = self.refused.load(Ordering::Relaxed);
            parts.push(format!(
                "{count} refused that lead out of the VM, as to {first}"
            ));
        }
        parts.join(", ")
    }
}

fn time(passed: Duration) -> String {
    match passed.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_summed_up_in_a_few_words() {
        let tally = Tally::default();
        assert_eq!(tally.words(), "0 s");
        tally.session();
        tally.port();
        assert_eq!(tally.words(), "0 s, 1 session, 1 connection to ports");
        tally.session();
        tally.port();
        tally.refuse("exa\u{1b}mple.com", 80);
        tally.refuse("10.0.0.1", 22);
        let words = "0 s, 2 sessions, 2 connections to ports, 2 refused that lead out of the VM, as to example.com:80";
        assert_eq!(tally.words(), words);
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        let told = [59, 60, 7_199, 7_200].map(|seconds| time(Duration::from_secs(seconds)));
        assert_eq!(told, ["59 s", "1 min", "119 min", "2 h"]);
    }
}
