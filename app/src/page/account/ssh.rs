//! SSH: the keys one signs in with, a new one, and how to connect.

use leptos::prelude::*;

use crate::{
    component::{
        Ago, CopyButton, CopyFact, Failure, Field, Form, FormAlert, Icon, IconName, Loaded, Submit,
        empty_form, on_gone, on_success,
    },
    model::{AppError, SshAccess, SshHostView, SshKeyView},
    server_fn::{Dated, SshKeyAdd, SshKeyDelete},
};

const FORM: &str = "ssh-key-add-form";

/// Asked by the page, and again after each change.
pub type SshResource = Resource<Result<Dated<SshAccess>, AppError>>;

/// The keys, a form for one more, and how to connect, where SSH is on and there is a key.
#[component]
pub fn Ssh(access: SshResource) -> impl IntoView {
    let delete = ServerAction::<SshKeyDelete>::new();
    let add = ServerAction::<SshKeyAdd>::new();
    on_gone(delete, move || access.refetch());
    on_success(add, move |()| {
        access.refetch();
        empty_form(FORM);
    });
    let shown = move |access: Dated<SshAccess>| {
        let as_of = access.as_of;
        let SshAccess { keys, host } = access.value;
        let how = match (keys.is_empty(), host) {
            (_, None) => view! { <p>"SSH is switched off on this MiniCloud."</p> }.into_any(),
            (true, Some(_)) => {
                view! { <p>"You have no key here yet. Add one to sign in with "<code>"ssh"</code>"."</p> }.into_any()
            }
            (false, Some(host)) => view! { <How host /> }.into_any(),
        };
        let item = move |key| view! { <Key key as_of action=delete /> };
        let items = keys.into_iter().map(item).collect_view();
        view! {
            <ul class="session-list" role="list">{items}</ul>
            {how}
        }
        .into_any()
    };
    view! {
        <section class="card" id="ssh" aria-labelledby="ssh-title">
            <h2 id="ssh-title">"SSH keys"</h2>
            <p class="muted">
                "With a key added here you sign in by the " <code>"ssh"</code>
                " on your computer. Nothing is needed in the VM."
            </p>
            <Failure action=delete gone="That key was removed already." />
            <Loaded data=access skeleton=|| view! { <div class="skeleton events"></div> } view=shown />
            <Form action=add class="form" label="New SSH key" id=FORM>
                <FormAlert fields=&["public_key", "comment"] />
                <Field
                    name="public_key"
                    label="Public key"
                    hint="The line in ~/.ssh/id_ed25519.pub. None there? ssh-keygen makes one."
                    autocomplete="off"
                    max_length=8192
                    code=true
                />
                <Field
                    name="comment"
                    label="Where it is"
                    hint="Such as laptop. Left empty, the words behind the key."
                    max_length=64
                    optional=true
                />
                <div class="form-actions"><Submit class="button" busy="Adding it…">"Add key"</Submit></div>
            </Form>
        </section>
    }
}

#[component]
fn Key(key: SshKeyView, as_of: i64, action: ServerAction<SshKeyDelete>) -> impl IntoView {
    let name = match key.comment.is_empty() {
        true => "A key".to_owned(),
        false => key.comment,
    };
    let label = format!("Remove {name}");
    view! {
        <li class="session-item">
            <Icon name=IconName::Shield />
            <span class="session-facts">
                <strong>{name}</strong>
                <span class="muted">
                    <code class="fingerprint">{key.fingerprint}</code> " · added " <Ago at=key.created_at as_of /> " · "
                    {match key.used_at {
                        Some(at) => view! { "used " <Ago at as_of /> }.into_any(),
                        None => "never used".into_any(),
                    }}
                </span>
            </span>
            <Form action class="inline" label>
                <input type="hidden" name="id" value=key.id />
                <Submit class="button small quiet">"Remove"</Submit>
            </Form>
        </li>
    }
}

#[component]
fn How(host: SshHostView) -> impl IntoView {
    view! {
        <dl class="facts">
            <div><dt>"Your lobby"</dt><dd><CopyFact text=host.lobby what="command" /></dd></div>
            <div>
                <dt>"This host\u{2019}s key"</dt>
                <dd><code class="fingerprint">{host.fingerprint}</code></dd>
            </div>
        </dl>
        <details class="ssh-config">
            <summary>"For ~/.ssh/config, so that the name of a VM is enough"</summary>
            <div class="code-block">
                <pre tabindex="0" aria-label="Block for ~/.ssh/config">{host.config.clone()}</pre>
                <CopyButton text=host.config what="block for ~/.ssh/config" />
            </div>
        </details>
    }
}
