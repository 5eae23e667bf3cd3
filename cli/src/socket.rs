//! The WebSocket to a shell or a program, by the server that everything else goes to.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use rustls_platform_verifier::ConfigVerifierExt as _;
use server_api::problem::Problem;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error as SocketError,
        client::IntoClientRequest as _,
        handshake::client::Request,
        http::{HeaderValue, header},
    },
};

use crate::{
    client::{CONNECT_DEADLINE, Client},
    error::CliError,
};

/// A connection with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Both are spoken over it: docs/shell-protocol.md and docs/exec-protocol.md.
pub type Socket = WebSocketStream<Box<dyn Stream>>;

/// From the name to the answered upgrade.
const DEADLINE: Duration = Duration::from_secs(20);

/// Attaches. `path` is an address of the server, with its query.
pub async fn connect(client: &Client, path: &str) -> Result<Socket, CliError> {
    let opened = timeout(DEADLINE, open(client, path)).await;
    opened.map_err(|_| CliError::TimedOut {
        server: client.server().to_owned(),
    })?
}

async fn open(client: &Client, path: &str) -> Result<Socket, CliError> {
    let lost = |reason: String| CliError::Unreachable {
        server: client.server().to_owned(),
        reason,
    };
    let request = request(client, path)?;
    let stream = stream(client.server()).await.map_err(lost)?;
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(SocketError::Http(answer)) => Err(refused(
            answer.status(),
            answer.body().as_deref().unwrap_or_default(),
        )),
        Err(error) => Err(lost(error.to_string())),
    }
}

fn request(client: &Client, path: &str) -> Result<Request, CliError> {
    let garbled = || CliError::Garbled {
        server: client.server().to_owned(),
        reason: format!("{path} is no path of a socket"),
    };
    // The token goes to this server only.
    let path = Some(path)
        .filter(|path| path.starts_with('/'))
        .ok_or_else(garbled)?;
    let server = client.server().replacen("http", "ws", 1);
    let mut request = format!("{server}{path}")
        .into_client_request()
        .map_err(|_| garbled())?;
    if let Some(token) = client.token() {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| CliError::Usage("the token holds what no token can hold".into()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}

async fn stream(server: &str) -> Result<Box<dyn Stream>, String> {
    let url = Url::parse(server).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default();
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = timeout(CONNECT_DEADLINE, TcpStream::connect((host.as_str(), port)))
        .await
        .map_err(|_| "no connection in time".to_owned())?
        .map_err(|error| error.to_string())?;
    // Keys are small and should not wait for each other.
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    match url.scheme() {
        "https" => encrypted(host, tcp).await,
        _ => Ok(Box::new(tcp)),
    }
}

async fn encrypted(host: String, tcp: TcpStream) -> Result<Box<dyn Stream>, String> {
    let config =
        rustls::ClientConfig::with_platform_verifier().map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    let tls = connector.connect(name, tcp).await;
    Ok(Box::new(tls.map_err(|error| error.to_string())?))
}

/// Why the server did not upgrade.
fn refused(status: StatusCode, body: &[u8]) -> CliError {
    let problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
        code: "refused".into(),
        title: status.canonical_reason().unwrap_or_default().into(),
        status: status.as_u16(),
        detail: match status {
            StatusCode::NOT_FOUND => "It is gone.".into(),
            _ => format!("It could not be attached to: the server answered {status}."),
        },
        field: None,
        request_id: None,
    });
    CliError::Api(Box::new(problem))
}
