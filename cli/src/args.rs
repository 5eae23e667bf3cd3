//! The command line.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::command::{
    admin::AdminCommand, login::Login, logout::Logout, profile::ProfileCommand,
    shell::ShellCommand, ssh_config::SshConfig, ssh_key::SshKeyCommand, token::TokenCommand,
    vm::VmCommand,
};

const AFTER: &str = "Exit codes: 0 done, 1 failure, 2 wrong usage, 3 not found, 4 not allowed, \
5 conflict or quota, 6 took too long. `vm exec` and `vm shell` exit as the command inside did.";

/// Your machines in a MiniCloud, from the terminal.
#[derive(Debug, Parser)]
#[command(name = "minicloud", version, after_help = AFTER, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Print JSON, the shapes of the server's API, instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// The server to use, by the name it was given at login
    #[arg(long, global = true, env = "MINICLOUD_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// The server's address; with MINICLOUD_TOKEN instead of a profile
    #[arg(long, global = true, env = "MINICLOUD_SERVER", value_name = "URL")]
    pub server: Option<String>,
}

/// What can be done, each in a file of `command`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in to a server and keep a token for it
    Login(Login),
    /// Revoke the token of a login and forget it
    Logout(Logout),
    /// Who you are, and your quota
    Me,
    /// Machines
    #[command(subcommand)]
    Vm(VmCommand),
    /// What machines can be made of
    #[command(subcommand)]
    Image(ImageCommand),
    /// The sizes machines can have
    #[command(subcommand)]
    Flavor(FlavorCommand),
    /// API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// SSH keys, to sign in with `ssh`
    #[command(subcommand)]
    Key(SshKeyCommand),
    /// Print or write what OpenSSH needs, so that `ssh NAME` is in the machine of that name
    SshConfig(SshConfig),
    /// Live shells
    #[command(subcommand)]
    Shell(ShellCommand),
    /// The servers you have signed in to
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// What admins do
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Print the completion script of a command-line shell
    Completion { shell: Shell },
}

/// For everybody; admins change the catalogue by `admin image`.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// List the images
    Ls,
}

/// The sizes stand in the server's configuration: nothing changes them from here.
#[derive(Debug, Subcommand)]
pub enum FlavorCommand {
    /// List the sizes
    Ls,
}
