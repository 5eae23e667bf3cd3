//! How much there is, and how much there was.

use serde::{Deserialize, Serialize};

use super::Overview;

/// The counts of the overview at one moment. Each picture carries many of these: they travel as five bare numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u32; 5]", into = "[u32; 5]")]
pub struct CountSample {
    /// Everybody's, in every state.
    pub vms: u32,
    /// Whatever their health.
    pub nodes: u32,
    /// Accounts, disabled ones too.
    pub users: u32,
    /// Live shells, as the nodes told last.
    pub shells: u32,
    /// Those that had not expired.
    pub login_sessions: u32,
}

impl CountSample {
    /// Microseconds from one sample to the next.
    pub const EVERY: i64 = 150_000_000;
    /// Samples that are kept: with the present counts, an hour, and what a sparkline has room for.
    pub const KEPT: usize = 23;
}

impl From<[u32; 5]> for CountSample {
    fn from([vms, nodes, users, shells, login_sessions]: [u32; 5]) -> Self {
        Self {
            vms,
            nodes,
            users,
            shells,
            login_sessions,
        }
    }
}

impl From<CountSample> for [u32; 5] {
    fn from(counts: CountSample) -> Self {
        [
            counts.vms,
            counts.nodes,
            counts.users,
            counts.shells,
            counts.login_sessions,
        ]
    }
}

impl Overview {
    /// The counts of now.
    pub fn counts(&self) -> CountSample {
        CountSample {
            vms: self.vms,
            nodes: self.nodes.len() as u32,
            users: self.users,
            shells: self.shells,
            login_sessions: self.login_sessions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_travels_as_its_numbers_and_comes_back_as_it_was() {
        let counts = CountSample {
            vms: 7,
            nodes: 2,
            users: 3,
            shells: 5,
            login_sessions: 4,
        };
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, "[7,2,3,5,4]");
        let back: CountSample = serde_json::from_str(&text).unwrap();
        assert_eq!(back, counts);
    }
}
