//! Shells that others share with one.

use std::time::Duration;

use leptos::prelude::*;

use super::{Ago, Form, FormAlert, Icon, IconName, Submit, on_success, poll};
use crate::{
    model::{AppError, ShellGrantView, ShellMode},
    server_fn::{Dated, ShellGrantDelete, shell_shared_list},
};

/// How soon a shell that has ended, or was taken back, is not listed any more.
const ASKED_EVERY: Duration = Duration::from_secs(10);

/// Asked by the page, and again after one has left.
pub type SharedResource = Resource<Result<Dated<Vec<ShellGrantView>>, AppError>>;

/// Nothing at all while nobody shares anything.
#[component]
pub fn SharedList(shared: SharedResource) -> impl IntoView {
    let leave = ServerAction::<ShellGrantDelete>::new();
    on_success(leave, move |()| shared.refetch());
    let newer = RwSignal::new(None::<Dated<Vec<ShellGrantView>>>);
    // What is shared comes by a page of its own; here it only goes.
    let is_listed = StoredValue::new(false);
    poll(ASKED_EVERY, move || async move {
        if is_listed.get_value()
            && let Ok(list) = shell_shared_list().await
        {
            newer.try_set(Some(list));
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
            (!list.is_empty()).then(|| {
                let items = list
                    .into_iter()
                    .map(|grant| view! { <Item grant as_of leave /> });
                view! {
                    <section class="card shared" aria-labelledby="shared">
                        <h2 id="shared">"Shared with you"</h2>
                        <ul class="shell-list" role="list">{items.collect_view()}</ul>
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
                <FormAlert />
            </Form>
        </li>
    }
}
