//! The user's file of servers and tokens: `profiles.toml`, readable by the user alone.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{error::CliError, secret::Secret};

/// The profile that is used where none is named.
pub const PROFILE_DEFAULT: &str = "default";

/// One server, and how to sign in there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Its address, without a slash at its end.
    pub server: String,
    /// For people: the token tells the server who it is.
    pub user: String,
    pub token: Secret,
    /// Names the token where it is revoked; none when it was made elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
}

/// All servers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Config {
    /// The profile that is used where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// By name.
    #[serde(default)]
    pub profile: BTreeMap<String, Profile>,
}

impl Config {
    /// Reads the file; none is an empty one.
    pub fn load() -> Result<Self, CliError> {
        let path = path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(file_error(&path, error)),
        };
        warn_if_open(&path);
        // The parser's own message would quote the line, and with it a token.
        toml::from_str(&text).map_err(|_| CliError::File {
            path,
            cause: "this is no file of profiles. Mend it, or remove it and sign in anew".into(),
        })
    }

    /// Writes the file anew beside the old one and puts it in its place, so that it is never half
    /// written and never readable by others.
    pub fn save(&self) -> Result<PathBuf, CliError> {
        let path = path()?;
        let text = toml::to_string(self).map_err(|error| file_error(&path, error))?;
        write_private(&path, &text).map_err(|error| file_error(&path, error))?;
        Ok(path)
    }

    /// The name of the profile that is meant where `named` may say which.
    pub fn name<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        named.or(self.current.as_deref()).unwrap_or(PROFILE_DEFAULT)
    }

    /// The profile of that name, or an error that lists those there are.
    pub fn get(&self, name: &str) -> Result<&Profile, CliError> {
        self.profile.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.profile.keys().map(String::as_str).collect();
            match names.is_empty() {
                true => CliError::NotSignedIn(String::new()),
                false => CliError::NotSignedIn(format!(
                    " as profile {name} (there are: {})",
                    names.join(", ")
                )),
            }
        })
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // What is left of it holds a token; that it may not be there at all is fine.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn warn_if_open(path: &Path) {
    let open = fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0);
    if open {
        eprintln!(
            "minicloud: warning: {0} holds tokens and others may read it; do: chmod 600 {0}",
            path.display()
        );
    }
}

/// `$XDG_CONFIG_HOME/minicloud/profiles.toml`, by default below `~/.config`.
fn path() -> Result<PathBuf, CliError> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .ok_or_else(|| {
            CliError::Failed(
                "there is no place for settings: neither HOME nor XDG_CONFIG_HOME is set".into(),
            )
        })?;
    Ok(base.join("minicloud/profiles.toml"))
}

fn file_error(path: &Path, cause: impl ToString) -> CliError {
    CliError::File {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}
