//! What follows on an action: why it failed, where many rows share it, and an empty form once it
//! succeeded.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    component::{Alert, AlertKind, failure_words},
    model::AppError,
};

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

/// The failure of the last try, if it failed. Its message names the row's thing.
#[component]
pub fn Failure<S>(action: ServerAction<S>) -> impl IntoView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let value = action.value();
    move || {
        let failure = value.get().and_then(Result::err)?;
        Some(view! { <Alert kind=AlertKind::Bad>{failure_words(failure)}</Alert> })
    }
}
