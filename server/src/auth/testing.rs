//! What tests of accounts share: an `Auth` on a fresh database, and browsers that keep cookies.

use std::{net::IpAddr, sync::Arc};

use app::model::Role;

use super::{Auth, AuthError, Caller, token};
use crate::{
    clock,
    config::Config,
    db::{
        Db,
        event::{EventQuery, EventRow, event_list},
    },
    secret::Secret,
};

/// Good enough by the rules, like [`OTHER`].
pub const PASSWORD: &str = "violet-kettle-harbour";
/// To change to.
pub const OTHER: &str = "marble-canyon-whistle";

/// An installation whose admin has the password [`PASSWORD`].
pub async fn auth_on(db: Db) -> Auth {
    auth_with(db, |config| {
        config.admin_password = Some(Secret::new(PASSWORD))
    })
    .await
}

/// As the built-in configuration has it but for `change`: without an admin's password, it is the first
/// start.
pub async fn auth_with(db: Db, change: impl FnOnce(&mut Config)) -> Auth {
    let mut config = Config::default();
    change(&mut config);
    Auth::start(db, Arc::new(config))
        .await
        .expect("auth starts")
}

/// As if somebody had guessed at the account from there again and again, five minutes apart: the next try
/// is let through, and after one more failure the wait is long enough to be seen on a machine that is busy.
pub fn guessed(auth: &Auth, account: &str, address: IpAddr) {
    let now = clock::now();
    for ago in (1..=11).rev() {
        let at = now - ago * 300 * clock::SECOND;
        auth.0.throttle.login_failed(account, address, at);
    }
}

/// As if wrong invite codes had been tried from there again and again: no more are let through for an hour.
pub fn invites_guessed(auth: &Auth, address: IpAddr) {
    let later = clock::now() + 3600 * clock::SECOND;
    while auth.0.throttle.invite(address, false, later).is_ok() {}
}

/// A browser: an address, a host, and the cookie that it was last given.
#[derive(Clone)]
pub struct Browser {
    pub auth: Auth,
    pub address: IpAddr,
    pub host: &'static str,
    /// Its requests say that a proxy passed them on.
    pub forwarded: bool,
    /// The token in it; None: signed out.
    pub cookie: Option<Secret>,
}

impl Browser {
    /// On the server's own machine.
    pub fn new(auth: &Auth) -> Self {
        Self {
            auth: auth.clone(),
            address: IpAddr::from([127, 0, 0, 1]),
            host: "127.0.0.1:5555",
            forwarded: false,
            cookie: None,
        }
    }

    /// Signed in.
    pub async fn of(auth: &Auth, name: &str, password: &str) -> Self {
        let mut browser = Self::new(auth);
        browser.login(name, password).await.expect("signs in");
        browser
    }

    /// Registered and signed in, with [`PASSWORD`].
    pub async fn registered(auth: &Auth, name: &str) -> Self {
        let mut browser = Self::new(auth);
        browser.register(name, PASSWORD).await.expect("registers");
        browser
    }

    /// The caller of this browser's next request.
    pub async fn caller(&self) -> Caller {
        let mut caller = Caller::anonymous(self.address, self.host);
        caller.forwarded = self.forwarded;
        caller.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".into();
        if let Some(token) = &self.cookie {
            self.auth
                .resume(&mut caller, token, true)
                .await
                .expect("the cookie is read");
        }
        caller
    }

    /// Keeps the cookie that the answer sets, if any.
    pub async fn login(&mut self, name: &str, password: &str) -> Result<Role, AuthError> {
        let caller = self.caller().await;
        let done = self.auth.login(&caller, name, &Secret::new(password)).await;
        self.keep(&caller);
        done
    }

    /// The same without an invite code; it is signed in afterwards.
    pub async fn register(&mut self, name: &str, password: &str) -> Result<(), AuthError> {
        let caller = self.caller().await;
        let done = self
            .auth
            .account_create(&caller, name, &Secret::new(password), None)
            .await;
        self.keep(&caller);
        done
    }

    /// The cookie is another one afterwards.
    pub async fn password_change(&mut self, current: &str, new: &str) -> Result<(), AuthError> {
        let caller = self.caller().await;
        let done = self
            .auth
            .password_change(&caller, &Secret::new(current), &Secret::new(new))
            .await;
        self.keep(&caller);
        done
    }

    /// Who the server takes this browser for.
    pub async fn name(&self) -> Option<String> {
        self.caller().await.actor.map(|actor| actor.name)
    }

    /// Takes the cookie from an answer, as a browser does.
    pub fn keep(&mut self, caller: &Caller) {
        for line in caller.cookies_take() {
            let line = line.to_str().expect("text").to_owned();
            let pair = line.split(';').next().expect("a pair").to_owned();
            let headers = http::HeaderMap::from_iter([(
                http::header::COOKIE,
                http::HeaderValue::from_str(&pair).expect("a header"),
            )]);
            self.cookie = token::token_read(&headers, caller.secure);
        }
    }
}

/// All events, oldest first.
pub async fn events(db: &Db) -> Vec<EventRow> {
    let query = EventQuery {
        limit: 1000,
        ..EventQuery::default()
    };
    let mut rows = event_list(db, &query).await.expect("events");
    rows.reverse();
    rows
}

/// Kinds of all events, oldest first.
pub async fn event_kinds(db: &Db) -> Vec<String> {
    events(db)
        .await
        .into_iter()
        .map(|event| event.kind)
        .collect()
}
