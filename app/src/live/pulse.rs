//! Whether a live connection still carries anything. Silence is counted in looks, not by the clock: a tab whose timers
//! slept has not looked meanwhile, and what came for it in that time is heard before it has looked often enough.

use std::time::Duration;

use crate::model::LIVE_EVERY;

/// Between two looks; a tab in the background looks more seldom.
pub const LOOK: Duration = Duration::from_millis(500);
/// Looks without anything, 20 s: four times what is promised, because on a slow line a message is long on its way.
const SILENT: u32 = looks(LIVE_EVERY) * 4;
/// Looks without an answer to what was asked after waking, as a shell's page waits for it.
const UNANSWERED: u32 = looks(Duration::from_secs(3));

const fn looks(time: Duration) -> u32 {
    (time.as_millis() / LOOK.as_millis()) as u32
}

/// Of one socket, from the attempt to open it on.
#[derive(Default)]
pub struct Pulse {
    /// Looks since something came.
    quiet: u32,
    lives: bool,
}

impl Pulse {
    /// Something came. True the first time.
    pub fn heard(&mut self) -> bool {
        self.quiet = 0;
        !std::mem::replace(&mut self.lives, true)
    }

    /// Looks once more. True where it has been quiet for too long.
    pub fn is_silent(&mut self) -> bool {
        self.quiet += 1;
        self.quiet >= SILENT
    }

    /// Something has to come soon; asking again meanwhile gives it no more time. False where nothing has come yet.
    pub fn hurry(&mut self) -> bool {
        self.quiet = self.quiet.max(SILENT - UNANSWERED);
        self.lives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long it takes until it is silent.
    fn patience(pulse: &mut Pulse) -> Duration {
        let looks = (1..).find(|_| pulse.is_silent());
        LOOK * looks.unwrap()
    }

    #[test]
    fn what_has_been_quiet_for_four_signs_of_life_is_silent_also_where_nothing_ever_came() {
        let mut pulse = Pulse::default();
        assert_eq!(patience(&mut pulse), LIVE_EVERY * 4);
        assert!(pulse.heard());
        assert!(!pulse.is_silent());
        assert!(!pulse.heard());
        assert_eq!(patience(&mut pulse), LIVE_EVERY * 4);
    }

    #[test]
    fn after_waking_an_answer_has_three_seconds_however_often_it_is_asked_for() {
        let mut pulse = Pulse::default();
        assert!(!pulse.hurry());
        pulse.heard();
        assert!(pulse.hurry());
        assert!(!pulse.is_silent());
        assert!(pulse.hurry());
        assert_eq!(LOOK + patience(&mut pulse), Duration::from_secs(3));
        pulse.heard();
        assert_eq!(patience(&mut pulse), LIVE_EVERY * 4);
    }
}
