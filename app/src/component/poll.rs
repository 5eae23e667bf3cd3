//! Asking again from time to time, while the page is looked at.

use std::{future::Future, time::Duration};

/// Calls `ask` every `every` in the browser, until the page is left; not while it is hidden, and
/// never before the answer of the call before.
#[cfg(feature = "hydrate")]
pub fn poll<F>(every: Duration, ask: impl Fn() -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
    use leptos::prelude::*;

    let busy = std::rc::Rc::new(std::cell::Cell::new(false));
    let tick = move || {
        if busy.get() || document().hidden() {
            return;
        }
        busy.set(true);
        let busy = busy.clone();
        let answer = ask();
        leptos::task::spawn_local(async move {
            answer.await;
            busy.set(false);
        });
    };
    if let Ok(timer) = set_interval_with_handle(tick, every) {
        on_cleanup(move || timer.clear());
    }
}

/// A page on the server is drawn once.
#[cfg(not(feature = "hydrate"))]
pub fn poll<F>(_: Duration, _: impl Fn() -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
}
