//! A login shell on a PTY, through an exec of the engine.
//!
//! Its stream is read here and not by bollard, which takes a first byte of 0, 1 or 2 for a frame's
//! head: terminal bytes must come through as they are.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bollard::exec::{CreateExecOptions, ResizeExecOptions};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, header, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use node_api::error::NodeErrorCode;
use std::sync::{Arc, OnceLock};
use tokio::{
    io::{AsyncReadExt, ReadHalf},
    net::UnixStream,
};
use uuid::Uuid;

use super::{
    api::{EXEC, late},
    context::{Context, container_name, named},
    exec::{self, ENVIRONMENT},
    session,
};
use crate::driver::{DriverError, Tty, TtyControl};

/// Sets the size before anything prints (Docker 20.10 cannot; a resize after the start comes too
/// late for the first prompt), goes home, and becomes root's login shell.
const WRAPPER: &str = r#"stty rows "$1" cols "$2" 2>/dev/null
cd /root 2>/dev/null || cd /
while IFS=: read -r n p u g c h s; do [ "$u" = 0 ] && break; done </etc/passwd 2>/dev/null
[ -x "$s" ] || s=/bin/sh
SHELL=$s; export SHELL; unset n p u g c h
exec "$s" -l"#;

/// Where the node cannot see the container's processes: ends, from inside, the sessions whose
/// leader carries the terminal's mark.
const KILL_INSIDE: &str = r#"for d in /proc/[0-9]*; do
read -r l <"$d/stat" || continue
q=${d#/proc/}; set -- "$1" ${l##*) }
[ "$5" = "$q" ] && grep -q "MC_TTY=$1" "$d/environ" && t="$t $q"
done 2>/dev/null
[ -n "$t" ] || exit 0
for g in HUP KILL; do
for d in /proc/[0-9]*; do
read -r l <"$d/stat" || continue
set -- ${l##*) }
case " $t " in *" $4 "*) kill -$g ${d#/proc/};; esac
done 2>/dev/null
[ $g = KILL ] || sleep 1
done"#;

/// The engine holds the first key of this back until the next one comes, and there must be such a
/// sequence: its own begins with Ctrl-P, the shell's "previous command". Nobody types this one, and
/// Ctrl-@ alone sets a mark where the next key finds it.
const DETACH_KEYS: &str = "ctrl-@,ctrl-@,ctrl-_,ctrl-@,ctrl-^,ctrl-@,ctrl-_";

/// The most that is read at once.
const CHUNK: usize = 32 * 1024;

pub(super) async fn vm_tty(
    context: &Arc<Context>,
    id: Uuid,
    cols: u16,
    rows: u16,
) -> Result<Tty, DriverError> {
    context.check_mine(id).await?;
    let mark = Uuid::now_v7().simple().to_string();
    let name = container_name(id);
    let exec = context
        .api
        .call(EXEC, |docker| {
            docker.create_exec(&name, options(&mark, cols, rows))
        })
        .await
        .map_err(|error| named(error, id))?
        .id;
    let start = start(context.api.socket(), &exec);
    let stream = match tokio::time::timeout(EXEC, start).await {
        Ok(stream) => stream?,
        Err(_) => return Err(late(EXEC)),
    };
    let (read, write) = tokio::io::split(TokioIo::new(stream));
    let control = Control {
        context: context.clone(),
        vm_id: id,
        exec,
        mark,
        leader: Arc::default(),
    };
    control.settle(cols, rows);
    Ok(Tty {
        output: chunks(read),
        input: Box::pin(write),
        control: Box::new(control),
    })
}

fn options(mark: &str, cols: u16, rows: u16) -> CreateExecOptions<String> {
    let (rows, cols) = (rows.to_string(), cols.to_string());
    let cmd = ["/bin/sh", "-c", WRAPPER, "mc", &rows, &cols];
    let mark = format!("MC_TTY={mark}");
    CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(true),
        cmd: Some(cmd.map(str::to_owned).into()),
        env: Some(
            ENVIRONMENT
                .iter()
                .copied()
                .chain([mark.as_str()])
                .map(str::to_owned)
                .collect(),
        ),
        user: Some("0:0".into()),
        detach_keys: Some(DETACH_KEYS.into()),
        ..Default::default()
    }
}

/// Starts the exec and takes the connection over.
async fn start(socket: &std::path::Path, exec: &str) -> Result<Upgraded, DriverError> {
    let away = |error: &dyn std::error::Error| {
        let message = format!(
            "the engine cannot be reached: {}",
            super::api::with_causes(error)
        );
        DriverError::new(NodeErrorCode::EngineAway, message)
    };
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| away(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| away(&error))?;
    tokio::spawn(connection.with_upgrades());
    let request = Request::post(format!("/exec/{exec}/start"))
        .header(header::HOST, "docker")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "tcp")
        .body(Full::new(Bytes::from_static(
            br#"{"Detach":false,"Tty":true}"#,
        )))
        .map_err(|error| DriverError::new(NodeErrorCode::Internal, error.to_string()))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| away(&error))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(response).await);
    }
    hyper::upgrade::on(response)
        .await
        .map_err(|error| away(&error))
}

