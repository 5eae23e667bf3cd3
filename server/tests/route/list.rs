//! Every address of the server, who may use it, and arguments to try it with. `{…}` in them is a
//! thing of Ann's; see `House::things`.

/// Who gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anyone,
    /// Also who must first change the password.
    SignedIn,
    Member,
    /// The thing named is Ann's: for others it is not there.
    Owner,
    /// An admin may, too.
    OwnerOrAdmin,
    Admin,
}

pub struct Function {
    pub endpoint: &'static str,
    pub who: Who,
    pub form: &'static [(&'static str, &'static str)],
}

const fn function(
    endpoint: &'static str,
    who: Who,
    form: &'static [(&'static str, &'static str)],
) -> Function {
    Function {
        endpoint,
        who,
        form,
    }
}

/// Server functions, those that end something last. Arguments are such that a call that gets
/// through harms nothing that a later line needs.
pub const FUNCTIONS: &[Function] = &[
    function("visit_get", Who::Anyone, &[]),
    function("theme_set", Who::Anyone, &[("theme", "dark")]),
    function(
        "password_strength",
        Who::Anyone,
        &[("name", "x"), ("password", "y")],
    ),
    function(
        "login",
        Who::Anyone,
        &[("name", "nobody-{person}"), ("password", "x")],
    ),
    function(
        "account_create",
        Who::Anyone,
        &[("name", "1x"), ("password", "x")],
    ),
    function(
        "password_change",
        Who::SignedIn,
        &[("current", "x"), ("new", "x")],
    ),
    function("login_session_list", Who::Member, &[]),
    function("token_list", Who::Member, &[]),
    function(
        "token_create",
        Who::Member,
        &[("name", ""), ("scopes", "read")],
    ),
    function("ssh_access_get", Who::Member, &[]),
    function(
        "ssh_key_add",
        Who::Member,
        &[("public_key", "ssh-ed25519 AAAA")],
    ),
    function("vm_list", Who::Member, &[]),
    function("vm_offer", Who::Member, &[]),
    function("vm_name_check", Who::Member, &[("name", "web1")]),
    function(
        "vm_create",
        Who::Member,
        &[("name", "web3"), ("flavor", "huge"), ("image", "alpine")],
    ),
    function("account_delete", Who::Member, &[("confirm", "no")]),
    function("vm_get", Who::Owner, &[("name", "{vm}")]),
    function("vm_event_list", Who::Owner, &[("name", "{vm}")]),
    function("shell_open", Who::Owner, &[("vm", "{vm}")]),
    function(
        "shell_invitation_create",
        Who::Owner,
        &[("shell", "{shell4}"), ("mode", "watch")],
    ),
    function("shell_share_get", Who::Owner, &[("shell", "{shell4}")]),
    function(
        "shell_invitation_get",
        Who::Member,
        &[("token", "{invitation}")],
    ),
    function("shell_grant_create", Who::Member, &[("token", "x")]),
    function("shell_shared_list", Who::Member, &[]),
    function("shell_shared_get", Who::Owner, &[("id", "{grant}")]),
    function("shell_grant_delete", Who::Owner, &[("id", "{grant}")]),
    function(
        "shell_invitation_delete",
        Who::Owner,
        &[("id", "{invitation_id}")],
    ),
    function("shell_close", Who::Owner, &[("id", "{shell2}")]),
    function("vm_restart", Who::Owner, &[("name", "{vm}")]),
    function("vm_stop", Who::Owner, &[("name", "{vm}")]),
    function("vm_start", Who::Owner, &[("name", "{vm}")]),
    function("vm_retry", Who::Owner, &[("name", "{vm}")]),
    function("overview", Who::Admin, &[]),
    function("node_list", Who::Admin, &[]),
    function("node_get", Who::Admin, &[("name", "node-1")]),
    function(
        "node_add",
        Who::Admin,
        &[
            ("name", "node-9"),
            ("address", "ftp://x"),
            ("credential", "x"),
        ],
    ),
    function(
        "node_cordon",
        Who::Admin,
        &[("name", "node-1"), ("cordoned", "false")],
    ),
    function("node_remove", Who::Admin, &[("name", "node-1")]),
    function("user_list", Who::Admin, &[]),
    function("user_get", Who::Admin, &[("name", "ann")]),
    function("user_create", Who::Admin, &[("name", "1x")]),
    function(
        "user_disable",
        Who::Admin,
        &[("name", "bob"), ("disabled", "false")],
    ),
    function(
        "user_role",
        Who::Admin,
        &[("name", "bob"), ("role", "member")],
    ),
    function(
        "user_quota",
        Who::Admin,
        &[
            ("name", "bob"),
            ("vms", "5"),
            ("vcpus", "4"),
            ("memory_mib", "4096"),
            ("disk_gib", "20"),
        ],
    ),
    function("user_password_reset", Who::Admin, &[("name", "dora")]),
    function("admin_vm_list", Who::Admin, &[]),
    function("admin_vm_get", Who::Admin, &[("id", "{vm2_id}")]),
    function("admin_vm_start", Who::Admin, &[("id", "{vm2_id}")]),
    function("admin_shell_open", Who::Admin, &[("vm_id", "{vm2_id}")]),
    function("admin_vm_stop", Who::Admin, &[("id", "{vm2_id}")]),
    function("log_list", Who::Admin, &[]),
    function("event_list", Who::Admin, &[]),
    function("image_list", Who::Admin, &[]),
    function(
        "image_add",
        Who::Admin,
        &[("name", "X!"), ("reference", "x")],
    ),
    function("image_default", Who::Admin, &[("name", "alpine")]),
    function("login_session_delete", Who::Owner, &[("id", "{session}")]),
    function("token_delete", Who::Owner, &[("id", "{token2_id}")]),
    function("ssh_key_delete", Who::Owner, &[("id", "{ssh_key2_id}")]),
    function("vm_delete", Who::Owner, &[("name", "{vm}")]),
    function("admin_vm_delete", Who::Admin, &[("id", "{vm2_id}")]),
    function("image_remove", Who::Admin, &[("name", "alpine")]),
    function("logout", Who::Anyone, &[]),
];

