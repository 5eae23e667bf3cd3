//! The engine's stream of an exec, taken over from its HTTP connection.
//!
//! It is read here and not by bollard, which takes a first byte of 0, 1 or 2 for a frame's head:
//! bytes must come through as they are.

use std::{io::ErrorKind, path::Path};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, header, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use node_api::error::NodeErrorCode;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::UnixStream,
};

use super::api::{EXEC, late, root_cause};
use crate::driver::DriverError;

/// The most that is read at once.
pub(super) const CHUNK: usize = 32 * 1024;

/// Starts an exec and takes the connection over, within its deadline. Its end of writing is the end
/// of the command's input.
pub(super) async fn start(
    socket: &Path,
    exec: &str,
    tty: bool,
) -> Result<TokioIo<Upgraded>, DriverError> {
    match tokio::time::timeout(EXEC, upgraded(socket, exec, tty)).await {
        Ok(stream) => stream.map(TokioIo::new),
        Err(_) => Err(late(EXEC)),
    }
}

async fn upgraded(socket: &Path, exec: &str, tty: bool) -> Result<Upgraded, DriverError> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| away(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| away(&error))?;
    tokio::spawn(connection.with_upgrades());
    let body: &[u8] = match tty {
        true => br#"{"Detach":false,"Tty":true}"#,
        false => br#"{"Detach":false,"Tty":false}"#,
    };
    let request = Request::post(format!("/exec/{exec}/start"))
        .header(header::HOST, "docker")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "tcp")
        .body(Full::new(Bytes::from_static(body)))
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

fn away(error: &dyn std::error::Error) -> DriverError {
    let message = format!("the engine cannot be reached: {}", root_cause(error));
    DriverError::new(NodeErrorCode::EngineAway, message)
}

/// The engine's words of why it did not start the program.
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
    DriverError::new(code, format!("it was not started: {message} ({status})"))
}

fn words(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| json.get("message")?.as_str());
    message.map_or_else(
        || String::from_utf8_lossy(body).trim().to_owned(),
        str::to_owned,
    )
}

/// Reads on; 0 at the end. Where input that the program did not read waits in the engine when it closes the stream,
/// the system calls that a reset: all that the engine sent has come before, and the exit code is asked for.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<usize, DriverError> {
    match stream.read_buf(buffer).await {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
        read => read.map_err(|error| {
            let message = format!("the engine's stream broke: {error}");
            DriverError::new(NodeErrorCode::EngineAway, message)
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn input_that_nobody_read_takes_nothing_from_the_output() {
        let (mut ours, mut engines) = UnixStream::pair().unwrap();
        ours.write_all(b"never read").await.unwrap();
        engines.write_all(b"said").await.unwrap();
        drop(engines);
        let mut buffer = BytesMut::new();
        assert_eq!(read(&mut ours, &mut buffer).await.unwrap(), 4);
        assert_eq!(read(&mut ours, &mut buffer).await.unwrap(), 0);
        assert_eq!(&buffer[..], b"said");
    }
}
