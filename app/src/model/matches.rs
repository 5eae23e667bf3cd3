//! What matches an admin's filter: found on the server, so that a page stays small however many
//! VMs and users there are.

use serde::{Deserialize, Serialize};

use super::{UserView, VmList, VmState, VmView};

/// Rows an answer holds at most.
pub const MATCHES_MAX: usize = 200;

/// Which of everybody's VMs to show; an empty part matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmFilter {
    /// Occurs in the name, owner, image or id, without regard to case.
    pub text: String,
    /// A state's word, without regard to case.
    pub state: String,
    /// A node's name.
    pub node: String,
}

/// Everybody's VMs that match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmMatches {
    /// At most [`MATCHES_MAX`].
    pub vms: Vec<VmView>,
    /// How many match.
    pub matching: u32,
    /// How many there are.
    pub total: u32,
    /// The server's clock.
    pub as_of: i64,
}

/// Users that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMatches {
    /// At most [`MATCHES_MAX`].
    pub users: Vec<UserView>,
    /// How many match.
    pub matching: u32,
    /// How many there are.
    pub total: u32,
}

impl VmFilter {
    fn matches(&self, vm: &VmView) -> bool {
        let texts = [&vm.name, &vm.owner, &vm.image, &vm.id];
        self.matches_state(vm.state)
            && (self.node.is_empty() || vm.node.as_ref() == Some(&self.node))
            && texts.into_iter().any(|text| holds(text, &self.text))
    }

    fn matches_state(&self, state: VmState) -> bool {
        self.state.is_empty() || state.word().eq_ignore_ascii_case(&self.state)
    }
}

impl VmMatches {
    /// Those of `list` that match.
    pub fn of(list: VmList, filter: &VmFilter) -> Self {
        let total = list.vms.len() as u32;
        let mut vms = list.vms;
        vms.retain(|vm| filter.matches(vm));
        let matching = vms.len() as u32;
        vms.truncate(MATCHES_MAX);
        Self {
            vms,
            matching,
            total,
            as_of: list.as_of,
        }
    }
}

impl UserMatches {
    /// Those whose name holds `text`.
    pub fn of(mut users: Vec<UserView>, text: &str) -> Self {
        let total = users.len() as u32;
        users.retain(|user| holds(&user.name, text));
        let matching = users.len() as u32;
        users.truncate(MATCHES_MAX);
        Self {
            users,
            matching,
            total,
        }
    }
}

fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{QuotaUsage, Role};

    fn vm(name: &str, owner: &str, state: VmState, node: Option<&str>) -> VmView {
        VmView {
            id: format!("id-{name}"),
            name: name.into(),
            owner: owner.into(),
            state,
            reason: None,
            progress: None,
            flavor: "small".into(),
            cpu_millis: 500,
            memory_mib: 256,
            disk_gib: 2,
            image: "alpine".into(),
            node: node.map(Into::into),
            created_at: 0,
            changed_at: 0,
            started_at: None,
            cpu_percent: None,
            memory_used_mib: None,
            cpu_history: Vec::new(),
            ssh_published: None,
        }
    }

    fn found(filter: &VmFilter) -> Vec<String> {
        let vms = vec![
            vm("web1", "ann", VmState::Running, Some("node-1")),
            vm("db", "ann", VmState::Stopped, Some("node-2")),
            vm("ann-2", "bob", VmState::Failed, None),
        ];
        let list = VmList {
            vms,
            quota: QuotaUsage::default(),
            as_of: 7,
        };
        let matches = VmMatches::of(list, filter);
        assert_eq!(matches.total, 3);
        matches.vms.into_iter().map(|vm| vm.name).collect()
    }

    #[test]
    fn an_empty_filter_matches_every_vm() {
        assert_eq!(found(&VmFilter::default()), ["web1", "db", "ann-2"]);
    }

    #[test]
    fn every_part_of_a_filter_must_match() {
        let text = VmFilter {
            text: " ANN ".into(),
            ..Default::default()
        };
        assert_eq!(found(&text), ["web1", "db", "ann-2"]);
        let stopped = VmFilter {
            state: "stopped".into(),
            ..text.clone()
        };
        assert_eq!(found(&stopped), ["db"]);
        let elsewhere = VmFilter {
            node: "node-1".into(),
            ..stopped
        };
        assert_eq!(found(&elsewhere), [""; 0]);
    }

    #[test]
    fn a_long_answer_is_cut_and_says_how_many_match() {
        let user = |number: usize| UserView {
            name: format!("user-{number}"),
            role: Role::Member,
            disabled: false,
            must_change_password: false,
            quota: QuotaUsage::default(),
            created_at: 0,
            active_at: None,
            is_viewer: false,
            version: String::new(),
        };
        let matches = UserMatches::of((0..1000).map(user).collect(), "user");
        assert_eq!((matches.users.len(), matches.matching), (MATCHES_MAX, 1000));
        let one = UserMatches::of((0..1000).map(user).collect(), "R-77");
        assert_eq!((one.matching, one.total), (11, 1000));
    }
}
