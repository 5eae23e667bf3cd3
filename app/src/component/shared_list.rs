//! Shells that others share with one.

use std::time::Duration;

use leptos::prelude::*;

use super::{Ago, Failure, Form, Icon, IconName, Submit, on_gone, poll};
use crate::{
    model::{AppError, ShellGrantView, ShellMode},
    server_fn::{Dated, ShellGrantDelete, shell_shared_list},
};

/// How soon a shell that has ended, or was taken back, is not listed any more.
const ASKED_EVERY: Duration = Duration::from_secs(10);

/// Asked by the page.
pub type SharedResource = Resource<Result<Dated<Vec<ShellGrantView>>, AppError>>;

/// Nothing at all while nobody shares anything.
#[component]
pub fn SharedList(shared: SharedResource) -> impl IntoView {
    let leave = ServerAction::<ShellGrantDelete>::new();
    let answer = leave.value();
    let has_failed = Memo::new(move |_| matches!(answer.get(), Some(Err(_))));
    let newer = RwSignal::new(None::<Dated<Vec<ShellGrantView>>>);
    let ask = move || async move {
        if let Ok(list) = shell_shared_list().await {
            newer.try_set(Some(list));
        }
    };
    on_gone(leave, move || leptos::task::spawn_local(ask()));
    // What is shared comes by a page of its own; here it only goes.
    let is_listed = StoredValue::new(false);
    poll(ASKED_EVERY, move || async move {
        if is_listed.get_value() {
            ask().await;
        }
    });
    let shown = move |first: Dated<Vec<ShellGrantView>>| {
        let as_of = first.as_of;
        let list = Memo::new(move |_| match newer.get() {
            Some(newer) => newer.value,
            None => first.value.clone(),
        });
        move || {
            let list = list.get();
            is_listed.set_value(!list.is_empty());
            (!list.is_empty() || has_failed.get()).then(|| {
                view! {
                    <section class="card shared" aria-labelledby="shared">
                        <h2 id="shared">"Shared with you"</h2>
                        <Failure action=leave gone="That shell is not shared with you any more." />
                        <Items list as_of leave />
                    </section>
                }
            })
        }
    };
    view! {
        <Transition>
            // What is wrong is said by the list of VMs above.
            {move || Suspend::new(async move { shared.await.ok().map(shown) })}
        </Transition>
    }
}

#[component]
fn Items(
    list: Vec<ShellGrantView>,
    as_of: i64,
    leave: ServerAction<ShellGrantDelete>,
) -> impl IntoView {
    let item = move |grant| view! { <Item grant as_of leave /> };
    (!list.is_empty()).then(|| {
        let items = list.into_iter().map(item).collect_view();
        view! { <ul class="shell-list" role="list">{items}</ul> }
    })
}

#[component]
fn Item(grant: ShellGrantView, as_of: i64, leave: ServerAction<ShellGrantDelete>) -> impl IntoView {
    let what = format!("the shell of {}’s {}", grant.owner, grant.vm);
    let may = match grant.mode {
        ShellMode::Watch => "watch",
        ShellMode::Type => "watch and type",
    };
    view! {
        <li class="shell-item">
            <Icon name=IconName::Terminal />
            <span class="shell-facts">
                <code>{grant.vm}</code>
                <span class="muted">
                    "of " {grant.owner} " · you may " {may} " · since " <Ago at=grant.created_at as_of />
                </span>
            </span>
            <a
                class="button small"
                rel="external"
                href=format!("/shared/{}", grant.id)
                aria-label=format!("Open {what}")
            >
                "Open"
            </a>
            <Form action=leave class="inline" label=format!("Leave {what}")>
                <input type="hidden" name="id" value=grant.id />
                <Submit class="button small quiet">"Leave"</Submit>
            </Form>
        </li>
    }
}
