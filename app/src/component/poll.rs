//! Asking again from time to time, while the page is looked at, and saying so where no answer comes.

use std::{future::Future, time::Duration};

use leptos::prelude::*;

use super::{Alert, AlertKind};
use crate::live::{Loss, use_live};

/// Calls `ask` every `every` in the browser, until the page is left; not while it is hidden, and not before the
/// answer of the call before, unless that is three rounds late.
pub fn poll<F>(every: Duration, ask: impl Fn() -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
    poll_or_tell(every, move || {
        let answer = ask();
        async move {
            answer.await;
            true
        }
    });
}

/// The same, where `ask` tells whether it got an answer. True while the last three rounds brought none: what is shown
/// is old. [`Old`] says so.
#[cfg(feature = "hydrate")]
pub fn poll_or_tell<F>(every: Duration, ask: impl Fn() -> F + 'static) -> Signal<bool>
where
    F: Future<Output = bool> + 'static,
{
    let rounds = std::rc::Rc::new(std::cell::RefCell::new(Rounds::default()));
    let old = RwSignal::new(false);
    let tick = move || {
        if document().hidden() {
            return;
        }
        let asks = rounds.borrow_mut().begin();
        tell(old, rounds.borrow().is_old());
        if !asks {
            return;
        }
        let rounds = rounds.clone();
        let answer = ask();
        leptos::task::spawn_local(async move {
            let is_answered = answer.await;
            rounds.borrow_mut().end(is_answered);
            tell(old, rounds.borrow().is_old());
        });
    };
    if let Ok(timer) = set_interval_with_handle(tick, every) {
        on_cleanup(move || timer.clear());
    }
    old.into()
}

/// A page on the server is drawn once.
#[cfg(not(feature = "hydrate"))]
pub fn poll_or_tell<F>(_: Duration, _: impl Fn() -> F + 'static) -> Signal<bool>
where
    F: Future<Output = bool> + 'static,
{
    Signal::stored(false)
}

/// Nothing is drawn anew for what was known, nor for a page that was left meanwhile.
#[cfg(feature = "hydrate")]
fn tell(old: RwSignal<bool>, is_old: bool) {
    if old.try_get_untracked() == Some(!is_old) {
        old.set(is_old);
    }
}

/// Says so while what is shown is old, unless the frame says it of the whole connection.
#[component]
pub fn Old(old: Signal<bool>) -> impl IntoView {
    let live = use_live();
    move || {
        (old.get() && live.lost() == Loss::None).then(|| {
            view! {
                <Alert kind=AlertKind::Note>
                    "What you see may be out of date: asking for it anew has failed. Trying again."
                </Alert>
            }
        })
    }
}

/// Rounds without an answer that make what is shown old; a question that hangs for so long is asked anew.
#[cfg(any(feature = "hydrate", test))]
const PATIENCE: u32 = 3;

/// When to ask, and how long there was no answer.
#[cfg(any(feature = "hydrate", test))]
#[derive(Default)]
struct Rounds {
    unanswered: u32,
    is_waiting: bool,
}

#[cfg(any(feature = "hydrate", test))]
impl Rounds {
    /// Whether to ask in this round.
    fn begin(&mut self) -> bool {
        self.unanswered += 1;
        let asks = !self.is_waiting || self.unanswered.is_multiple_of(PATIENCE);
        self.is_waiting |= asks;
        asks
    }

    fn end(&mut self, is_answered: bool) {
        self.is_waiting = false;
        if is_answered {
            self.unanswered = 0;
        }
    }

    fn is_old(&self) -> bool {
        self.unanswered >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_old_when_the_third_round_begins_without_an_answer() {
        let mut rounds = Rounds::default();
        for is_old in [false, false, true, true] {
            assert!(rounds.begin());
            assert_eq!(rounds.is_old(), is_old);
            rounds.end(false);
        }
        rounds.end(true);
        assert!(!rounds.is_old());
    }

    #[test]
    fn a_question_that_hangs_is_asked_anew_in_each_third_round() {
        let mut rounds = Rounds::default();
        let asks: Vec<bool> = (0..7).map(|_| rounds.begin()).collect();
        assert_eq!(asks, [true, false, true, false, false, true, false]);
        assert!(rounds.is_old());
    }
}
