//! Adding a node that runs already, and how to start one on another host.

use leptos::prelude::*;

use crate::{
    component::{
        Alert, AlertKind, CopyButton, Field, Form, FormAlert, PasswordField, Submit, empty_form,
        on_success,
    },
    model::{NodeView, name_check},
    server_fn::admin::NodeAdd as NodeAddCall,
};

/// The id of the form.
const FORM: &str = "node-add-form";
const SECRET: &str = "umask 077; openssl rand -hex 32 | tee credential";
const CERTIFICATE: &str = "openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj /CN=lab-1 -keyout key.pem -out cert.pem && openssl x509 -in cert.pem -noout -fingerprint -sha256";
const START: &str = "minicloud-node --name lab-1 --listen 0.0.0.0:5000 --credential-file credential --tls-cert cert.pem --tls-key key.pem";

/// The form beside the three lines that give what goes into it.
#[component]
pub fn NodeAdd(on_added: Callback<NodeView>) -> impl IntoView {
    let action = ServerAction::<NodeAddCall>::new();
    let added = RwSignal::new(None::<String>);
    let typed = RwSignal::new(String::new());
    on_success(action, move |node| {
        // The credential has no place in the page any more.
        empty_form(FORM);
        typed.set(String::new());
        added.set(Some(node.name.clone()));
        on_added.run(node);
    });
    let check = Signal::derive(move || {
        let name = typed.get();
        if name.is_empty() {
            None
        } else {
            name_check(&name).err()
        }
    });
    view! {
        <div class="admin-columns">
            <section class="card" aria-labelledby="node-add">
                <h2 id="node-add">"Add a node"</h2>
                {move || added.get().map(|name| view! {
                    <Alert kind=AlertKind::Good>{format!("{name} answered and is added.")}</Alert>
                })}
                <Form action class="stack" id=FORM>
                    <FormAlert fields=&["name", "address", "credential", "fingerprint"] />
                    <Field
                        name="name"
                        label="Name"
                        code=true
                        max_length=32
                        hint="As it was started with --name."
                        on_input=Callback::new(move |name| typed.set(name))
                        check
                    />
                    <Field
                        name="address"
                        label="Address"
                        code=true
                        max_length=256
                        hint="https://HOST:PORT, or http://127.0.0.1:PORT for one on this host."
                    />
                    <PasswordField name="credential" label="Credential" autocomplete="off" />
                    <Field
                        name="fingerprint"
                        label="Certificate fingerprint"
                        code=true
                        optional=true
                        max_length=256
                        hint="SHA-256 in hex, colons or not. Needed for https."
                    />
                    <Submit class="button" busy="Asking it…">"Add node"</Submit>
                </Form>
            </section>
            <Start />
        </div>
    }
}

#[component]
fn Start() -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="node-start">
            <h2 id="node-start">"Start one on another host"</h2>
            <p class="muted">
                "It needs a Docker engine and the "<code>"minicloud-node"</code>" program with "
                <code>"minicloud-files"</code>" beside it. Three lines, as root there:"
            </p>
            <ol class="steps">
                <Step line=SECRET what="the first line">"Makes the credential and shows it."</Step>
                <Step line=CERTIFICATE what="the second line">"Makes its certificate and shows the fingerprint."</Step>
                <Step line=START what="the third line">"Starts the node. Its name must never change."</Step>
            </ol>
        </section>
    }
}

#[component]
fn Step(line: &'static str, what: &'static str, children: Children) -> impl IntoView {
    view! {
        <li>
            <p>{children()}</p>
            <div class="code-line">
                <code>{line}</code>
                <CopyButton text=line what />
            </div>
        </li>
    }
}
