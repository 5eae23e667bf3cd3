//! What one can do to a VM: the buttons of a row and of the VM's page, over shared actions.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    Alert, AlertKind, Confirm, Dialog, Form, Icon, IconName, Menu, Submit, copy::copy_told,
    failure_words, on_answer, on_success,
};
use crate::{
    model::{AppError, VmState, VmView},
    server_fn::{VmDelete, VmRestart, VmRetry, VmStart, VmStop},
};

/// The actions of a page, shared by all its VMs.
#[derive(Clone, Copy)]
pub struct VmActions {
    pub start: ServerAction<VmStart>,
    pub stop: ServerAction<VmStop>,
    pub restart: ServerAction<VmRestart>,
    pub retry: ServerAction<VmRetry>,
    pub delete: ServerAction<VmDelete>,
    /// Whose deletion is being asked about.
    pub deleting: RwSignal<Option<String>>,
    /// Why the last action failed; a later success takes it away.
    failure: RwSignal<Option<AppError>>,
}

impl VmActions {
    /// Provides the actions; `changed` is told what they answer.
    pub fn provide(changed: impl Fn(VmView) + Copy + 'static) -> Self {
        let actions = Self {
            start: ServerAction::new(),
            stop: ServerAction::new(),
            restart: ServerAction::new(),
            retry: ServerAction::new(),
            delete: ServerAction::new(),
            deleting: RwSignal::new(None),
            failure: RwSignal::new(None),
        };
        actions.follow(actions.start, changed);
        actions.follow(actions.stop, changed);
        actions.follow(actions.restart, changed);
        actions.follow(actions.retry, changed);
        on_success(actions.delete, move |_| actions.deleting.set(None));
        provide_context(actions);
        actions
    }

