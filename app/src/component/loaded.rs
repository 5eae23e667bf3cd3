//! Loading and failing, handled once for every page.

use leptos::prelude::*;

use super::{Icon, IconName};
use crate::{
    model::{AppError, ErrorKind},
    nav::{GoSignIn, reload, set_status},
    page::NotFound,
};

/// Shows `data` with `view` once it is there, the right error page when it is not.
#[component]
pub fn Loaded<T, V>(
    data: Resource<Result<T, AppError>>,
    /// As large as what will be there.
    #[prop(optional, into)]
    skeleton: ViewFnOnce,
    view: V,
) -> impl IntoView
where
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    V: Fn(T) -> AnyView + Clone + Send + Sync + 'static,
{
    view! {
        <Transition fallback=skeleton>
            {move || {
                let view = view.clone();
                Suspend::new(async move {
                    match data.await {
                        Ok(value) => view(value),
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

/// The page's answer to a failure: what happened, what to do, and the id that is in the log.
#[component]
pub fn ErrorView(error: AppError) -> impl IntoView {
    match error.kind {
        ErrorKind::NotFound => view! { <NotFound /> }.into_any(),
        ErrorKind::Unauthenticated => view! { <GoSignIn /> }.into_any(),
        _ => view! { <Fault error /> }.into_any(),
    }
}

#[component]
fn Fault(error: AppError) -> impl IntoView {
    set_status(error.kind.status());
    let heading = match error.kind {
        ErrorKind::Unavailable => "MiniCloud cannot do this right now",
        ErrorKind::TooMany => "Too much at once",
        _ => "This did not work",
    };
    view! {
        <section class="blank" role="alert">
            <Icon name=IconName::Warning />
            <h1>{heading}</h1>
            <p>{error.message}</p>
            {error.request_id.map(|id| {
                view! { <p class="muted">"Request " <code>{id}</code> ": an admin finds the cause under it in the log."</p> }
            })}
            <p class="blank-actions">
                <a class="button accent" href="" rel="external" on:click=move |event| {
                    event.prevent_default();
                    reload();
                }>"Try again"</a>
                <a class="button quiet" href="/">"Your VMs"</a>
            </p>
        </section>
    }
}
