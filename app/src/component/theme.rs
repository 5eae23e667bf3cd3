//! System, light or dark: a form of three buttons, kept in a cookie that the server honours.

use leptos::prelude::*;

use super::{Form, Icon, IconName, on_success};
use crate::{model::Theme, server_fn::ThemeSet};

/// The switch; changes this page at once.
#[component]
pub fn ThemeSwitch(theme: Theme) -> impl IntoView {
    let action = ServerAction::<ThemeSet>::new();
    let chosen = RwSignal::new(theme);
    on_success(action, move |theme| {
        chosen.set(theme);
        show(theme);
    });
    let choice = move |theme: Theme, value: &'static str, words: &'static str, icon: IconName| {
        view! {
            <button
                type="submit"
                name="theme"
                value=value
                aria-pressed=move || if chosen.get() == theme { "true" } else { "false" }
            >
                <Icon name=icon />
                <span>{words}</span>
            </button>
        }
    };
    view! {
        <Form action class="theme-switch" label="Theme">
            {choice(Theme::System, "system", "System", IconName::Monitor)}
            {choice(Theme::Light, "light", "Light", IconName::Sun)}
            {choice(Theme::Dark, "dark", "Dark", IconName::Moon)}
        </Form>
    }
}

fn show(theme: Theme) {
    #[cfg(feature = "hydrate")]
    if let Some(root) = document().document_element() {
        let word = match theme {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        // The attribute's name is a valid one: nothing to fail.
        let _ = root.set_attribute("data-theme", word);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = theme;
}
