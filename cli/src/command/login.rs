//! `login`.

use clap::Args;
use server_api::token::{Scope, TOKEN_DAYS_MAX, TOKEN_NAME_MAX, TOKEN_PREFIX, TokenCreate};

use crate::{
    args::Global,
    client::{Client, is_loopback, server_url},
    config::{Config, Profile},
    error::CliError,
    output::Output,
    prompt,
    secret::Secret,
};

const SERVER_DEFAULT: &str = "http://127.0.0.1:5555";

/// The one command that asks for a password; all others use the token that comes of it.
#[derive(Debug, Args)]
pub struct Login {
    /// The server's address; asked for where it is not given
    #[arg(value_name = "SERVER")]
    address: Option<String>,
    /// Your user name; asked for where it is not given
    #[arg(long, short)]
    user: Option<String>,
    /// Give a token instead of name and password; it is asked for, or read from standard input
    #[arg(long, conflicts_with_all = ["user", "admin", "days"])]
    token: bool,
    /// Make a token that may do what admins do
    #[arg(long)]
    admin: bool,
    /// Days that the token lasts; it does not end where nothing is said
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(TOKEN_DAYS_MAX)))]
    days: Option<u32>,
}

impl Login {
    /// Makes or takes a token, tries it, and keeps it under the profile's name; the one kept there before is
    /// revoked.
    pub async fn run(self, global: &Global, out: Output) -> Result<(), CliError> {
        let server = self.server(global)?;
        let profile = match self.token {
            true => by_token(&server).await?,
            false => self.by_password(&server).await?,
        };
        keep(profile, global, out).await
    }

    fn server(&self, global: &Global) -> Result<String, CliError> {
        let given = self.address.as_ref().or(global.server.as_ref());
        let server = match given {
            Some(given) => server_url(given)?,
            None if prompt::is_interactive() => {
                server_url(&prompt::line("Server", SERVER_DEFAULT)?)?
            }
            None => {
                return Err(CliError::Usage(
                    "say which server: minicloud login https://…".into(),
                ));
            }
        };
        if server.starts_with("http://") && !is_loopback(&server) {
            eprintln!(
                "minicloud: warning: {server} is not encrypted; who is on the way can read along"
            );
        }
        Ok(server)
    }

    async fn by_password(&self, server: &str) -> Result<Profile, CliError> {
        let user = match &self.user {
            Some(user) => user.clone(),
            None if prompt::is_interactive() => prompt::line("User", "")?,
            None => return Err(CliError::Usage("say who you are: --user NAME".into())),
        };
        let password = prompt::secret("Password")?;
        let client = Client::new(server, None)?;
        let made = client
            .token_create_first(&user, &password, &self.wish())
            .await?;
        Ok(Profile {
            server: server.to_owned(),
            user,
            token: Secret::new(made.secret),
            token_id: Some(made.token.id),
        })
    }

    fn wish(&self) -> TokenCreate {
        let mut scopes = vec![Scope::Read, Scope::Write];
        if self.admin {
            scopes.push(Scope::Admin);
        }
        TokenCreate {
            name: token_name(),
            scopes: Some(scopes),
            expires_in_days: self.days,
        }
    }
}

async fn by_token(server: &str) -> Result<Profile, CliError> {
    let token = Secret::new(prompt::secret("Token")?.expose().trim());
    if !token.expose().starts_with(TOKEN_PREFIX) {
        return Err(CliError::Usage(format!(
            "that is no API token: these begin with {TOKEN_PREFIX}"
        )));
    }
    Ok(Profile {
        server: server.to_owned(),
        user: String::new(),
        token,
        // Who made it elsewhere may use it elsewhere: `logout` only forgets it.
        token_id: None,
    })
}

/// Asks the server who that is, and writes the profile.
async fn keep(mut profile: Profile, global: &Global, out: Output) -> Result<(), CliError> {
    let client = Client::new(&profile.server, Some(profile.token.clone()))?;
    let me = client.me().await?;
    profile.user.clone_from(&me.name);
    let mut config = Config::load()?;
    let name = config.name(global.profile.as_deref()).to_owned();
    if config.current.is_none() {
        config.current = Some(name.clone());
    }
    let server = profile.server.clone();
    let old = config.profile.insert(name.clone(), profile);
    let path = config.save()?;
    revoke(old).await;
    out.one(&me, |me| {
        format!(
            "Signed in to {server} as {} (profile {name}, kept in {})",
            me.name,
            path.display()
        )
    })
}

/// The token that this login replaces is of no more use. That its server is gone is no matter.
async fn revoke(old: Option<Profile>) {
    let Some(Profile {
        server,
        token,
        token_id: Some(id),
        ..
    }) = old
    else {
        return;
    };
    if let Ok(client) = Client::new(&server, Some(token)) {
        let _ = client.token_delete(&id).await;
    }
}

/// Tells people on their account page where the token is.
fn token_name() -> String {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let name = format!("minicloud on {host}");
    name.chars()
        .filter(|letter| !letter.is_control())
        .take(TOKEN_NAME_MAX)
        .collect()
}
