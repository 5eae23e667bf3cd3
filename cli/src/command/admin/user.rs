//! `admin user …`.

use clap::{Args, Subcommand, ValueEnum};
use server_api::{
    account::Role,
    user::{User, UserCreated, UserQuota},
};

use crate::{
    client::Client,
    command::{me::role_word, missing},
    context::Context,
    error::CliError,
    output::{
        size,
        table::{Table, or_dash},
        time,
    },
};

/// Other people's accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List the users
    Ls,
    /// Add a user, with a one-time password that is shown this once
    Add { name: String },
    /// Take a user's access away; sign-ins and shells end, machines stop
    Disable { name: String },
    /// Give a user access again
    Enable { name: String },
    /// Make a user an admin, or a member
    Role { name: String, role: RoleArg },
    /// Set what a user may have; what is not said stays
    Quota(Quota),
    /// Give a user a one-time password, shown this once, and sign them out
    ResetPassword { name: String },
}

/// A role's name on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleArg {
    Member,
    Admin,
}

/// At least one of the four must be said.
#[derive(Debug, Args)]
pub struct Quota {
    name: String,
    /// Machines
    #[arg(long)]
    vms: Option<u32>,
    /// Thousandths of a core
    #[arg(long)]
    cpu_millis: Option<u32>,
    #[arg(long)]
    memory_mib: Option<u32>,
    #[arg(long)]
    disk_gib: Option<u32>,
}

impl UserCommand {
    /// Prints the user as changed. Where the name is unknown, the error lists those there are.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let client = &context.client;
        match self {
            Self::Ls => list(context).await,
            Self::Add { name } => add(context, &name).await,
            Self::Disable { name } => {
                changed(context, &name, client.user_disable(&name, true).await).await
            }
            Self::Enable { name } => {
                changed(context, &name, client.user_disable(&name, false).await).await
            }
            Self::Role { name, role } => {
                changed(context, &name, client.user_role(&name, role.into()).await).await
            }
            Self::Quota(quota) => changed(context, &quota.name, quota.set(client).await).await,
            Self::ResetPassword { name } => password_reset(context, &name).await,
        }
    }
}

impl From<RoleArg> for Role {
    fn from(arg: RoleArg) -> Self {
        match arg {
            RoleArg::Member => Self::Member,
            RoleArg::Admin => Self::Admin,
        }
    }
}

impl Quota {
    /// The API takes all four at once: what is not said is as it was seen, and nobody else's change is undone.
    async fn set(&self, client: &Client) -> Result<User, CliError> {
        let said = [self.vms, self.cpu_millis, self.memory_mib, self.disk_gib];
        if said.iter().all(Option::is_none) {
            return Err(CliError::Usage(
                "say what to set: --vms, --cpu-millis, --memory-mib or --disk-gib".into(),
            ));
        }
        let (user, version) = client.user_get(&self.name).await?;
        let has = &user.quota;
        let quota = UserQuota {
            vms: self.vms.unwrap_or(has.vms_max),
            cpu_millis: self.cpu_millis.unwrap_or(has.cpu_millis_max),
            memory_mib: self.memory_mib.unwrap_or(has.memory_mib_max),
            disk_gib: self.disk_gib.unwrap_or(has.disk_gib_max),
        };
        client.user_quota(&self.name, &quota, version).await
    }
}

async fn changed(
    context: &Context,
    name: &str,
    answer: Result<User, CliError>,
) -> Result<(), CliError> {
    match answer {
        Ok(user) => context
            .out
            .one(&user, |user| table(std::slice::from_ref(user)).to_string()),
        Err(error) => Err(user_missing(&context.client, name, error).await),
    }
}

async fn add(context: &Context, name: &str) -> Result<(), CliError> {
    let made = context.client.user_create(name).await?;
    let words = |made: &UserCreated| password_told(name, &made.password);
    context.out.one(&made, words)
}

/// Says aside what the password is for, so that it can be piped alone.
fn password_told(name: &str, password: &str) -> String {
    eprintln!("{name} signs in with this once, and then chooses another:");
    password.to_owned()
}

async fn password_reset(context: &Context, name: &str) -> Result<(), CliError> {
    match context.client.user_password_reset(name).await {
        Ok(made) => context
            .out
            .one(&made, |made| password_told(name, &made.password)),
        Err(error) => Err(user_missing(&context.client, name, error).await),
    }
}

async fn user_missing(client: &Client, name: &str, error: CliError) -> CliError {
    if !error.is_not_found() {
        return error;
    }
    let have = client.user_list().await;
    let have = have.map(|users| users.into_iter().map(|user| user.name).collect());
    missing(error, "there are", name, have)
}

async fn list(context: &Context) -> Result<(), CliError> {
    let users = context.client.user_list().await?;
    context.out.list(&users, "There is no user.", table)
}

fn table(users: &[User]) -> Table {
    let head = [
        "NAME", "ROLE", "ACCESS", "VMS", "CPU", "MEMORY", "DISK", "CREATED", "SEEN",
    ];
    Table::of(&head, users, row)
}

fn row(user: &User) -> Vec<String> {
    let quota = &user.quota;
    let (cpu, cpus) = (
        size::cpus(quota.cpu_millis),
        size::cpus(quota.cpu_millis_max),
    );
    let (memory, most) = (
        size::memory(quota.memory_mib),
        size::memory(quota.memory_mib_max),
    );
    vec![
        user.name.clone(),
        role_word(user.role).into(),
        if user.disabled { "disabled" } else { "yes" }.into(),
        format!("{} of {}", quota.vms, quota.vms_max),
        format!("{cpu} of {cpus}"),
        format!("{memory} of {most}"),
        format!("{} of {}", quota.disk_gib, size::disk(quota.disk_gib_max)),
        time::minute(user.created_at),
        or_dash(user.active_at.map(time::minute)),
    ]
}
