//! Copying a value, also where there is no clipboard API (plain http on a LAN).

use leptos::prelude::*;

use super::{Icon, IconName};

/// A small button that copies `text`.
#[component]
pub fn CopyButton(
    #[prop(into)] text: String,
    /// What is copied: "address".
    #[prop(into)]
    what: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let on_click = move |_| copy_told(&text, copied);
    let label = format!("Copy {what}");
    view! {
        <button type="button" class="icon-button small script-only" aria-label=label on:click=on_click>
            {move || match copied.get() {
                true => view! { <Icon name=IconName::Check /> },
                false => view! { <Icon name=IconName::Copy /> },
            }}
        </button>
        <span class="visually-hidden" role="status">{move || copied.get().then_some("Copied")}</span>
    }
}

/// A value in monospace with its copy button.
#[component]
pub fn CopyFact(#[prop(into)] text: String, #[prop(into)] what: String) -> impl IntoView {
    view! {
        <span class="copy-fact">
            <code>{text.clone()}</code>
            <CopyButton text what />
        </span>
    }
}

/// Copies `text`; `copied` is true for as long as that is told.
pub fn copy_told(text: &str, copied: RwSignal<bool>) {
    copy(text);
    copied.set(true);
    let over = move || {
        // What told of it may be gone by then.
        copied.try_set(false);
    };
    set_timeout(over, std::time::Duration::from_secs(2));
}

#[cfg(feature = "hydrate")]
fn copy(text: &str) {
    use wasm_bindgen::JsCast;
    if window().is_secure_context() {
        // The promise's outcome changes nothing that the page could do.
        let _ = window().navigator().clipboard().write_text(text);
        return;
    }
    let document = document();
    let Some(body) = document.body() else { return };
    let Ok(area) = document.create_element("textarea") else {
        return;
    };
    let area: web_sys::HtmlTextAreaElement = area.unchecked_into();
    area.set_value(text);
    area.set_class_name("visually-hidden");
    if body.append_child(&area).is_ok() {
        area.select();
        let document: &web_sys::HtmlDocument = document.unchecked_ref();
        if !document.exec_command("copy").unwrap_or(false) {
            leptos::logging::warn!("this browser does not let the page copy");
        }
        area.remove();
    }
}

#[cfg(not(feature = "hydrate"))]
fn copy(_: &str) {}
