//! Why an action of a page failed, where many rows share it: its message names the row's thing.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    component::{Alert, AlertKind, failure_words},
    model::AppError,
};

/// The failure of the last try, if it failed.
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
