//! Giving a user a one-time password, which is shown once.

use leptos::prelude::*;

use crate::{
    component::{Alert, AlertKind, CopyFact, Form, FormAlert, Submit},
    server_fn::admin::UserPasswordReset,
};

/// The form, and the password after it was sent.
#[component]
pub fn PasswordReset(
    name: String,
    /// What a plain form has just given.
    given: Option<String>,
) -> impl IntoView {
    let action = ServerAction::<UserPasswordReset>::new();
    let answered = action.value();
    let password = move || answered.get().and_then(Result::ok).or(given.clone());
    view! {
        <section class="card" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <p class="muted">
                "Gives a one-time password that must be changed at the next sign-in, and signs them out everywhere."
            </p>
            {move || password().map(|password| view! { <Given password /> })}
            <Form action class="stack">
                <FormAlert />
                <input type="hidden" name="name" value=name.clone() />
                <Submit class="button" busy="Resetting…">"Reset password"</Submit>
            </Form>
        </section>
    }
}

#[component]
fn Given(password: String) -> impl IntoView {
    view! {
        <Alert kind=AlertKind::Good>
            <p>"The one-time password is shown only now. Hand it over in private."</p>
            <CopyFact text=password what="one-time password" />
        </Alert>
    }
}

/// The password that the plain form before this page gave; only the server knows it, and once.
pub fn take_given(name: &str) -> Option<String> {
    #[cfg(feature = "ssr")]
    return crate::response::once::take(&format!("/admin/users/{name}"));
    #[cfg(not(feature = "ssr"))]
    {
        let _ = name;
        None
    }
}
