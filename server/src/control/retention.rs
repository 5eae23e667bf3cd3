//! How long stopped VMs are kept. Nothing goes at once because an admin switched that on: every VM has its
//! days from then, and its page says when they end.

use app::format::exact;

use super::ControlError;
use crate::{
    clock::SECOND,
    db::{
        Db,
        setting::{setting_get, setting_set},
    },
};

/// The setting that remembers it between starts: days and since when, or empty.
pub(super) const SETTING: &str = "stopped_retention";
const DAY: i64 = 86_400 * SECOND;
/// How long before a stopped VM goes its page says so, at the least.
const NOTICE: i64 = 7 * DAY;

/// Stopped VMs go after so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// At least 1.
    pub days: u32,
    /// Since when it is no longer than that: microseconds since the Unix epoch.
    pub since: i64,
}

impl Retention {
    /// Takes up what is configured, and remembers since when that holds. None (or 0): they are kept for ever.
    pub(super) async fn take_up(
        db: &Db,
        days: Option<u32>,
        now: i64,
    ) -> Result<Option<Self>, ControlError> {
        let kept = setting_get(db, SETTING).await?;
        let before = kept.as_deref().and_then(Self::read);
        let after = Self::after(before, days, now);
        if after != before {
            let text = after.map(Self::text).unwrap_or_default();
            let mut tx = db.write().await?;
            setting_set(&mut tx, SETTING, &text).await?;
            tx.commit().await?;
        }
        if let Some(Self { days, since }) = after {
            let since = exact(since);
            tracing::info!(
                "stopped VMs are kept for {days} days, counted from {since} at the earliest"
            );
        }
        Ok(after)
    }

    /// A time that is new, or shorter than the one before, begins now.
    fn after(before: Option<Self>, days: Option<u32>, now: i64) -> Option<Self> {
        let days = days.filter(|days| *days > 0)?;
        let longer = before.filter(|before| before.days <= days);
        let since = longer.map_or(now, |before| before.since);
        Some(Self { days, since })
    }

    fn read(text: &str) -> Option<Self> {
        let (days, since) = text.split_once(' ')?;
        Some(Self {
            days: days.parse().ok()?,
            since: since.parse().ok()?,
        })
    }

    fn text(self) -> String {
        format!("{} {}", self.days, self.since)
    }

    /// When a VM goes that was stopped at `stopped_at`.
    pub(super) fn ends_at(self, stopped_at: i64) -> i64 {
        let kept = i64::from(self.days).saturating_mul(DAY);
        let end = stopped_at.max(self.since).saturating_add(kept);
        end.max(self.since.saturating_add(NOTICE))
    }

    /// Said of a VM that was stopped at `stopped_at`, in its last days.
    pub(super) fn notice(self, stopped_at: i64, now: i64) -> Option<String> {
        let ends_at = self.ends_at(stopped_at);
        (ends_at - now <= NOTICE).then(|| {
            format!(
                "Stopped VMs are kept for {} days: start it before {} to keep it.",
                self.days,
                exact(ends_at)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: i64 = 1_000 * DAY;

    fn kept(days: u32) -> Retention {
        Retention { days, since: THEN }
    }

    #[test]
    fn days_count_from_the_stop_but_not_from_before_they_were_set_nor_without_a_week_to_be_told() {
        for (days, stopped, ends) in [
            (30, -400, 30),
            (30, 0, 30),
            (30, 5, 35),
            (1, -400, 7),
            (1, 3, 7),
            (1, 20, 21),
        ] {
            let ends_at = kept(days).ends_at(THEN + stopped * DAY);
            assert_eq!(
                ends_at,
                THEN + ends * DAY,
                "{days} days, stopped on {stopped}"
            );
        }
    }

    #[test]
    fn the_last_week_is_told_with_the_moment_of_its_end() {
        let notice = |day: i64| kept(30).notice(THEN + 5 * DAY, THEN + day * DAY);
        assert_eq!(notice(5), None);
        assert_eq!(notice(27), None);
        for day in [28, 34] {
            // 1,035 days after the epoch.
            let words = "Stopped VMs are kept for 30 days: start it before 1972-11-01 00:00:00 UTC to keep it.";
            assert_eq!(notice(day).as_deref(), Some(words), "on day {day}");
        }
    }

    #[test]
    fn a_time_that_is_set_or_lowered_begins_then_and_one_that_stays_or_grows_goes_on() {
        let since = |before: Option<Retention>, days| {
            Retention::after(before, days, THEN + DAY).map(|kept| kept.since)
        };
        assert_eq!(since(None, Some(30)), Some(THEN + DAY));
        assert_eq!(since(Some(kept(30)), Some(20)), Some(THEN + DAY));
        for days in [30, 40] {
            assert_eq!(since(Some(kept(30)), Some(days)), Some(THEN));
        }
        for off in [None, Some(0)] {
            assert_eq!(since(Some(kept(30)), off), None);
        }
    }

    #[test]
    fn what_is_remembered_is_read_again_and_what_is_not_understood_is_as_nothing() {
        assert_eq!(Retention::read(&kept(30).text()), Some(kept(30)));
        for text in ["", "30", "30 soon", "x 1"] {
            assert_eq!(Retention::read(text), None, "{text}");
        }
    }
}
