//! Sign in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    component::{
        Access, Alert, AlertKind, Field, Form, FormAlert, Guard, PasswordField, Submit, on_success,
    },
    model::{Registration, Site},
    nav::{leave, way_in},
    server_fn::Login,
};

/// `/login`, for who is not signed in. `next` in the address is where to go afterwards.
#[component]
pub fn LoginPage() -> impl IntoView {
    view! {
        <Title text="Sign in" />
        <Guard access=Access::Anonymous page=|visit| view! { <SignIn site=visit.site /> }.into_any() />
    }
}

#[component]
fn SignIn(site: Site) -> impl IntoView {
    let action = ServerAction::<Login>::new();
    on_success(action, |path| leave(&path));
    let query = use_query_map();
    let next = query
        .with_untracked(|query| query.get("next"))
        .unwrap_or_default();
    let register = way_in("/register", &next);
    view! {
        <section class="narrow">
            <h1>"Sign in"</h1>
            <Done />
            {site.first_start.then(|| view! {
                <Alert kind=AlertKind::Note>
                    "This is a new MiniCloud. Sign in as " <code>"admin"</code> " with the password "
                    <code>"admin"</code> "; you choose a new password next."
                </Alert>
            })}
            <Form action class="form">
                <FormAlert fields=&["name", "password"] />
                <Field name="name" label="User name" autocomplete="username" code=true autofocus=true max_length=64 />
                <PasswordField name="password" label="Password" autocomplete="current-password" />
                <input type="hidden" name="next" value=next />
                <Submit class="button accent wide" busy="Signing in…">"Sign in"</Submit>
            </Form>
            {(site.registration != Registration::Closed).then(|| view! {
                <p class="muted">"New here? " <a href=register>"Create an account"</a></p>
            })}
        </section>
    }
}

/// What has just been done, that led here.
#[component]
fn Done() -> impl IntoView {
    let query = use_query_map();
    let words = query.with_untracked(|query| match query.get_str("done") {
        Some("logout") => Some("You are signed out."),
        Some("account") => Some("Your account and its VMs are deleted."),
        _ => None,
    });
    words.map(|words| view! { <Alert kind=AlertKind::Good>{words}</Alert> })
}