    /// Tells what the action answers; a plain form's failure is there from the start.
    fn follow<S>(self, action: ServerAction<S>, changed: impl Fn(VmView) + 'static)
    where
        S: ServerFn<Error = AppError, Output = VmView> + Clone + Send + Sync + 'static,
    {
        if let Some(Err(failure)) = action.value().get_untracked() {
            self.failure.set(Some(failure));
        }
        on_answer(action, move |answer| match answer {
            Ok(vm) => {
                self.failure.set(None);
                changed(vm);
            }
            Err(failure) => self.failure.set(Some(failure)),
        });
    }
}

/// Why the last action failed. Its message names the VM.
#[component]
pub fn VmFailures() -> impl IntoView {
    let actions = use_context::<VmActions>();
    move || {
        let failure = actions?.failure.get()?;
        Some(view! { <Alert kind=AlertKind::Bad>{failure_words(failure)}</Alert> })
    }
}

/// The one thing to do next, and the ⋯ menu with the rest.
#[component]
pub fn VmButtons(
    #[prop(into)] name: String,
    state: Memo<VmState>,
    /// The command that leads into it by SSH; None: SSH is switched off.
    ssh: Option<String>,
) -> impl IntoView {
    let primary_name = name.clone();
    let menu_name = StoredValue::new(name.clone());
    let ssh = StoredValue::new(ssh);
    let copied = RwSignal::new(false);
    // The menu closes: its button tells.
    let button = move || match copied.get() {
        true => view! { <Icon name=IconName::Check /> },
        false => view! { <Icon name=IconName::Ellipsis /> },
    };
    view! {
        <div class="vm-buttons">
            {move || primary(&primary_name, state.get())}
            <Menu
                label=format!("More actions for {name}")
                button=Box::new(move || button.into_any())
            >
                {move || menu_items(menu_name.get_value(), state.get(), ssh.get_value(), copied)}
            </Menu>
            <span class="visually-hidden" role="status">{move || copied.get().then_some("Copied")}</span>
        </div>
    }
}

fn primary(name: &str, state: VmState) -> AnyView {
    let Some(actions) = use_context::<VmActions>() else {
        return ().into_any();
    };
    let name = name.to_owned();
    match state {
        VmState::Running => {
            let label = format!("Shell of {name}");
            view! {
                <a class="button small" rel="external" href=format!("/shell/{name}") aria-label=label>
                    <Icon name=IconName::Terminal />
                    "Shell"
                </a>
            }
            .into_any()
        }
        VmState::Stopped => {
            let input = actions.start.input();
            let pending = is_input(name.clone(), move || input.get().map(|input| input.name));
            view! {
                <Form action=actions.start class="inline" pending label=format!("Start {name}")>
                    <input type="hidden" name="name" value=name />
                    <Submit class="button small"><Icon name=IconName::Play />"Start"</Submit>
                </Form>
            }
            .into_any()
        }
        VmState::Failed => {
            let input = actions.retry.input();
            let pending = is_input(name.clone(), move || input.get().map(|input| input.name));
            view! {
                <Form action=actions.retry class="inline" pending label=format!("Retry {name}")>
                    <input type="hidden" name="name" value=name />
                    <Submit class="button small"><Icon name=IconName::Refresh />"Retry"</Submit>
                </Form>
            }
            .into_any()
        }
        _ => ().into_any(),
    }
}

/// Whether the form of this VM is the one being sent.
fn is_input(
    name: String,
    input: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> Signal<bool> {
    Signal::derive(move || input().as_deref() == Some(name.as_str()))
}

fn menu_items(
    name: String,
    state: VmState,
    ssh: Option<String>,
    copied: RwSignal<bool>,
) -> AnyView {
    let Some(actions) = use_context::<VmActions>() else {
        return ().into_any();
    };
    let running = state == VmState::Running;
    let stop_name = name.clone();
    let restart_name = name.clone();
    let ask_name = name.clone();
    let ask = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        actions.deleting.set(Some(ask_name.clone()));
    };
    view! {
        <a href=format!("/vms/{name}")><Icon name=IconName::Server />"Details"</a>
        {running.then(|| view! {
            <Form action=actions.stop>
                <input type="hidden" name="name" value=stop_name />
                <Submit class="menu-item"><Icon name=IconName::Power />"Shut down"</Submit>
            </Form>
            <Form action=actions.restart>
                <input type="hidden" name="name" value=restart_name />
                <Submit class="menu-item"><Icon name=IconName::Restart />"Restart"</Submit>
            </Form>
        })}
        {ssh.filter(|_| state != VmState::Deleting).map(|command| view! {
            <button type="button" class="menu-item script-only" on:click=move |_| copy_told(&command, copied)>
                <Icon name=IconName::Copy />
                "Copy SSH command"
            </button>
        })}
        {(state != VmState::Deleting).then(|| view! {
            <a class="danger" href=format!("/vms/{name}/delete") on:click=ask>
                <Icon name=IconName::Trash />
                "Delete…"
            </a>
        })}
    }
    .into_any()
}

/// Asks before deleting; opened by the menus through [`VmActions`].
#[component]
pub fn VmDeleteDialog() -> impl IntoView {
    let actions = use_context::<VmActions>()?;
    let deleting = actions.deleting;
    let close = Callback::new(move |()| deleting.set(None));
    Some(view! {
        <Dialog open=Memo::new(move |_| deleting.with(Option::is_some)) on_close=close labelled_by="confirm-title">
            {move || deleting.get().map(|name| view! {
                <VmDeleteConfirm action=actions.delete name on_cancel=close />
            })}
        </Dialog>
    })
}

/// The question itself; also on a page of its own.
#[component]
pub fn VmDeleteConfirm(
    action: ServerAction<VmDelete>,
    name: String,
    /// What Cancel does with script; where none is given, it leads to the list of VMs.
    #[prop(optional, into)]
    on_cancel: Option<Callback<()>>,
) -> impl IntoView {
    let on_cancel = on_cancel.unwrap_or_else(|| Callback::new(|()| crate::nav::leave("/")));
    view! {
        <Confirm
            action
            title=format!("Delete {name}?")
            consequence="Its disk and everything on it is gone for good. The name is free again afterwards."
            verb=format!("Delete {name}")
            fields=vec![("name", name.clone())]
            cancel=format!("/vms/{name}")
            on_cancel
        />
    }
}