/// Pages. Parameters are named as the router names them.
pub const PAGES: &[(&str, Who)] = &[
    ("/login", Who::Anyone),
    ("/register", Who::Anyone),
    ("/logout", Who::Anyone),
    ("/", Who::Member),
    ("/vms/new", Who::Member),
    ("/vms/:name", Who::Owner),
    ("/vms/:name/delete", Who::Owner),
    ("/shell/:name", Who::Owner),
    ("/invitations/:token", Who::Member),
    ("/shared/:id", Who::Owner),
    ("/account", Who::Member),
    ("/account/password", Who::SignedIn),
    ("/delete-account", Who::Member),
    ("/admin", Who::Admin),
    ("/admin/nodes", Who::Admin),
    ("/admin/nodes/:name/remove", Who::Admin),
    ("/admin/users", Who::Admin),
    ("/admin/users/:name", Who::Admin),
    ("/admin/vms", Who::Admin),
    ("/admin/vms/:id", Who::Admin),
    ("/admin/vms/:id/delete", Who::Admin),
    ("/admin/vms/:id/shell", Who::Admin),
    ("/admin/logs", Who::Admin),
    ("/admin/events", Who::Admin),
    ("/admin/images", Who::Admin),
];

/// WebSockets.
pub const SOCKETS: &[(&str, Who)] = &[
    ("/live", Who::Member),
    ("/live/admin", Who::Admin),
    ("/live/logs", Who::Admin),
    ("/shells/{id}/attach", Who::OwnerOrAdmin),
    ("/api/v1/shells/{id}/attach", Who::OwnerOrAdmin),
    ("/api/v1/vms/{name}/exec/attach", Who::Owner),
];

/// A route of the JSON API.
pub struct Route {
    pub method: &'static str,
    /// As the OpenAPI document has it.
    pub path: &'static str,
    /// The same with things filled in.
    pub at: &'static str,
    pub who: Who,
    /// JSON; empty for none.
    pub body: &'static str,
    /// The status for whoever is let through.
    pub done: u16,
}

const fn route(
    method: &'static str,
    path: &'static str,
    at: &'static str,
    who: Who,
    body: &'static str,
    done: u16,
) -> Route {
    Route {
        method,
        path,
        at,
        who,
        body,
        done,
    }
}

const VM: &str = "/api/v1/vms/{name}";
const ADMIN_VM: &str = "/api/v1/admin/vms/{id}";
const ADMIN_NODE: &str = "/api/v1/admin/nodes/{name}";

