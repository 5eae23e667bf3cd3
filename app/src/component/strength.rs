//! How good a password is, in words, while it is typed.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use crate::{model::PasswordStrength, server_fn::password_strength};

/// Quiet time before the server is asked.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// A bar and a sentence; nothing without script, where the form's answer says it.
#[component]
pub fn Strength(
    /// The user's name, which makes a password that holds it worse.
    #[prop(into)]
    name: Signal<String>,
    #[prop(into)] password: Signal<String>,
) -> impl IntoView {
    let strength = RwSignal::new(None::<PasswordStrength>);
    Effect::new(move |waiting: Option<Option<TimeoutHandle>>| {
        if let Some(waiting) = waiting.flatten() {
            waiting.clear();
        }
        let (name, typed) = (name.get(), password.get());
        if typed.is_empty() {
            strength.set(None);
            return None;
        }
        set_timeout_with_handle(move || ask(name, typed, password, strength), DEBOUNCE).ok()
    });
    let score = move || strength.get().map_or(0, |strength| strength.score);
    view! {
        <div class="strength script-only" role="status">
            <progress
                class=move || if strength.get().is_some_and(|strength| strength.enough) { "ok" } else { "" }
                max="4"
                value=score
                aria-hidden="true"
            ></progress>
            <span>{move || strength.get().map(|strength| strength.words)}</span>
        </div>
    }
}

fn ask(
    name: String,
    typed: String,
    password: Signal<String>,
    strength: RwSignal<Option<PasswordStrength>>,
) {
    leptos::task::spawn_local(async move {
        let answer = password_strength(name, typed.clone()).await.ok();
        // An answer about what has been typed over meanwhile says nothing.
        if password.try_get_untracked() == Some(typed) {
            strength.set(answer);
        }
    });
}
