//! The frame around every page: top bar, and on phones a bar at the bottom.

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_location};

use super::{Icon, IconName, Menu, ThemeSwitch};
use crate::{
    format,
    live::{live_connect, use_live},
    model::{QuotaUsage, Theme, Viewer},
    nav::focus,
    server_fn::Logout,
    visit::{Visit, use_visit},
};

/// Bars and content.
#[component]
pub fn Frame(children: Children) -> impl IntoView {
    begin_at_the_top();
    view! {
        <a class="skip-link" href="#main" rel="external">"Skip to content"</a>
        <TopBar />
        <main id="main" tabindex="-1">{children()}</main>
    }
}

/// After a step to another page the keyboard and screen reader begin there, as on a page load.
fn begin_at_the_top() {
    let path = use_location().pathname;
    Effect::new(move |last: Option<String>| {
        let path = path.get();
        if last.is_some_and(|last| last != path) {
            focus("main");
        }
        path
    });
}

#[component]
fn TopBar() -> impl IntoView {
    let visit = use_visit();
    view! {
        <header class="top-bar">
            <a class="brand" href="/">
                <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
                    <rect class="brand-tile" width="32" height="32" rx="8" />
                    <path class="brand-lines" d="M9 8h14a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2v-3a2 2 0 0 1 2-2zM9 17h14a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2v-3a2 2 0 0 1 2-2zM11 11.5h.01M11 20.5h.01M15 11.5h6M15 20.5h6" />
                </svg>
                <span>"MiniCloud"</span>
            </a>
            <Transition>
                {move || Suspend::new(async move {
                    match visit.await {
                        Ok(visit) => view! { <Bars visit /> }.into_any(),
                        Err(_) => ().into_any(),
                    }
                })}
            </Transition>
            <Reconnecting />
        </header>
    }
}

/// What the bars hold, by who looks.
#[component]
fn Bars(visit: Visit) -> impl IntoView {
    let is_admin = visit.is_admin();
    let Some(viewer) = visit.viewer else {
        return view! {
            <span class="spacer"></span>
            <ThemeMenu theme=visit.theme />
        }
        .into_any();
    };
    if viewer.must_change_password {
        return view! {
            <span class="spacer"></span>
            <ThemeMenu theme=visit.theme />
            <AccountMenu viewer />
        }
        .into_any();
    }
    live_connect();
    view! {
        <nav class="top-nav" aria-label="Main">
            <A href="/" exact=true>"VMs"</A>
            {is_admin.then(|| view! { <A href="/admin">"Admin"</A> })}
        </nav>
        <span class="spacer"></span>
        <QuotaLine quota=viewer.quota />
        <ThemeMenu theme=visit.theme />
        <AccountMenu viewer />
        <nav class="bottom-bar" aria-label="Main, on phones">
            <A href="/" exact=true><Icon name=IconName::Server /><span>"VMs"</span></A>
            {is_admin.then(|| view! {
                <A href="/admin"><Icon name=IconName::Shield /><span>"Admin"</span></A>
            })}
            <A href="/account"><Icon name=IconName::User /><span>"Account"</span></A>
        </nav>
    }
    .into_any()
}

/// "3/5 VMs · 2/4 vCPU".
#[component]
fn QuotaLine(quota: QuotaUsage) -> impl IntoView {
    let live = use_live();
    let words = move || {
        let quota = live.list().map_or(quota, |list| list.quota);
        format!(
            "{}/{} VMs · {}/{} vCPU",
            quota.vms,
            quota.vms_max,
            format::vcpus(quota.cpu_millis),
            format::vcpus(quota.cpu_millis_max)
        )
    };
    view! { <span class="quota-line" title="What you use of what you may have">{words}</span> }
}

#[component]
fn ThemeMenu(theme: Theme) -> impl IntoView {
    view! {
        <Menu label="Theme" button=Box::new(|| view! { <Icon name=IconName::Sun /> }.into_any())>
            <ThemeSwitch theme />
        </Menu>
    }
}

#[component]
fn AccountMenu(viewer: Viewer) -> impl IntoView {
    let name = viewer.name.clone();
    let button = move || {
        view! {
            <Icon name=IconName::User />
            <span class="account-name">{name}</span>
        }
        .into_any()
    };
    view! {
        <Menu label=format!("Account of {}", viewer.name) class="menu account-menu" button=Box::new(button)>
            <a href="/account"><Icon name=IconName::Settings />"Account"</a>
            <SignOut />
        </Menu>
    }
}

/// Always a plain form: who is asking changes, and with it every page.
#[component]
pub fn SignOut(#[prop(default = "menu-item")] class: &'static str) -> impl IntoView {
    use leptos::server_fn::ServerFn;
    view! {
        <form action=Logout::url() method="post">
            <button type="submit" class=class>
                <Icon name=IconName::LogOut />
                "Sign out"
            </button>
        </form>
    }
}

/// Says that what is shown may be old, once the live connection has been away for 2 s, and why.
#[component]
fn Reconnecting() -> impl IntoView {
    let live = use_live();
    view! {
        <div class="reconnecting" role="status">
            {move || live.lost().words().map(|words| view! {
                <p><Icon name=IconName::WifiOff />{words}</p>
            })}
        </div>
    }
}
