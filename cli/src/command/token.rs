//! `token …`.

use clap::{Args, Subcommand, ValueEnum};
use server_api::token::{Scope, TOKEN_DAYS_MAX, Token, TokenCreate, TokenCreated};

use crate::{
    context::Context,
    error::CliError,
    output::{
        clean,
        table::{Table, or_dash},
        time,
    },
};

/// One's own tokens, that of `login` among them.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// List your tokens
    Ls,
    /// Make a token; its secret is shown this once
    Create(Create),
    /// Revoke tokens
    Rm {
        /// Ids, or names that only one token has
        #[arg(required = true)]
        tokens: Vec<String>,
    },
}

/// Its secret goes to standard output alone, so that it can be piped on.
#[derive(Debug, Args)]
pub struct Create {
    /// Tells you later where it is used
    name: String,
    /// What it may be used for; read and write where nothing is said
    #[arg(long, value_delimiter = ',')]
    scope: Vec<ScopeArg>,
    /// Days that it lasts; it does not end where nothing is said
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(TOKEN_DAYS_MAX)))]
    days: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeArg {
    Read,
    Write,
    Admin,
}

impl TokenCommand {
    /// Revokes nothing unless every token that was named is found.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Ls => list(context).await,
            Self::Create(create) => create.run(context).await,
            Self::Rm { tokens } => remove(context, &tokens).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), CliError> {
        let scopes: Vec<Scope> = self.scope.into_iter().map(scope).collect();
        let wish = TokenCreate {
            name: self.name,
            scopes: Some(scopes).filter(|scopes| !scopes.is_empty()),
            expires_in_days: self.days,
        };
        let made = context.client.token_create(&wish).await?;
        context.out.one(&made, secret)
    }
}

/// The secret alone, so that it can be piped into where it is needed.
fn secret(made: &TokenCreated) -> String {
    eprintln!("This is shown once; whoever has it can sign in as you:");
    made.secret.clone()
}

fn scope(arg: ScopeArg) -> Scope {
    match arg {
        ScopeArg::Read => Scope::Read,
        ScopeArg::Write => Scope::Write,
        ScopeArg::Admin => Scope::Admin,
    }
}

fn scope_word(scope: &Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    }
}

async fn list(context: &Context) -> Result<(), CliError> {
    let tokens = context.client.token_list().await?;
    let head = [
        "ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "USED", "CURRENT",
    ];
    context.out.list(&tokens, "You have no tokens.", |tokens| {
        Table::of(&head, tokens, row)
    })
}

fn row(token: &Token) -> Vec<String> {
    let scopes: Vec<&str> = token.scopes.iter().map(scope_word).collect();
    vec![
        token.id.clone(),
        clean(&token.name),
        scopes.join(","),
        time::minute(token.created_at),
        token
            .expires_at
            .map_or_else(|| "never".into(), time::minute),
        or_dash(token.used_at.map(time::minute)),
        if token.current { "yes" } else { "-" }.into(),
    ]
}

async fn remove(context: &Context, wanted: &[String]) -> Result<(), CliError> {
    let tokens = context.client.token_list().await?;
    // All are found before the first is revoked: a slip of the keyboard revokes nothing.
    let found: Vec<&Token> = wanted
        .iter()
        .map(|wanted| find(&tokens, wanted))
        .collect::<Result<_, _>>()?;
    for token in found {
        context.client.token_delete(&token.id).await?;
        context
            .out
            .say(&format!("{} was revoked", clean(&token.name)))?;
    }
    Ok(())
}

fn find<'a>(tokens: &'a [Token], wanted: &str) -> Result<&'a Token, CliError> {
    if let Some(token) = tokens.iter().find(|token| token.id == wanted) {
        return Ok(token);
    }
    let named: Vec<&Token> = tokens.iter().filter(|token| token.name == wanted).collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => Err(CliError::Missing(format!(
            "{wanted} is no token of yours; `minicloud token ls` lists them"
        ))),
        more => Err(CliError::Usage(format!(
            "{} tokens are called {wanted}; say which by its id (`minicloud token ls`)",
            more.len()
        ))),
    }
}
