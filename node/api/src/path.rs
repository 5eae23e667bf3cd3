//! Addresses of the node API: route patterns for the node, and makers for its caller.

use uuid::Uuid;

pub const HEALTHZ: &str = "/healthz";
pub const METRICS: &str = "/metrics";
pub const STATUS: &str = "/v1/status";
pub const VMS: &str = "/v1/vms";
pub const VM: &str = "/v1/vms/{id}";
pub const VM_START: &str = "/v1/vms/{id}/start";
pub const VM_STOP: &str = "/v1/vms/{id}/stop";
pub const VM_EXEC: &str = "/v1/vms/{id}/exec";
pub const VM_EXEC_ATTACH: &str = "/v1/vms/{id}/exec/attach";
pub const VM_USAGE: &str = "/v1/vms/{id}/usage";
pub const VM_SHELLS: &str = "/v1/vms/{id}/shells";
pub const SHELL: &str = "/v1/shells/{id}";
pub const SHELL_ATTACH: &str = "/v1/shells/{id}/attach";
pub const EVENTS: &str = "/v1/events";
pub const LOGS: &str = "/v1/logs";
pub const IMAGE: &str = "/v1/images/{name}";

/// A route pattern with its `{id}` filled in.
pub fn with_id(pattern: &str, id: Uuid) -> String {
    pattern.replace("{id}", &id.to_string())
}
