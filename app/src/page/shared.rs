//! A shell that somebody else shares.

use leptos::prelude::*;
use leptos_meta::{Stylesheet, Title};
use leptos_router::hooks::use_params_map;

use crate::{
    component::{Access, ErrorView, Guard, Icon, IconName, SharedFrame},
    model::{AppError, ErrorKind, SharedShell},
    nav::set_status,
    server_fn::shell_shared_get,
};

/// `/shared/:id`, for members: the shell of a grant. Not found where it was taken back.
#[component]
pub fn SharedRoute() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.read().get("id").unwrap_or_default();
    let shared = Resource::new_blocking(id, shell_shared_get);
    let page = move |_| {
        view! {
            <Transition>
                {move || Suspend::new(async move { opened(shared.await) })}
            </Transition>
        }
        .into_any()
    };
    view! {
        <Stylesheet href="/pkg/mc-terminal.css" />
        <Guard access=Access::Member page />
    }
}

fn opened(shared: Result<SharedShell, AppError>) -> AnyView {
    match shared {
        Ok(shared) => view! {
            <Title text=format!("{} shell of {}", shared.grant.vm, shared.grant.owner) />
            <SharedFrame shared />
        }
        .into_any(),
        Err(error) if error.kind == ErrorKind::Conflict => view! { <NotOpened error /> }.into_any(),
        Err(error) => view! { <ErrorView error /> }.into_any(),
    }
}

#[component]
fn NotOpened(error: AppError) -> impl IntoView {
    set_status(error.kind.status());
    view! {
        <Title text="Shell" />
        <section class="blank">
            <Icon name=IconName::Terminal />
            <h1>"No shell to see now"</h1>
            <p>{error.message}</p>
            <p class="blank-actions"><a class="button quiet" href="/">"Your VMs"</a></p>
        </section>
    }
}
