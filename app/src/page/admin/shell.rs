//! A shell of anybody's VM. Opening it is an event that the owner sees.

use leptos::prelude::*;
use leptos_meta::{Stylesheet, Title};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    component::{
        Access, ErrorView, Form, FormAlert, Guard, Icon, IconName, ShellFrame, Submit, on_success,
    },
    model::{AppError, ErrorKind, ShellPage},
    nav::{Go, reload, set_status},
    server_fn::{
        Dated,
        admin::{AdminVmStart, admin_shell_open},
    },
};

#[component]
pub fn ShellRoute() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let id = move || params.read().get("id").unwrap_or_default();
    let asked = move || {
        let query = query.read();
        (
            id(),
            query.get("shell").filter(|id| !id.is_empty()),
            query.get_str("new") == Some("1"),
        )
    };
    let shell = Resource::new_blocking(asked, |(id, shell, new)| admin_shell_open(id, shell, new));
    let page = move |_| {
        view! {
            <Transition>
                {move || Suspend::new(async move {
                    let (id, _, new) = asked();
                    match shell.await {
                        Ok(shell) => opened(id, new, shell),
                        Err(error) => view! { <NotOpened id error /> }.into_any(),
                    }
                })}
            </Transition>
        }
        .into_any()
    };
    view! {
        <Stylesheet href="/pkg/mc-terminal.css" />
        <Guard access=Access::Admin page />
    }
}

/// The terminal; a new shell first gets an address of its own, so that a reload comes back to it.
fn opened(id: String, new: bool, shell: Dated<ShellPage>) -> AnyView {
    let back = format!("/admin/vms/{id}");
    let page = format!("{back}/shell");
    if new {
        return view! { <Go to=format!("{page}?shell={}", shell.value.shell.id) /> }.into_any();
    }
    view! {
        <Title text=format!("{} shell", shell.value.shell.vm) />
        <ShellFrame shell=shell.value as_of=shell.as_of back page />
        <StartForm id />
    }
    .into_any()
}

/// The terminal submits this when its VM was stopped and Start is pressed.
#[component]
fn StartForm(id: String) -> impl IntoView {
    let action = ServerAction::<AdminVmStart>::new();
    on_success(action, |_| reload());
    view! {
        <Form action id="vm-start-form" class="visually-hidden" label="Start the VM">
            <input type="hidden" name="id" value=id />
        </Form>
    }
}

/// No shell could be had: say why, and offer what helps.
#[component]
fn NotOpened(id: String, error: AppError) -> impl IntoView {
    if !matches!(error.kind, ErrorKind::Conflict | ErrorKind::Unavailable) {
        return view! { <ErrorView error /> }.into_any();
    }
    set_status(error.kind.status());
    let action = ServerAction::<AdminVmStart>::new();
    on_success(action, |_| reload());
    view! {
        <Title text="No shell" />
        <section class="blank">
            <Icon name=IconName::Terminal />
            <h1>"No shell of this VM now"</h1>
            <p>{error.message}</p>
            <Form action class="blank-actions" id="vm-start-form">
                <input type="hidden" name="id" value=id.clone() />
                <FormAlert />
                <Submit class="button" busy="Starting…">"Start it"</Submit>
                <a class="button quiet" href=format!("/admin/vms/{id}")>"Details"</a>
            </Form>
        </section>
    }
    .into_any()
}
