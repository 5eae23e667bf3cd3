//! Who did what to which thing, when, with what result.

use leptos::prelude::*;

use super::{
    event::kinds,
    filter::{Filter, query_part},
    section::Section,
};
use crate::{
    component::{EventList, Field, Loaded, Select},
    model::EventPage,
    nav::percent_encode,
    server_fn::admin::event_list,
};

/// `/admin/events`. The address has the filter, and `before`, which turns the pages.
#[component]
pub fn EventsPage() -> impl IntoView {
    let (actor, subject, kind) = (
        query_part("actor"),
        query_part("subject"),
        query_part("kind"),
    );
    let before = query_part("before");
    let filters = move || {
        (
            actor.get(),
            subject.get(),
            kind.get(),
            before.get().parse::<i64>().ok(),
        )
    };
    let events = Resource::new_blocking(filters, |(actor, subject, kind, before)| {
        event_list(actor, subject, kind, before, String::new())
    });
    let page = move || {
        let (actor, subject, kind, _) = untrack(filters);
        view! {
            <Filter action="/admin/events" label="Filter events">
                <Field name="actor" label="Who" kind="search" value=actor optional=true max_length=64 code=true />
                <Field name="subject" label="To what" kind="search" value=subject optional=true max_length=64 code=true />
                <Select name="kind" label="What" options=kinds(&kind) value=kind.clone() />
            </Filter>
            <Loaded
                data=events
                skeleton=|| view! { <div class="skeleton list" aria-busy="true"></div> }
                view=move |shown| view! { <Events shown filters=untrack(filters) /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section title="Events" page /> }
}

/// What the address asks for: actor, subject, kind, before.
type Filters = (String, String, String, Option<i64>);

#[component]
fn Events(shown: EventPage, filters: Filters) -> impl IntoView {
    let older = shown.next.map(|next| address(&filters, Some(next)));
    let newest = filters.3.map(|_| address(&filters, None));
    let nothing = shown.events.is_empty().then(|| {
        view! { <p class="muted">"No event matches. Change the filter to see others."</p> }
    });
    view! {
        <section class="card" aria-label="Events">
            {nothing}
            <EventList events=shown.events as_of=shown.as_of />
            <p class="pager">
                {newest.map(|newest| view! { <a href=newest>"Newest"</a> })}
                {older.map(|older| view! { <a href=older>"Older"</a> })}
            </p>
        </section>
    }
}

/// This page with the same filters.
fn address((actor, subject, kind, _): &Filters, before: Option<i64>) -> String {
    let parts = [("actor", actor), ("subject", subject), ("kind", kind)];
    let mut pairs: Vec<String> = parts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    pairs.extend(before.map(|before| format!("before={before}")));
    match pairs.is_empty() {
        true => "/admin/events".to_owned(),
        false => format!("/admin/events?{}", pairs.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_link_keeps_the_filters() {
        let filters = (
            "ann".to_owned(),
            String::new(),
            "vm_create".to_owned(),
            Some(9),
        );
        assert_eq!(
            address(&filters, Some(5)),
            "/admin/events?actor=ann&kind=vm_create&before=5"
        );
        assert_eq!(
            address(&filters, None),
            "/admin/events?actor=ann&kind=vm_create"
        );
        let odd = ("a b&c".to_owned(), String::new(), String::new(), None);
        assert_eq!(address(&odd, None), "/admin/events?actor=a%20b%26c");
        assert_eq!(address(&Filters::default(), None), "/admin/events");
    }
}
