//! The accept loop: axum's own sets no header timeout, so a client that never finishes its headers
//! would hold a connection for ever.

mod held;
mod open;
mod peer;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tower_http::timeout::DeadlineBody;

pub use peer::Peers;

use held::Held;
use open::OpenRequests;

/// How long a client may take to send its headers, and to shake hands.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a client may take to send a body, of 64 KiB at most: what it may do was looked at before, and must
/// still be so when it is done. It counts from the headers on; a password in them may wait 10 s for its turn.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 8_192;
/// How long open requests and WebSockets may take once a stop was asked for.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves `router` until `stop` is cancelled, then waits a while for open requests and cuts what is left.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    peers: Peers,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    // Those that have become WebSockets, too, whose close frames are to go out.
    let streams = TaskTracker::new();
    let cut = CancellationToken::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            break;
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        let Some(own) = peers.take(peer.ip()) else {
            tracing::warn!(%peer, "an address has too many connections: one was closed");
            continue;
        };
        let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
        let cut = cut.clone();
        // A key's echo must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let stream = Held::new(stream, (place, own, streams.token()));
        connections.spawn(async move {
            let connection = connection(stream, peer, tls, router, stop);
            cut.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    connections.close();
    streams.close();
    let all = async { tokio::join!(connections.wait(), streams.wait()) };
    if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
        tracing::warn!("some requests or sockets were still open when the server stopped");
        // They hold connections of the database, which is closed next.
        cut.cancel();
        connections.wait().await;
    }
}

/// The next connection; a full file table or a reset must not end the loop.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection<S>(
    stream: S,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match tls {
        None => http(stream, peer, router, stop).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream));
            match stop.run_until_cancelled(handshake).await {
                Some(Ok(Ok(stream))) => http(stream, peer, router, stop).await,
                Some(Ok(Err(error))) => tracing::debug!(%error, %peer, "no TLS handshake"),
                Some(Err(_)) => tracing::debug!(%peer, "the TLS handshake took too long"),
                None => {}
            }
        }
    }
}

async fn http<S>(stream: S, peer: SocketAddr, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let open = OpenRequests::default();
    let requests = open.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let open = requests.begin();
        let answer = router.clone().oneshot(
            request.map(|body| Body::new(DeadlineBody::new(BODY_TIMEOUT, body))) as Request,
        );
        async move { answer.await.map(|answer| open.until_sent(answer)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            if !open.any() {
                // Idle, or in the middle of a request's headers, whose rest may never come.
                return;
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

/// Reads a certificate chain and key (PEM).
pub fn tls(cert: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| io::Error::other(format!("{}: {error}", cert.display())))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| io::Error::other(format!("{}: {error}", key.display())))?;
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
