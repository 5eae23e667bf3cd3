//! Filters in the address: a plain GET form, which with script applies itself while one types.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_router::{components::Form, hooks::use_query_map};

/// Quiet time before what is typed applies.
const DEBOUNCE: Duration = Duration::from_millis(250);

/// The form around the fields of a filter.
#[component]
pub fn Filter(
    /// The page's own path.
    action: &'static str,
    /// "Filter users"
    label: &'static str,
    children: Children,
) -> impl IntoView {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let query = use_query_map();
    let is_set = Memo::new(move |_| {
        query.with(|query| {
            query
                .clone()
                .into_iter()
                .any(|(_, value)| !value.is_empty())
        })
    });
    view! {
        <div class="filter" role="search" aria-label=label on:input=move |event| send_soon(&event, waiting)>
            <Form method="get" action replace=true noscroll=true>
                {children()}
                <div class="filter-actions">
                    <button type="submit" class="button small">"Filter"</button>
                    {move || is_set.get().then(|| view! {
                        <a class="button small quiet" href=action rel="external">"Clear"</a>
                    })}
                </div>
            </Form>
        </div>
    }
}

/// A part of the filter, from the address.
pub fn query_part(name: &'static str) -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get(name).unwrap_or_default()))
}

fn send_soon(event: &leptos::ev::Event, waiting: StoredValue<Option<TimeoutHandle>>) {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let form = target.and_then(|target| target.closest("form").ok().flatten());
        let Some(form) = form.and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok())
        else {
            return;
        };
        let send = move || {
            if let Err(error) = form.request_submit() {
                leptos::logging::warn!("the filter could not be applied: {error:?}");
            }
        };
        let timer = set_timeout_with_handle(send, DEBOUNCE).ok();
        if let Some(earlier) = waiting
            .try_update_value(|kept| std::mem::replace(kept, timer))
            .flatten()
        {
            earlier.clear();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (event, waiting, DEBOUNCE);
}
