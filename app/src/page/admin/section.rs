//! What every admin page has around it: the guard, the tabs, the heading.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::component::{Access, Guard};

/// An admin page. Without a title it brings its own heading.
#[component]
pub fn Section<V>(
    /// The heading, and the window's title.
    #[prop(optional)]
    title: Option<&'static str>,
    /// One line under the heading.
    #[prop(optional)]
    about: Option<&'static str>,
    /// Draws what is below the heading. Resources are made outside of it: the server draws it
    /// several times over, and each time would ask again.
    page: V,
) -> impl IntoView
where
    V: Fn() -> AnyView + Clone + Send + Sync + 'static,
{
    let guarded = move |_| {
        view! {
            {title.map(|title| view! { <Title text=title /> })}
            <div class="admin">
                <Tabs />
                {title.map(|title| view! {
                    <div class="page-head">
                        <h1>{title}</h1>
                        {about.map(|about| view! { <p class="muted">{about}</p> })}
                    </div>
                })}
                {page()}
            </div>
        }
        .into_any()
    };
    view! { <Guard access=Access::Admin page=guarded /> }
}

#[component]
fn Tabs() -> impl IntoView {
    view! {
        <nav class="admin-tabs" aria-label="Admin">
            <A href="/admin" exact=true>"Overview"</A>
            <A href="/admin/nodes">"Nodes"</A>
            <A href="/admin/vms">"VMs"</A>
            <A href="/admin/users">"Users"</A>
            <A href="/admin/images">"Images"</A>
            <A href="/admin/events">"Events"</A>
            <A href="/admin/logs">"Logs"</A>
        </nav>
    }
}
