//! `me`.

use server_api::account::{Me, Role};

use crate::{
    context::Context,
    error::CliError,
    output::{describe::describe, size},
};

/// Who one is, on which server, and how much of the quota is used.
pub async fn run(context: &Context) -> Result<(), CliError> {
    let me = context.client.me().await?;
    context
        .out
        .one(&me, |me| words(me, context.client.server()))
}

fn words(me: &Me, server: &str) -> String {
    let quota = &me.quota;
    let of = |has: String, max: String| Some(format!("{has} of {max}"));
    describe(&[
        ("User", Some(me.name.clone())),
        ("Role", Some(role_word(me.role).into())),
        ("Server", Some(server.to_owned())),
        ("VMs", of(quota.vms.to_string(), quota.vms_max.to_string())),
        (
            "vCPUs",
            of(
                size::cpus(quota.cpu_millis),
                size::cpus(quota.cpu_millis_max),
            ),
        ),
        (
            "Memory",
            of(
                size::memory(quota.memory_mib),
                size::memory(quota.memory_mib_max),
            ),
        ),
        (
            "Disk",
            of(size::disk(quota.disk_gib), size::disk(quota.disk_gib_max)),
        ),
    ])
}

/// The role as the API writes it.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
    }
}
