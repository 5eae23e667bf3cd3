//! Why an action failed, where many rows share it.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{Alert, AlertKind, failure_words, on_answer};
use crate::model::{AppError, ErrorKind};

/// The failure of the last try, if it failed. Its message names the row's thing.
#[component]
pub fn Failure<S>(
    action: ServerAction<S>,
    /// Said in place of the message where what was to go was gone already: what was wanted is so.
    #[prop(optional)]
    gone: Option<&'static str>,
) -> impl IntoView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let value = action.value();
    move || {
        let failure = value.get().and_then(Result::err)?;
        let gone = gone.filter(|_| is_gone(&failure));
        Some(match gone {
            Some(words) => view! { <Alert kind=AlertKind::Good>{words}</Alert> },
            None => view! { <Alert kind=AlertKind::Bad>{failure_words(failure)}</Alert> },
        })
    }
}

/// Calls `then` each time the row's thing is gone, by this try or before it, in the browser.
pub fn on_gone<S>(action: ServerAction<S>, then: impl Fn() + 'static)
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    on_answer(action, move |answer| {
        if answer.err().as_ref().is_none_or(is_gone) {
            then();
        }
    });
}

fn is_gone(failure: &AppError) -> bool {
    failure.kind == ErrorKind::NotFound
}
