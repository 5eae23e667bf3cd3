//! The limit of open files.

use rustix::process::{Resource, getrlimit, setrlimit};

/// As many open files as the system allows this process: each connection is one, and what sessions
/// start with, 1,024, is soon reached.
pub fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
