//! Which requests of a connection are open: come whole with their headers, and not yet answered whole.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    response::Response,
};
use hyper::body::{Bytes, Frame, SizeHint};

/// Counts the open requests of one connection.
#[derive(Clone, Default)]
pub struct OpenRequests(Arc<AtomicUsize>);

/// A request that is open until this is dropped.
pub struct OpenRequest(Arc<AtomicUsize>);

impl OpenRequests {
    /// Counts one more, from when its headers have come.
    pub fn begin(&self) -> OpenRequest {
        self.0.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self.0.clone())
    }

    /// True while some request has not been answered whole: a connection that is to close waits for it.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl OpenRequest {
    /// Keeps it open until the answer's body was sent, or is given up.
    pub fn until_sent(self, answer: Response) -> Response {
        answer.map(|body| {
            Body::new(Sent {
                body,
                _request: self,
            })
        })
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Sent {
    body: Body,
    _request: OpenRequest,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
