//! The connection of a shell's node: output goes out as it comes, input comes in, neither waits for the
//! other.

use std::{io, sync::Arc};

use bytes::BytesMut;
use tokio::{
    io::AsyncWriteExt,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::Mutex,
};

use super::{
    shell::HeldShell,
    wire::{Drawing, Encode, Frames, FromHolder, OUTPUT_BYTES, ToHolder, encoded},
};
use crate::shell::lock;

/// A write of less is none of a flood's. Bytes.
const LITTLE: usize = 4 * 1024;

type Write = Arc<Mutex<OwnedWriteHalf>>;

/// Serves a shell to its node until that goes, or attaches anew.
pub(super) async fn serve(
    shell: &HeldShell,
    from: u64,
    frames: &mut Frames<OwnedReadHalf>,
    write: &Write,
) {
    let (number, drawing) = shell.begin_reading(from);
    let sending = async {
        if say_drawing(drawing, write).await.is_ok() {
            send(shell, number, from, write).await;
        }
    };
    tokio::select! {
        () = sending => {}
        () = take(shell, number, frames) => {}
        () = shell.dropped.cancelled() => {}
    }
    shell.end_reading(number);
}

/// Before any output; what it takes is given back when it is said.
async fn say_drawing(drawing: Option<Drawing>, write: &Write) -> io::Result<()> {
    let Some(drawing) = drawing else {
        return Ok(());
    };
    let frame = encoded(&FromHolder::Drawing(drawing));
    write.lock().await.write_all(&frame).await
}

/// Everything that comes, in as few writes as it takes. Returns where it is over.
async fn send(shell: &HeldShell, number: u64, from: u64, write: &Write) {
    let mut position = from;
    let mut out = BytesMut::new();
    let mut bytes = Vec::new();
    loop {
        let news = shell.news.notified();
        // Before the output is looked at: it has all come when the end is there.
        let ended = shell.ended();
        let Some(word) = shell.take_word(number) else {
            return;
        };
        for (client, end) in word.written {
            FromHolder::Written { client, end }.encode(&mut out);
        }
        if let Some(synced) = word.synced {
            FromHolder::Synced(synced).encode(&mut out);
        }
        bytes.clear();
        {
            let ring = lock(&shell.ring);
            // Only where the node asked for what is forgotten, or has hung.
            position = position.max(ring.start()).min(ring.end());
            let _ = ring.read(position, OUTPUT_BYTES, &mut bytes);
        }
        if !bytes.is_empty() {
            let offset = position;
            position += bytes.len() as u64;
            let bytes = bytes.split_off(0).into();
            FromHolder::Output { offset, bytes }.encode(&mut out);
        } else if let Some(ended) = ended {
            FromHolder::Ended(ended).encode(&mut out);
            // What the node says to that is nothing, and its end.
            let _ = write.lock().await.write_all(&out).await;
            return std::future::pending().await;
        }
        if out.is_empty() {
            if !shell.has_read(number, position) {
                return;
            }
            news.await;
            continue;
        }
        if write.lock().await.write_all(&out).await.is_err() || !shell.has_read(number, position) {
            return;
        }
        // A flood's would stay for as long as the shell.
        let is_over = out.len() < LITTLE && out.capacity() > OUTPUT_BYTES / 4;
        if is_over {
            out = BytesMut::new();
        }
        out.clear();
    }
}

/// Takes what the node says, to the end of the connection. It writes nothing, and so always reads on.
async fn take(shell: &HeldShell, number: u64, frames: &mut Frames<OwnedReadHalf>) {
    loop {
        match frames.next().await {
            Ok(Some(ToHolder::Input { client, end, bytes })) => {
                if !shell.input(client, end, &bytes) {
                    return tracing::error!(
                        shell = %shell.id,
                        "more input came than may wait for a program: the node is cut off"
                    );
                }
            }
            Ok(Some(ToHolder::Forget(client))) => shell.forget_client(client),
            Ok(Some(ToHolder::Owner(owner))) => shell.set_owner(owner),
            Ok(Some(ToHolder::Drawing(drawing))) => shell.set_drawing(drawing),
            Ok(Some(ToHolder::Sync(asked))) => shell.ask_back(number, asked),
            Ok(Some(other)) => tracing::debug!("not expected here: {other:?}"),
            Ok(None) => return,
            Err(error) => return tracing::debug!("a node's connection ended: {error}"),
        }
    }
}
