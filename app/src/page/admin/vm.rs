//! Anybody's VM, as its owner sees it, with whose it is.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{
    follow::refresh,
    section::Section,
    vm_row::{StartForm, StopForm, can_start},
};
use crate::{
    component::{
        Ago, Alert, AlertKind, EventList, Failure, Icon, IconName, Loaded, Old, SHELLS_UNKNOWN,
        UsageCharts, VmBadge, VmFacts, on_success, poll_or_tell,
    },
    format,
    model::{AppError, ErrorKind, EventPage, ShellView, VmDetail, VmState, VmView},
    server_fn::admin::{AdminVmStart, AdminVmStop, admin_vm_get, event_list},
};

/// Events shown here; the events page has the rest.
const EVENTS_MAX: usize = 10;
/// States are to be seen soon; the node measures every 5 s.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// `/admin/vms/:id`, by the VM's id: two of one name may have different owners. Asked again every 2 s.
#[component]
pub fn VmPage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.read().get("id").unwrap_or_default();
    let found = Resource::new_blocking(id, look);
    let page = move || {
        view! {
            <Loaded
                data=found
                skeleton=|| view! { <div class="skeleton page" aria-busy="true"></div> }
                view=|(first, events)| view! { <Machine first events /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section page /> }
}

async fn look(id: String) -> Result<(VmDetail, EventPage), AppError> {
    let detail = admin_vm_get(id).await?;
    let events = events_of(detail.vm.id.clone()).await?;
    Ok((detail, events))
}

/// What happened to this VM, and not to another of its name.
async fn events_of(id: String) -> Result<EventPage, AppError> {
    let any = String::new;
    let mut page = event_list(any(), any(), any(), None, id).await?;
    page.events.truncate(EVENTS_MAX);
    for event in &mut page.events {
        event.link = None;
    }
    Ok(page)
}

#[component]
fn Machine(first: VmDetail, events: EventPage) -> impl IntoView {
    let VmView {
        id, name, owner, ..
    } = first.vm.clone();
    let detail = RwSignal::new(first);
    let state = Memo::new(move |_| detail.with(|detail| detail.vm.state));
    let asked = id.clone();
    let gone = RwSignal::new(false);
    let old = poll_or_tell(ASK_EVERY, move || keep_up(asked.clone(), detail, gone));
    view! {
        <Title text=name.clone() />
        <div class="page-head">
            <a class="button small quiet" href="/admin/vms"><Icon name=IconName::ArrowLeft />"VMs"</a>
            <h1 class="code">{name.clone()}</h1>
            <VmBadge state />
            <span class="muted">"of " <a class="code" href=format!("/admin/users/{owner}")>{owner.clone()}</a></span>
            <span class="spacer"></span>
            <Buttons id=id.clone() detail state />
        </div>
        {move || gone.get().then(|| view! { <Alert kind=AlertKind::Note>"This VM has been deleted."</Alert> })}
        <Old old />
        <Reason detail />
        <div class="vm-page">
            <section class="card" aria-labelledby="facts">
                <h2 id="facts">"Details"</h2>
                <VmFacts detail />
            </section>
            <section class="card" aria-labelledby="usage">
                <h2 id="usage">"Usage"</h2>
                <UsageCharts detail />
            </section>
            <Shells id=id.clone() owner detail state />
            <Events name=name.clone() id=id.clone() state first=events />
            <section class="card danger-zone" aria-labelledby="danger">
                <div>
                    <h2 id="danger">"Delete this VM"</h2>
                    <p>"Its disk and everything on it is gone for good."</p>
                </div>
                <a class="button danger" href=format!("/admin/vms/{id}/delete")>{format!("Delete {name}…")}</a>
            </section>
        </div>
    }
}

/// True where an answer came.
async fn keep_up(id: String, detail: RwSignal<VmDetail>, gone: RwSignal<bool>) -> bool {
    match admin_vm_get(id).await {
        Ok(newer) => {
            detail.try_set(newer);
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            gone.try_set(true);
        }
        // The next try is seconds away.
        Err(_) => return false,
    }
    true
}

#[component]
fn Buttons(id: String, detail: RwSignal<VmDetail>, state: Memo<VmState>) -> impl IntoView {
    let start = ServerAction::<AdminVmStart>::new();
    let stop = ServerAction::<AdminVmStop>::new();
    let changed = move |vm: VmView| detail.update(|detail| detail.vm = vm);
    on_success(start, changed);
    on_success(stop, changed);
    view! {
        {move || match state.get() {
            VmState::Running => view! { <StopForm id=id.clone() stop class="button" /> }.into_any(),
            state if can_start(state) => view! { <StartForm id=id.clone() start class="button" /> }.into_any(),
            _ => ().into_any(),
        }}
        <Failure action=start />
        <Failure action=stop />
    }
}

/// Why it failed, is unknown, or waits.
#[component]
fn Reason(detail: RwSignal<VmDetail>) -> impl IntoView {
    let reason =
        Memo::new(move |_| detail.with(|detail| (detail.vm.state, detail.vm.reason.clone())));
    move || {
        let (state, reason) = reason.get();
        let kind = match state {
            VmState::Failed | VmState::Unknown => AlertKind::Bad,
            _ => AlertKind::Note,
        };
        reason.map(|reason| view! { <Alert kind>{reason}</Alert> })
    }
}

/// Its shells, and the way into one, which the owner is told of.
#[component]
fn Shells(
    id: String,
    owner: String,
    detail: RwSignal<VmDetail>,
    state: Memo<VmState>,
) -> impl IntoView {
    let page = format!("/admin/vms/{id}/shell");
    let new = format!("{page}?new=1");
    let shells = Memo::new(move |_| detail.with(|detail| detail.shells.clone()));
    let as_of = detail.with_untracked(|detail| detail.as_of);
    view! {
        <section class="card" aria-labelledby="shells">
            <div class="card-head">
                <h2 id="shells">"Shells"</h2>
                <span class="spacer"></span>
                {move || (state.get() == VmState::Running).then(|| view! {
                    <a class="button small" rel="external" href=new.clone()>
                        <Icon name=IconName::Terminal />
                        "Open a shell"
                    </a>
                })}
            </div>
            <p class="muted">
                {format!("{owner} sees it in the events of the VM when you open or join a shell.")}
            </p>
            {move || {
                let page = page.clone();
                let item = move |shell| view! { <ShellItem shell as_of page=page.clone() /> };
                match shells.get() {
                    None => Some(view! { <p class="muted">{SHELLS_UNKNOWN}</p> }.into_any()),
                    Some(shells) if shells.is_empty() => None,
                    Some(shells) => Some(view! {
                        <ul class="shell-list" role="list">{shells.into_iter().map(item).collect_view()}</ul>
                    }.into_any()),
                }
            }}
        </section>
    }
}

#[component]
fn ShellItem(shell: ShellView, as_of: i64, page: String) -> impl IntoView {
    let short: String = shell
        .id
        .chars()
        .skip(shell.id.chars().count().saturating_sub(4))
        .collect();
    let viewers = match shell.viewers {
        0 => "nobody attached".to_owned(),
        viewers => format!("{} attached", format::count(viewers.into(), "viewer")),
    };
    view! {
        <li class="shell-item">
            <Icon name=IconName::Terminal />
            <span class="shell-facts">
                <code>{short.clone()}</code>
                <span class="muted">
                    "opened " <Ago at=shell.created_at as_of /> " · used " <Ago at=shell.active_at as_of /> " · " {viewers}
                </span>
            </span>
            <a class="button small" rel="external" href=format!("{page}?shell={}", shell.id) aria-label=format!("Join shell {short}")>
                "Join"
            </a>
        </li>
    }
}

/// What happened to it lately; the events page has the rest.
#[component]
fn Events(name: String, id: String, state: Memo<VmState>, first: EventPage) -> impl IntoView {
    let all = format!("/admin/events?subject={name}");
    let events = RwSignal::new(first);
    // Something has happened: there is something to tell.
    Effect::new(move |last: Option<VmState>| {
        let now = state.get();
        if last.is_some_and(|last| last != now) {
            let id = id.clone();
            leptos::task::spawn_local(refresh(events, move || events_of(id.clone())));
        }
        now
    });
    view! {
        <section class="card" aria-labelledby="events">
            <div class="card-head">
                <h2 id="events">"Events"</h2>
                <span class="spacer"></span>
                <a href=all>"All about this name"</a>
            </div>
            {move || {
                let EventPage { events, as_of, .. } = events.get();
                view! { <EventList events as_of /> }
            }}
        </section>
    }
}
