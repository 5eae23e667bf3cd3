//! Log records, as the admin's page shows them.

use serde::{Deserialize, Serialize};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// Grows by one over all sources of this server process.
    pub seq: u64,
    /// When it was logged, by the clock of its source.
    pub at: i64,
    /// `server`, `balancer`, or a node's name.
    pub source: String,
    /// How bad it is.
    pub level: LogLevel,
    /// One line, control characters escaped.
    pub message: String,
    /// The request during which it was logged, where there was one.
    pub request_id: Option<String>,
}

/// How bad a record is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For who looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What should not happen, and was coped with.
    Warn,
    /// What needs somebody.
    Error,
}

impl LogLevel {
    /// Mildest first.
    pub const ALL: [Self; 5] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
    ];

    /// The word on the page and in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
}

/// Which records to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    /// Exactly this source; None lets all pass, as everywhere here.
    pub source: Option<String>,
    /// This level and worse.
    pub level: Option<LogLevel>,
    /// Text that must occur in the message, without regard to case.
    pub text: Option<String>,
}

/// The newest records that match, oldest first, and the sources there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// At most 500.
    pub records: Vec<LogView>,
    /// Names of all that has logged since the server began.
    pub sources: Vec<String>,
}
