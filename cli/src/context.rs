//! What a command works with: the server it talks to, as whom, and how it prints.

use std::env;

use crate::{
    args::Global,
    client::{Client, server_url},
    config::Config,
    error::CliError,
    output::Output,
    secret::Secret,
};

/// For one run of the command.
pub struct Context {
    /// With the token that is kept or given; the first request tells whether it is still good.
    pub client: Client,
    pub out: Output,
}

impl Context {
    /// From flags, environment and the file of profiles.
    pub fn new(global: &Global) -> Result<Self, CliError> {
        let (server, token) = credentials(global)?;
        Ok(Self {
            client: Client::new(&server, Some(token))?,
            out: Output::new(global.json),
        })
    }
}

/// MINICLOUD_TOKEN first, then the profile. A profile's token goes to that profile's server only.
fn credentials(global: &Global) -> Result<(String, Secret), CliError> {
    let config = Config::load()?;
    let name = config.name(global.profile.as_deref());
    let server = global.server.as_deref().map(server_url).transpose()?;
    if let Ok(token) = env::var("MINICLOUD_TOKEN")
        && !token.trim().is_empty()
    {
        let server = match server {
            Some(server) => server,
            None => config.get(name)?.server.clone(),
        };
        return Ok((server, Secret::new(token.trim())));
    }
    match server {
        Some(server) => of_server(&config, global.profile.as_deref(), &server),
        None => {
            let profile = config.get(name)?;
            Ok((profile.server.clone(), profile.token.clone()))
        }
    }
}

/// The token kept for that server.
fn of_server(
    config: &Config,
    named: Option<&str>,
    server: &str,
) -> Result<(String, Secret), CliError> {
    let current = config.name(named);
    let fits = |name: &str| {
        config
            .profile
            .get(name)
            .filter(|kept| kept.server == server)
    };
    let any = || config.profile.values().find(|kept| kept.server == server);
    let profile = match named {
        Some(name) => fits(name),
        None => fits(current).or_else(any),
    };
    profile
        .map(|profile| (profile.server.clone(), profile.token.clone()))
        .ok_or_else(|| CliError::NotSignedIn(format!(" to {server}")))
}
