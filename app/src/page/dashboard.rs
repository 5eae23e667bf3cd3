//! One's VMs, live.

use leptos::prelude::*;
use leptos_meta::Title;

use super::vm_new::VmNewDialog;
use crate::{
    component::{
        Access, Ago, Guard, Icon, IconName, Loaded, SharedList, Since, Sparkline, VmActions,
        VmBadge, VmButtons, VmDeleteDialog, VmFailures,
    },
    format,
    live::use_live,
    model::{SshGateway, VmList, VmState, VmView},
    server_fn::{shell_shared_list, vm_list},
    visit::Visit,
};

/// `/`, for members: their VMs, as the live socket tells them, and the shells that others share with them.
#[component]
pub fn DashboardPage() -> impl IntoView {
    let list = Resource::new_blocking(|| (), |()| vm_list());
    let shared = Resource::new_blocking(|| (), |()| shell_shared_list());
    let page = move |visit: Visit| {
        let ssh = visit.viewer.and_then(|viewer| viewer.ssh);
        view! {
            <Loaded
                data=list
                skeleton=|| view! { <div class="skeleton list" aria-busy="true"></div> }
                view=move |list| view! { <Machines first=list ssh=ssh.clone() /> }.into_any()
            />
            <SharedList shared />
        }
        .into_any()
    };
    view! {
        <Title text="Your VMs" />
        <Guard access=Access::Member page />
    }
}

/// The list, from the first answer on kept up by the live socket.
#[component]
fn Machines(first: VmList, ssh: Option<SshGateway>) -> impl IntoView {
    let live = use_live();
    let list = RwSignal::new(live.list_untracked().unwrap_or(first));
    Effect::new(move |_| {
        if let Some(newer) = live.list() {
            list.set(newer);
        }
    });
    let changed = move |vm: VmView| {
        list.update(|list| put(list, vm.clone()));
        live.vm_changed(vm);
    };
    VmActions::provide(changed);
    let creating = RwSignal::new(false);
    let ids = Memo::new(move |_| {
        list.with(|list| list.vms.iter().map(|vm| vm.id.clone()).collect::<Vec<_>>())
    });
    let as_of = list.with_untracked(|list| list.as_of);
    let ssh = StoredValue::new(ssh);
    view! {
        <div class="page-head">
            <h1>"Your VMs"</h1>
            <span class="muted numbers">{move || list.with(|list| format!("{} of {} used", list.quota.vms, list.quota.vms_max))}</span>
            <span class="spacer"></span>
            // The empty page has the button in its middle.
            {move || (!ids.with(Vec::is_empty)).then(|| view! { <NewVm creating /> })}
        </div>
        <VmFailures />
        <Show when=move || !ids.with(Vec::is_empty) fallback=move || view! { <Empty creating /> }>
            <ul class="vm-list" role="list">
                <For each=move || ids.get() key=|id| id.clone() children=move |id| view! { <Row id list as_of ssh /> } />
            </ul>
        </Show>
        <noscript>
            <p class="muted">"Without script this page stays as it is. " <a href="/">"Reload"</a> " to see what has changed."</p>
        </noscript>
        <VmNewDialog open=creating on_created=Callback::new(changed) />
        <VmDeleteDialog />
    }
}

fn put(list: &mut VmList, vm: VmView) {
    match list.vms.iter_mut().find(|known| known.id == vm.id) {
        Some(known) => *known = vm,
        None => list.vms.push(vm),
    }
}

/// Opens the dialog; without script, the page.
#[component]
fn NewVm(creating: RwSignal<bool>) -> impl IntoView {
    let on_click = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        creating.set(true);
    };
    view! {
        <a class="button accent" href="/vms/new" on:click=on_click>
            <Icon name=IconName::Plus />
            "New VM"
        </a>
    }
}

#[component]
fn Empty(creating: RwSignal<bool>) -> impl IntoView {
    view! {
        <section class="blank empty">
            <svg class="drawing" viewBox="0 0 160 100" aria-hidden="true">
                <path class="drawing-faint" d="M20 88h120" />
                <rect x="42" y="14" width="76" height="30" rx="5" />
                <rect x="42" y="50" width="76" height="30" rx="5" />
                <path d="M54 29h.01M63 29h.01M54 65h.01M63 65h.01" />
                <path class="drawing-faint" d="M80 29h26M80 65h26M64 80v8M96 80v8" />
                <path class="drawing-accent" d="M136 22v14M129 29h14" />
            </svg>
            <h2>"No VMs yet"</h2>
            <p>"A VM is a Linux machine of your own: its disk, its network, a shell in this browser. The first one takes seconds."</p>
            <p class="blank-actions"><NewVm creating /></p>
            <p class="faint">"Or from a terminal: " <code>"minicloud vm create"</code></p>
        </section>
    }
}

