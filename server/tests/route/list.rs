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
];

/// What needs nobody: files (the bundle, and by their names those of `public/`), and what tells of
/// the server's own health.
pub const OPEN: &[&str] = &["/healthz", "/metrics", "/pkg", "/favicon.ico"];

/// Where the lists above are entered as a whole.
pub const WHOLE: &[&str] = &["/api/{endpoint}"];
