//! `key …`: the SSH keys that one signs in with.

use std::{
    fs,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use server_api::ssh_key::{SshKey, SshKeyAdd};

use crate::{
    context::Context,
    error::CliError,
    output::{
        clean,
        table::{Table, or_dash},
        time,
    },
};

/// A file that is longer is no public key.
const FILE_MAX: u64 = 16 * 1024;
/// What `ssh-keygen` makes, the best first.
const USUAL: [&str; 3] = ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"];

/// One's own keys, by which `ssh` signs in.
#[derive(Debug, Subcommand)]
pub enum SshKeyCommand {
    /// List your SSH keys
    Ls,
    /// Add a key, by its public half
    Add(Add),
    /// Remove keys; connections made with them end
    Rm {
        /// Ids, fingerprints, or comments that only one key has
        #[arg(required = true)]
        keys: Vec<String>,
    },
}

/// A private key is refused here, before it is sent.
#[derive(Debug, Args)]
pub struct Add {
    /// The .pub file, or - for standard input; the one in ~/.ssh where nothing is said
    file: Option<PathBuf>,
    /// Tells you later where the key is; what the file says where nothing is said
    #[arg(long)]
    comment: Option<String>,
}

impl SshKeyCommand {
    /// Removes nothing unless every key that was named is found.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Ls => list(context).await,
            Self::Add(add) => add.run(context).await,
            Self::Rm { keys } => remove(context, &keys).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> Result<(), CliError> {
        let public_key = public_key(self.file.as_deref())?;
        let wish = SshKeyAdd {
            public_key,
            comment: self.comment,
        };
        let added = context.client.ssh_key_add(&wish).await?;
        context
            .out
            .one(&added, |key| format!("{} was added", name(key)))
    }
}

fn public_key(file: Option<&Path>) -> Result<String, CliError> {
    let text = match file {
        Some(file) if file == Path::new("-") => read(io::stdin(), Path::new("standard input"))?,
        Some(file) => read_file(file)?,
        None if !io::stdin().is_terminal() && usual().is_none() => {
            read(io::stdin(), Path::new("standard input"))?
        }
        None => read_file(&usual().ok_or_else(|| {
            CliError::Usage(
                "there is no public key in ~/.ssh: make one with `ssh-keygen -t ed25519`, or name its .pub file".into(),
            )
        })?)?,
    };
    // The server would say so, too; but then it would have it.
    if text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File") {
        return Err(CliError::Usage(
            "this is a private key, which nobody else may have; it was not sent. Name the file that ends in .pub".into(),
        ));
    }
    Ok(text.trim().to_owned())
}

/// The public key that most people have.
fn usual() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    let folder = Path::new(&home).join(".ssh");
    let files = USUAL.iter().map(|name| folder.join(name));
    files.into_iter().find(|file| file.is_file())
}

fn read_file(file: &Path) -> Result<String, CliError> {
    let opened = fs::File::open(file).map_err(|error| failed(file, &error))?;
    read(opened, file)
}

fn read(from: impl io::Read, file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    from.take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| failed(file, &error))?;
    if text.len() as u64 > FILE_MAX {
        let words = format!("{} is too long for a public key", file.display());
        return Err(CliError::Usage(words));
    }
    Ok(text)
}

fn failed(file: &Path, error: &io::Error) -> CliError {
    CliError::File {
        path: file.to_owned(),
        cause: error.to_string(),
    }
}

async fn list(context: &Context) -> Result<(), CliError> {
    let keys = context.client.ssh_key_list().await?;
    let head = ["ID", "COMMENT", "FINGERPRINT", "CREATED", "USED"];
    context.out.list(
        &keys,
        "You have no SSH keys; `minicloud key add` adds one.",
        |keys| Table::of(&head, keys, row),
    )
}

fn row(key: &SshKey) -> Vec<String> {
    vec![
        key.id.clone(),
        or_dash(Some(clean(&key.comment)).filter(|comment| !comment.is_empty())),
        clean(&key.fingerprint),
        time::minute(key.created_at),
        or_dash(key.used_at.map(time::minute)),
    ]
}

async fn remove(context: &Context, wanted: &[String]) -> Result<(), CliError> {
    let keys = context.client.ssh_key_list().await?;
    // All are found before the first is removed: a slip of the keyboard removes nothing.
    let found: Vec<&SshKey> = wanted
        .iter()
        .map(|wanted| find(&keys, wanted))
        .collect::<Result<_, _>>()?;
    for key in found {
        context.client.ssh_key_delete(&key.id).await?;
        context.out.say(&format!("{} was removed", name(key)))?;
    }
    Ok(())
}

fn find<'a>(keys: &'a [SshKey], wanted: &str) -> Result<&'a SshKey, CliError> {
    let exact = |key: &&SshKey| key.id == wanted || key.fingerprint == wanted;
    if let Some(key) = keys.iter().find(exact) {
        return Ok(key);
    }
    let named: Vec<&SshKey> = keys.iter().filter(|key| key.comment == wanted).collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => Err(CliError::Missing(format!(
            "{wanted} is no SSH key of yours; `minicloud key ls` lists them"
        ))),
        more => Err(CliError::Usage(format!(
            "{} keys are called {wanted}; say which by its id (`minicloud key ls`)",
            more.len()
        ))),
    }
}

fn name(key: &SshKey) -> String {
    match key.comment.as_str() {
        "" => clean(&key.fingerprint),
        comment => format!("{} ({})", clean(comment), clean(&key.fingerprint)),
    }
}
