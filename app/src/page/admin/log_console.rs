//! The lines themselves: at most 1,000 in the page, drawn in batches, held while one reads further
//! up. Without script, the newest as they were.

use leptos::{html, prelude::*};

use super::{
    follow::Lost,
    log_feed::{LINES_MAX, LogFeed, Mode},
    log_line::lines_html,
    logs::Filters,
};
use crate::{
    component::{Icon, IconName},
    live::Loss,
    model::LogView,
};

/// What the page's parts share.
#[derive(Clone, Copy)]
struct Console {
    feed: StoredValue<LogFeed>,
    /// Mirrors of the feed, for what is drawn of it.
    mode: RwSignal<Mode>,
    held: RwSignal<usize>,
    empty: RwSignal<bool>,
    lost: RwSignal<Loss>,
    /// Scrolls. Its lines stand in a column from the bottom up, so that the browser itself keeps
    /// the newest in sight, and a scroll position of 0 is the bottom.
    scroller: NodeRef<html::Div>,
    lines: NodeRef<html::Div>,
    /// A drawing is on its way.
    drawing: StoredValue<bool>,
}

/// Draws `records`, oldest first, then what comes by the socket for `filters`, which is opened anew when they
/// change.
#[component]
pub fn LogConsole(records: Vec<LogView>, filters: Memo<Filters>) -> impl IntoView {
    let console = Console {
        feed: StoredValue::new(LogFeed::new(records.last().map_or(0, |record| record.seq))),
        mode: RwSignal::new(Mode::Following),
        held: RwSignal::new(0),
        empty: RwSignal::new(records.is_empty()),
        lost: RwSignal::new(Loss::None),
        scroller: NodeRef::new(),
        lines: NodeRef::new(),
        drawing: StoredValue::new(false),
    };
    let html = lines_html(&records);
    console.connect(filters);
    view! {
        <Lost lost=console.lost />
        <section class="log" aria-label="Log">
            <div
                class="log-scroller"
                role="log"
                aria-live="off"
                aria-label="Lines, newest last"
                tabindex="0"
                node_ref=console.scroller
                on:scroll=move |_| console.scrolled()
            >
                <div class="log-lines" node_ref=console.lines inner_html=html></div>
            </div>
            <p class="log-empty muted" role="status">
                {move || console.empty.get().then_some("Nothing that was logged matches. New lines appear here.")}
            </p>
            <Held console />
        </section>
        <div class="log-foot">
            <FollowButton console />
            <span class="muted numbers">{format!("Times are UTC. The newest {} lines are kept here.", thousands(LINES_MAX))}</span>
        </div>
    }
}

/// "1,204 new lines ↓": leads to them.
#[component]
fn Held(console: Console) -> impl IntoView {
    let words = move || match console.held.get() {
        1 => "1 new line ↓".to_owned(),
        held => format!("{} new lines ↓", thousands(held)),
    };
    let some = move || console.held.get() > 0;
    view! {
        <Show when=some>
            <button type="button" class="button small accent log-held" on:click=move |_| console.follow()>{words}</button>
        </Show>
    }
}

#[component]
fn FollowButton(console: Console) -> impl IntoView {
    let following = move || console.mode.get() == Mode::Following;
    let on_click = move |_| match following() {
        true => console.set_mode(Mode::Paused),
        false => console.follow(),
    };
    view! {
        <button type="button" class="button small script-only" on:click=on_click>
            {move || match following() {
                true => view! { <Icon name=IconName::Pause /> "Pause" }.into_any(),
                false => view! { <Icon name=IconName::Play /> "Follow" }.into_any(),
            }}
        </button>
    }
}

impl Console {
    fn set_mode(self, mode: Mode) {
        self.feed.update_value(|feed| feed.set_mode(mode));
        self.mode.set(mode);
    }

    /// Draws what was held and goes on with the newest in sight.
    fn follow(self) {
        self.set_mode(Mode::Following);
        self.draw();
        if let Some(scroller) = self.scroller.get_untracked() {
            scroller.set_scroll_top(0);
        }
    }

    /// Scrolling up lets go; scrolling back down goes on.
    fn scrolled(self) {
        match (self.mode.get_untracked(), self.is_at_bottom()) {
            (Mode::Following, false) => self.set_mode(Mode::ScrolledUp),
            (Mode::ScrolledUp, true) => self.follow(),
            _ => {}
        }
    }

    fn is_at_bottom(self) -> bool {
        /// Less than a line away from the bottom is at the bottom.
        const NEAR: i32 = 16;
        self.scroller
            .get_untracked()
            .is_none_or(|scroller| scroller.scroll_top().abs() < NEAR)
    }

    /// Draws what is to be drawn, all of a batch at once.
    fn draw(self) {
        self.drawing.set_value(false);
        let Some(lines) = self.lines.get_untracked() else {
            return;
        };
        let drawing = self.feed.try_update_value(LogFeed::draw).flatten();
        if let Some(drawing) = drawing {
            if drawing.clear {
                lines.set_inner_html("");
            }
            let html = lines_html(&drawing.lines);
            if let Err(error) = lines.insert_adjacent_html("beforeend", &html) {
                leptos::logging::error!("lines could not be drawn: {error:?}");
            }
            let surplus = (lines.child_element_count() as usize).saturating_sub(LINES_MAX);
            for oldest in (0..surplus).filter_map(|_| lines.first_element_child()) {
                oldest.remove();
            }
            self.empty.set(lines.child_element_count() == 0);
        }
        self.held.set(self.feed.with_value(LogFeed::held));
    }

    /// Follows the socket, and changes of the filter.
    fn connect(self, filters: Memo<Filters>) {
        #[cfg(feature = "hydrate")]
        {
            use super::logs::socket_path;
            use crate::{live::LiveSocket, model::Live};
            let on_message = move |message: Live| {
                if let Live::Logs(batch) = message {
                    self.feed.try_update_value(|feed| feed.take(batch));
                    self.draw_soon();
                }
            };
            let on_lost = move |loss: Loss| {
                self.lost.try_set(loss);
                if loss == Loss::None {
                    self.feed.try_update_value(LogFeed::connected);
                }
            };
            let path = socket_path(&filters.get_untracked());
            let socket = LiveSocket::open(&path, on_message, on_lost);
            let socket = StoredValue::new_local(socket);
            Effect::new(move |before: Option<Filters>| {
                let filters = filters.get();
                if before.is_some_and(|before| before != filters) {
                    self.feed.update_value(LogFeed::restart);
                    self.mode.set(Mode::Following);
                    socket.with_value(|socket| socket.reopen(&socket_path(&filters)));
                }
                filters
            });
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = filters;
    }

    /// Batches that come close together are drawn together.
    #[cfg(feature = "hydrate")]
    fn draw_soon(self) {
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
        if self.drawing.try_get_value() != Some(false) {
            return;
        }
        self.drawing.set_value(true);
        let draw = move || {
            // The page may have been left meanwhile.
            if self.drawing.try_get_value().is_some() {
                // Scrolled up, and the browser has not told yet.
                self.scrolled();
                self.draw();
            }
        };
        set_timeout(draw, PAUSE);
    }
}

/// "1,204".
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let comma = |(place, digit): (usize, char)| {
        let left = digits.len() - place;
        let comma = (place > 0 && left.is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(comma).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_are_grouped() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(204), "204");
        assert_eq!(thousands(1204), "1,204");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
