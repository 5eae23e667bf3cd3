//! The document, the routes, and the frame around every page.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    component::{Clock, Frame},
    late,
    live::provide_live,
    page,
    visit::provide_visit,
};

/// The whole document, as the server sends it. `build` names the script that brings it to life.
#[cfg(feature = "ssr")]
pub fn shell(build: Option<std::sync::Arc<str>>) -> impl IntoView {
    crate::response::set_content_security_policy();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=crate::response::theme_word()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Your own Linux machines, seconds away." />
                {script_start(build)}
                <link rel="stylesheet" href="/pkg/minicloud.css" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Loads what brings the page to life. It stands before the style, which it would wait for otherwise.
#[cfg(feature = "ssr")]
fn script_start(build: Option<std::sync::Arc<str>>) -> impl IntoView {
    const START: &str = include_str!("start.js");
    let nonce = leptos::nonce::use_nonce();
    build.map(|build| {
        view! { <script nonce=nonce data-build=build.to_string()>{START}</script> }
    })
}

/// Everything inside `<body>`.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_visit();
    provide_live();
    Clock::provide();
    view! {
        <Title formatter=|title: String| match title.as_str() {
            "" => "MiniCloud".to_owned(),
            _ => format!("{title} · MiniCloud"),
        } />
        <Router>
            <Frame>
                <Pages />
            </Frame>
        </Router>
    }
}

/// Every address there is. All render whole on the server, so that they work without script and
/// their statuses and redirects are real.
#[component]
fn Pages() -> impl IntoView {
    view! {
        <FlatRoutes fallback=page::NotFoundPage>
            <Route path=path!("/login") view=page::LoginPage ssr=SsrMode::Async />
            <Route path=path!("/register") view=page::RegisterPage ssr=SsrMode::Async />
            <Route path=path!("/logout") view=page::LogoutPage ssr=SsrMode::Async />
            <Route path=path!("/") view=page::DashboardPage ssr=SsrMode::Async />
            <Route path=path!("/vms/new") view={Lazy::<late::VmNew>::new()} ssr=SsrMode::Async />
            <Route path=path!("/vms/:name") view={Lazy::<late::Vm>::new()} ssr=SsrMode::Async />
            <Route path=path!("/vms/:name/delete") view={Lazy::<late::VmDelete>::new()} ssr=SsrMode::Async />
            <Route path=path!("/shell/:name") view={Lazy::<late::Shell>::new()} ssr=SsrMode::Async />
            <Route path=path!("/invitations/:token") view={Lazy::<late::Invitation>::new()} ssr=SsrMode::Async />
            <Route path=path!("/shared/:id") view={Lazy::<late::Shared>::new()} ssr=SsrMode::Async />
            <Route path=path!("/account") view={Lazy::<late::Account>::new()} ssr=SsrMode::Async />
            <Route path=path!("/account/password") view={Lazy::<late::AccountPassword>::new()} ssr=SsrMode::Async />
            <Route path=path!("/delete-account") view={Lazy::<late::AccountDelete>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin") view={Lazy::<late::AdminOverview>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/nodes") view={Lazy::<late::AdminNodes>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/nodes/:name/remove") view={Lazy::<late::AdminNodeRemove>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/users") view={Lazy::<late::AdminUsers>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/users/:name") view={Lazy::<late::AdminUser>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/vms") view={Lazy::<late::AdminVms>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/vms/:id") view={Lazy::<late::AdminVm>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/vms/:id/delete") view={Lazy::<late::AdminVmDelete>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/vms/:id/shell") view={Lazy::<late::AdminShell>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/logs") view={Lazy::<late::AdminLogs>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/events") view={Lazy::<late::AdminEvents>::new()} ssr=SsrMode::Async />
            <Route path=path!("/admin/images") view={Lazy::<late::AdminImages>::new()} ssr=SsrMode::Async />
        </FlatRoutes>
    }
}
