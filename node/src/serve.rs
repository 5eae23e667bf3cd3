//! The accept loop: header timeout, connection limit, TLS, graceful end.

use std::{io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Time for a request's headers, and for a TLS handshake.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// Time for requests under way when the node is told to end.
const END_DEADLINE: Duration = Duration::from_secs(8);
/// Connections at once; one server needs a few dozen, and one for each viewer of a shell.
const CONNECTIONS: usize = 4096;

/// Serves until `shutdown` is cancelled and what was under way has ended.
pub async fn run(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    static LIMIT: Semaphore = Semaphore::const_new(CONNECTIONS);
    let connections = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                refused(&error).await;
                continue;
            }
        };
        let Ok(permit) = LIMIT.try_acquire() else {
            tracing::warn!("more than {CONNECTIONS} connections: one was closed");
            continue;
        };
        let (router, tls, shutdown) = (router.clone(), tls.clone(), shutdown.clone());
        connections.spawn(async move {
            connection(stream, router, tls, shutdown).await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(END_DEADLINE, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            "connections were still open {} s after the end",
            END_DEADLINE.as_secs()
        );
    }
}

/// Out of file descriptors, say: waits, or the loop would spin.
async fn refused(error: &io::Error) {
    tracing::error!("cannot accept a connection: {error}");
    tokio::time::sleep(Duration::from_millis(200)).await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        return tracing::debug!("a connection ended at once: {error}");
    }
    let Some(acceptor) = tls else {
        return http(stream, router, shutdown).await;
    };
    match tokio::time::timeout(HEADER_DEADLINE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => http(stream, router, shutdown).await,
        Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn http<S>(stream: S, router: Router, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!("a connection ended: {error}");
    }
}
