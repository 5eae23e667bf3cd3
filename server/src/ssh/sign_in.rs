//! Where a key and a user name lead: an account's own name to its lobby, everything else to a VM.

use russh::keys::ssh_key;

use super::user_name::UserName;
use crate::{
    auth::AuthError, control::ControlError, db::ssh_key::SshKeyUser, public_key::PublicKey,
    state::AppState,
};

/// Where a sign-in leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Lobby,
    /// One of the user's VMs, if it is there.
    Vm(String),
    /// The key serves these accounts, and it cannot be told which of them has the VM.
    Several {
        vm: String,
        accounts: Vec<String>,
    },
}

/// Who comes, and where to.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The first of them where [`Target::Several`] is found.
    pub user: SshKeyUser,
    pub target: Target,
}

/// A fault of ours: the key opens nothing then, and the log tells why.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("the key cannot be written down")]
    Unreadable(#[from] ssh_key::Error),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// None: the key opens nothing under that name. A name and a key that nobody has are looked for in
/// the same way as others.
pub async fn sign_in(
    state: &AppState,
    name: &str,
    key: &ssh_key::PublicKey,
) -> Result<Option<SignIn>, SignInError> {
    // A key that nobody can have added is nobody's.
    let Ok(key) = PublicKey::read(&key.to_openssh()?) else {
        return Ok(None);
    };
    let read = UserName::read(name);
    let account = match read {
        Some(UserName::Both { account, .. }) => Some(account),
        _ => None,
    };
    let users = trusted(state.auth.ssh_key_users(&key, account).await?);
    let Some(name) = read else {
        return Ok(None);
    };
    let mut owners = Vec::new();
    if let UserName::One(vm) = name
        && users.users.len() > 1
        && users.sure
    {
        owners = owners_of(state, &users.users, vm).await?;
    }
    Ok(target(users, name, &owners))
}

/// Anybody may have added somebody's public key. So where it serves several users, those count whom its
/// owner has named before (`account+vm`); where there is none yet, all, to be told of.
fn trusted(users: Vec<SshKeyUser>) -> Users {
    let confirmed = |user: &SshKeyUser| user.key.confirmed_at.is_some();
    let named: Vec<SshKeyUser> = users
        .iter()
        .filter(|user| confirmed(user))
        .cloned()
        .collect();
    match (users.len(), named.is_empty()) {
        (0 | 1, _) => Users { users, sure: true },
        (_, true) => Users { users, sure: false },
        (_, false) => Users {
            users: named,
            sure: true,
        },
    }
}

/// Users of a key.
struct Users {
    users: Vec<SshKeyUser>,
    /// False: any of them may have added a key that is not theirs.
    sure: bool,
}

/// Names of those among the key's users who have a VM of that name.
async fn owners_of(
    state: &AppState,
    users: &[SshKeyUser],
    vm: &str,
) -> Result<Vec<String>, ControlError> {
    let mut owners = Vec::new();
    for user in users {
        match state.control.vm_find(&user.actor, vm).await {
            Ok(_) => owners.push(user.actor.name.clone()),
            Err(ControlError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(owners)
}

/// `owners` is looked at only where a key has several users.
fn target(found: Users, name: UserName<'_>, owners: &[String]) -> Option<SignIn> {
    let Users { users, sure } = found;
    let named = |name: &str| users.iter().find(|user| user.actor.name == name).cloned();
    let (user, target) = match name {
        UserName::Both { account, vm } => (named(account)?, Target::Vm(vm.to_owned())),
        UserName::One(name) => match (named(name).filter(|_| sure), users.as_slice(), owners) {
            (Some(user), ..) => (user, Target::Lobby),
            (None, [user], _) => (user.clone(), Target::Vm(name.to_owned())),
            (None, _, [owner]) => (named(owner)?, Target::Vm(name.to_owned())),
            (None, several, _) => {
                let accounts = several.iter().map(|user| user.actor.name.clone());
                let target = Target::Several {
                    vm: name.to_owned(),
                    accounts: accounts.collect(),
                };
                (several.first()?.clone(), target)
            }
        },
    };
    Some(SignIn { user, target })
}

#[cfg(test)]
mod tests {
    use app::model::Role;

    use super::*;
    use crate::{actor::Actor, db::ssh_key::SshKeyRow};

    fn users(names: &[&str]) -> Vec<SshKeyUser> {
        let user = |name: &&str| SshKeyUser {
            key: SshKeyRow {
                id: format!("key of {name}"),
                user_id: format!("id of {name}"),
                fingerprint: "SHA256:x".into(),
                public_key: "ssh-ed25519 x".into(),
                comment: String::new(),
                created_at: 1,
                used_at: None,
                confirmed_at: None,
            },
            actor: Actor {
                user_id: format!("id of {name}"),
                name: (*name).to_owned(),
                role: Role::Member,
            },
        };
        names.iter().map(user).collect()
    }

    /// `who > where`
    fn leads(names: &[&str], name: &str, owners: &[&str]) -> Option<String> {
        let owners: Vec<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
        let all = Users {
            users: users(names),
            sure: true,
        };
        let found = target(all, UserName::read(name)?, &owners)?;
        let target = match found.target {
            Target::Lobby => "lobby".to_owned(),
            Target::Vm(vm) => vm,
            Target::Several { vm, accounts } => format!("{vm} of {}", accounts.join(" or ")),
        };
        Some(format!("{} > {target}", found.user.actor.name))
    }

    #[test]
    fn a_key_and_a_name_lead_to_the_lobby_or_a_vm() {
        let lead = |names: &[&str], name, owners: &[&str]| leads(names, name, owners).unwrap();
        assert_eq!(lead(&["alice"], "alice", &[]), "alice > lobby");
        assert_eq!(lead(&["alice"], "web1", &[]), "alice > web1");
        assert_eq!(lead(&["alice"], "bob", &[]), "alice > bob");
        assert_eq!(lead(&["alice"], "alice+alice", &[]), "alice > alice");
        assert_eq!(lead(&["alice", "bob"], "bob", &["alice"]), "bob > lobby");
        assert_eq!(lead(&["alice", "bob"], "bob+web1", &[]), "bob > web1");
        assert_eq!(lead(&["alice", "bob"], "web1", &["bob"]), "bob > web1");
        let several = "alice > web1 of alice or bob";
        assert_eq!(lead(&["alice", "bob"], "web1", &["alice", "bob"]), several);
        assert_eq!(lead(&["alice", "bob"], "web1", &[]), several);
    }

    #[test]
    fn a_key_that_somebody_else_added_too_leads_nowhere_until_its_owner_has_named_a_user() {
        let mut both = users(&["alice", "web1"]);
        let unsure = trusted(both.clone());
        let found = target(unsure, UserName::read("web1").unwrap(), &[]).unwrap();
        assert!(matches!(found.target, Target::Several { .. }), "{found:?}");
        both[0].key.confirmed_at = Some(1);
        let found = target(trusted(both), UserName::read("web1").unwrap(), &[]).unwrap();
        assert_eq!(found.user.actor.name, "alice");
        assert_eq!(found.target, Target::Vm("web1".into()));
    }

    #[test]
    fn a_key_opens_nobody_elses() {
        assert_eq!(leads(&[], "alice", &[]), None);
        assert_eq!(leads(&["alice"], "bob+web1", &[]), None);
        assert_eq!(leads(&["alice"], "../alice", &[]), None);
    }
}
