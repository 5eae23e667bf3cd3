//! Change one's password; at first it may be a must.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    component::{
        Access, Alert, AlertKind, Form, FormAlert, Guard, PasswordField, Strength, Submit,
        on_success,
    },
    model::Viewer,
    nav::leave,
    server_fn::PasswordChange,
};

/// `/account/password`, for who is signed in: also with a one-time password, which leads nowhere else.
#[component]
pub fn PasswordPage() -> impl IntoView {
    view! {
        <Title text="Change password" />
        <Guard
            access=Access::SignedIn
            page=|visit| {
                let viewer = visit.viewer;
                view! { {viewer.map(|viewer| view! { <Password viewer /> })} }.into_any()
            }
        />
    }
}

#[component]
fn Password(viewer: Viewer) -> impl IntoView {
    let action = ServerAction::<PasswordChange>::new();
    on_success(action, |path| leave(&path));
    let password = RwSignal::new(String::new());
    let name = StoredValue::new(viewer.name.clone());
    let must = viewer.must_change_password;
    view! {
        <section class="narrow">
            <h1>{if must { "Choose a new password" } else { "Change password" }}</h1>
            {must.then(|| view! {
                <Alert kind=AlertKind::Note>
                    "The password you signed in with was meant for one time. Choose your own to go on."
                </Alert>
            })}
            <Form action class="form">
                <FormAlert fields=&["current", "new"] />
                // For password managers: whose password this is.
                <input type="text" name="username" class="visually-hidden" tabindex="-1" aria-hidden="true" autocomplete="username" value=viewer.name readonly=true />
                <PasswordField name="current" label="Current password" autocomplete="current-password" autofocus=true />
                <PasswordField
                    name="new"
                    label="New password"
                    autocomplete="new-password"
                    hint="At least 10 characters. A few unusual words are good."
                    on_input=move |text: String| password.set(text)
                />
                <Strength name=Signal::derive(move || name.get_value()) password />
                <p class="muted">"Everywhere else you are signed in, you will be signed out."</p>
                <Submit class="button accent wide" busy="Changing…">"Change password"</Submit>
            </Form>
            {(!must).then(|| view! { <p class="muted"><a href="/account">"Back to your account"</a></p> })}
        </section>
    }
}
