//! Everything a node can be asked, as one readable list.
//!
//! The API is private to `minicloud-server`: every route but [`path::HEALTHZ`] needs the node's
//! credential as `Authorization: Bearer …`, checked before the body is read. Times are i64
//! microseconds since the Unix epoch (`_at`), memory is MiB (`_mib`), disk GiB (`_gib`).
//!
//! | call | body | answer |
//! |---|---|---|
//! | `GET /v1/status` | – | [`status::NodeStatus`] |
//! | `GET /v1/vms` | – | [`vm::VmReport`] list, with usage now |
//! | `PUT /v1/vms/{id}` | [`vm::VmPut`] | [`vm::VmReport`]; idempotent; starts it too when asked |
//! | `GET /v1/vms/{id}` | – | [`vm::VmReport`] |
//! | `DELETE /v1/vms/{id}` | – | 204, also when it was not there |
//! | `POST /v1/vms/{id}/start` | – | [`vm::VmReport`]; idempotent |
//! | `POST /v1/vms/{id}/stop` | – | [`vm::VmReport`]; graceful: TERM, 10 s, KILL; idempotent |
//! | `PUT /v1/vms/{id}/ssh` | [`ssh::SshServe`] | 204; sets the keys and starts the SSH server of a VM that runs; idempotent |
//! | `POST /v1/vms/{id}/exec` | [`exec::ExecRequest`] | [`exec::ExecOutput`] |
//! | `GET /v1/vms/{id}/exec/attach` | WebSocket | docs/exec-protocol.md |
//! | `GET /v1/vms/{id}/connect/{port}` | WebSocket | docs/exec-protocol.md, Ports |
//! | `GET /v1/vms/{id}/usage` | – | [`usage::UsageSample`] list, 15 minutes at 5 s |
//! | `GET /v1/vms/{id}/shells` | – | [`shell::ShellReport`] list |
//! | `POST /v1/vms/{id}/shells` | [`shell::ShellCreate`] | [`shell::ShellReport`] |
//! | `GET /v1/shells/{id}/attach` | WebSocket | docs/shell-protocol.md |
//! | `DELETE /v1/shells/{id}` | – | 204, also when it was not there; ends its processes |
//! | `GET /v1/events` | – | server-sent [`event::NodeEvent`], from now on or from `Last-Event-ID` on |
//! | `GET /v1/logs` | – | server-sent [`log::NodeLog`], all that is kept or from `Last-Event-ID` on |
//! | `PUT /v1/images/{name}` | – (name percent-encoded) | [`image::ImageReport`], at once; the pull goes on |
//! | `GET /healthz` | – | `ok`, no credential needed |
//! | `GET /metrics` | – | Prometheus text |
//!
//! A stream's ids are `<boot_id>-<seq>` (a bare `seq` is taken, too): one of an earlier run of the
//! node gives everything that is kept. 2,000 events and 5,000 records are; what a reader missed is
//! told as a comment (`: missed 17`), and a comment comes every 10 s where there is nothing else.
//! The header `x-minicloud-node` names the node that is meant: another one refuses the request (`other_node`). Without it
//! whoever is there answers. The header `x-request-id` (at most 64 letters, digits, `-`, `_`) is passed on to the node's log.
//!
//! Failures answer with [`error::NodeError`] as JSON and its status.

#![warn(missing_docs)]

pub mod error;
pub mod event;
pub mod exec;
pub mod exec_frame;
pub mod image;
pub mod log;
pub mod path;
pub mod reach;
pub mod shell;
pub mod ssh;
pub mod status;
pub mod usage;
pub mod vm;

/// The header that names the node a request is meant for.
pub const NODE_HEADER: &str = "x-minicloud-node";