/// The engine's words of why it did not start the shell.
async fn refusal(response: hyper::Response<hyper::body::Incoming>) -> DriverError {
    let status = response.status();
    let code = match status {
        StatusCode::NOT_FOUND => NodeErrorCode::NotFound,
        StatusCode::CONFLICT => NodeErrorCode::Conflict,
        _ => NodeErrorCode::Engine,
    };
    let limited = http_body_util::Limited::new(response.into_body(), 64 * 1024);
    let message = match limited.collect().await {
        Ok(body) => words(&body.to_bytes()),
        Err(_) => String::new(),
    };
    DriverError::new(
        code,
        format!("the shell was not started: {message} ({status})"),
    )
}

fn words(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| json.get("message")?.as_str());
    message.map_or_else(
        || String::from_utf8_lossy(body).trim().to_owned(),
        str::to_owned,
    )
}

/// What the PTY prints, as it comes.
fn chunks(
    read: ReadHalf<TokioIo<Upgraded>>,
) -> Pin<Box<dyn Stream<Item = Result<Bytes, DriverError>> + Send>> {
    let start = (read, BytesMut::with_capacity(CHUNK));
    Box::pin(stream::unfold(Some(start), async |state| {
        let (mut read, mut buffer) = state?;
        buffer.reserve(CHUNK);
        match read.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.split().freeze()), Some((read, buffer)))),
            Err(error) => {
                let message = format!("the terminal's stream broke: {error}");
                let error = DriverError::new(NodeErrorCode::EngineAway, message);
                Some((Err(error), None))
            }
        }
    }))
}

#[derive(Clone)]
struct Control {
    context: Arc<Context>,
    vm_id: Uuid,
    exec: String,
    /// In the environment of everything that runs in the terminal.
    mark: String,
    leader: Arc<OnceLock<Leader>>,
}

/// The session's leader, as the host sees it.
#[derive(Clone, Debug)]
struct Leader {
    pid: i32,
    container: String,
}

impl Control {
    /// Learns the leader while it lives, and sets the size once more for images without stty.
    fn settle(&self, cols: u16, rows: u16) {
        let control = self.clone();
        tokio::spawn(async move {
            for wait_ms in [20, 50, 100, 200, 400, 800] {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                match control.find_leader().await {
                    Ok(Some(_)) => break,
                    Ok(None) => {}
                    Err(error) => {
                        return tracing::debug!("a terminal's leader is not known: {error}");
                    }
                }
            }
            if let Err(error) = control.resize(cols, rows).await {
                tracing::debug!("a terminal's first size was not set again: {error}");
            }
        });
    }

    async fn find_leader(&self) -> Result<Option<Leader>, DriverError> {
        if let Some(leader) = self.leader.get() {
            return Ok(Some(leader.clone()));
        }
        let found = self
            .context
            .api
            .call(EXEC, |docker| docker.inspect_exec(&self.exec))
            .await?;
        let pid = found
            .pid
            .and_then(|pid| i32::try_from(pid).ok())
            .filter(|pid| *pid > 1);
        let (Some(pid), Some(container)) = (pid, found.container_id) else {
            return Ok(None);
        };
        Ok(Some(
            self.leader
                .get_or_init(|| Leader { pid, container })
                .clone(),
        ))
    }

    /// From inside the VM, where the host's processes cannot be seen.
    async fn kill_inside(&self) -> Result<(), DriverError> {
        let argv = ["/bin/sh", "-c", KILL_INSIDE, "mc", &self.mark].map(str::to_owned);
        let run = exec::run(&self.context, self.vm_id, &argv);
        match tokio::time::timeout(EXEC, run).await {
            Ok(Ok(_)) => Ok(()),
            // It does not run any more: its processes are gone.
            Ok(Err(error)) if is_over(&error) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(late(EXEC)),
        }
    }
}

fn is_over(error: &DriverError) -> bool {
    matches!(
        error.code,
        NodeErrorCode::Conflict | NodeErrorCode::NotFound
    )
}

#[async_trait]
impl TtyControl for Control {
    async fn resize(&self, cols: u16, rows: u16) -> Result<(), DriverError> {
        let size = ResizeExecOptions {
            width: cols.clamp(1, 500),
            height: rows.clamp(1, 500),
        };
        self.context
            .api
            .call(EXEC, |docker| docker.resize_exec(&self.exec, size))
            .await
    }

    async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        let found = self
            .context
            .api
            .call(EXEC, |docker| docker.inspect_exec(&self.exec))
            .await;
        match found {
            Ok(found) if found.running == Some(true) => Ok(None),
            Ok(found) => Ok(found.exit_code.and_then(|code| i32::try_from(code).ok())),
            // The engine forgets execs of containers that are gone.
            Err(error) if is_over(&error) => Ok(Some(137)),
            Err(error) => Err(error),
        }
    }

    async fn kill(&self) -> Result<(), DriverError> {
        let leader = match self.find_leader().await {
            Ok(leader) => leader,
            Err(error) if is_over(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        match leader {
            Some(leader)
                if self.context.config.host_processes
                    && session::host_is_seen(&leader.container) =>
            {
                session::end(leader.pid, &leader.container).await
            }
            _ => self.kill_inside().await,
        }
    }
}