/// What of a VM changes seldom: the row's words are drawn anew only when this does.
#[derive(Clone, PartialEq)]
struct Phase {
    state: VmState,
    reason: Option<String>,
    progress: Option<(Option<u8>, String)>,
    changed_at: i64,
    started_at: Option<i64>,
}

impl From<&VmView> for Phase {
    fn from(vm: &VmView) -> Self {
        let progress = vm.progress.as_ref();
        Self {
            state: vm.state,
            reason: vm.reason.clone(),
            progress: progress.map(|progress| (progress.percent, progress.words.clone())),
            changed_at: vm.changed_at,
            started_at: vm.started_at,
        }
    }
}

#[component]
fn Row(
    id: String,
    list: RwSignal<VmList>,
    as_of: i64,
    ssh: StoredValue<Option<SshGateway>>,
) -> impl IntoView {
    let first = list.with_untracked(|list| list.vms.iter().find(|vm| vm.id == id).cloned());
    let first = first?;
    let vm = Memo::new({
        let last = first.clone();
        move |previous: Option<&VmView>| {
            // A VM that has just gone is drawn as it was until its row goes.
            let found = list.with(|list| list.vms.iter().find(|vm| vm.id == id).cloned());
            found.unwrap_or_else(|| previous.unwrap_or(&last).clone())
        }
    });
    let state = Memo::new(move |_| vm.with(|vm| vm.state));
    let phase = Memo::new(move |_| vm.with(|vm| Phase::from(vm)));
    let name = first.name.clone();
    let ssh = ssh.get_value();
    let ssh = ssh.map(|gateway| gateway.command(&first.owner, &first.name));
    Some(view! {
        <li class="vm-row" data-state=move || state.get().word().to_lowercase()>
            <VmBadge state />
            <div class="vm-name">
                <a class="code" href=format!("/vms/{name}")>{name.clone()}</a>
                <span class="vm-meta">{move || vm.with(meta)}</span>
            </div>
            <div class="vm-phase">{move || phase_words(phase.get(), as_of)}</div>
            <div class="vm-usage">{move || (state.get() == VmState::Running).then(|| view! { <Usage vm /> })}</div>
            <VmButtons name state ssh />
        </li>
    })
}

fn meta(vm: &VmView) -> String {
    match &vm.node {
        Some(node) => format!("{} · {} · {node}", vm.flavor, vm.image),
        None => format!("{} · {}", vm.flavor, vm.image),
    }
}

/// The sentence of the row, and under it why it is so, or what to mind.
fn phase_words(phase: Phase, as_of: i64) -> AnyView {
    let (reason, since) = (phase.reason, phase.changed_at);
    let words = match (phase.state, phase.progress) {
        (VmState::Running, _) => {
            let at = phase.started_at.unwrap_or(since);
            view! { "up " <Since at as_of /> }.into_any()
        }
        (VmState::Stopped, _) => view! { "stopped " <Ago at=since as_of /> }.into_any(),
        (_, Some((percent, words))) if percent.is_some() || reason.is_none() => {
            view! { <Progress percent words /> }.into_any()
        }
        // The badge has the word: the reason alone is no taller than what it takes the place of.
        _ if reason.is_some() => ().into_any(),
        _ => view! { "for " <Since at=since as_of /> }.into_any(),
    };
    let reason = reason.map(|reason| {
        view! { <span class="vm-reason" title=reason.clone()>{reason.clone()}</span> }
    });
    view! { {words} {reason} }.into_any()
}

#[component]
fn Progress(percent: Option<u8>, words: String) -> impl IntoView {
    let told = percent.map(|percent| format!(" {percent} %"));
    view! {
        <span class="vm-progress">
            <span>{words.clone()} {told}</span>
            <progress max="100" value=percent aria-label=words></progress>
        </span>
    }
}

#[component]
fn Usage(vm: Memo<VmView>) -> impl IntoView {
    let cpu = move || vm.with(|vm| vm.cpu_percent.map(|cpu| format!("{cpu:.0} %")));
    let memory = move || vm.with(|vm| vm.memory_used_mib.map(format::mib));
    view! {
        <Sparkline values=Signal::derive(move || vm.with(|vm| vm.cpu_history.clone())) />
        <span class="usage-figure" title="CPU, of its share">{cpu}</span>
        <span class="usage-figure" title="Memory in use">{memory}</span>
    }
}
