//! One page a file. Each draws itself inside a [`Guard`](crate::component::Guard) that says whom it
//! is for.

mod account;
pub mod admin;
mod dashboard;
mod invitation;
mod login;
mod logout;
mod not_found;
mod password;
mod register;
mod shared;
mod shell;
mod vm;
mod vm_delete;
mod vm_new;

pub use account::{AccountPage, DeleteAccountPage};
pub use dashboard::DashboardPage;
pub use invitation::InvitationPage;
pub use login::LoginPage;
pub use logout::LogoutPage;
pub use not_found::{NotFound, NotFoundPage};
pub use password::PasswordPage;
pub use register::RegisterPage;
pub use shared::SharedRoute;
pub use shell::ShellRoute;
pub use vm::VmPage;
pub use vm_delete::VmDeletePage;
pub use vm_new::VmNewPage;
