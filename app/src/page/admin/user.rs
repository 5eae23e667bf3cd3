//! One user: may they sign in, as what, with how much.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{
    section::Section,
    user_password::{PasswordReset, take_given},
    users::{UserBadge, role_word},
};
use crate::{
    component::{
        Ago, Alert, AlertKind, Field, Form, FormAlert, Icon, IconName, Loaded, Meter, Select,
        Submit, is_overtaken, on_answer, on_success,
    },
    format,
    model::{AppError, QuotaUsage, Role, UserView},
    server_fn::{
        Dated,
        admin::{UserDisable, UserQuota, UserRole, user_get},
    },
};

/// `/admin/users/:name`. It shows a one-time password that was just given, once.
#[component]
pub fn UserPage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.read().get("name").unwrap_or_default();
    let found = Resource::new_blocking(name, look);
    let page = move || {
        view! {
            <Loaded
                data=found
                skeleton=|| view! { <div class="skeleton page" aria-busy="true"></div> }
                view=|(user, password)| view! { <User user password /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section page /> }
}

/// The user, and the one-time password that a plain form has just given them.
async fn look(name: String) -> Result<(Dated<UserView>, Option<String>), AppError> {
    let password = take_given(&name);
    Ok((user_get(name).await?, password))
}

#[component]
fn User(user: Dated<UserView>, password: Option<String>) -> impl IntoView {
    let Dated { value, as_of } = user;
    let name = value.name.clone();
    let user = RwSignal::new(value);
    let changed = move |newer: UserView| user.set(newer);
    view! {
        <Title text=name.clone() />
        <div class="page-head">
            <a class="button small quiet" href="/admin/users"><Icon name=IconName::ArrowLeft />"Users"</a>
            <h1 class="code">{name.clone()}</h1>
            {move || view! { <UserBadge user=user.get() /> }}
            <span class="muted">{move || user.with(|user| role_word(user.role))}</span>
        </div>
        <div class="admin-columns">
            <Facts user as_of />
            <Quota user changed=Callback::new(changed) />
            <RoleChoice user changed=Callback::new(changed) />
            <PasswordReset name=name.clone() given=password />
            <Disable user changed=Callback::new(changed) />
        </div>
    }
}

#[component]
fn Facts(user: RwSignal<UserView>, as_of: i64) -> impl IntoView {
    let name = user.with_untracked(|user| user.name.clone());
    let created_at = user.with_untracked(|user| user.created_at);
    let active_at = user.with_untracked(|user| user.active_at);
    let quota = Memo::new(move |_| user.with(|user| user.quota));
    let part = move |words: fn(QuotaUsage) -> String| Signal::derive(move || words(quota.get()));
    let figure =
        move |figure: fn(QuotaUsage) -> u32| Signal::derive(move || f64::from(figure(quota.get())));
    view! {
        <section class="card" aria-labelledby="use">
            <h2 id="use">"In use"</h2>
            <div class="stack">
                <Meter label="VMs" words=part(|q| format!("{} of {}", q.vms, q.vms_max)) value=figure(|q| q.vms) max=figure(|q| q.vms_max) />
                <Meter
                    label="vCPU"
                    words=part(|q| format!("{} of {}", format::vcpus(q.cpu_millis), format::vcpus(q.cpu_millis_max)))
                    value=figure(|q| q.cpu_millis)
                    max=figure(|q| q.cpu_millis_max)
                />
                <Meter
                    label="Memory"
                    words=part(|q| format!("{} of {}", format::mib(q.memory_mib as f32), format::mib(q.memory_mib_max as f32)))
                    value=figure(|q| q.memory_mib)
                    max=figure(|q| q.memory_mib_max)
                />
                <Meter label="Disk" words=part(|q| format!("{} of {} GiB", q.disk_gib, q.disk_gib_max)) value=figure(|q| q.disk_gib) max=figure(|q| q.disk_gib_max) />
            </div>
            <dl class="facts">
                <div><dt>"Account made"</dt><dd><Ago at=created_at as_of /></dd></div>
                <div><dt>"Last seen"</dt><dd>{match active_at {
                    Some(at) => view! { <Ago at as_of /> }.into_any(),
                    None => "never".into_any(),
                }}</dd></div>
            </dl>
            <p class="link-row">
                <a href=format!("/admin/vms?text={name}")>"Their VMs"</a>
                <a href=format!("/admin/events?actor={name}")>"What they did"</a>
            </p>
        </section>
    }
}

#[component]
fn Quota(user: RwSignal<UserView>, changed: Callback<UserView>) -> impl IntoView {
    let action = ServerAction::<UserQuota>::new();
    let shown = follow(action, user, changed);
    let name = user.with_untracked(|user| user.name.clone());
    let fields = move || {
        let quota = shown.get().quota;
        view! {
            <div class="field-grid">
                <Field name="vms" label="VMs" value=quota.vms_max.to_string() code=true max_length=9 />
                <Field name="vcpus" label="vCPUs" value=decimal(quota.cpu_millis_max) code=true max_length=9 />
                <Field name="memory_mib" label="Memory in MiB" value=quota.memory_mib_max.to_string() code=true max_length=9 />
                <Field name="disk_gib" label="Disk in GiB" value=quota.disk_gib_max.to_string() code=true max_length=9 />
            </div>
        }
    };
    view! {
        <section class="card" aria-labelledby="quota">
            <h2 id="quota">"May have"</h2>
            <Form action class="stack">
                <FormAlert fields=&["vms", "vcpus", "memory_mib", "disk_gib"] />
                <Saved action />
                <input type="hidden" name="name" value=name />
                <Version user />
                {fields}
                <p class="field-hint">"VMs that are there already stay, also where it becomes less."</p>
                <Submit class="button" busy="Saving…">"Save quota"</Submit>
            </Form>
        </section>
    }
}

/// 500 thousandths are "0.5".
fn decimal(millis: u32) -> String {
    (f64::from(millis) / 1000.0).to_string()
}

/// Passes on what a change answers. Where another admin was faster, the user is looked at again; what
/// it answers is the user as fields are to show them, which what one types is not to disturb otherwise.
fn follow<S>(
    action: ServerAction<S>,
    user: RwSignal<UserView>,
    changed: Callback<UserView>,
) -> RwSignal<UserView>
where
    S: leptos::server_fn::ServerFn<Error = AppError, Output = UserView>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let shown = RwSignal::new(user.get_untracked());
    on_answer(action, move |answer| match answer {
        Ok(newer) => changed.run(newer),
        Err(failure) if is_overtaken(Some(&failure)) => {
            let name = user.with_untracked(|user| user.name.clone());
            leptos::task::spawn_local(async move {
                // Where this fails, too, the next try to save is refused as this one was.
                if let Ok(newer) = user_get(name).await {
                    changed.run(newer.value.clone());
                    shown.try_set(newer.value);
                }
            });
        }
        Err(_) => {}
    });
    shown
}

