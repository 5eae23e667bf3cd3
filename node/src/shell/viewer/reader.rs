//! The half that takes frames from a viewer.

use std::sync::atomic::Ordering;

use axum::extract::ws::Message;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{Shared, Stream};
use crate::shell::{
    close::Close,
    frame::ViewerFrame,
    limits::Size,
    session::{Seat, Shell},
};

/// Takes frames until the viewer has gone. After a close it only waits for that.
pub async fn read(
    shell: &Shell,
    seat: &Seat,
    shared: &Shared,
    watch_only: bool,
    mut stream: Stream,
) {
    let mut closing = false;
    loop {
        let Some(next) = next_in_time(shell, shared, &mut stream).await else {
            shared.close(Close::silent(shell.limits().silence.as_secs()));
            closing = true;
            continue;
        };
        match next {
            None | Some(Ok(Message::Close(_))) => return,
            Some(Err(error)) => {
                if closing || !is_too_long(&error) {
                    return;
                }
                shared.close(Close::malformed(error.to_string()));
                return std::future::pending().await;
            }
            Some(Ok(message)) if !closing => {
                if let Err(close) = obey(shell, seat, shared, watch_only, message) {
                    tracing::debug!("{} is closed: {}", seat.describe(shell), close.reason);
                    shared.close(close);
                    closing = true;
                }
            }
            Some(Ok(_)) => {}
        }
    }
}

type Received = Option<Result<Message, axum::Error>>;

/// The next message; None when the viewer was silent too long. In the meantime it is asked whether
/// it is there, and has a third of the time for each answer, however late this node asks.
async fn next_in_time(shell: &Shell, shared: &Shared, stream: &mut Stream) -> Option<Received> {
    let third = shell.limits().silence / 3;
    for turn in 1..=3 {
        if let Ok(next) = timeout(third, stream.next()).await {
            return Some(next);
        }
        if turn < 3 {
            shared.ask.store(true, Ordering::Release);
            shared.news.notify_one();
        }
    }
    None
}

fn obey(
    shell: &Shell,
    seat: &Seat,
    shared: &Shared,
    watch_only: bool,
    message: Message,
) -> Result<(), Close> {
    let frame = match message {
        Message::Binary(bytes) => ViewerFrame::decode(&bytes)?,
        Message::Text(_) => return Err(Close::malformed("frames are binary; a text came")),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
    };
    match frame {
        ViewerFrame::Ack(offset) => acknowledge(shared, offset)?,
        ViewerFrame::Ping(value) => {
            *super::lock(&shared.ping) = Some(value);
            shared.news.notify_one();
        }
        ViewerFrame::Pong(_) | ViewerFrame::Unknown(_) => {}
        // Who may only watch changes nothing.
        _ if watch_only => {}
        ViewerFrame::Input { offset, bytes } => {
            if shell.is_replaced(seat) {
                return Err(Close::replaced());
            }
            shell.input(seat, offset, &bytes)?;
        }
        ViewerFrame::Resize { cols, rows } => shell.resize(seat, Size::clamped(cols, rows)),
        ViewerFrame::TakeSize => shell.take_size(seat),
    }
    Ok(())
}

fn acknowledge(shared: &Shared, offset: u64) -> Result<(), Close> {
    let sent = shared.sent.load(Ordering::Acquire);
    if offset > sent {
        let what = format!("output up to {offset} was acknowledged, but only {sent} was sent");
        return Err(Close::malformed(what));
    }
    shared.acked(offset);
    Ok(())
}

/// A message over the socket's limit, as opposed to a socket that broke.
fn is_too_long(error: &axum::Error) -> bool {
    error.to_string().contains("too long") || error.to_string().contains("too large")
}
