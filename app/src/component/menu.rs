//! The ⋯ menu. A `<details>`, so that it opens without script; script closes it in good time.

use leptos::{ev, html::Details, prelude::*};

/// A button that opens a list of links and forms.
#[component]
pub fn Menu(
    /// Names the button for those who do not see it.
    #[prop(into)]
    label: String,
    #[prop(default = "menu")] class: &'static str,
    /// What the button shows.
    button: Children,
    children: Children,
) -> impl IntoView {
    let details = NodeRef::<Details>::new();
    close_in_good_time(details);
    view! {
        <details class=class node_ref=details>
            <summary class="icon-button" aria-label=label>{button()}</summary>
            <div class="menu-list" on:click=move |_| close(details)>{children()}</div>
        </details>
    }
}

fn close(details: NodeRef<Details>) {
    if let Some(details) = details.get_untracked() {
        details.set_open(false);
    }
}

/// Closes on a click elsewhere and on Escape, which gives the focus back to the button.
fn close_in_good_time(details: NodeRef<Details>) {
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        use wasm_bindgen::JsCast;
        let clicked = window_event_listener(ev::click, move |event| {
            let Some(menu) = details.get_untracked().filter(|menu| menu.open()) else {
                return;
            };
            let target = event
                .target()
                .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
            if !menu.contains(target.as_ref()) {
                menu.set_open(false);
            }
        });
        let pressed = window_event_listener(ev::keydown, move |event| {
            let Some(menu) = details.get_untracked().filter(|menu| menu.open()) else {
                return;
            };
            if event.key() != "Escape" {
                return;
            }
            menu.set_open(false);
            let button = menu.first_element_child();
            if let Some(button) =
                button.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok())
            {
                // Focus can only be refused by an element that is gone.
                let _ = button.focus();
            }
        });
        on_cleanup(move || {
            clicked.remove();
            pressed.remove();
        });
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = (details, ev::click, ev::keydown);
}
