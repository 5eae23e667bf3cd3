//! Addresses of the node API: route patterns for the node, and makers for its caller.

use uuid::Uuid;

/// `ok`; the only route without a credential.
pub const HEALTHZ: &str = "/healthz";
/// Prometheus text.
pub const METRICS: &str = "/metrics";
/// The node, its engine, what it has and what is used: [`NodeStatus`](crate::status::NodeStatus).
pub const STATUS: &str = "/v1/status";
/// All VMs of this node: [`VmReport`](crate::vm::VmReport)s.
pub const VMS: &str = "/v1/vms";
/// One VM: read, made (PUT) or deleted.
pub const VM: &str = "/v1/vms/{id}";
/// Starts it; fine where it runs.
pub const VM_START: &str = "/v1/vms/{id}/start";
/// Shuts it down and answers when it has ended; fine where it is stopped.
pub const VM_STOP: &str = "/v1/vms/{id}/stop";
/// Sets the account's keys and starts the VM's own SSH server: [`SshServe`](crate::ssh::SshServe).
pub const VM_SSH: &str = "/v1/vms/{id}/ssh";
/// One command, its output and its exit code in one answer.
pub const VM_EXEC: &str = "/v1/vms/{id}/exec";
/// WebSocket: one command with its streams (docs/exec-protocol.md).
pub const VM_EXEC_ATTACH: &str = "/v1/vms/{id}/exec/attach";
/// WebSocket: a TCP port of the VM (docs/exec-protocol.md, Ports).
pub const VM_CONNECT: &str = "/v1/vms/{id}/connect/{port}";
/// The last 15 minutes: [`UsageSample`](crate::usage::UsageSample)s, oldest first.
pub const VM_USAGE: &str = "/v1/vms/{id}/usage";
/// Its shells: listed, or one more made.
pub const VM_SHELLS: &str = "/v1/vms/{id}/shells";
/// One shell: ended by DELETE.
pub const SHELL: &str = "/v1/shells/{id}";
/// WebSocket: a viewer of a shell (docs/shell-protocol.md).
pub const SHELL_ATTACH: &str = "/v1/shells/{id}/attach";
/// Server-sent [`NodeEvent`](crate::event::NodeEvent)s.
pub const EVENTS: &str = "/v1/events";
/// Server-sent [`NodeLog`](crate::log::NodeLog)s.
pub const LOGS: &str = "/v1/logs";
/// Makes an image present. The name is percent-encoded, slashes too.
pub const IMAGE: &str = "/v1/images/{name}";

/// A route pattern with its `{id}` filled in.
pub fn with_id(pattern: &str, id: Uuid) -> String {
    pattern.replace("{id}", &id.to_string())
}
