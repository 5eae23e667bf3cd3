//! The pages of MiniCloud.
//!
//! [`app`] is the map: document, routes, frame. A page is a file in [`page`], what pages share is in
//! [`component`], what a page asks of the server is a server function in [`server_fn`] over the
//! traits of `control_plane`. The same code renders on the server (`ssr`) and comes alive in the
//! browser (`hydrate`).

pub mod app;
pub mod component;
#[cfg(feature = "ssr")]
pub mod control_plane;
pub mod format;
mod late;
pub mod live;
pub mod model;
pub mod nav;
pub mod page;
#[cfg(feature = "ssr")]
pub mod response;
pub mod server_fn;
pub mod visit;

/// Brings the server's page to life, once the code that draws it is here.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        match late::load(&nav::path()).await {
            Ok(()) => {
                // What the code took to get ready was long enough: the browser gets a turn before the page is taken over.
                late::pause(0).await;
                nav::mark_script();
                leptos::mount::hydrate_body(app::App);
            }
            // It stays as the server drew it, and works as it does without script.
            Err(error) => leptos::logging::error!("this page's code did not load: {error}"),
        }
    });
}
