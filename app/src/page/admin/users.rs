//! Everybody who has an account.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    filter::{Filter, query_part},
    section::Section,
    table::{Shown, Table},
    user_create::UserCreate,
};
use crate::{
    component::{Ago, Badge, Field, Icon, IconName, Loaded, Tone},
    format,
    model::{QuotaUsage, Role, UserMatches, UserView},
    server_fn::{Dated, admin::user_list},
};

const COLUMNS: &[&str] = &[
    "User",
    "Role",
    "State",
    "VMs",
    "vCPU",
    "Memory",
    "Disk",
    "Last seen",
    "Actions",
];

/// `/admin/users`: the list, and a form for one user more. The address has the filter.
#[component]
pub fn UsersPage() -> impl IntoView {
    let text = query_part("text");
    let users = Resource::new_blocking(move || text.get(), user_list);
    let again = Callback::new(move |()| users.refetch());
    let page = move || {
        view! {
            <Head />
            <Filter action="/admin/users" label="Filter users">
                <Field name="text" label="Name" kind="search" value=text.get_untracked() optional=true max_length=64 code=true />
            </Filter>
            <Loaded
                data=users
                skeleton=|| view! { <div class="skeleton list" aria-busy="true"></div> }
                view=|users| view! { <Users users /> }.into_any()
            />
            <UserCreate on_created=again />
        }
        .into_any()
    };
    view! { <Section page /> }
}

#[component]
fn Head() -> impl IntoView {
    view! {
        <Title text="Users" />
        <div class="page-head">
            <h1>"Users"</h1>
            <span class="spacer"></span>
            // Left to the browser, which puts the cursor into the field.
            <a class="button accent" href="#field-name" rel="external"><Icon name=IconName::Plus />"Add user"</a>
        </div>
    }
}

#[component]
fn Users(users: Dated<UserMatches>) -> impl IntoView {
    let Dated { value, as_of } = users;
    let shown = value.users.len();
    let row = move |user| view! { <Row user as_of /> };
    view! {
        <Table label="Users" columns=COLUMNS>{value.users.into_iter().map(row).collect_view()}</Table>
        <Shown
            shown=Signal::stored(shown)
            matching=Signal::stored(value.matching)
            total=Signal::stored(value.total)
            noun="user"
        />
    }
}

#[component]
fn Row(user: UserView, as_of: i64) -> impl IntoView {
    let page = format!("/admin/users/{}", user.name);
    let QuotaUsage {
        vms,
        vms_max,
        cpu_millis,
        cpu_millis_max,
        ..
    } = user.quota;
    let seen = match user.active_at {
        Some(at) => view! { <Ago at as_of /> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <tr role="row">
            <td role="cell" class="cell-title">
                <a class="code" href=page.clone()>{user.name.clone()}</a>
                {user.is_viewer.then(|| view! { <span class="cell-note">"you"</span> })}
            </td>
            <td role="cell" data-label="Role">{role_word(user.role)}</td>
            <td role="cell" data-label="State"><UserBadge user=user.clone() /></td>
            <td role="cell" data-label="VMs" class="numbers">
                <a href=format!("/admin/vms?text={}", user.name)>{format!("{vms} of {vms_max}")}</a>
            </td>
            <td role="cell" data-label="vCPU" class="numbers">
                {format!("{} of {}", format::vcpus(cpu_millis), format::vcpus(cpu_millis_max))}
            </td>
            <td role="cell" data-label="Memory" class="numbers">
                {format!("{} of {}", format::mib(user.quota.memory_mib as f32), format::mib(user.quota.memory_mib_max as f32))}
            </td>
            <td role="cell" data-label="Disk" class="numbers">
                {format!("{} of {} GiB", user.quota.disk_gib, user.quota.disk_gib_max)}
            </td>
            <td role="cell" data-label="Last seen">{seen}</td>
            <td role="cell" class="cell-actions">
                <a class="button small" href=page>
                    "Manage" <span class="visually-hidden">{format!(" {}", user.name)}</span>
                </a>
            </td>
        </tr>
    }
}

/// Whether the account can be used.
#[component]
pub fn UserBadge(user: UserView) -> impl IntoView {
    let (tone, word) = match (user.disabled, user.must_change_password) {
        (true, _) => (Tone::Bad, "Disabled"),
        (false, true) => (Tone::Busy, "Must change password"),
        (false, false) => (Tone::Ok, "Active"),
    };
    view! { <Badge tone=Signal::stored(tone) word=Signal::stored(word.to_owned()) /> }
}

pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Member => "Member",
        Role::Admin => "Admin",
    }
}
