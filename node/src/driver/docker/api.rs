//! Calls to the engine: connected when it is there, with a deadline, failures in our words and its.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use bollard::{API_DEFAULT_VERSION, Docker, errors::Error};
use node_api::error::NodeErrorCode;

use crate::driver::DriverError;

/// Deadline of questions: lists, and looks at one thing.
pub(super) const LIST: Duration = Duration::from_secs(10);
/// Deadline of making a container.
pub(super) const CREATE: Duration = Duration::from_secs(60);
/// Deadline of a start, of what removes or connects something, and of a look at a disk.
pub(super) const START: Duration = Duration::from_secs(30);
/// 10 s of grace, 10 s for the engine to do its part.
pub(super) const STOP: Duration = Duration::from_secs(20);
/// Deadline of each call about an exec, not of the command that it runs.
pub(super) const EXEC: Duration = Duration::from_secs(10);

/// bollard's own limit to the head of an answer; every call here has a shorter one.
const CLIENT_TIMEOUT_S: u64 = 120;

/// The engine's socket. An engine that is not there (yet) is no reason not to begin.
pub(super) struct Api {
    socket: PathBuf,
    docker: OnceLock<Docker>,
}

impl Api {
    /// Connects to nothing yet.
    pub(super) fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            docker: OnceLock::new(),
        }
    }

    /// For connections that are taken over whole, which the client cannot do.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The client; fails while the socket has never been there.
    pub(super) fn docker(&self) -> Result<&Docker, DriverError> {
        if let Some(docker) = self.docker.get() {
            return Ok(docker);
        }
        let path = self.socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&path, CLIENT_TIMEOUT_S, API_DEFAULT_VERSION)
            .map_err(|error| {
                let message = format!(
                    "no container engine at {path} ({error}); is Docker installed and running?"
                );
                DriverError::new(NodeErrorCode::EngineAway, message)
            })?;
        Ok(self.docker.get_or_init(|| docker))
    }

    /// Waits for a call, as long as its kind may take.
    pub(super) async fn call<'a, T, F>(
        &'a self,
        deadline: Duration,
        make: impl FnOnce(&'a Docker) -> F,
    ) -> Result<T, DriverError>
    where
        F: Future<Output = Result<T, Error>> + 'a,
    {
        let call = make(self.docker()?);
        match tokio::time::timeout(deadline, call).await {
            Ok(outcome) => outcome.map_err(|error| translate(&error)),
            Err(_) => Err(late(deadline)),
        }
    }
}

/// The engine was silent for too long.
pub(super) fn late(deadline: Duration) -> DriverError {
    DriverError::new(
        NodeErrorCode::Timeout,
        format!("the engine did not answer within {} s", deadline.as_secs()),
    )
}

/// The engine's failure as ours, with its words.
pub(super) fn translate(error: &Error) -> DriverError {
    let Error::DockerResponseServerError {
        status_code,
        message,
    } = error
    else {
        return match error {
            Error::DockerStreamError { error } => DriverError::new(NodeErrorCode::Engine, error),
            Error::RequestTimeoutError => late(Duration::from_secs(CLIENT_TIMEOUT_S)),
            Error::IOError { .. }
            | Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. } => DriverError::new(
                NodeErrorCode::EngineAway,
                format!("the engine cannot be reached: {}", root_cause(error)),
            ),
            other => DriverError::new(NodeErrorCode::Engine, other.to_string()),
        };
    };
    DriverError::new(of_status(*status_code, message), message.trim())
}

fn of_status(status: u16, message: &str) -> NodeErrorCode {
    match status {
        400 => NodeErrorCode::BadRequest,
        404 if message.contains("No such image") => NodeErrorCode::ImageMissing,
        404 => NodeErrorCode::NotFound,
        409 => NodeErrorCode::Conflict,
        _ => NodeErrorCode::Engine,
    }
}

/// The innermost: those around it ("client error (Connect)") say nothing to who reads it on a page.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().unwrap_or(error).to_string()
}

/// `/var/run/docker.sock` of `unix:///var/run/docker.sock`.
pub(super) fn socket_path(host: &str) -> Result<PathBuf, DriverError> {
    match host.strip_prefix("unix://") {
        Some(path) if path.starts_with('/') => Ok(PathBuf::from(path)),
        _ => Err(DriverError::new(
            NodeErrorCode::BadRequest,
            format!(
                "{host:?} is not the address of a local engine, such as unix:///var/run/docker.sock"
            ),
        )),
    }
}
