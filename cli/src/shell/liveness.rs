//! Whether a connection still carries anything: a viewer's duties (docs/shell-protocol.md, Liveness).

use std::time::Duration;

use tokio::time::Instant;

const PING_EVERY: Duration = Duration::from_secs(15);
const PONG_DEADLINE: Duration = Duration::from_secs(10);

/// What is to be done about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// All is well, or may yet be.
    Nothing,
    /// The node is to be asked whether it is there.
    Ping,
    /// It did not answer.
    GiveUp,
}

/// When the node was asked, and by when something has to come.
#[derive(Debug)]
pub struct Liveness {
    pinged_at: Instant,
    pong_due: Option<Instant>,
}

impl Liveness {
    /// Of a connection that was just made.
    pub fn new(now: Instant) -> Self {
        Self {
            pinged_at: now,
            pong_due: None,
        }
    }

    /// A message came: the node is there, and on a slow line its pong is behind much else.
    pub fn heard(&mut self, now: Instant) {
        self.pong_due = self.pong_due.map(|_| now + PONG_DEADLINE);
    }

    /// The answer came.
    pub fn pong(&mut self) {
        self.pong_due = None;
    }

    /// Asked about once a second; a ping that is due counts as sent.
    pub fn due(&mut self, now: Instant) -> Due {
        if let Some(due) = self.pong_due {
            return if due < now { Due::GiveUp } else { Due::Nothing };
        }
        if now.duration_since(self.pinged_at) < PING_EVERY {
            return Due::Nothing;
        }
        self.pinged_at = now;
        self.pong_due = Some(now + PONG_DEADLINE);
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due in each second, but for those in which nothing is.
    fn events(
        liveness: &mut Liveness,
        start: Instant,
        seconds: std::ops::Range<u64>,
    ) -> Vec<(u64, Due)> {
        seconds
            .map(|second| (second, liveness.due(start + Duration::from_secs(second))))
            .filter(|(_, due)| *due != Due::Nothing)
            .collect()
    }

    #[test]
    fn a_ping_every_15_s_and_10_s_for_its_pong() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        assert_eq!(events(&mut liveness, start, 0..17), [(15, Due::Ping)]);
        liveness.pong();
        assert_eq!(events(&mut liveness, start, 17..40), [(30, Due::Ping)]);
        assert_eq!(events(&mut liveness, start, 40..42), [(41, Due::GiveUp)]);
    }

    #[test]
    fn a_slow_line_that_brings_something_is_not_given_up_while_a_pong_is_awaited() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        assert_eq!(events(&mut liveness, start, 0..24), [(15, Due::Ping)]);
        liveness.heard(start + Duration::from_secs(24));
        assert_eq!(events(&mut liveness, start, 24..33), []);
        liveness.heard(start + Duration::from_secs(33));
        assert_eq!(events(&mut liveness, start, 33..45), [(44, Due::GiveUp)]);
    }

    #[test]
    fn what_is_heard_while_no_pong_is_awaited_makes_none_due() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        liveness.heard(start + Duration::from_secs(1));
        assert_eq!(events(&mut liveness, start, 1..25), [(15, Due::Ping)]);
    }
}
