//! The terminal and the strip above it. The terminal is a custom element of its own script, which
//! this page alone loads; its bytes never pass through here.

use leptos::{nonce::use_nonce, prelude::*};

use super::{
    Ago, Form, FormAlert, Icon, IconName, Menu, ShellList, ShellShareButton, Submit, on_success,
};
use crate::{
    model::{SharedShell, ShellMode, ShellPage, ShellView},
    nav::{leave, readdress},
    server_fn::{ShellClose, ShellGrantDelete},
};

/// A shell at full height.
#[component]
pub fn ShellFrame(
    shell: ShellPage,
    /// The moment that `shell` is of, microseconds.
    as_of: i64,
    /// Where it leads back to: `/vms/web1`.
    #[prop(into)]
    back: String,
    /// This page's own path: `/shell/web1`.
    #[prop(into)]
    page: String,
    /// It is the viewer's own, to be shared.
    #[prop(optional)]
    is_own: bool,
) -> impl IntoView {
    let vm = shell.shell.vm.clone();
    // The address without it leads to the newest shell, which may be another one by the next reload.
    let own = format!("{page}?shell={}", shell.shell.id);
    Effect::new(move |_| readdress(&own));
    let menu = (is_own || !shell.others.is_empty()).then(|| {
        view! { <ShellMenu shell=shell.clone() as_of back=back.clone() page=page.clone() /> }
    });
    view! {
        <div class="shell-page">
            <div class="shell-strip">
                <a class="button small quiet" href=back>
                    <Icon name=IconName::ArrowLeft />
                    {vm.clone()}
                </a>
                {shell.watches.then(|| view! { <span class="shell-of muted">"You were invited to watch this shell"</span> })}
                <span class="spacer"></span>
                {menu}
                {is_own.then(|| view! { <ShellShareButton shell=shell.shell.id.clone() vm=vm.clone() /> })}
                <a class="button small" rel="external" href=format!("{page}?new=1")>
                    <Icon name=IconName::Plus />
                    <span class="shell-strip-word">"New shell"</span>
                </a>
            </div>
            <Terminal vm shell=shell.shell.id attach=shell.attach watches=shell.watches />
        </div>
    }
}

/// The VM's live shells: the one that the page shows, and the others.
#[component]
fn ShellMenu(shell: ShellPage, as_of: i64, back: String, page: String) -> impl IntoView {
    let count = shell.others.len() + 1;
    let button = move || view! { <span>{format!("Shells: {count}")}</span> <Icon name=IconName::ChevronDown /> };
    let here = (!shell.watches).then(|| view! { <ShellHere shell=shell.shell as_of back /> });
    view! {
        <Menu
            label="Shells of this VM"
            class="menu shell-menu"
            button=Box::new(move || button().into_any())
        >
            {here}
            <ShellList shells=Signal::stored(shell.others) as_of page on_closed=Callback::new(|()| crate::nav::reload()) />
        </Menu>
    }
}

/// The shell that the page shows. Once it is closed there is nothing here: its VM's page comes.
#[component]
fn ShellHere(shell: ShellView, as_of: i64, back: String) -> impl IntoView {
    let close = ServerAction::<ShellClose>::new();
    on_success(close, move |()| leave(&back));
    view! {
        <div class="shell-item shell-here">
            <Icon name=IconName::Terminal />
            <span class="shell-facts">
                <strong>"This shell"</strong>
                <span class="muted">"opened " <Ago at=shell.created_at as_of /></span>
            </span>
            <Form action=close class="inline" label="Close this shell">
                <input type="hidden" name="id" value=shell.id />
                <Submit class="button small quiet">"Close"</Submit>
                <FormAlert />
            </Form>
        </div>
    }
}

/// A shell of somebody else's, at full height: to watch, or to type in.
#[component]
pub fn SharedFrame(shared: SharedShell) -> impl IntoView {
    let action = ServerAction::<ShellGrantDelete>::new();
    on_success(action, |()| leave("/"));
    let SharedShell { grant, attach } = shared;
    let watches = grant.mode == ShellMode::Watch;
    view! {
        <div class="shell-page">
            <div class="shell-strip">
                <a class="button small quiet" href="/" rel="external">
                    <Icon name=IconName::ArrowLeft />
                    "Your VMs"
                </a>
                <span class="shell-of muted">
                    "Shell of " {grant.owner.clone()} "’s " <code>{grant.vm.clone()}</code>
                    {watches.then_some(", to watch")}
                </span>
                <span class="spacer"></span>
                <Form action class="inline" label="Leave this shell">
                    <input type="hidden" name="id" value=grant.id />
                    <Submit class="button small quiet">"Leave"</Submit>
                    <FormAlert />
                </Form>
            </div>
            <Terminal vm=grant.vm shell=grant.shell_id attach guest_of=grant.owner watches />
        </div>
    }
}

#[component]
fn Terminal(
    vm: String,
    shell: String,
    attach: String,
    /// Whose shell it is, where it is not the viewer's.
    #[prop(optional, into)]
    guest_of: Option<String>,
    /// Nothing is typed.
    #[prop(optional)]
    watches: bool,
) -> impl IntoView {
    let nonce = use_nonce().map(|nonce| nonce.to_string());
    let watch = watches.then_some("");
    view! {
        <noscript>
            <p class="shell-noscript">
                "The shell needs script: it is a live terminal. Allow script for this site and reload."
            </p>
        </noscript>
        <mc-terminal vm=vm shell=shell attach=attach guest-of=guest_of watch=watch nonce=nonce.clone()></mc-terminal>
        <script type="module" src="/pkg/mc-terminal.js" nonce=nonce></script>
    }
}
