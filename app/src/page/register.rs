//! Make an account.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    component::{
        Access, Alert, AlertKind, Field, Form, FormAlert, Guard, PasswordField, Strength, Submit,
        on_success,
    },
    model::{Registration, Site},
    nav::{leave, way_in},
    server_fn::AccountCreate,
};

/// `/register`, for who is not signed in. Says so where registration is closed, and asks for the code where it
/// is by invitation.
#[component]
pub fn RegisterPage() -> impl IntoView {
    view! {
        <Title text="Create an account" />
        <Guard access=Access::Anonymous page=|visit| view! { <Register site=visit.site /> }.into_any() />
    }
}

#[component]
fn Register(site: Site) -> impl IntoView {
    let query = use_query_map();
    let next = query
        .with_untracked(|query| query.get("next"))
        .unwrap_or_default();
    let sign_in = way_in("/login", &next);
    view! {
        <section class="narrow">
            <h1>"Create an account"</h1>
            {match site.registration {
                Registration::Closed => view! {
                    <Alert kind=AlertKind::Note>
                        "Registration is closed here. Ask an admin of this MiniCloud for an account."
                    </Alert>
                }
                .into_any(),
                registration => {
                    view! { <RegisterForm next invite=registration == Registration::Invite /> }.into_any()
                }
            }}
            <p class="muted">"Have an account? " <a href=sign_in>"Sign in"</a></p>
        </section>
    }
}

#[component]
fn RegisterForm(invite: bool, next: String) -> impl IntoView {
    let action = ServerAction::<AccountCreate>::new();
    on_success(action, |path| leave(&path));
    let name = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    view! {
        <Form action class="form">
            <FormAlert fields=&["name", "password", "invite"] />
            {invite.then(|| view! {
                <Field name="invite" label="Invite code" hint="From who runs this MiniCloud." code=true max_length=128 />
            })}
            <Field
                name="name"
                label="User name"
                hint="Small letters, digits and hyphens; begins with a letter."
                autocomplete="username"
                code=true
                autofocus=true
                max_length=64
                on_input=move |text: String| name.set(text)
            />
            <PasswordField
                name="password"
                label="Password"
                autocomplete="new-password"
                hint="At least 10 characters. A few unusual words are good."
                on_input=move |text: String| password.set(text)
            />
            <Strength name password />
            <input type="hidden" name="next" value=next />
            <Submit class="button accent wide" busy="Creating your account…">"Create account"</Submit>
        </Form>
    }
}
