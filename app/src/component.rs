//! What pages share. Each has its styles under the same name in `style/components/`.

mod alert;
mod chart;
mod confirm;
mod copy;
mod dialog;
mod event_list;
mod failure;
mod field;
mod form;
mod frame;
mod guard;
mod icon;
mod loaded;
mod menu;
mod meter;
mod poll;
mod shared_list;
mod shell_list;
mod shell_share;
mod shell_view;
mod sparkline;
mod state;
mod strength;
mod theme;
mod time;
mod usage_charts;
mod vm_actions;
mod vm_facts;

pub use alert::{Alert, AlertKind};
pub use chart::{Chart, Line, Picture};
pub use confirm::Confirm;
pub use copy::{CopyButton, CopyFact};
pub use dialog::Dialog;
pub use event_list::EventList;
pub use failure::{Failure, on_gone};
pub use field::{Field, PasswordField, Select};
pub use form::{
    Form, FormAlert, FormState, Submit, empty_form, failure_words, is_overtaken, on_answer,
    on_success,
};
pub use frame::{Frame, SignOut};
pub use guard::{Access, Guard};
pub use icon::{Icon, IconName};
pub use loaded::{ErrorView, Loaded};
pub use menu::Menu;
pub use meter::Meter;
pub use poll::{Old, poll, poll_or_tell};
pub use shared_list::{SharedList, SharedResource};
pub use shell_list::{SHELLS_UNKNOWN, ShellList};
pub use shell_share::ShellShareButton;
pub use shell_view::{SharedFrame, ShellFrame};
pub use sparkline::Sparkline;
pub use state::{Badge, Tone, VmBadge};
pub use strength::Strength;
pub use theme::ThemeSwitch;
pub use time::{Ago, Clock, Left, Since};
pub use usage_charts::UsageCharts;
pub use vm_actions::{VmActions, VmButtons, VmDeleteConfirm, VmDeleteDialog, VmFailures};
pub use vm_facts::VmFacts;
