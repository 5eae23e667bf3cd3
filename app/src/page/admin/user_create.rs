//! Adding a user, who gets a one-time password.

use leptos::prelude::*;

use crate::{
    component::{
        Alert, AlertKind, CopyFact, Field, Form, FormAlert, Submit, empty_form, on_success,
    },
    model::{UserCreated, name_check},
    server_fn::admin::UserCreate as UserCreateCall,
};

/// The id of the form.
const FORM: &str = "user-create-form";

/// The form, and the passwords of all who were added since the page was opened. It stands below the list; a
/// link in the page's head leads to its field.
#[component]
pub fn UserCreate(on_created: Callback<()>) -> impl IntoView {
    let action = ServerAction::<UserCreateCall>::new();
    // A plain form that failed comes back to the top of the page: the browser goes on to the field.
    let has_failed = action.value().get_untracked().is_some();
    let typed = RwSignal::new(String::new());
    let created = RwSignal::new(Vec::<UserCreated>::new());
    on_success(action, move |newest| {
        empty_form(FORM);
        typed.set(String::new());
        created.update(|created| created.push(newest));
        on_created.run(());
    });
    let check = Signal::derive(move || {
        let name = typed.get().trim().to_lowercase();
        if name.is_empty() {
            None
        } else {
            name_check(&name).err()
        }
    });
    view! {
        <section class="card admin-form" aria-labelledby="user-create">
            <h2 id="user-create">"Add a user"</h2>
            <p class="muted">
                "Makes an account, also where registration is closed, with a one-time password that must be changed at the first sign-in."
            </p>
            {move || {
                let created = created.get();
                (!created.is_empty()).then(|| view! { <Given created /> })
            }}
            <Form action class="stack" id=FORM>
                <FormAlert fields=&["name"] />
                <Field
                    name="name"
                    label="User name"
                    hint="Small letters, digits and hyphens; begins with a letter."
                    autocomplete="off"
                    autofocus=has_failed
                    code=true
                    max_length=64
                    on_input=Callback::new(move |name| typed.set(name))
                    check
                />
                <Submit class="button" busy="Adding…">"Add user"</Submit>
            </Form>
        </section>
    }
}

/// Who was added, with what they sign in.
#[component]
fn Given(created: Vec<UserCreated>) -> impl IntoView {
    let words = match created.len() {
        1 => "The one-time password is shown only now. Hand it over in private.",
        _ => "The one-time passwords are shown only now. Hand them over in private.",
    };
    let one = |created: UserCreated| {
        let name = created.user.name;
        let what = format!("one-time password of {name}");
        view! {
            <div>
                <dt><a class="code" href=format!("/admin/users/{name}")>{name.clone()}</a></dt>
                <dd><CopyFact text=created.password what /></dd>
            </div>
        }
    };
    view! {
        <Alert kind=AlertKind::Good>
            <p>{words}</p>
            <dl class="facts">{created.into_iter().map(one).collect_view()}</dl>
        </Alert>
    }
}
