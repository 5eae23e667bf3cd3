//! Who asks, made once a request by [`layer`](super::layer) and handed to every handler.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use app::model::{AppError, ErrorKind, Theme};
use http::HeaderValue;

use crate::{actor::Actor, scope::Scopes};

/// The API token that a request came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    pub id: String,
    /// What it was made for; the request has been held against them.
    pub scopes: Scopes,
    /// When it ends by itself.
    pub expires_at: Option<i64>,
}

/// The caller of one request. Clones share what they add to the answer.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who is signed in. Handlers ask [`Caller::require`], which also refuses those who must first
    /// choose a new password.
    pub actor: Option<Actor>,
    /// The login session the request came with; socket handlers end with it.
    pub login_session_id: Option<String>,
    /// The API token the request came with, in place of a login session.
    pub token: Option<TokenUse>,
    /// The SSH key that the connection was signed in with, in place of a login session.
    pub ssh_key_id: Option<String>,
    /// Nothing but changing the password may be reached until it is done.
    pub must_change_password: bool,
    /// Signed in with the password every new installation has.
    pub first_start: bool,
    /// The client's address, as the peer or a trusted proxy says.
    pub address: IpAddr,
    /// The Host header, lower case; one of the configured addresses.
    pub host: String,
    /// The client came by https, so cookies are `__Host-` and Secure.
    pub secure: bool,
    /// Some header says that a proxy passed the request on, trusted or not.
    pub forwarded: bool,
    /// A page of another site may have led a browser here.
    pub led_here: bool,
    /// Stands in the log beside everything this request did.
    pub request_id: String,
    /// The version of a thing that the request was made for (If-Match).
    pub if_match: Option<String>,
    /// From the cookie `theme`.
    pub theme: Theme,
    /// The User-Agent header, cut to a sane length.
    pub user_agent: String,
    /// Set-Cookie lines that the layer appends to the answer.
    pub cookies: Arc<Mutex<Vec<HeaderValue>>>,
    /// Seconds for the answer's Retry-After; 0 for none.
    retry_after: Arc<AtomicU64>,
}

impl Caller {
    /// Nobody signed in, from `address` under `host`: what a request is before its cookie is read.
    pub fn anonymous(address: IpAddr, host: &str) -> Self {
        Self {
            actor: None,
            login_session_id: None,
            token: None,
            ssh_key_id: None,
            must_change_password: false,
            first_start: false,
            address: address.to_canonical(),
            host: host.to_owned(),
            secure: false,
            forwarded: false,
            led_here: false,
            request_id: uuid::Uuid::now_v7().to_string(),
            if_match: None,
            theme: Theme::default(),
            user_agent: String::new(),
            cookies: Arc::default(),
            retry_after: Arc::default(),
        }
    }

    /// The signed-in user, for everything but changing the password and signing out.
    pub fn require(&self) -> Result<&Actor, AppError> {
        let actor = self.require_signed_in()?;
        if self.must_change_password {
            return Err(AppError::new(
                ErrorKind::Forbidden,
                "must_change_password",
                "Choose a new password first, on the page Account, Password.",
            ));
        }
        Ok(actor)
    }

    /// The signed-in user, even one who must choose a new password first.
    pub fn require_signed_in(&self) -> Result<&Actor, AppError> {
        self.actor.as_ref().ok_or_else(|| {
            AppError::new(
                ErrorKind::Unauthenticated,
                "not_signed_in",
                "You are not signed in, or no longer. Sign in and try again.",
            )
        })
    }

    /// The signed-in admin. Others learn nothing: the answer is that of a page that does not exist.
    pub fn require_admin(&self) -> Result<&Actor, AppError> {
        match self.require() {
            Ok(actor) if actor.is_admin() => Ok(actor),
            _ => Err(not_for_you()),
        }
    }

    /// True for a browser on this very machine, with nothing in between that says otherwise.
    pub fn is_local(&self) -> bool {
        self.address.is_loopback() && !self.forwarded && is_loopback_host(&self.host)
    }

    /// Adds a Set-Cookie line to the answer.
    pub fn cookie_add(&self, line: HeaderValue) {
        self.cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }

    /// Takes the Set-Cookie lines gathered so far.
    pub fn cookies_take(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut *self.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the client in how many seconds to try again.
    pub fn retry_after_set(&self, seconds: u64) {
        self.retry_after.store(seconds, Ordering::Relaxed);
    }

    /// In how many seconds to try again, if that was said.
    pub fn retry_after(&self) -> Option<u64> {
        Some(self.retry_after.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }
}

impl Default for Caller {
    /// Nobody, from nowhere: an address that no rule trusts.
    fn default() -> Self {
        Self::anonymous(IpAddr::V4(Ipv4Addr::UNSPECIFIED), "")
    }
}

/// True for the names of this machine that only it answers to, with or without a port.
pub fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// What others than admins are told of admins' pages.
pub(super) fn not_for_you() -> AppError {
    AppError::new(ErrorKind::NotFound, "not_found", "There is nothing here.")
}

#[cfg(test)]
mod tests {
    use app::model::Role;

    use super::*;

    fn caller(role: Role, must_change_password: bool) -> Caller {
        let actor = Actor {
            user_id: "u".into(),
            name: "ann".into(),
            role,
        };
        Caller {
            actor: Some(actor),
            must_change_password,
            ..Caller::default()
        }
    }

    #[test]
    fn who_must_change_the_password_gets_nothing_else() {
        let caller = caller(Role::Admin, true);
        assert_eq!(caller.require().unwrap_err().code, "must_change_password");
        assert_eq!(
            caller.require_admin().unwrap_err().kind,
            ErrorKind::NotFound
        );
        assert!(caller.require_signed_in().is_ok());
    }

    #[test]
    fn members_and_strangers_get_the_same_answer_where_admins_work() {
        let stranger = Caller::default().require_admin().unwrap_err();
        assert_eq!(
            caller(Role::Member, false).require_admin().unwrap_err(),
            stranger
        );
        assert!(caller(Role::Admin, false).require_admin().is_ok());
    }

    #[test]
    fn only_names_of_this_machine_are_loopback_hosts() {
        for host in [
            "localhost",
            "LOCALHOST:5555",
            "127.0.0.1:5555",
            "127.9.9.9",
            "[::1]:5555",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "::1.x",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn a_caller_is_local_only_with_a_loopback_peer_a_loopback_host_and_no_proxy() {
        let here = Caller::anonymous(IpAddr::from([127, 0, 0, 1]), "localhost:5555");
        assert!(here.is_local());
        assert!(
            !Caller {
                forwarded: true,
                ..here.clone()
            }
            .is_local()
        );
        assert!(
            !Caller {
                host: "cloud.example".into(),
                ..here.clone()
            }
            .is_local()
        );
        assert!(
            !Caller {
                address: IpAddr::from([10, 0, 0, 1]),
                ..here
            }
            .is_local()
        );
        assert!(!Caller::default().is_local());
    }
}
