//! Giving a user a one-time password, which is shown once.

use leptos::prelude::*;

use crate::{
    component::{Alert, AlertKind, CopyFact, Form, FormAlert, Submit},
    server_fn::admin::UserPasswordReset,
};

/// The form, and the password after it was sent.
#[component]
pub fn PasswordReset(name: String) -> impl IntoView {
    let action = ServerAction::<UserPasswordReset>::new();
    let answered = action.value();
    let path = format!("/admin/users/{name}");
    let kept = Resource::new_blocking(|| (), move |()| take_kept(path.clone()));
    let password = move |kept: Option<String>| {
        answered.get().and_then(Result::ok).or(kept).map(|password| view! { <Given password /> })
    };
    view! {
        <section class="card" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <p class="muted">
                "Gives a one-time password that must be changed at the next sign-in. The old one is void."
            </p>
            <Transition>
                {move || Suspend::new(async move {
                    let kept = kept.await;
                    move || password(kept.clone())
                })}
            </Transition>
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

/// The password that the plain form before this page got; only the server knows it, and once.
async fn take_kept(path: String) -> Option<String> {
    #[cfg(feature = "ssr")]
    return crate::response::once::take(&path);
    #[cfg(not(feature = "ssr"))]
    {
        let _ = path;
        None
    }
}
