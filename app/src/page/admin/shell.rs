//! A shell of anybody's VM. Opening it is an event that the owner sees.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::{Stylesheet, Title};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    component::{Access, Form, FormAlert, Guard, ShellFrame, Submit, on_answer, on_success, poll},
    model::{AppError, ShellPage, VmState},
    nav::{Go, leave},
    page::shell::{NOT_RUNNING, NoShell, StartFailure, tell_terminal, why_failed},
    server_fn::{
        Dated,
        admin::{AdminVmStart, admin_shell_open, admin_vm_get},
    },
};

/// How often it is looked whether a VM that was started runs.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// `/admin/vms/:id/shell`, by the VM's id; else as the owner's page.
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
    let failed = Callback::new(|why: String| tell_terminal(&why));
    follow_start(id.clone(), action, failed);
    on_answer(action, move |answer| {
        if let Err(error) = answer {
            failed.run(error.message);
        }
    });
    view! {
        <Form action id="vm-start-form" class="visually-hidden" label="Start the VM">
            <input type="hidden" name="id" value=id />
        </Form>
    }
}

/// No shell could be had: say why, and offer what helps.
#[component]
fn NotOpened(id: String, error: AppError) -> impl IntoView {
    let details = format!("/admin/vms/{id}");
    let page = format!("{details}/shell");
    let title = "No shell".to_owned();
    let start = (error.code == NOT_RUNNING)
        .then(|| view! { <Starter id details=details.clone() /> }.into_any());
    view! {
        <NoShell title vm="this VM" error page details start />
    }
}

#[component]
fn Starter(id: String, details: String) -> impl IntoView {
    let action = ServerAction::<AdminVmStart>::new();
    let failure = RwSignal::new(None::<String>);
    let failed = Callback::new(move |why: String| failure.set(Some(why)));
    follow_start(id.clone(), action, failed);
    view! {
        <Form action class="blank-actions" id="vm-start-form">
            <input type="hidden" name="id" value=id />
            <FormAlert />
            <StartFailure failure />
            <Submit class="button" busy="Starting…">"Start it"</Submit>
            <a class="button quiet" href=details>"Details"</a>
        </Form>
    }
}

/// Follows a start that is asked for here. Once the VM runs, the page without the shell in its address is
/// loaded, because that shell ended with the VM; `failed` is told why, when it fails instead.
fn follow_start(id: String, action: ServerAction<AdminVmStart>, failed: Callback<String>) {
    let asked = RwSignal::new(false);
    on_success(action, move |_| asked.set(true));
    poll(ASK_EVERY, move || look(id.clone(), asked, failed));
}

async fn look(id: String, asked: RwSignal<bool>, failed: Callback<String>) {
    if asked.try_get_untracked() != Some(true) {
        return;
    }
    // The next try is seconds away.
    let Ok(detail) = admin_vm_get(id.clone()).await else {
        return;
    };
    let has_come_to_it = matches!(detail.vm.state, VmState::Running | VmState::Failed);
    // Given back when the page was left meanwhile.
    if !has_come_to_it || asked.try_set(false).is_some() {
        return;
    }
    match detail.vm.state {
        VmState::Failed => failed.run(why_failed(detail.vm.reason)),
        _ => leave(&format!("/admin/vms/{id}/shell")),
    }
}
