//! A shell as its viewer has it, through the server (docs/shell-protocol.md).

use std::time::Instant;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use node::shell::frame::{NodeFrame, ViewerFrame};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::SOON;

pub struct Shell {
    pub id: String,
    socket: WebSocketStream<TcpStream>,
    /// Bytes typed so far.
    typed: u64,
}

impl Shell {
    pub async fn attach(base: &str, token: &str, id: &str) -> Self {
        let host = base.strip_prefix("http://").unwrap();
        let path = format!("/api/v1/shells/{id}/attach?client=00000000000000aa&cols=80&rows=24");
        let mut request = format!("ws://{host}{path}").into_client_request().unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let socket = timeout(SOON, client_async(request, stream)).await;
        Self {
            id: id.to_owned(),
            socket: socket.expect("an answer").unwrap().0,
            typed: 0,
        }
    }

    pub async fn type_in(&mut self, text: &str) {
        let frame = ViewerFrame::Input {
            offset: self.typed,
            bytes: Bytes::copy_from_slice(text.as_bytes()),
        };
        self.typed += text.len() as u64;
        self.send(frame).await;
    }

    async fn send(&mut self, frame: ViewerFrame) {
        // Whether it goes on is seen by what comes.
        let _ = self.socket.send(Message::Binary(frame.encode())).await;
    }

    /// What it prints next, acknowledged; None once it has ended.
    pub async fn output(&mut self) -> Option<Bytes> {
        loop {
            let message = timeout(SOON, self.socket.next()).await;
            let Some(Ok(message)) = message.expect("nothing came") else {
                return None;
            };
            let Message::Binary(bytes) = message else {
                continue;
            };
            let (at, bytes) = match NodeFrame::decode(&bytes).unwrap() {
                NodeFrame::Output { offset, bytes } => (offset + bytes.len() as u64, bytes),
                NodeFrame::Snapshot { offset, bytes, .. } => (offset, bytes),
                NodeFrame::Ping(number) => {
                    self.send(ViewerFrame::Pong(number)).await;
                    continue;
                }
                NodeFrame::Exit(_) => return None,
                _ => continue,
            };
            self.send(ViewerFrame::Ack(at)).await;
            return Some(bytes);
        }
    }

    /// Reads until one of these has been printed; all that was.
    pub async fn wait_for_any(&mut self, marks: &[&str]) -> String {
        let (begun, mut seen) = (Instant::now(), String::new());
        while !marks.iter().any(|mark| seen.contains(mark)) {
            assert!(begun.elapsed() < SOON, "no {marks:?} in {seen:?}");
            let came = self.output().await;
            let came = came.unwrap_or_else(|| panic!("it ended without {marks:?}: {seen:?}"));
            seen.push_str(&String::from_utf8_lossy(&came));
        }
        seen
    }

    pub async fn wait_for(&mut self, mark: &str) {
        self.wait_for_any(&[mark]).await;
    }
}
