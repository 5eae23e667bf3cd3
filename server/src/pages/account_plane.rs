//! Accounts, as pages use them.

use app::{
    control_plane::{AccountPlane, Answer, VmPlane as _},
    model::{
        LoginSessionView, PasswordStrength, Role, Site, SshAccess, SshGateway, SshHostView,
        SshKeyView, Theme, TokenView, Viewer,
    },
};
use async_trait::async_trait;

use super::RequestPlane;
use crate::{
    auth::AuthError,
    db::{ssh_key::SshKeyRow, token::TokenRow},
    scope::Scopes,
    secret::Secret,
};

impl RequestPlane {
    /// The words for what went wrong with an account.
    pub fn account_answer<T>(&self, done: Result<T, AuthError>) -> Answer<T> {
        done.map_err(|error| error.answer(&self.caller))
    }

    /// None: SSH is switched off.
    pub(super) fn ssh_gateway(&self) -> Option<SshGateway> {
        self.state.ssh.as_ref().map(|host| SshGateway {
            host: host.host.clone(),
            port: host.port,
        })
    }

    async fn ssh_host_view(&self) -> Answer<Option<SshHostView>> {
        let Some(host) = &self.state.ssh else {
            return Ok(None);
        };
        let account = self.caller.require()?.name.clone();
        let vms = self.vm_list().await?.vms;
        let vms: Vec<String> = vms.into_iter().map(|vm| vm.name).collect();
        Ok(Some(SshHostView {
            fingerprint: host.fingerprint.clone(),
            lobby: host.command(&account),
            config: host.config(&account, &vms),
        }))
    }
}

#[async_trait]
impl AccountPlane for RequestPlane {
    async fn viewer(&self) -> Answer<Option<Viewer>> {
        let user = self.account_answer(self.state.auth.viewer(&self.caller).await)?;
        Ok(user.map(|user| Viewer {
            name: user.name,
            role: user.role,
            must_change_password: user.must_change_password,
            quota: user.quota,
            ssh: self.ssh_gateway(),
        }))
    }

    fn theme(&self) -> Theme {
        self.caller.theme
    }

    async fn site(&self) -> Answer<Site> {
        let pending = self.account_answer(self.state.auth.first_start_pending().await)?;
        Ok(Site {
            registration: self.state.config.registration,
            first_start: pending && self.caller.is_local(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    async fn account_create(&self, name: &str, password: &str, invite: Option<&str>) -> Answer<()> {
        let password = Secret::new(password);
        let done = self
            .state
            .auth
            .account_create(&self.caller, name, &password, invite)
            .await;
        self.account_answer(done)
            .map_err(|error| beside(error, "password"))
    }

    async fn login(&self, name: &str, password: &str) -> Answer<Role> {
        let password = Secret::new(password);
        self.account_answer(self.state.auth.login(&self.caller, name, &password).await)
    }

    async fn logout(&self) -> Answer<()> {
        self.account_answer(self.state.auth.logout(&self.caller).await)
    }

    async fn password_strength(&self, name: &str, password: &str) -> Answer<PasswordStrength> {
        // Whoever is signed in chooses a password for that account.
        let name = self.caller.actor.as_ref().map_or(name, |actor| &actor.name);
        let password = Secret::new(password);
        self.account_answer(self.state.auth.password_strength(name, &password).await)
    }

    async fn password_change(&self, current: &str, new: &str) -> Answer<()> {
        let (current, new) = (Secret::new(current), Secret::new(new));
        let done = self
            .state
            .auth
            .password_change(&self.caller, &current, &new)
            .await;
        self.account_answer(done)
            .map_err(|error| beside(error, "new"))
    }

    async fn login_session_list(&self) -> Answer<Vec<LoginSessionView>> {
        self.account_answer(self.state.auth.login_session_list(&self.caller).await)
    }

    async fn login_session_delete(&self, id: &str) -> Answer<()> {
        self.account_answer(self.state.auth.login_session_delete(&self.caller, id).await)
    }

    async fn token_list(&self) -> Answer<Vec<TokenView>> {
        let rows = self.account_answer(self.state.auth.token_list(&self.caller).await)?;
        Ok(rows.into_iter().map(token_view).collect())
    }

    async fn token_create(&self, name: &str, scopes: &str, days: Option<u32>) -> Answer<String> {
        let scopes = Scopes::parse(scopes).unwrap_or_default();
        let id = uuid::Uuid::now_v7().to_string();
        let auth = &self.state.auth;
        let made = auth.token_create(&self.caller, &id, name, scopes, days);
        let made = made.await;
        let (_, secret) = self.account_answer(made)?;
        Ok(secret.expose().to_owned())
    }

    async fn token_delete(&self, id: &str) -> Answer<()> {
        self.account_answer(self.state.auth.token_delete(&self.caller, id).await)
    }

    async fn ssh_access_get(&self) -> Answer<SshAccess> {
        let rows = self.account_answer(self.state.auth.ssh_key_list(&self.caller).await)?;
        Ok(SshAccess {
            keys: rows.into_iter().map(ssh_key_view).collect(),
            host: self.ssh_host_view().await?,
        })
    }

    async fn ssh_key_add(&self, public_key: &str, comment: Option<&str>) -> Answer<()> {
        let id = uuid::Uuid::now_v7().to_string();
        let auth = &self.state.auth;
        let added = auth.ssh_key_add(&self.caller, &id, public_key, comment);
        self.account_answer(added.await).map(drop)
    }

    async fn ssh_key_delete(&self, id: &str) -> Answer<()> {
        self.account_answer(self.state.auth.ssh_key_delete(&self.caller, id).await)
    }

    async fn account_delete(&self, confirm: &str) -> Answer<()> {
        let nodes =
            self.account_answer(self.state.auth.account_delete(&self.caller, confirm).await)?;
        self.state.control.wake_nodes(&nodes);
        Ok(())
    }
}

fn ssh_key_view(row: SshKeyRow) -> SshKeyView {
    SshKeyView {
        id: row.id,
        comment: row.comment,
        fingerprint: row.fingerprint,
        created_at: row.created_at,
        used_at: row.used_at,
    }
}

fn token_view(row: TokenRow) -> TokenView {
    TokenView {
        id: row.id,
        name: row.name,
        scopes: row.scopes.words(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    }
}

/// A weak password is shown beside the field it was typed in, which differs from form to form.
fn beside(error: app::model::AppError, field: &str) -> app::model::AppError {
    if error.code == "password_weak" {
        error.at(field)
    } else {
        error
    }
}
