//! The document, the routes, and the frame around every page.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    component::{Clock, Frame},
    live::provide_live,
    page::{self, admin},
    visit::provide_visit,
};

/// The whole document, as the server sends it.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    crate::response::set_content_security_policy();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=crate::response::theme_word()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Your own Linux machines, seconds away." />
                <link rel="stylesheet" href="/pkg/minicloud.css" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
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
            <Route path=path!("/vms/new") view=page::VmNewPage ssr=SsrMode::Async />
            <Route path=path!("/vms/:name") view=page::VmPage ssr=SsrMode::Async />
            <Route path=path!("/vms/:name/delete") view=page::VmDeletePage ssr=SsrMode::Async />
            <Route path=path!("/shell/:name") view=page::ShellRoute ssr=SsrMode::Async />
            <Route path=path!("/invitations/:token") view=page::InvitationPage ssr=SsrMode::Async />
            <Route path=path!("/shared/:id") view=page::SharedRoute ssr=SsrMode::Async />
            <Route path=path!("/account") view=page::AccountPage ssr=SsrMode::Async />
            <Route path=path!("/account/password") view=page::PasswordPage ssr=SsrMode::Async />
            <Route path=path!("/delete-account") view=page::DeleteAccountPage ssr=SsrMode::Async />
            <Route path=path!("/admin") view=admin::OverviewPage ssr=SsrMode::Async />
            <Route path=path!("/admin/nodes") view=admin::NodesPage ssr=SsrMode::Async />
            <Route path=path!("/admin/nodes/:name/remove") view=admin::NodeRemovePage ssr=SsrMode::Async />
            <Route path=path!("/admin/users") view=admin::UsersPage ssr=SsrMode::Async />
            <Route path=path!("/admin/users/:name") view=admin::UserPage ssr=SsrMode::Async />
            <Route path=path!("/admin/vms") view=admin::VmsPage ssr=SsrMode::Async />
            <Route path=path!("/admin/vms/:id") view=admin::VmPage ssr=SsrMode::Async />
            <Route path=path!("/admin/vms/:id/delete") view=admin::VmDeletePage ssr=SsrMode::Async />
            <Route path=path!("/admin/vms/:id/shell") view=admin::ShellRoute ssr=SsrMode::Async />
            <Route path=path!("/admin/logs") view=admin::LogsPage ssr=SsrMode::Async />
            <Route path=path!("/admin/events") view=admin::EventsPage ssr=SsrMode::Async />
            <Route path=path!("/admin/images") view=admin::ImagesPage ssr=SsrMode::Async />
        </FlatRoutes>
    }
}
