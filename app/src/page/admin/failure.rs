//! Why an action failed, where many rows share it.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    component::{Alert, AlertKind, failure_words},
    model::AppError,
};

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
