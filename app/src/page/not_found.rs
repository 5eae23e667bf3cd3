//! The same answer for what does not exist and what is not one's own.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    component::{Icon, IconName},
    nav::set_status,
};

/// The fallback of the router.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <NotFound /> }
}

/// Says so, with status 404, and leads home.
#[component]
pub fn NotFound() -> impl IntoView {
    set_status(404);
    view! {
        <Title text="Not found" />
        <section class="blank">
            <Icon name=IconName::Search />
            <h1>"There is nothing here"</h1>
            <p>"The address is wrong, or what it led to has been deleted, or it is not yours."</p>
            <p class="blank-actions"><a class="button accent" href="/">"Your VMs"</a></p>
        </section>
    }
}
