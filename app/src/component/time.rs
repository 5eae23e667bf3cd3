//! Times relative to now, exact on hover. The server and the first draw of the browser count from
//! the same moment (`as_of`), so that they agree; then the browser's clock goes on.

use leptos::prelude::*;

use crate::format;

/// The server's time, ticking in the browser. None until the first tick.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<Option<i64>>,
    /// How far the server's clock is ahead of the browser's, in microseconds.
    ahead: StoredValue<i64>,
}

impl Clock {
    /// Makes the clock of the page; it ticks in the browser.
    pub fn provide() {
        let clock = Self::new();
        provide_context(clock);
        #[cfg(feature = "hydrate")]
        Effect::new(move |_| {
            let tick = set_interval_with_handle(
                move || clock.now.set(Some(browser_now() + clock.ahead.get_value())),
                std::time::Duration::from_secs(1),
            );
            on_cleanup(move || {
                if let Ok(tick) = tick {
                    tick.clear();
                }
            });
        });
    }

    /// The clock of the page.
    pub fn get() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    fn new() -> Self {
        Self {
            now: RwSignal::new(None),
            ahead: StoredValue::new(0),
        }
    }

    /// Learns the server's time from an answer that has just come.
    pub fn sync(self, as_of: i64) {
        #[cfg(feature = "hydrate")]
        {
            self.ahead.set_value(as_of - browser_now());
            // Not before the first tick: the first draw must agree with the server's.
            if self.now.get_untracked().is_some() {
                self.now.set(Some(as_of));
            }
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = (as_of, self.ahead);
    }

    /// Now, or `as_of` before the first tick.
    pub fn now(self, as_of: i64) -> i64 {
        self.now.get().unwrap_or(as_of).max(as_of)
    }
}

#[cfg(feature = "hydrate")]
fn browser_now() -> i64 {
    (js_sys::Date::now() * 1000.0) as i64
}

/// "5 min ago".
#[component]
pub fn Ago(at: i64, as_of: i64) -> impl IntoView {
    let clock = Clock::get();
    let words = Memo::new(move |_| format::ago(at, clock.now(as_of)));
    view! { <time datetime=format::iso(at) title=format::exact(at)>{words}</time> }
}

/// "2 h 5 min", until `at`.
#[component]
pub fn Left(at: i64, as_of: i64) -> impl IntoView {
    let clock = Clock::get();
    let words = Memo::new(move |_| format::span(at - clock.now(as_of)));
    view! { <time datetime=format::iso(at) title=format::exact(at)>{words}</time> }
}

/// "2 h 5 min", since `at`.
#[component]
pub fn Since(at: i64, as_of: i64) -> impl IntoView {
    let clock = Clock::get();
    let words = Memo::new(move |_| format::span(clock.now(as_of) - at));
    view! { <time datetime=format::iso(at) title=format::exact(at)>{words}</time> }
}
