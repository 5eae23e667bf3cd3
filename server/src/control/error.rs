//! What can go wrong with a change, and the words for it.

use app::model::{AppError, ErrorKind, QuotaUsage, VmState};
use node_api::error::NodeErrorCode;

use crate::{
    balancer::{NodeCallError, placement::NoPlace},
    db::{DbError, vm::ReserveError},
};

/// A change or a question that control refused, or failed at. [`ControlError::answer`] makes of it what the
/// person sees.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another's, or none.
    #[error("there is no {what} named {name}")]
    NotFound { what: &'static str, name: String },
    /// An input breaks a rule; the text says which, the field where.
    #[error("{message}")]
    Invalid {
        field: &'static str,
        code: &'static str,
        message: String,
    },
    /// It clashes with what is there; the text says how.
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    /// By a VM of the same owner, in this state: one that is being deleted has its name until it is gone.
    #[error("the name {0} is taken")]
    NameTaken(String, VmState),
    /// Too much of something at once; the text says of what.
    #[error("{0}")]
    TooMany(String),
    /// The text says what is left, and what to do.
    #[error("over quota: {0}")]
    Quota(String),
    /// Carries the reason of each node.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// Every user has a network of their own from the first VM on, for good.
    #[error("all networks of the configured range are taken")]
    NoNetwork,
    /// Unknown, used, withdrawn, past its end, or of a shell that is no more: one answer.
    #[error("the invitation is not open")]
    InvitationClosed,
    /// The account was disabled or deleted, or was an admin's, while the request ran.
    #[error("the account cannot be used any more")]
    NoAccount,
    /// Others changed the same VM at the same time, again and again.
    #[error("{0} was changed at the same time")]
    Raced(String),
    /// A node did not do what was asked while somebody waits.
    #[error("{node}: {source}")]
    Node { node: String, source: NodeCallError },
    /// A command took longer than it was given; the text has the node's words.
    #[error("{0}")]
    ExecTimeout(String),
    /// At the server's start, or a fault of ours: logged, and hidden behind the request id.
    #[error("the configuration cannot be used: {0}")]
    Config(String),
    /// In the data folder: a node's credential.
    #[error("{path} could not be written or read")]
    File {
        path: String,
        source: std::io::Error,
    },
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// A fault of ours, which is in the log.
    #[error("the change was cut short")]
    Interrupted,
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ControlError {
    /// `what` is a noun for people: VM, shell, node.
    pub(super) fn not_found(what: &'static str, name: &str) -> Self {
        Self::NotFound {
            what,
            name: name.to_owned(),
        }
    }

    /// `field` is the input's name, `code` one of docs/api.md, `message` a sentence that says the rule.
    pub(super) fn invalid(
        field: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            field,
            code,
            message: message.into(),
        }
    }

    /// `code` is one of docs/api.md, `message` a sentence that says what to do.
    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
        }
    }

    /// `node` is its name, for the words.
    pub(super) fn node(node: &str, source: NodeCallError) -> Self {
        Self::Node {
            node: node.to_owned(),
            source,
        }
    }

    /// The answer for the person who asked. Faults of ours are logged with their causes and hide
    /// behind the request id.
    pub fn answer(self, request_id: &str) -> AppError {
        use ErrorKind::{Conflict, Forbidden, Invalid, Unavailable};
        let message = self.to_string();
        match self {
            Self::NotFound { what, name } => AppError::not_found(what, &name),
            Self::Invalid { field, code, .. } => AppError::new(Invalid, code, message).at(field),
            Self::Conflict { code, .. } => AppError::new(Conflict, code, message),
            Self::NameTaken(name, state) => name_taken(&name, state),
            Self::TooMany(message) => AppError::new(ErrorKind::TooMany, "too_many", message),
            Self::Quota(message) => AppError::new(Conflict, "quota_exceeded", message).at("flavor"),
            Self::NoPlace(none) => {
                AppError::new(Unavailable, "no_room", none.sentence()).at("flavor")
            }
            Self::NoNetwork => AppError::new(
                Unavailable,
                "no_network",
                "All networks of this MiniCloud are taken. Ask an admin for a wider network range.",
            ),
            Self::NoAccount => AppError::new(
                Forbidden,
                "disabled",
                "Meanwhile this account was disabled, or its role changed. Sign in again, or ask an admin.",
            ),
            Self::InvitationClosed => AppError::new(
                ErrorKind::NotFound,
                "invitation_closed",
                "This invitation is not open any more. Ask whoever sent it for a new one.",
            ),
            Self::Raced(name) => AppError::new(
                Conflict,
                "vm_changed",
                format!("{name} was changed at the same time. Reload the page and try again."),
            ),
            Self::ExecTimeout(_) => AppError::new(Unavailable, "exec_timeout", message),
            Self::Node { node, source } => node_answer(&node, &source),
            Self::Db(DbError::Gone(_)) => AppError::new(
                ErrorKind::NotFound,
                "gone",
                "This was deleted at the same time. Load the page again.",
            ),
            Self::Db(DbError::Nul) => AppError::nul(),
            Self::Db(DbError::Away(_)) => {
                self.log(request_id);
                let words = "The database does not answer. Try again in a moment.";
                AppError::new(Unavailable, "database_away", words)
            }
            Self::Db(_)
            | Self::Config(_)
            | Self::Random(_)
            | Self::Interrupted
            | Self::File { .. } => self.internal(request_id),
        }
    }

    fn internal(&self, request_id: &str) -> AppError {
        self.log(request_id);
        let message = format!(
            "Something went wrong in MiniCloud. Try again; if it stays, tell an admin this number: {request_id}."
        );
        let mut error = AppError::new(ErrorKind::Internal, "internal", message);
        error.request_id = Some(request_id.to_owned());
        error
    }

    fn log(&self, request_id: &str) {
        tracing::error!(request_id, error = %chain(self), "a change failed: {}", chain(self));
    }
}

