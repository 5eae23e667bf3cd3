//! `logout`.

use clap::Args;

use crate::{args::Global, client::Client, config::Config, error::CliError, output::Output};

/// Of the profile in use, or the one that `--profile` names.
#[derive(Debug, Args)]
pub struct Logout {}

impl Logout {
    /// Revokes the token that a login made, and forgets the profile. One that came by `--token` is
    /// only forgotten, since it may be in use elsewhere.
    pub async fn run(self, global: &Global, out: Output) -> Result<(), CliError> {
        let mut config = Config::load()?;
        let name = config.name(global.profile.as_deref()).to_owned();
        let profile = config.get(&name)?.clone();
        if let Some(id) = &profile.token_id {
            let client = Client::new(&profile.server, Some(profile.token.clone()))?;
            if let Err(error) = client.token_delete(id).await {
                eprintln!(
                    "minicloud: warning: the token is forgotten here, and may still be good: {error}"
                );
            }
        }
        config.profile.remove(&name);
        if config.current.as_ref() == Some(&name) {
            config.current = config.profile.keys().next().cloned();
        }
        config.save()?;
        out.say(&format!(
            "Signed out of {} (profile {name})",
            profile.server
        ))
    }
}
