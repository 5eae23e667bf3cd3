//! Labelled inputs with their hint and their error, tied together for screen readers.

use leptos::prelude::*;

use super::{FormState, Icon, IconName};

/// A line of text. Keeps what was typed when a plain form comes back.
#[component]
pub fn Field(
    /// As the server function calls the argument; an error for it is shown here.
    name: &'static str,
    label: &'static str,
    /// The input's `type`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What it starts with.
    #[prop(optional, into)]
    value: Option<String>,
    /// A line below the input, read out with it.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What browsers may fill in, by the names that HTML has.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    #[prop(optional)] autofocus: bool,
    /// May be left empty; the label says so.
    #[prop(optional)]
    optional: bool,
    /// Characters that the browser takes.
    #[prop(optional)]
    max_length: Option<u32>,
    /// Monospace and without the browser's help, for names and addresses.
    #[prop(optional)]
    code: bool,
    /// Told what is typed.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
    /// A message of the page's own, shown while the server has none.
    #[prop(optional, into)]
    check: Option<Signal<Option<String>>>,
    /// Makes the id unique where two forms on a page have a field of this name.
    #[prop(optional)]
    scope: &'static str,
) -> impl IntoView {
    let state = use_context::<FormState>();
    let value = state
        .and_then(|state| state.typed(name))
        .or(value)
        .unwrap_or_default();
    let message = error_message(state, name, check);
    let id = field_id(scope, name);
    let class = if code { "input code" } else { "input" };
    let off = code.then_some("off");
    view! {
        <div class="field">
            <FieldLabel id=id.clone() label optional />
            <input
                id=id.clone()
                name=name
                type=kind
                class=class
                value=value
                autocomplete=autocomplete
                autocapitalize=off
                spellcheck=code.then_some("false")
                autofocus=autofocus
                required=!optional
                maxlength=max_length
                aria-invalid=move || message.get().map(|_| "true")
                aria-describedby=described_by(&id, hint.is_some())
                on:input:target=move |event| {
                    if let Some(on_input) = on_input {
                        on_input.run(event.target().value());
                    }
                }
            />
            <FieldNotes id hint message />
        </div>
    }
}

/// A password, which can be shown.
#[component]
pub fn PasswordField(
    /// As in [`Field`]. What was typed never comes back with the page.
    name: &'static str,
    label: &'static str,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional)] autofocus: bool,
    #[prop(optional, into)] on_input: Option<Callback<String>>,
) -> impl IntoView {
    let message = error_message(use_context::<FormState>(), name, None);
    let shown = RwSignal::new(false);
    let id = field_id("", name);
    view! {
        <div class="field">
            <FieldLabel id=id.clone() label optional=false />
            <div class="input-group">
                <input
                    id=id.clone()
                    name=name
                    type=move || if shown.get() { "text" } else { "password" }
                    class="input"
                    autocomplete=autocomplete
                    autofocus=autofocus
                    required=true
                    maxlength="256"
                    aria-invalid=move || message.get().map(|_| "true")
                    aria-describedby=described_by(&id, hint.is_some())
                    on:input:target=move |event| {
                        if let Some(on_input) = on_input {
                            on_input.run(event.target().value());
                        }
                    }
                />
                <button
                    type="button"
                    class="icon-button script-only"
                    aria-label="Show password"
                    aria-pressed=move || if shown.get() { "true" } else { "false" }
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    <Icon name=IconName::Eye />
                </button>
            </div>
            <FieldNotes id hint message />
        </div>
    }
}

/// One of several values.
#[component]
pub fn Select(
    name: &'static str,
    label: &'static str,
    /// Value and words of each choice.
    options: Vec<(String, String)>,
    /// Chosen at first; without it the first is.
    #[prop(optional, into)]
    value: Option<String>,
    #[prop(optional, into)] on_change: Option<Callback<String>>,
) -> impl IntoView {
    let state = use_context::<FormState>();
    let chosen = state
        .and_then(|state| state.typed(name))
        .or(value)
        .unwrap_or_default();
    let message = error_message(state, name, None);
    let id = field_id("", name);
    let option = move |(value, words): (String, String)| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{words}</option> }
    };
    view! {
        <div class="field">
            <FieldLabel id=id.clone() label optional=false />
            <select
                id=id.clone()
                name=name
                class="input"
                aria-invalid=move || message.get().map(|_| "true")
                aria-describedby=described_by(&id, false)
                on:change:target=move |event| {
                    if let Some(on_change) = on_change {
                        on_change.run(event.target().value());
                    }
                }
            >
                {options.into_iter().map(option).collect_view()}
            </select>
            <FieldNotes id hint=None message />
        </div>
    }
}

#[component]
fn FieldLabel(id: String, label: &'static str, optional: bool) -> impl IntoView {
    view! {
        <label for=id>
            {label} {optional.then(|| view! { <span class="faint">" (optional)"</span> })}
        </label>
    }
}

/// Hint and error. The error's place is always there, so that it is read out when it comes.
#[component]
fn FieldNotes(id: String, hint: Option<String>, message: Signal<Option<String>>) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    view! {
        {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        <p class="field-error" id=format!("{id}-error") aria-live="polite">{message}</p>
    }
}

fn error_message(
    state: Option<FormState>,
    name: &'static str,
    check: Option<Signal<Option<String>>>,
) -> Signal<Option<String>> {
    let failed = state.map(|state| state.message(name));
    Signal::derive(move || {
        failed
            .and_then(|failed| failed.get())
            .or_else(|| check.and_then(|check| check.get()))
    })
}

fn field_id(scope: &str, name: &str) -> String {
    format!("field-{scope}{name}")
}

fn described_by(id: &str, hint: bool) -> String {
    match hint {
        true => format!("{id}-hint {id}-error"),
        false => format!("{id}-error"),
    }
}