/// What the change of this form is decided on.
#[component]
fn Version(user: RwSignal<UserView>) -> impl IntoView {
    view! { <input type="hidden" name="version" value=move || user.with(|user| user.version.clone()) /> }
}

/// Says that it is done.
#[component]
fn Saved<S>(action: ServerAction<S>) -> impl IntoView
where
    S: leptos::server_fn::ServerFn<Error = AppError, Output = UserView>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let value = action.value();
    move || {
        matches!(value.get(), Some(Ok(_)))
            .then(|| view! { <Alert kind=AlertKind::Good>"Saved."</Alert> })
    }
}

#[component]
fn RoleChoice(user: RwSignal<UserView>, changed: Callback<UserView>) -> impl IntoView {
    let action = ServerAction::<UserRole>::new();
    let shown = follow(action, user, changed);
    let name = user.with_untracked(|user| user.name.clone());
    let choice = move || {
        let value = match shown.get().role {
            Role::Admin => "admin",
            Role::Member => "member",
        };
        let options = vec![
            ("member".to_owned(), "Member: their own VMs".to_owned()),
            ("admin".to_owned(), "Admin: everything".to_owned()),
        ];
        view! { <Select name="role" label="What they may" options value /> }
    };
    view! {
        <section class="card" aria-labelledby="role">
            <h2 id="role">"Role"</h2>
            <Form action class="stack">
                <FormAlert fields=&["role"] />
                <Saved action />
                <input type="hidden" name="name" value=name />
                <Version user />
                {choice}
                <Submit class="button" busy="Saving…">"Save role"</Submit>
            </Form>
        </section>
    }
}

/// Disabling ends what runs; enabling starts nothing.
#[component]
fn Disable(user: RwSignal<UserView>, changed: Callback<UserView>) -> impl IntoView {
    let action = ServerAction::<UserDisable>::new();
    on_success(action, move |user| changed.run(user));
    let name = user.with_untracked(|user| user.name.clone());
    let disabled = Memo::new(move |_| user.with(|user| user.disabled));
    let heading = move || {
        if disabled.get() {
            "Enable this account"
        } else {
            "Disable this account"
        }
    };
    let consequence = move || match disabled.get() {
        true => "They can sign in again. Their VMs stay shut down until somebody starts them.",
        false => {
            "They are signed out, their shells end within seconds, and their VMs are shut down. Disks are kept."
        }
    };
    view! {
        <section class="card danger-zone" aria-labelledby="disable">
            <div>
                <h2 id="disable">{heading}</h2>
                <p>{consequence}</p>
            </div>
            <Form action class="inline">
                <FormAlert />
                <input type="hidden" name="name" value=name.clone() />
                <input type="hidden" name="disabled" value=move || if disabled.get() { "false" } else { "true" } />
                {move || match disabled.get() {
                    true => view! { <Submit class="button" busy="Enabling…">{format!("Enable {name}")}</Submit> },
                    false => view! { <Submit class="button danger" busy="Disabling…">{format!("Disable {name}")}</Submit> },
                }}
            </Form>
        </section>
    }
}