/// The JSON API, by the names of its document. What ends something ends what no other line needs. `vm3` has
/// failed when the list begins.
#[rustfmt::skip]
pub const API: &[Route] = &[
    route("GET", "/api/v1/vms", "/api/v1/vms", Who::Member, "", 200),
    route("POST", "/api/v1/vms", "/api/v1/vms", Who::Member, r#"{"name": "new-{person}", "flavor": "small", "image": "alpine"}"#, 201),
    route("GET", VM, "/api/v1/vms/{vm}", Who::Owner, "", 200),
    route("GET", "/api/v1/vms/{name}/events", "/api/v1/vms/{vm}/events", Who::Owner, "", 200),
    route("GET", "/api/v1/vms/{name}/usage", "/api/v1/vms/{vm}/usage", Who::Owner, "", 200),
    route("GET", "/api/v1/vms/{name}/shells", "/api/v1/vms/{vm}/shells", Who::Owner, "", 200),
    route("POST", "/api/v1/vms/{name}/shells", "/api/v1/vms/{vm}/shells", Who::Owner, "", 201),
    route("POST", "/api/v1/vms/{name}/exec", "/api/v1/vms/{vm}/exec", Who::Owner, r#"{"argv": ["true"]}"#, 200),
    route("POST", "/api/v1/vms/{name}/restart", "/api/v1/vms/{vm}/restart?wait=30s", Who::Owner, "", 200),
    route("POST", "/api/v1/vms/{name}/stop", "/api/v1/vms/{vm}/stop?wait=30s", Who::Owner, "", 200),
    route("POST", "/api/v1/vms/{name}/start", "/api/v1/vms/{vm}/start?wait=30s", Who::Owner, "", 200),
    route("POST", "/api/v1/vms/{name}/retry", "/api/v1/vms/{vm3}/retry?wait=30s", Who::Owner, "", 200),
    route("DELETE", "/api/v1/shells/{id}", "/api/v1/shells/{shell3}", Who::Owner, "", 204),
    route("GET", "/api/v1/shells/{id}/share", "/api/v1/shells/{shell4}/share", Who::Owner, "", 200),
    route("POST", "/api/v1/shells/{id}/invitations", "/api/v1/shells/{shell4}/invitations", Who::Owner, r#"{"mode": "type"}"#, 201),
    route("POST", "/api/v1/shell-invitations/look", "/api/v1/shell-invitations/look", Who::Member, r#"{"link": "{invitation}"}"#, 200),
    route("DELETE", "/api/v1/shell-invitations/{id}", "/api/v1/shell-invitations/{invitation2_id}", Who::Owner, "", 204),
    route("GET", "/api/v1/me/shell-grants", "/api/v1/me/shell-grants", Who::Member, "", 200),
    route("POST", "/api/v1/me/shell-grants", "/api/v1/me/shell-grants", Who::Member, r#"{"link": "{link_{person}}"}"#, 201),
    route("DELETE", "/api/v1/shell-grants/{id}", "/api/v1/shell-grants/{grant2}", Who::Owner, "", 204),
    route("GET", "/api/v1/ssh", "/api/v1/ssh", Who::Member, "", 200),
    route("GET", "/api/v1/images", "/api/v1/images", Who::Member, "", 200),
    route("GET", "/api/v1/flavors", "/api/v1/flavors", Who::Member, "", 200),
    route("GET", "/api/v1/me", "/api/v1/me", Who::Member, "", 200),
    route("GET", "/api/v1/me/tokens", "/api/v1/me/tokens", Who::Member, "", 200),
    route("POST", "/api/v1/me/tokens", "/api/v1/me/tokens", Who::Member, r#"{"name": "x"}"#, 201),
    route("DELETE", "/api/v1/me/tokens/{id}", "/api/v1/me/tokens/{token_id}", Who::Owner, "", 204),
    route("GET", "/api/v1/me/keys", "/api/v1/me/keys", Who::Member, "", 200),
    route("POST", "/api/v1/me/keys", "/api/v1/me/keys", Who::Member, r#"{"public_key": "{public_key}"}"#, 201),
    route("DELETE", "/api/v1/me/keys/{id}", "/api/v1/me/keys/{ssh_key_id}", Who::Owner, "", 204),
    route("GET", "/api/v1/me/login-sessions", "/api/v1/me/login-sessions", Who::Member, "", 200),
    route("DELETE", "/api/v1/me/login-sessions/{id}", "/api/v1/me/login-sessions/{session2}", Who::Owner, "", 204),
    route("GET", "/api/v1/admin/nodes", "/api/v1/admin/nodes", Who::Admin, "", 200),
    route("POST", "/api/v1/admin/nodes", "/api/v1/admin/nodes", Who::Admin, r#"{"name": "node-2", "address": "{node2}", "credential": "{credential}"}"#, 201),
    route("GET", ADMIN_NODE, "/api/v1/admin/nodes/node-1", Who::Admin, "", 200),
    route("PUT", "/api/v1/admin/nodes/{name}/cordon", "/api/v1/admin/nodes/node-1/cordon", Who::Admin, r#"{"cordoned": false}"#, 200),
    route("DELETE", ADMIN_NODE, "/api/v1/admin/nodes/node-2", Who::Admin, "", 204),
    route("POST", "/api/v1/admin/images", "/api/v1/admin/images", Who::Admin, r#"{"name": "spare", "reference": "spare:1"}"#, 201),
    route("DELETE", "/api/v1/admin/images/{name}", "/api/v1/admin/images/spare", Who::Admin, "", 204),
    route("PUT", "/api/v1/admin/images/{name}/default", "/api/v1/admin/images/alpine/default", Who::Admin, "", 200),
    route("GET", "/api/v1/admin/users", "/api/v1/admin/users", Who::Admin, "", 200),
    route("POST", "/api/v1/admin/users", "/api/v1/admin/users", Who::Admin, r#"{"name": "new-{person}"}"#, 201),
    route("GET", "/api/v1/admin/users/{name}", "/api/v1/admin/users/ann", Who::Admin, "", 200),
    route("PUT", "/api/v1/admin/users/{name}/disabled", "/api/v1/admin/users/bob/disabled", Who::Admin, r#"{"disabled": false}"#, 200),
    route("PUT", "/api/v1/admin/users/{name}/role", "/api/v1/admin/users/bob/role", Who::Admin, r#"{"role": "member"}"#, 200),
    route("PUT", "/api/v1/admin/users/{name}/quota", "/api/v1/admin/users/bob/quota", Who::Admin, r#"{"vms": 5, "cpu_millis": 4000, "memory_mib": 4096, "disk_gib": 20}"#, 200),
    route("POST", "/api/v1/admin/users/{name}/password-reset", "/api/v1/admin/users/dora/password-reset", Who::Admin, "", 200),
    route("GET", "/api/v1/admin/vms", "/api/v1/admin/vms", Who::Admin, "", 200),
    route("GET", ADMIN_VM, "/api/v1/admin/vms/{vm2_id}", Who::Admin, "", 200),
    route("POST", "/api/v1/admin/vms/{id}/stop", "/api/v1/admin/vms/{vm3_id}/stop?wait=30s", Who::Admin, "", 200),
    route("POST", "/api/v1/admin/vms/{id}/start", "/api/v1/admin/vms/{vm3_id}/start?wait=30s", Who::Admin, "", 200),
    route("DELETE", ADMIN_VM, "/api/v1/admin/vms/{vm4_id}?wait=30s", Who::Admin, "", 204),
    route("GET", "/api/v1/admin/events", "/api/v1/admin/events", Who::Admin, "", 200),
    route("GET", "/api/v1/admin/logs", "/api/v1/admin/logs?follow=false", Who::Admin, "", 200),
    route("DELETE", VM, "/api/v1/vms/{vm3}?wait=30s", Who::Owner, "", 204),
];

/// The demo's endpoints: a member's, and 401 for others.
pub const DEMO: &[&str] = &[
    "/create_vm",
    "/list_all",
    "/delete_vm",
    "/shutdown_vm",
    "/exec_vm",
    "/shell_session",
    "/shell_input",
    "/shell_output",
    "/shell_close",
];

/// What needs nobody: files (the bundle, and by their names those of `public/`), and what tells of
/// the server's own health.
pub const OPEN: &[&str] = &[
    "/healthz",
    "/metrics",
    "/pkg",
    "/pkg/minicloud.css",
    "/favicon.ico",
    "/favicon.svg",
    "/api/openapi.json",
    "/api/docs",
    "/api/docs.js",
];

/// Where the lists above are entered as a whole.
pub const WHOLE: &[&str] = &["/api/{endpoint}", "/api/v1/{*rest}"];
