//! The terminal and the strip above it. The terminal is a custom element of its own script, which
//! this page alone loads; its bytes never pass through here.

use leptos::{nonce::use_nonce, prelude::*};

use super::{Icon, IconName, Menu, ShellList};
use crate::model::ShellPage;

/// A shell at full height.
#[component]
pub fn ShellFrame(
    shell: ShellPage,
    as_of: i64,
    /// Where it leads back to: `/vms/web1`.
    #[prop(into)]
    back: String,
    /// This page's own path: `/shell/web1`.
    #[prop(into)]
    page: String,
) -> impl IntoView {
    let vm = shell.shell.vm.clone();
    let others = shell.others.len();
    let nonce = use_nonce().map(|nonce| nonce.to_string());
    view! {
        <div class="shell-page">
            <div class="shell-strip">
                <a class="button small quiet" href=back>
                    <Icon name=IconName::ArrowLeft />
                    {vm.clone()}
                </a>
                <span class="spacer"></span>
                {(others > 0).then(|| { let page = page.clone(); view! {
                    <Menu
                        label="Other shells of this VM"
                        class="menu shell-others"
                        button=Box::new(move || view! { <span>{format!("Other shells: {others}")}</span> <Icon name=IconName::ChevronDown /> }.into_any())
                    >
                        <ShellList shells=shell.others.clone() as_of page on_closed=Callback::new(|()| crate::nav::reload()) />
                    </Menu>
                }})}
                <a class="button small" rel="external" href=format!("{page}?new=1")>
                    <Icon name=IconName::Plus />
                    "New shell"
                </a>
            </div>
            <noscript>
                <p class="shell-noscript">
                    "The shell needs script: it is a live terminal. Allow script for this site and reload."
                </p>
            </noscript>
            <mc-terminal vm=vm shell=shell.shell.id attach=shell.attach nonce=nonce.clone()></mc-terminal>
            <script type="module" src="/pkg/mc-terminal.js" nonce=nonce></script>
        </div>
    }
}
