//! One's account: password, theme, where one is signed in, and the way out.

mod ssh;
mod token;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    component::{
        Access, Ago, Alert, AlertKind, Failure, Field, Form, FormAlert, Guard, Icon, IconName,
        Loaded, Submit, ThemeSwitch, on_gone, on_success,
    },
    format,
    model::{AppError, LoginSessionView, QuotaUsage, Viewer},
    nav::{Go, leave},
    server_fn::{
        AccountDelete, Dated, LoginSessionDelete, login_session_list, ssh_access_get, token_list,
    },
    visit::Visit,
};
use ssh::{Ssh, SshResource};
use token::{TokenResource, Tokens};

/// `/account`, for members.
#[component]
pub fn AccountPage() -> impl IntoView {
    let sessions = Resource::new_blocking(|| (), |()| login_session_list());
    let tokens = Resource::new_blocking(|| (), |()| token_list());
    let ssh = Resource::new_blocking(|| (), |()| ssh_access_get());
    let page = move |visit| view! { <Account visit sessions ssh tokens /> }.into_any();
    view! {
        <Title text="Account" />
        <Guard access=Access::Member page />
    }
}

type SessionResource = Resource<Result<Dated<Vec<LoginSessionView>>, AppError>>;

/// The demo's address for deleting an account.
#[component]
pub fn DeleteAccountPage() -> impl IntoView {
    view! { <Guard access=Access::Member page=|_| view! { <Go to="/account#delete" /> }.into_any() /> }
}

#[component]
fn Account(
    visit: Visit,
    sessions: SessionResource,
    ssh: SshResource,
    tokens: TokenResource,
) -> impl IntoView {
    let query = use_query_map();
    let changed = query.with_untracked(|query| query.get_str("done") == Some("password"));
    let theme = visit.theme;
    visit.viewer.map(|viewer| view! {
        <div class="page-head"><h1>"Account"</h1></div>
        {changed.then(|| view! {
            <Alert kind=AlertKind::Good>"Your password is changed. Everywhere else you are signed out."</Alert>
        })}
        <div class="stack">
            <section class="card" aria-labelledby="you">
                <h2 id="you">"You"</h2>
                <dl class="facts">
                    <div><dt>"User name"</dt><dd><code>{viewer.name.clone()}</code></dd></div>
                    <div><dt>"May have"</dt><dd>{quota_words(viewer.quota)}</dd></div>
                    <div><dt>"Password"</dt><dd><a href="/account/password">"Change password"</a></dd></div>
                    <div><dt>"Theme"</dt><dd><ThemeSwitch theme /></dd></div>
                </dl>
            </section>
            <LoginSessions sessions />
            <Ssh access=ssh />
            <Tokens tokens role=viewer.role />
            <Delete viewer />
        </div>
    })
}

fn quota_words(quota: QuotaUsage) -> String {
    format!(
        "{}, {}, {} memory, {} GiB disk",
        format::count(quota.vms_max, "VM"),
        format::vcpu(quota.cpu_millis_max),
        format::mib(quota.memory_mib_max as f32),
        quota.disk_gib_max
    )
}

#[component]
fn LoginSessions(sessions: SessionResource) -> impl IntoView {
    let action = ServerAction::<LoginSessionDelete>::new();
    on_gone(action, move || sessions.refetch());
    let shown = move |sessions: Dated<Vec<LoginSessionView>>| {
        let as_of = sessions.as_of;
        let item = move |session| view! { <Session session as_of action /> };
        let items = sessions.value.into_iter().map(item).collect_view();
        view! { <ul class="session-list" role="list">{items}</ul> }.into_any()
    };
    view! {
        <section class="card" aria-labelledby="sessions">
            <h2 id="sessions">"Where you are signed in"</h2>
            <Failure action gone="That browser was signed out already." />
            <Loaded
                data=sessions
                skeleton=|| view! { <div class="skeleton events"></div> }
                view=shown
            />
        </section>
    }
}

#[component]
fn Session(
    session: LoginSessionView,
    as_of: i64,
    action: ServerAction<LoginSessionDelete>,
) -> impl IntoView {
    let label = format!("Sign out {} at {}", session.device, session.address);
    view! {
        <li class="session-item">
            <Icon name=IconName::Monitor />
            <span class="session-facts">
                <strong>{session.device}</strong>
                <span class="muted">
                    <code>{session.address}</code> " · signed in " <Ago at=session.created_at as_of />
                    " · active " <Ago at=session.active_at as_of />
                </span>
            </span>
            {match session.current {
                true => view! { <span class="badge ok">"This browser"</span> }.into_any(),
                false => view! {
                    <Form action class="inline" label>
                        <input type="hidden" name="id" value=session.id />
                        <Submit class="button small quiet">"Sign out"</Submit>
                    </Form>
                }
                .into_any(),
            }}
        </li>
    }
}

#[component]
fn Delete(viewer: Viewer) -> impl IntoView {
    let action = ServerAction::<AccountDelete>::new();
    on_success(action, |path| leave(&path));
    let vms = match viewer.quota.vms {
        0 => "You have no VMs.".to_owned(),
        vms => format!(
            "{} and everything on their disks are gone for good.",
            format::count(vms, "VM")
        ),
    };
    view! {
        <section class="card danger-zone" id="delete" aria-labelledby="delete-title">
            <Form action class="form">
                <h2 id="delete-title">"Delete this account"</h2>
                <p>{vms} " This cannot be taken back."</p>
                <FormAlert fields=&["confirm"] />
                <Field name="confirm" label="Type YES to confirm" autocomplete="off" code=true max_length=8 />
                <div class="form-actions"><Submit class="button danger" busy="Deleting…">"Delete account"</Submit></div>
            </Form>
        </section>
    }
}
