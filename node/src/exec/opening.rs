//! The time from a caller's wish to a command that runs. It has an end; a caller that leaves ends it at once.

use std::{pin::pin, time::Duration};

use axum::extract::ws::Message;
use futures_util::{Stream, StreamExt as _};
use node_api::{
    error::{NodeError, NodeErrorCode},
    exec_frame::STDIN_WINDOW_BYTES,
};
use tokio::time::timeout;

/// From the start frame on: nobody waits for 30 s.
pub const OPEN: Duration = Duration::from_secs(25);
/// So much of what a caller sends meanwhile is kept: all its input may be, with some frames beside it. What is
/// more stays in its socket.
const EARLY_BYTES: usize = STDIN_WINDOW_BYTES as usize + 256 * 1024;
/// What keeping a message takes beside its bytes, about.
const HEAD_BYTES: usize = 64;

/// What is opened, or why it is not; None where the caller has left. What the caller sent is for later.
pub async fn wait<T>(
    opening: impl Future<Output = Result<T, NodeError>>,
    deadline: Duration,
    stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
    early: &mut Vec<Message>,
) -> Option<Result<T, NodeError>> {
    let mut opening = pin!(timeout(deadline, opening));
    let mut kept = 0;
    loop {
        tokio::select! {
            opened = &mut opening => return Some(opened.unwrap_or_else(|_| Err(late(deadline)))),
            message = stream.next(), if kept < EARLY_BYTES => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(message)) => {
                    kept += bytes(&message) + HEAD_BYTES;
                    early.push(message);
                }
            },
        }
    }
}

fn bytes(message: &Message) -> usize {
    match message {
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Text(text) => text.len(),
        Message::Close(_) => 0,
    }
}

fn late(deadline: Duration) -> NodeError {
    NodeError {
        code: NodeErrorCode::Timeout,
        message: format!("it did not begin within {} s", deadline.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::Arc,
    };

    use futures_util::stream;
    use tokio::{sync::oneshot, task::yield_now};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    fn message(len: usize) -> Result<Message, axum::Error> {
        Ok(Message::Binary(vec![0; len].into()))
    }

    #[tokio::test]
    async fn what_does_not_open_is_given_up_in_time() {
        let mut early = Vec::new();
        let never = pending::<Result<(), NodeError>>();
        let opened = wait(never, SHORT, &mut stream::pending(), &mut early).await;
        let error = opened.and_then(Result::err).expect("a reason");
        assert_eq!(error.code, NodeErrorCode::Timeout);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_ends_it_at_once() {
        for gone in [Some(Ok(Message::Close(None))), None] {
            let held = Arc::new(());
            let own = held.clone();
            let opening = async move {
                pending::<()>().await;
                drop(own);
                Ok(())
            };
            let mut caller = stream::iter([message(1)].into_iter().chain(gone));
            let mut early = Vec::new();
            assert!(wait(opening, LONG, &mut caller, &mut early).await.is_none());
            assert_eq!(Arc::strong_count(&held), 1);
        }
    }

    #[tokio::test]
    async fn what_comes_early_is_kept_up_to_a_limit() {
        const KEPT: usize = EARLY_BYTES / (64 * 1024);
        let (full, is_full) = oneshot::channel();
        let mut full = Some(full);
        let slow = async {
            is_full.await.expect("so many are taken");
            // Time enough to take more than that.
            for _ in 0..100 {
                yield_now().await;
            }
            Ok(7)
        };
        let mut caller = stream::iter((0..100).map(|at| {
            if at + 1 == KEPT
                && let Some(full) = full.take()
            {
                full.send(()).expect("it is waited for");
            }
            message(64 * 1024)
        }));
        let mut early = Vec::new();
        let opened = wait(slow, LONG, &mut caller, &mut early).await;
        assert_eq!(opened, Some(Ok(7)));
        assert_eq!((early.len(), caller.count().await), (KEPT, 100 - KEPT));
        let mut early = Vec::new();
        let at_once = wait(ready(Ok(8)), LONG, &mut stream::pending(), &mut early).await;
        assert_eq!((at_once, early.len()), (Some(Ok(8)), 0));
    }
}
