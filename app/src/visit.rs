//! Who is asking and what the installation lets them do: asked once a page load, by every page.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    model::{AppError, Role, Site, Theme, Viewer},
    server_fn::visit_get,
};

/// What every page knows before it shows anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// None: nobody is signed in.
    pub viewer: Option<Viewer>,
    /// What the installation lets people do, signed in or not.
    pub site: Site,
    /// As the browser's cookie has it.
    pub theme: Theme,
}

impl Visit {
    /// False where nobody is signed in. It decides what is drawn; the server decides what is read.
    pub fn is_admin(&self) -> bool {
        self.viewer
            .as_ref()
            .is_some_and(|viewer| viewer.role == Role::Admin)
    }
}

/// The one question of a page load, for [`use_visit`].
pub type VisitResource = Resource<Result<Visit, AppError>>;

/// Asks, for [`use_visit`]. What changes the viewer (sign in, sign out) loads a new page.
pub fn provide_visit() {
    provide_context::<VisitResource>(Resource::new_blocking(|| (), |()| visit_get()));
}

/// The visit of this page load, to await inside a `Suspense`.
pub fn use_visit() -> VisitResource {
    use_context().unwrap_or_else(|| Resource::new_blocking(|| (), |()| visit_get()))
}
