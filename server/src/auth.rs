//! Who somebody is: accounts, passwords, login sessions, and the layer in front of every handler
//! that finds out who asks. What a person may do with VMs is decided where VMs are read, not here.

mod account;
mod address;
mod api_token;
mod basic;
mod caller;
mod credential;
mod device;
mod error;
mod first_start;
pub mod layer;
mod login;
mod login_session;
mod note;
mod origin;
mod password;
mod rate;
mod revocation;
mod ssh_key;
mod ssh_sign_in;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod user;
mod user_create;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use app::model::{PasswordStrength, QuotaForm};
use tokio::sync::broadcast;

pub use address::is_forwarded;
pub use caller::{Caller, TokenUse, is_loopback_host};
pub use credential::{DEMO, is_demo};
pub use error::AuthError;
pub use revocation::{Revocations, Revoked};
pub use ssh_key::SshKeyError;
pub use throttle::network;

use crate::{
    clock,
    config::Config,
    db::{Db, user::user_first_start},
    secret::Secret,
};
use basic::Remembered;
use note::Notes;
use origin::Origins;
use password::Passwords;
use throttle::Throttle;

/// Revocations that a slow socket may lag behind; after that it asks the table.
const LAG: usize = 1024;

/// The accounts of this installation; cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    db: Db,
    config: Arc<Config>,
    origins: Origins,
    passwords: Passwords,
    throttle: Throttle,
    /// A count of its own: who fails by SSH does not slow down anybody's pages.
    ssh_throttle: Throttle,
    rates: rate::Rates,
    remembered: Remembered,
    notes: Notes,
    revoked: broadcast::Sender<Revoked>,
    /// Once the first password is changed, it is for good: nobody need ask again.
    first_start_over: AtomicBool,
}

impl Auth {
    /// Makes the first admin if there is nobody yet. `config.listen` must hold the true port:
    /// the addresses that requests may name are made from it.
    pub async fn start(db: Db, config: Arc<Config>) -> Result<Self, AuthError> {
        let auth = Self(Arc::new(Inner {
            origins: Origins::new(&config.origins()),
            passwords: Passwords::start().await?,
            throttle: Throttle::default(),
            ssh_throttle: Throttle::default(),
            rates: rate::Rates::default(),
            remembered: Remembered::default(),
            notes: Notes::default(),
            revoked: broadcast::Sender::new(LAG),
            first_start_over: AtomicBool::new(false),
            db,
            config,
        }));
        auth.first_start().await?;
        auth.login_sessions_expire().await?;
        Ok(auth)
    }

    /// True while the password is still admin/admin. The server must not listen beyond this
    /// machine then.
    pub async fn first_start_pending(&self) -> Result<bool, AuthError> {
        if self.0.first_start_over.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let pending = user_first_start(&self.0.db).await?.is_some();
        if !pending {
            self.0.first_start_over.store(true, Ordering::Relaxed);
        }
        Ok(pending)
    }

    /// For whoever holds something open for a caller: ends when it must be closed.
    pub fn revocations(&self) -> Revocations {
        Revocations::new(self.0.db.clone(), self.0.revoked.subscribe())
    }

    /// Counts a link to a shell that the caller looks at or accepts; refuses who tries many.
    pub fn invitation_count(&self, caller: &Caller) -> Result<(), AuthError> {
        let user_id = &caller.require()?.user_id;
        let counted = self.0.rates.invitation(user_id);
        counted.map_err(AuthError::TooMany)
    }

    /// How good a password would be for the user of that name.
    pub async fn password_strength(
        &self,
        name: &str,
        password: &Secret,
    ) -> Result<PasswordStrength, AuthError> {
        self.0.passwords.strength(name, password).await
    }

    fn config(&self) -> &Config {
        &self.0.config
    }

    fn origins(&self) -> &Origins {
        &self.0.origins
    }

    /// Tells whoever holds something open. After the commit.
    fn revoke(&self, revoked: Revoked) {
        // Fails when nobody holds anything open.
        let _ = self.0.revoked.send(revoked);
    }

    fn revoke_sessions(&self, ids: Vec<String>) {
        for id in ids {
            self.revoke(Revoked::LoginSession(id));
        }
    }

    /// The quota that a new user begins with.
    fn quota(&self) -> QuotaForm {
        let quota = self.config().quota;
        QuotaForm {
            vms: quota.vms,
            cpu_millis: quota.cpu_millis,
            memory_mib: quota.memory_mib,
            disk_gib: quota.disk_gib,
        }
    }
}

/// A fresh id.
fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// When a login session that is used now ends.
fn expires_at(now: i64) -> i64 {
    now + token::DAYS * 24 * 3600 * clock::SECOND
}
