//! A shell of one's VM.

use leptos::prelude::*;
use leptos_meta::{Stylesheet, Title};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    component::{
        Access, ErrorView, Form, FormAlert, Guard, Icon, IconName, ShellFrame, Submit, on_success,
    },
    live::use_live,
    model::{AppError, ErrorKind, ShellPage, VmState},
    nav::{Go, reload, set_status},
    server_fn::{Dated, VmStart, shell_open},
};

#[component]
pub fn ShellRoute() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let query = query.read();
        let shell = query.get("shell").filter(|id| !id.is_empty());
        let name = params.read().get("name").unwrap_or_default();
        (name, shell, query.get_str("new") == Some("1"))
    });
    let shell = Resource::new_blocking(
        move || asked.get(),
        |(name, shell, new)| shell_open(name, shell, new),
    );
    let page = move |_| view! { <Opened asked shell /> }.into_any();
    view! {
        <Stylesheet href="/pkg/mc-terminal.css" />
        <Guard access=Access::Member page />
    }
}

/// VM, shell, and whether a new one is wanted.
type Asked = (String, Option<String>, bool);

#[component]
fn Opened(
    asked: Memo<Asked>,
    shell: Resource<Result<Dated<ShellPage>, AppError>>,
) -> impl IntoView {
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let (name, _, new) = asked.get_untracked();
                match shell.await {
                    Ok(shell) => opened(name, new, shell),
                    Err(error) => view! { <NotOpened name error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The terminal; a new shell first gets an address of its own, so that a reload comes back to it.
fn opened(name: String, new: bool, shell: Dated<ShellPage>) -> AnyView {
    let page = format!("/shell/{name}");
    if new {
        return view! { <Go to=format!("{page}?shell={}", shell.value.shell.id) /> }.into_any();
    }
    view! {
        <Title text=format!("{name} shell") />
        <ShellFrame shell=shell.value as_of=shell.as_of back=format!("/vms/{name}") page is_own=true />
        <StartForm name />
    }
    .into_any()
}

/// The terminal submits this when its VM was stopped and Start is pressed.
#[component]
fn StartForm(name: String) -> impl IntoView {
    let action = ServerAction::<VmStart>::new();
    reload_when_running(name.clone(), action);
    view! {
        <Form action id="vm-start-form" class="visually-hidden" label=format!("Start {name}")>
            <input type="hidden" name="name" value=name />
        </Form>
    }
}

/// No shell could be had: say why, and offer what helps.
#[component]
fn NotOpened(name: String, error: AppError) -> impl IntoView {
    if !matches!(error.kind, ErrorKind::Conflict | ErrorKind::Unavailable) {
        return view! { <ErrorView error /> }.into_any();
    }
    set_status(error.kind.status());
    let action = ServerAction::<VmStart>::new();
    reload_when_running(name.clone(), action);
    view! {
        <Title text=format!("{name} shell") />
        <section class="blank">
            <Icon name=IconName::Terminal />
            <h1>{format!("No shell of {name} now")}</h1>
            <p>{error.message}</p>
            <Form action class="blank-actions" id="vm-start-form">
                <input type="hidden" name="name" value=name.clone() />
                <FormAlert />
                <Submit class="button accent" busy="Starting…">{format!("Start {name}")}</Submit>
                <a class="button quiet" href=format!("/vms/{name}")>"Details"</a>
            </Form>
        </section>
    }
    .into_any()
}

/// Once it was asked to start and runs, its shell can be opened: load this page again.
fn reload_when_running(name: String, action: ServerAction<VmStart>) {
    let live = use_live();
    let asked = RwSignal::new(false);
    on_success(action, move |_| asked.set(true));
    Effect::new(move |_| {
        let list = live.list();
        let vm = list.and_then(|list| list.vms.into_iter().find(|vm| vm.name == name));
        if asked.get() && vm.is_some_and(|vm| vm.state == VmState::Running) {
            reload();
        }
    });
}
