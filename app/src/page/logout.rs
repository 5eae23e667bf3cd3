//! Sign out: a page with a button, because a link must sign nobody out.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::component::{Access, Guard, SignOut};

/// `/logout`, for who is signed in. Reading it changes nothing.
#[component]
pub fn LogoutPage() -> impl IntoView {
    view! {
        <Title text="Sign out" />
        <Guard
            access=Access::SignedIn
            page=|visit| {
                let name = visit.viewer.map(|viewer| viewer.name).unwrap_or_default();
                view! {
                    <section class="narrow">
                        <h1>"Sign out"</h1>
                        <p>"You are signed in as " <strong>{name}</strong> ". Your VMs keep running."</p>
                        <SignOut class="button wide" />
                        <p class="muted"><a href="/">"Stay signed in"</a></p>
                    </section>
                }
                .into_any()
            }
        />
    }
}
