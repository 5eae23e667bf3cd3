//! `GET /v1/shells/{id}/attach`. What is wrong with a request is told by a close code after the
//! upgrade: a browser shows its page nothing of a refused one.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{
        Path, Query, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    ShellRegistry,
    close::Close,
    input::ClientId,
    limits::{INPUT_FRAME_BYTES, Size},
    viewer::{self, Attach},
};
use crate::error::ApiError;

/// Longer messages are not even read. Frames over their own limit but under this one are refused
/// with better words.
const MESSAGE_BYTES: usize = 4 * INPUT_FRAME_BYTES;
/// Buffers of a socket. The defaults (128 KiB each) would be most of what a shell takes.
const BUFFER_BYTES: usize = 8 * 1024;

/// 400 for what is no WebSocket request. All else is upgraded, and told by a close code what is wrong with it.
pub async fn attach(
    State(shells): State<Arc<ShellRegistry>>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return ApiError::bad_request(rejection.body_text()).into_response(),
    };
    let found = parse(&query).map_err(Close::malformed).and_then(|attach| {
        let id = id.parse::<Uuid>().map_err(|_| Close::shell_not_found())?;
        Ok((shells.find(id)?, attach))
    });
    upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .on_upgrade(|socket| async move {
            match found {
                Ok((shell, attach)) => viewer::serve(shell, socket, attach).await,
                Err(close) => viewer::refuse_socket(socket, &close).await,
            }
        })
}

fn parse(query: &HashMap<String, String>) -> Result<Attach, String> {
    let number = |name: &str, default: u64| match query.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| format!("{name} is not a number")),
    };
    let client = query
        .get("client")
        .filter(|text| text.len() == 16)
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or("client must be 16 hex digits")?;
    let small = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
    Ok(Attach {
        client: ClientId(client),
        from: query
            .contains_key("from")
            .then(|| number("from", 0))
            .transpose()?,
        size: Size::clamped(small(number("cols", 80)?), small(number("rows", 24)?)),
        watch_only: number("watch", 0)? != 0,
        parts: number("parts", 0)? != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pairs: &[(&str, &str)]) -> Result<Attach, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        parse(&pairs.collect())
    }

    #[test]
    fn sizes_are_clamped_before_anything_else_sees_them() {
        let client = ("client", "00000000000000ff");
        let huge = parsed(&[client, ("cols", "65535"), ("rows", "99999999")]).unwrap();
        assert_eq!(
            huge.size,
            Size {
                cols: 500,
                rows: 500
            }
        );
        let none = parsed(&[client, ("cols", "0"), ("rows", "0")]).unwrap();
        assert_eq!(none.size, Size { cols: 1, rows: 1 });
        assert_eq!(none.client, ClientId(255));
    }

    #[test]
    fn a_client_without_a_name_is_refused() {
        assert!(parsed(&[]).is_err());
        assert!(parsed(&[("client", "123")]).is_err());
        assert!(parsed(&[("client", "+00000000000000f")]).is_ok_and(|a| a.client.0 == 15));
        assert!(parsed(&[("client", "zzzzzzzzzzzzzzzz")]).is_err());
        assert!(parsed(&[("client", "00000000000000ff"), ("from", "-1")]).is_err());
    }
}
