//! Attaching to a shell or a command: the WebSocket to its node.

use std::time::Duration;

use http::{HeaderValue, Uri, header};
use node_api::{error::NodeErrorCode, path};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, client::IntoClientRequest as _, protocol::WebSocketConfig},
};
use uuid::Uuid;

use super::{NodeCallError, NodeClient, error::innermost, tls};

/// From the first packet to the upgrade.
const ATTACH: Duration = Duration::from_secs(10);
/// The same of a shell: well below the 10 s that a page waits for a hello, or it would take a node that hangs for
/// a lost network.
const SHELL_ATTACH: Duration = Duration::from_secs(5);
/// A frame holds at most 64 KiB of terminal bytes, a snapshot 3 MiB.
const MESSAGE_MAX: usize = 4 * 1024 * 1024;
/// What is read at once. The default (128 KiB, which stay for as long as the socket) would be most of what a
/// shell takes.
const SHELL_BUFFER: usize = 8 * 1024;
const STREAM_BUFFER: usize = 64 * 1024;

/// The node's side of an attached shell or command.
pub type NodeSocket = WebSocketStream<Box<dyn NodeIo>>;

/// A connection, with or without TLS.
pub trait NodeIo: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> NodeIo for T {}

impl NodeClient {
    /// Attaches to a shell; `query` is the viewer's, passed on as it came.
    pub async fn shell_attach(
        &self,
        shell_id: Uuid,
        query: &str,
    ) -> Result<NodeSocket, NodeCallError> {
        let path = path::with_id(path::SHELL_ATTACH, shell_id);
        let path = format!("{path}?{query}");
        self.attach(&path, SHELL_BUFFER, SHELL_ATTACH).await
    }

    /// A socket for one command in a VM; its first frame says which (docs/exec-protocol.md).
    pub async fn vm_exec_attach(&self, vm_id: Uuid) -> Result<NodeSocket, NodeCallError> {
        let path = path::with_id(path::VM_EXEC_ATTACH, vm_id);
        self.attach(&path, STREAM_BUFFER, ATTACH).await
    }

    /// A socket to a TCP port of a VM (docs/exec-protocol.md, Ports).
    pub async fn vm_connect(&self, vm_id: Uuid, port: u16) -> Result<NodeSocket, NodeCallError> {
        let path = path::with_id(path::VM_CONNECT, vm_id).replace("{port}", &port.to_string());
        self.attach(&path, STREAM_BUFFER, ATTACH).await
    }

    async fn attach(
        &self,
        path: &str,
        buffer: usize,
        within: Duration,
    ) -> Result<NodeSocket, NodeCallError> {
        timeout(within, self.upgraded(path, buffer))
            .await
            .map_err(|_| NodeCallError::Timeout(within))?
    }

    async fn upgraded(&self, path: &str, buffer: usize) -> Result<NodeSocket, NodeCallError> {
        let uri: Uri = self.address().parse().map_err(|error| unusable(&error))?;
        let stream = self.connect(&uri).await?;
        let request = self.upgrade(&uri, path)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX))
            .read_buffer_size(buffer);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(refusal(error)),
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn NodeIo>, NodeCallError> {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let stream = TcpStream::connect((bare, port))
            .await
            .map_err(|error| away(&error))?;
        stream.set_nodelay(true).map_err(|error| away(&error))?;
        if !tls {
            return Ok(Box::new(stream));
        }
        let config = tls::client_config(self.inner.address.fingerprint.as_deref())?;
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| unusable(&error))?;
        let stream = TlsConnector::from(std::sync::Arc::new(config))
            .connect(name, stream)
            .await;
        Ok(Box::new(stream.map_err(|error| away(&error))?))
    }

    fn upgrade(&self, uri: &Uri, path: &str) -> Result<http::Request<()>, NodeCallError> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let mut request = format!("ws://{authority}{path}")
            .into_client_request()
            .map_err(|error| unusable(&error))?;
        let bearer = format!("Bearer {}", self.inner.address.credential.expose());
        let mut bearer = HeaderValue::try_from(bearer).map_err(|error| unusable(&error))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        if let Some(name) = &self.inner.address.name {
            let name = HeaderValue::from_str(name).map_err(|error| unusable(&error))?;
            request.headers_mut().insert(node_api::NODE_HEADER, name);
        }
        if let Some(id) = &self.request_id {
            let id = HeaderValue::from_str(id).map_err(|error| unusable(&error))?;
            request.headers_mut().insert("x-request-id", id);
        }
        Ok(request)
    }
}

/// The node answered, but did not upgrade.
fn refusal(error: tungstenite::Error) -> NodeCallError {
    let tungstenite::Error::Http(answer) = &error else {
        return away(&error);
    };
    let refusal = answer
        .body()
        .as_deref()
        .and_then(|body| serde_json::from_slice(body).ok());
    match (refusal, answer.status().as_u16()) {
        (Some(refusal), _) => NodeCallError::Refused(refusal),
        (None, 404) => NodeCallError::Refused(node_api::error::NodeError {
            code: NodeErrorCode::NotFound,
            message: "it is gone".into(),
        }),
        (None, status) => NodeCallError::Malformed(format!("status {status}")),
    }
}

fn away(error: &(dyn std::error::Error + 'static)) -> NodeCallError {
    NodeCallError::Unreachable(innermost(error))
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> NodeCallError {
    NodeCallError::Unusable(innermost(error))
}
