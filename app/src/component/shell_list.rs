//! Live shells of a VM, with attach and close.

use leptos::prelude::*;

use super::{Ago, Failure, Form, Icon, IconName, Submit, on_gone};
use crate::{format, model::ShellView, server_fn::ShellClose};

/// Said in place of the list where a VM's node does not tell.
pub const SHELLS_UNKNOWN: &str =
    "Its node does not answer: whether shells are open is not known now.";

/// One line a shell. Links load the shell page anew, because the terminal lives on it alone.
#[component]
pub fn ShellList(
    #[prop(into)] shells: Signal<Vec<ShellView>>,
    /// The moment that `shells` are of, microseconds.
    as_of: i64,
    /// `/shell/web1`
    #[prop(into)]
    page: String,
    /// Called when one was closed, or had ended already.
    #[prop(optional, into)]
    on_closed: Option<Callback<()>>,
) -> impl IntoView {
    let close = ServerAction::<ShellClose>::new();
    on_gone(close, move || {
        if let Some(on_closed) = on_closed {
            on_closed.run(());
        }
    });
    let item = move |shell: ShellView| {
        let viewers = match shell.viewers {
            0 => "nobody attached".to_owned(),
            viewers => format!("{} attached", format::count(viewers.into(), "viewer")),
        };
        let short: String = shell
            .id
            .chars()
            .rev()
            .take(4)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        view! {
            <li class="shell-item">
                <Icon name=IconName::Terminal />
                <span class="shell-facts">
                    <code>{short.clone()}</code>
                    <span class="muted">
                        "opened " <Ago at=shell.created_at as_of /> " · used "
                        <Ago at=shell.active_at as_of /> " · " {viewers}
                    </span>
                </span>
                <a
                    class="button small"
                    rel="external"
                    href=format!("{page}?shell={}", shell.id)
                    aria-label=format!("Attach to shell {short}")
                >
                    "Attach"
                </a>
                <Form action=close class="inline" label=format!("Close shell {short}")>
                    <input type="hidden" name="id" value=shell.id.clone() />
                    <Submit class="button small quiet">"Close"</Submit>
                </Form>
            </li>
        }
    };
    let list = move || {
        let shells = shells.get();
        (!shells.is_empty()).then(|| {
            let items = shells.into_iter().map(&item).collect_view();
            view! { <ul class="shell-list" role="list">{items}</ul> }
        })
    };
    view! {
        <Failure action=close gone="That shell has ended already." />
        {list}
    }
}
