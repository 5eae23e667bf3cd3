//! The admin's pages. For everybody else they do not exist.

mod capacity;
mod counts;
pub mod event;
mod events;
mod filter;
mod follow;
mod images;
mod log_console;
// Only a browser follows the log.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod log_feed;
mod log_line;
mod logs;
mod node;
mod node_add;
mod node_remove;
mod nodes;
mod overview;
mod section;
mod shell;
mod table;
mod user;
mod user_create;
mod user_password;
mod users;
mod vm;
mod vm_delete;
mod vm_row;
mod vms;

pub use events::EventsPage;
pub use images::ImagesPage;
pub use logs::LogsPage;
pub use node_remove::NodeRemovePage;
pub use nodes::NodesPage;
pub use overview::OverviewPage;
pub use shell::ShellRoute;
pub use user::UserPage;
pub use users::UsersPage;
pub use vm::VmPage;
pub use vm_delete::VmDeletePage;
pub use vms::VmsPage;
