//! The JSON API for programs (docs/api.md), and the demo's endpoints for old scripts. Over the same
//! functions as the pages: each handler asks the [`RequestPlane`] or control, as pages do, and puts
//! the answer into the types of `server_api`, one noun a file.

mod account;
mod demo;
mod docs;
mod event;
mod idempotency;
mod image;
mod input;
mod log;
mod node;
mod nul;
mod page;
mod problem;
mod query;
mod shell;
mod shell_share;
mod ssh;
mod ssh_key;
mod token;
mod user;
mod vm;
mod vm_admin;
mod vm_change;
mod wait;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::any,
};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use demo::Readers;
pub use nul::no_nul;
pub use problem::{answers, answers_alone};
pub use vm::vm as vm_answer;
pub use wait::Patience;

use crate::{
    auth,
    shell::{self as bridge, shell_attach, vm_exec_attach},
    state::AppState,
};

/// Every JSON route, each in the document by being here.
fn json() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(docs::about())
        .routes(routes!(vm::vm_list, vm_change::vm_create))
        .routes(routes!(vm::vm_get, vm_change::vm_delete))
        .routes(routes!(vm_change::vm_start))
        .routes(routes!(vm_change::vm_stop))
        .routes(routes!(vm_change::vm_restart))
        .routes(routes!(vm_change::vm_retry))
        .routes(routes!(vm::vm_exec))
        .routes(routes!(vm::vm_event_list))
        .routes(routes!(vm::vm_usage))
        .routes(routes!(shell::shell_list, shell::shell_create))
        .routes(routes!(shell::shell_close))
        .merge(shared())
        .routes(routes!(ssh::ssh_host))
        .routes(routes!(image::image_list))
        .routes(routes!(image::flavor_list))
        .routes(routes!(account::me))
        .routes(routes!(token::token_list, token::token_create))
        .routes(routes!(token::token_delete))
        .routes(routes!(ssh_key::ssh_key_list, ssh_key::ssh_key_add))
        .routes(routes!(ssh_key::ssh_key_delete))
        .routes(routes!(account::login_session_list))
        .routes(routes!(account::login_session_delete))
        .merge(admin())
}

fn shared() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(shell_share::shell_share_get))
        .routes(routes!(shell_share::shell_invitation_create))
        .routes(routes!(shell_share::shell_invitation_get))
        .routes(routes!(shell_share::shell_invitation_delete))
        .routes(routes!(
            shell_share::shell_shared_list,
            shell_share::shell_grant_create
        ))
        .routes(routes!(shell_share::shell_grant_delete))
}

fn admin() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(node::node_list, node::node_add))
        .routes(routes!(node::node_get, node::node_remove))
        .routes(routes!(node::node_cordon))
        .routes(routes!(user::user_list, user::user_create))
        .routes(routes!(user::user_get))
        .routes(routes!(user::user_disable))
        .routes(routes!(user::user_role))
        .routes(routes!(user::user_quota))
        .routes(routes!(user::user_password_reset))
        .routes(routes!(vm_admin::admin_vm_list))
        .routes(routes!(vm_admin::admin_vm_get, vm_admin::admin_vm_delete))
        .routes(routes!(vm_admin::admin_vm_start))
        .routes(routes!(vm_admin::admin_vm_stop))
        .routes(routes!(image::image_add))
        .routes(routes!(image::image_remove))
        .routes(routes!(image::image_default))
        .routes(routes!(event::event_list))
        .routes(routes!(log::log_list))
}

/// The OpenAPI document of all JSON routes.
pub fn document() -> OpenApi {
    docs::complete(json().into_openapi())
}

/// All of it, for both ports; to be layered with who asks.
pub fn router() -> Router<AppState> {
    let (json, document) = json().split_for_parts();
    json.merge(demo::router())
        .merge(docs::router(docs::complete(document)))
        .route("/api/v1/shells/{id}/attach", any(shell_attach))
        .route("/api/v1/vms/{name}/exec/attach", any(vm_exec_attach))
        .route("/api/v1/{*rest}", any(problem::unknown))
}

/// The API and nothing else, for a port of its own.
pub fn alone(state: AppState) -> Router {
    let guarded = router()
        .merge(bridge::router())
        .merge(docs::looks(&state.config.site_root))
        .fallback(problem::unknown)
        .layer(from_fn(no_nul))
        .layer(from_fn_with_state(state.auth.clone(), auth::layer::caller))
        .layer(axum::extract::DefaultBodyLimit::max(
            crate::router::BODY_MAX,
        ));
    guarded.layer(from_fn(answers_alone)).with_state(state)
}
