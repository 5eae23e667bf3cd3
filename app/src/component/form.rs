//! Forms that work before, and without, script: a plain POST to the server function, which script
//! turns into a call. What went wrong is shown beside the field it is about.

use leptos::{ev::SubmitEvent, form::FromFormData, prelude::*, server_fn::ServerFn};
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use serde::de::DeserializeOwned;

use super::{Alert, AlertKind};
use crate::model::{AppError, CHANGED, ErrorKind};

/// What fields know of the form they stand in.
#[derive(Clone, Copy)]
pub struct FormState {
    /// Why the last try failed.
    pub failure: Signal<Option<AppError>>,
    /// True while the server is asked.
    pub pending: Signal<bool>,
    path: StoredValue<String>,
    query: Memo<ParamsMap>,
}

impl FormState {
    /// What was typed into the field before the server sent the plain form back. Not where somebody
    /// else was faster: then what there is now is to be seen.
    pub fn typed(self, field: &str) -> Option<String> {
        let overtaken = |failure: &Option<AppError>| is_overtaken(failure.as_ref());
        if self.failure.with_untracked(overtaken) {
            return None;
        }
        self.query.with_untracked(|query| {
            let ours = query.get_str("__path") == Some(self.path.read_value().as_str());
            ours.then(|| query.get(&format!("f_{field}"))).flatten()
        })
    }

    /// The message that belongs beside the field.
    pub fn message(self, field: &'static str) -> Signal<Option<String>> {
        let failure = self.failure;
        Signal::derive(move || {
            let failure = failure.get()?;
            (failure.field.as_deref() == Some(field)).then_some(failure.message)
        })
    }
}

/// Whether a change failed because it was decided on what is no more.
pub fn is_overtaken(failure: Option<&AppError>) -> bool {
    failure.is_some_and(|failure| failure.code == CHANGED)
}

/// A form of a server function. Fields inside find its state by context.
#[component]
pub fn Form<S>(
    action: ServerAction<S>,
    #[prop(optional, into)] class: Option<String>,
    #[prop(optional, into)] id: Option<String>,
    /// Names the form for those who do not see it, where no heading does.
    #[prop(optional, into)]
    label: Option<String>,
    /// When the form counts as being sent, where the action is shared by several forms.
    #[prop(optional, into)]
    pending: Option<Signal<bool>>,
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Error = AppError> + DeserializeOwned + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let value = action.value();
    let state = FormState {
        failure: Signal::derive(move || value.get().and_then(Result::err)),
        pending: pending.unwrap_or_else(|| action.pending().into()),
        path: StoredValue::new(S::PATH.to_owned()),
        query: use_query_map(),
    };
    let on_submit = move |event: SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        match S::from_event(&event) {
            Ok(input) => {
                action.dispatch(input);
            }
            Err(error) => value.set(Some(Err(unreadable(&error.to_string())))),
        }
    };
    view! {
        <form action=S::url() method="post" class=class id=id aria-label=label on:submit=on_submit>
            <leptos::context::Provider value=state>{children()}</leptos::context::Provider>
        </form>
    }
}

fn unreadable(cause: &str) -> AppError {
    let message = format!("The form could not be read ({cause}). Check what you typed.");
    AppError::new(ErrorKind::Invalid, "malformed", message)
}

/// The failure of the form around it, when it belongs to no field in `fields`.
#[component]
pub fn FormAlert(#[prop(optional)] fields: &'static [&'static str]) -> impl IntoView {
    let failure = use_context::<FormState>().map(|state| state.failure);
    move || {
        let failure = failure?.get()?;
        let beside = failure
            .field
            .as_deref()
            .is_some_and(|field| fields.contains(&field));
        (!beside).then(|| view! { <Alert kind=AlertKind::Bad>{failure_words(failure)}</Alert> })
    }
}

/// The message, with what helps to find the cause or to go on.
pub fn failure_words(failure: AppError) -> impl IntoView {
    let signed_out = failure.code == "not_signed_in";
    view! {
        {failure.message}
        {signed_out.then(|| view! { " " <a href="/login" rel="external">"Sign in"</a> })}
        {failure.request_id.map(|id| view! { " Request " <code>{id}</code> "." })}
    }
}

/// The button that sends the form; says what is being done while it is.
#[component]
pub fn Submit(
    #[prop(default = "button")] class: &'static str,
    /// Words while the server is asked.
    #[prop(optional)]
    busy: Option<&'static str>,
    children: ChildrenFn,
) -> impl IntoView {
    let pending = use_context::<FormState>().map(|state| state.pending);
    let is_pending = move || pending.is_some_and(|pending| pending.get());
    view! {
        <button type="submit" class=class disabled=is_pending aria-busy=move || is_pending().then_some("true")>
            {move || match busy.filter(|_| is_pending()) {
                Some(busy) => busy.into_any(),
                None => children().into_any(),
            }}
        </button>
    }
}

/// Calls `then` each time the action has succeeded, in the browser.
pub fn on_success<S>(action: ServerAction<S>, then: impl Fn(S::Output) + 'static)
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    on_answer(action, move |answer| {
        if let Ok(output) = answer {
            then(output);
        }
    });
}

/// Calls `then` with each answer to the action, in the browser.
pub fn on_answer<S>(action: ServerAction<S>, then: impl Fn(Result<S::Output, AppError>) + 'static)
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let version = action.version();
    let value = action.value();
    Effect::new(move |_| {
        // The value is set right after the version, before effects run.
        if version.get() > 0
            && let Some(answer) = value.get_untracked()
        {
            then(answer);
        }
    });
}

/// Empties the form of that id, so that what was added is not added again by mistake.
pub fn empty_form(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        let form = document().get_element_by_id(id);
        if let Some(form) = form.and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok()) {
            form.reset();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}
