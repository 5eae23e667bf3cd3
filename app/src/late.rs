//! Pages whose code a browser loads when it first shows one of them. Whoever signs in to see their VMs need not
//! wait for the rest. `cargo xtask` takes it out of what all pages have (docs/decisions/0012).
//!
//! On the server, all of this is there at once.

use leptos::{prelude::*, wasm_split};
use leptos_router::LazyRoute;

use crate::{
    component::ErrorView,
    model::{AppError, ErrorKind},
    page::{self, admin},
};

/// Loads what the page at `path` needs, so that it comes to life in one go.
#[cfg(feature = "hydrate")]
pub(crate) async fn load(path: &str) -> Result<(), wasm_split::SplitLoaderError> {
    match path.split('/').nth(1) {
        Some("admin") => tried(admin_load).await,
        Some("account" | "delete-account") => tried(account_load).await,
        Some("shell" | "shared" | "invitations") => tried(shell_load).await,
        Some("vms") => tried(vm_load).await,
        _ => Ok(()),
    }
}

/// Between two attempts to load a part, milliseconds.
const PAUSES_MS: [i32; 3] = [200, 800, 2_000];

/// Loads a part. A browser drops what is under way when its host's network changes, which it does on the
/// engine's own host whenever a VM starts: so it is tried again.
async fn tried<L>(load: impl Fn() -> L) -> Result<(), wasm_split::SplitLoaderError>
where
    L: Future<Output = Result<(), wasm_split::SplitLoaderError>>,
{
    for ms in PAUSES_MS {
        if load().await.is_ok() {
            return Ok(());
        }
        pause(ms).await;
    }
    load().await
}

/// Lets the browser do other things for so many milliseconds.
#[cfg(feature = "hydrate")]
pub(crate) async fn pause(ms: i32) {
    let elapsed = js_sys::Promise::new(&mut |resolve, _| {
        // Without a window there is no page to wait with.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    // It is never rejected.
    let _ = wasm_bindgen_futures::JsFuture::from(elapsed).await;
}

/// Nothing fails to load where all is there.
#[cfg(not(feature = "hydrate"))]
async fn pause(_: i32) {}

/// One part of the code: what is called from its pages alone. `Route => Page` are the routes that show them.
macro_rules! late {
    ($part:ident, $load:ident, $view:ident, $Page:ident: $($route:ident => $module:ident::$page:ident,)*) => {
        #[derive(Clone, Copy)]
        #[allow(clippy::enum_variant_names)] // they are the pages' names
        enum $Page { $($page,)* }

        #[wasm_split::wasm_split($part, wasm_split_path = ::leptos::wasm_split, preload($load), fallible)]
        fn $view(page: $Page) -> Result<AnyView, LoadError> {
            Ok(match page {
                $($Page::$page => view! { <$module::$page /> }.into_any(),)*
            })
        }

        $(
            /// A page of the part: drawn once its code is here, and an error page where that does not come.
            pub(crate) struct $route;

            impl LazyRoute for $route {
                fn data() -> Self {
                    Self
                }

                async fn view(_: Self) -> AnyView {
                    drawn(match tried($load).await {
                        Ok(()) => $view($Page::$page).await,
                        Err(error) => Err(error.into()),
                    })
                }
            }
        )*
    };
}

late! { admin, admin_load, admin_view, AdminPage:
    AdminOverview => admin::OverviewPage,
    AdminNodes => admin::NodesPage,
    AdminNodeRemove => admin::NodeRemovePage,
    AdminUsers => admin::UsersPage,
    AdminUser => admin::UserPage,
    AdminVms => admin::VmsPage,
    AdminVm => admin::VmPage,
    AdminVmDelete => admin::VmDeletePage,
    AdminShell => admin::ShellRoute,
    AdminLogs => admin::LogsPage,
    AdminEvents => admin::EventsPage,
    AdminImages => admin::ImagesPage,
}

late! { account, account_load, account_view, AccountPage:
    Account => page::AccountPage,
    AccountPassword => page::PasswordPage,
    AccountDelete => page::DeleteAccountPage,
}

late! { shell, shell_load, shell_view, ShellPage:
    Shell => page::ShellRoute,
    Shared => page::SharedRoute,
    Invitation => page::InvitationPage,
}

late! { vm, vm_load, vm_view, VmPages:
    Vm => page::VmPage,
    VmNew => page::VmNewPage,
    VmDelete => page::VmDeletePage,
}

/// The code did not come: the connection is lost, or the server has been updated since this page was loaded,
/// and has the code of the new one. The browser's console has the reason.
struct LoadError;

impl From<wasm_split::SplitLoaderError> for LoadError {
    fn from(_: wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

fn drawn(view: Result<AnyView, LoadError>) -> AnyView {
    view.unwrap_or_else(|LoadError| {
        let message = "The code of this page could not be loaded: the connection is lost, or MiniCloud was updated since you opened it.";
        view! { <ErrorView error=AppError::new(ErrorKind::Unavailable, "page_not_loaded", message) /> }
            .into_any()
    })
}