fn name_taken(name: &str, state: VmState) -> AppError {
    let message = match state {
        VmState::Deleting => format!("{name} is still being deleted. Try again in a moment."),
        _ => format!("You have a VM named {name} already. Choose another name."),
    };
    AppError::new(ErrorKind::Conflict, "vm_name_taken", message).at("name")
}

fn node_answer(node: &str, error: &NodeCallError) -> AppError {
    let message = format!("{node} could not do it: {error}. Try again in a moment.");
    match error.code() {
        Some(NodeErrorCode::TooMany) => AppError::new(ErrorKind::TooMany, "too_many", message),
        Some(NodeErrorCode::Conflict | NodeErrorCode::NotFound) => {
            AppError::new(ErrorKind::Conflict, "node_conflict", message)
        }
        _ => AppError::new(ErrorKind::Unavailable, "node_unavailable", message),
    }
}

impl From<ReserveError<NoPlace>> for ControlError {
    fn from(error: ReserveError<NoPlace>) -> Self {
        match error {
            ReserveError::NameTaken(state) => Self::NameTaken(String::new(), state),
            ReserveError::Quota(usage) => Self::Quota(quota_words(&usage)),
            ReserveError::NoNode(none) => Self::NoPlace(none),
            ReserveError::NoNetwork => Self::NoNetwork,
            ReserveError::NoOwner => Self::NoAccount,
            ReserveError::Db(error) => Self::Db(error),
        }
    }
}

/// What is left of a quota, for who has just asked for more.
fn quota_words(usage: &QuotaUsage) -> String {
    if usage.vms >= usage.vms_max {
        return format!(
            "You have {} of {} VMs. Delete one, or ask an admin for more.",
            usage.vms, usage.vms_max
        );
    }
    let cpu = f64::from(usage.cpu_millis_max.saturating_sub(usage.cpu_millis)) / 1000.0;
    format!(
        "This is more than your quota has left: {cpu} vCPU, {} MiB of memory, {} GiB of disk. Choose a smaller size, or delete a VM.",
        usage.memory_mib_max.saturating_sub(usage.memory_mib),
        usage.disk_gib_max.saturating_sub(usage.disk_gib)
    )
}

/// An error with its causes, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}
