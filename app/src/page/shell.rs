//! A shell of one's VM.

use leptos::prelude::*;
use leptos_meta::{Stylesheet, Title};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    component::{
        Access, Alert, AlertKind, ErrorView, Form, FormAlert, Guard, Icon, IconName, ShellFrame,
        Submit, on_answer, on_success,
    },
    live::use_live,
    model::{AppError, ErrorKind, ShellPage, VmState},
    nav::{Go, leave, set_status},
    server_fn::{Dated, VmStart, shell_open},
};

/// The code of a refusal that starting the VM helps against.
pub const NOT_RUNNING: &str = "vm_not_running";
/// The code where the shell in the address is no more, and its VM runs.
const SHELL_ENDED: &str = "shell_ended";

/// `/shell/:name`, for members: the VM's newest live shell, the one of `?shell=`, or with `?new=1` a new one.
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
    let failed = Callback::new(|why: String| tell_terminal(&why));
    follow_start(name.clone(), action, failed);
    on_answer(action, move |answer| {
        if let Err(error) = answer {
            failed.run(error.message);
        }
    });
    view! {
        <Form action id="vm-start-form" class="visually-hidden" label=format!("Start {name}")>
            <input type="hidden" name="name" value=name />
        </Form>
    }
}

/// No shell could be had: say why, and offer what helps.
#[component]
fn NotOpened(name: String, error: AppError) -> impl IntoView {
    let page = format!("/shell/{name}");
    let details = format!("/vms/{name}");
    let title = format!("{name} shell");
    let start = (error.code == NOT_RUNNING)
        .then(|| view! { <Starter name=name.clone() details=details.clone() /> }.into_any());
    view! {
        <NoShell title vm=name error page details start />
    }
}

#[component]
fn Starter(name: String, details: String) -> impl IntoView {
    let action = ServerAction::<VmStart>::new();
    let failure = RwSignal::new(None::<String>);
    let failed = Callback::new(move |why: String| failure.set(Some(why)));
    follow_start(name.clone(), action, failed);
    let label = format!("Start {name}");
    view! {
        <Form action class="blank-actions" id="vm-start-form">
            <input type="hidden" name="name" value=name />
            <FormAlert />
            <StartFailure failure />
            <Submit class="button accent" busy="Starting…">{label.clone()}</Submit>
            <a class="button quiet" href=details>"Details"</a>
        </Form>
    }
}

/// Why the VM did not come to run after its start had been asked for.
#[component]
pub fn StartFailure(failure: RwSignal<Option<String>>) -> impl IntoView {
    move || {
        let why = failure.get()?;
        Some(view! { <Alert kind=AlertKind::Bad>{why}</Alert> })
    }
}

/// The page where a shell would be. `start` is offered where the VM is to be started first.
#[component]
pub fn NoShell(
    title: String,
    #[prop(into)] vm: String,
    error: AppError,
    /// Where a new shell of the VM is opened: `/shell/web1`.
    page: String,
    /// The VM's page.
    details: String,
    start: Option<AnyView>,
) -> impl IntoView {
    if !matches!(error.kind, ErrorKind::Conflict | ErrorKind::Unavailable) {
        return view! { <ErrorView error /> }.into_any();
    }
    set_status(error.kind.status());
    let has_ended = error.code == SHELL_ENDED;
    let heading = match has_ended {
        true => "This shell has ended".to_owned(),
        false => format!("No shell of {vm} now"),
    };
    let new = has_ended.then(|| {
        let href = format!("{page}?new=1");
        view! { <a class="button accent" rel="external" href=href>"New shell"</a> }
    });
    let others = view! {
        <p class="blank-actions">{new} <a class="button quiet" href=details>"Details"</a></p>
    };
    view! {
        <Title text=title />
        <section class="blank">
            <Icon name=IconName::Terminal />
            <h1>{heading}</h1>
            <p>{error.message}</p>
            {start.unwrap_or_else(|| others.into_any())}
        </section>
    }
    .into_any()
}

/// Follows a start that is asked for here. Once the VM runs, the page without the shell in its address is
/// loaded, because that shell ended with the VM; `failed` is told why, when it fails instead.
fn follow_start(name: String, action: ServerAction<VmStart>, failed: Callback<String>) {
    let live = use_live();
    let asked = RwSignal::new(false);
    on_success(action, move |vm| {
        // Else what is known would be the state before.
        live.vm_changed(vm);
        asked.set(true);
    });
    let page = format!("/shell/{name}");
    let vm = Memo::new(move |_| {
        let list = asked.get().then(|| live.list()).flatten()?;
        let vm = list.vms.into_iter().find(|vm| vm.name == name)?;
        Some((vm.state, vm.reason))
    });
    Effect::new(move |_| match vm.get() {
        Some((VmState::Running, _)) => leave(&page),
        Some((VmState::Failed, why)) => failed.run(why_failed(why)),
        _ => {}
    });
}

/// Why a VM has failed, as a sentence.
pub fn why_failed(reason: Option<String>) -> String {
    reason.unwrap_or_else(|| "Its page says more.".to_owned())
}

/// The terminal says why its VM did not start, and offers it again.
pub fn tell_terminal(why: &str) {
    #[cfg(feature = "hydrate")]
    if let Ok(Some(terminal)) = document().query_selector("mc-terminal") {
        // Only a name that cannot be one is refused.
        let _ = terminal.set_attribute("start-failed", why);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = why;
}
