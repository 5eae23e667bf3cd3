//! One VM: what it is, how it does, what happened to it.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};

use crate::{
    component::{
        Access, Alert, AlertKind, EventList, Guard, Loaded, Old, SHELLS_UNKNOWN, ShellList,
        UsageCharts, VmActions, VmBadge, VmButtons, VmDeleteDialog, VmFacts, VmFailures,
        poll_or_tell,
    },
    live::use_live,
    model::{AppError, EventPage, VmDetail, VmState, VmView},
    server_fn::{vm_event_list, vm_get},
};

/// The node measures at this pace.
const MEASURED_EVERY: Duration = Duration::from_secs(5);

/// `/vms/:name`, for members. State comes by the live socket, measurements every 5 s; `?before=` turns the
/// pages of the events.
#[component]
pub fn VmPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.read().get("name").unwrap_or_default());
    let detail = Resource::new_blocking(move || name.get(), vm_get);
    let query = use_query_map();
    let before = Memo::new(move |_| {
        query
            .read()
            .get_str("before")
            .and_then(|id| id.parse::<i64>().ok())
    });
    let events = Resource::new_blocking(
        move || (name.get(), before.get()),
        |(name, before)| vm_event_list(name, before),
    );
    let page = move |_| {
        view! {
            <Loaded
                data=detail
                skeleton=|| view! { <div class="skeleton page" aria-busy="true"></div> }
                view=move |detail| view! { <Machine first=detail events before /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Guard access=Access::Member page /> }
}

/// A page of the VM's events, asked for by the page.
type EventResource = Resource<Result<EventPage, AppError>>;

#[component]
fn Machine(first: VmDetail, events: EventResource, before: Memo<Option<i64>>) -> impl IntoView {
    let name = first.vm.name.clone();
    let ssh = first.ssh.clone();
    let detail = RwSignal::new(first);
    let changed = move |vm: VmView| detail.update(|detail| detail.vm = vm);
    let actions = VmActions::provide(changed);
    let old = keep_up(detail, actions);
    let state = Memo::new(move |_| detail.with(|detail| detail.vm.state));
    view! {
        <Title text=name.clone() />
        <div class="page-head">
            <h1 class="code">{name.clone()}</h1>
            <VmBadge state />
            <span class="spacer"></span>
            <VmButtons name=name.clone() state ssh />
        </div>
        <VmFailures />
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
            <Shells name=name.clone() detail />
            <Events name=name.clone() detail events before />
            <Danger name />
        </div>
        <VmDeleteDialog />
    }
}

/// Follows the live state at once and the measurements at their pace, and leaves with the VM. True while the
/// measurements do not come.
fn keep_up(detail: RwSignal<VmDetail>, actions: VmActions) -> Signal<bool> {
    let live = use_live();
    let navigate = use_navigate();
    let id = detail.with_untracked(|detail| detail.vm.id.clone());
    let deleted = actions.delete.version();
    Effect::new(move |_| {
        let Some(list) = live.list() else { return };
        match list.vms.into_iter().find(|vm| vm.id == id) {
            Some(vm) => detail.update(|detail| detail.vm = vm),
            None => navigate("/", Default::default()),
        }
    });
    let navigate = use_navigate();
    Effect::new(move |_| {
        if deleted.get() > 0 && matches!(actions.delete.value().get(), Some(Ok(_))) {
            navigate("/", Default::default());
        }
    });
    poll_or_tell(MEASURED_EVERY, move || async move {
        let name = detail.with_untracked(|detail| detail.vm.name.clone());
        let newer = vm_get(name).await;
        let is_answered = newer.is_ok();
        if let Ok(newer) = newer {
            detail.try_set(newer);
        }
        is_answered
    })
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

#[component]
fn Shells(name: String, detail: RwSignal<VmDetail>) -> impl IntoView {
    let shells = Memo::new(move |_| detail.with(|detail| detail.shells.clone()));
    let as_of = detail.with_untracked(|detail| detail.as_of);
    let page = format!("/shell/{name}");
    let new = format!("{page}?new=1");
    let running = Memo::new(move |_| detail.with(|detail| detail.vm.state == VmState::Running));
    let asked = Callback::new(move |()| {
        let name = name.clone();
        leptos::task::spawn_local(async move {
            if let Ok(newer) = vm_get(name).await {
                detail.try_set(newer);
            }
        });
    });
    view! {
        <section class="card" aria-labelledby="shells">
            <div class="card-head">
                <h2 id="shells">"Shells"</h2>
                <span class="spacer"></span>
                {move || running.get().then(|| view! {
                    <a class="button small" rel="external" href=new.clone()>"New shell"</a>
                })}
            </div>
            {move || {
                let words = match shells.get() {
                    None => SHELLS_UNKNOWN,
                    Some(shells) if shells.is_empty() => "No shell is open. A shell keeps running when you close its page.",
                    Some(_) => return None,
                };
                Some(view! { <p class="muted">{words}</p> })
            }}
            <ShellList shells=Signal::derive(move || shells.get().unwrap_or_default()) as_of page on_closed=asked />
        </section>
    }
}

#[component]
fn Events(
    name: String,
    detail: RwSignal<VmDetail>,
    events: EventResource,
    before: Memo<Option<i64>>,
) -> impl IntoView {
    let page = format!("/vms/{name}");
    // Its state is told at once, what leaves that as it was with the next measurement.
    let told = Memo::new(move |_| detail.with(|detail| (detail.vm.state, detail.event)));
    Effect::new(move |last: Option<(VmState, Option<i64>)>| {
        let now = told.get();
        if last.is_some_and(|last| last != now) {
            events.refetch();
        }
        now
    });
    view! {
        <section class="card" id="events" aria-labelledby="events-title">
            <h2 id="events-title">"Events"</h2>
            <Loaded
                data=events
                skeleton=|| view! { <div class="skeleton events"></div> }
                view=move |shown: EventPage| {
                    let older = shown.next.map(|next| format!("{page}?before={next}#events"));
                    let newest = before.get_untracked().map(|_| format!("{page}#events"));
                    view! {
                        {shown.events.is_empty().then(|| view! { <p class="muted">"Nothing more has happened."</p> })}
                        <EventList events=shown.events as_of=shown.as_of />
                        <p class="pager">
                            {newest.map(|newest| view! { <a href=newest>"Newest"</a> })}
                            {older.map(|older| view! { <a href=older>"Older"</a> })}
                        </p>
                    }
                    .into_any()
                }
            />
        </section>
    }
}

#[component]
fn Danger(name: String) -> impl IntoView {
    let actions = use_context::<VmActions>();
    let asked = name.clone();
    let on_click = move |event: leptos::ev::MouseEvent| {
        if let Some(actions) = actions {
            event.prevent_default();
            actions.deleting.set(Some(asked.clone()));
        }
    };
    view! {
        <section class="card danger-zone" aria-labelledby="danger">
            <div>
                <h2 id="danger">"Delete this VM"</h2>
                <p>"Its disk and everything on it is gone for good."</p>
            </div>
            <a class="button danger" href=format!("/vms/{name}/delete") on:click=on_click>{format!("Delete {name}…")}</a>
        </section>
    }
}
