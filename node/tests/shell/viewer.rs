//! A viewer of a shell, and the port it comes to.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use node::shell::{
    self, ShellRegistry,
    frame::{Hello, NodeFrame, ViewerFrame},
    limits::Size,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};
use uuid::Uuid;

/// Nothing in these tests takes so long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Serves the WebSockets of a node's shells on a port of its own.
pub async fn serve(shells: Arc<ShellRegistry>) -> SocketAddr {
    use axum::serve::ListenerExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(|tcp| tcp.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, shell::router(shells)).await.unwrap() });
    address
}

/// What came to a viewer.
#[derive(Debug, PartialEq)]
pub enum Got {
    Frame(NodeFrame),
    Closed(u16, String),
    /// Cut without a close.
    Cut,
}

/// A viewer's socket.
pub struct Viewer {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub hello: Option<Hello>,
}

impl Viewer {
    /// Connects with any query.
    pub async fn connect(address: SocketAddr, shell: impl std::fmt::Display, query: &str) -> Self {
        let url = format!("ws://{address}/v1/shells/{shell}/attach?{query}");
        let connecting = tokio_tungstenite::connect_async_with_config(url, None, true);
        let (socket, _) = timeout(PATIENCE, connecting).await.unwrap().unwrap();
        Self {
            socket,
            hello: None,
        }
    }

    /// Attaches; the hello has been read.
    pub async fn attach(address: SocketAddr, shell: Uuid, client: u64, query: &str) -> Self {
        let query = format!("client={client:016x}{query}");
        let mut viewer = Self::connect(address, shell, &query).await;
        match viewer.next().await {
            Got::Frame(NodeFrame::Hello(hello)) => viewer.hello = Some(hello),
            other => panic!("the hello comes first, not {other:?}"),
        }
        viewer
    }

    pub fn hello(&self) -> &Hello {
        self.hello.as_ref().unwrap()
    }

    pub async fn next(&mut self) -> Got {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("nothing came");
            return match message {
                Some(Ok(Message::Binary(bytes))) => Got::Frame(NodeFrame::decode(&bytes).unwrap()),
                Some(Ok(Message::Close(Some(close)))) => {
                    Got::Closed(close.code.into(), close.reason.to_string())
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => Got::Cut,
            };
        }
    }

    /// The next frame of a kind; others are skipped.
    pub async fn find<T>(&mut self, mut wanted: impl FnMut(NodeFrame) -> Option<T>) -> T {
        loop {
            match self.next().await {
                Got::Frame(frame) => {
                    if let Some(found) = wanted(frame) {
                        return found;
                    }
                }
                other => panic!("{other:?} came instead"),
            }
        }
    }

    /// Output until it holds `end`, acknowledged as it comes; snapshots count as output.
    pub async fn output_until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        while !all.windows(end.len().max(1)).any(|window| window == end) {
            let (offset, bytes) = self.output().await;
            all.extend_from_slice(&bytes);
            self.send(ViewerFrame::Ack(offset)).await;
        }
        all
    }

    /// The next output or snapshot, and the offset after it.
    pub async fn output(&mut self) -> (u64, Bytes) {
        self.find(|frame| match frame {
            NodeFrame::Output { offset, bytes } => Some((offset + bytes.len() as u64, bytes)),
            NodeFrame::Snapshot { offset, bytes, .. } => Some((offset, bytes)),
            _ => None,
        })
        .await
    }

    pub async fn snapshot(&mut self) -> (u64, Size, Bytes) {
        self.find(|frame| match frame {
            NodeFrame::Snapshot {
                offset,
                size,
                bytes,
            } => Some((offset, size, bytes)),
            _ => None,
        })
        .await
    }

    pub async fn input_ack(&mut self, at_least: u64) -> u64 {
        self.find(|frame| match frame {
            NodeFrame::InputAck(offset) if offset >= at_least => Some(offset),
            _ => None,
        })
        .await
    }

    /// The close code, after whatever else comes.
    pub async fn closed(&mut self) -> u16 {
        self.closed_because().await.0
    }

    /// The close code and its reason, after whatever else comes.
    pub async fn closed_because(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Got::Frame(_) => {}
                Got::Closed(code, reason) => return (code, reason),
                Got::Cut => return (1006, String::new()),
            }
        }
    }

    /// The node has read what was sent before, and answers.
    pub async fn is_heard(&mut self) {
        self.send(ViewerFrame::Ping(1)).await;
        self.find(|frame| matches!(frame, NodeFrame::Pong(1)).then_some(()))
            .await;
    }

    pub async fn send(&mut self, frame: ViewerFrame) {
        self.send_raw(Message::Binary(frame.encode())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        // The node may have closed already; what it said is read afterwards.
        let _ = timeout(PATIENCE, self.socket.send(message))
            .await
            .expect("the node does not read");
    }

    pub async fn type_at(&mut self, offset: u64, text: impl Into<Bytes>) {
        self.send(ViewerFrame::Input {
            offset,
            bytes: text.into(),
        })
        .await;
    }
}

/// Waits until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
