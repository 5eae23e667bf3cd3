//! Events in plain sentences.

use leptos::prelude::*;

use super::Ago;
use crate::model::EventView;

/// Newest first; what failed is said in a word too.
#[component]
pub fn EventList(events: Vec<EventView>, as_of: i64) -> impl IntoView {
    let item = move |event: EventView| {
        let class = if event.ok { "event" } else { "event failed" };
        let sentence = match event.link {
            Some(link) => view! { <a href=link>{event.sentence}</a> }.into_any(),
            None => event.sentence.into_any(),
        };
        view! {
            <li class=class>
                <span class="event-sentence">
                    {sentence} {(!event.ok).then(|| view! { <span class="event-failed">" · failed"</span> })}
                </span>
                <span class="event-at"><Ago at=event.at as_of /></span>
            </li>
        }
    };
    view! { <ul class="event-list" role="list">{events.into_iter().map(item).collect_view()}</ul> }
}
