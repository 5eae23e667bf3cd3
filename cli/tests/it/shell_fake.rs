//! A node's half of docs/shell-protocol.md, for one shell whose program echoes what it reads.

use axum::{
    body::Bytes,
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::Uri,
    response::Response,
};
use std::collections::BTreeMap;

use super::fake::Fake;

const PROMPT: &[u8] = b"$ ";

/// The shell, over all its connections.
#[derive(Default)]
pub struct Shells {
    /// Queries of the attachments, in turn.
    pub queries: Vec<String>,
    /// All output so far.
    output: Vec<u8>,
    /// All input that was taken.
    pub input: Vec<u8>,
    /// Sizes that were asked for.
    pub sizes: Vec<(u16, u16)>,
    /// Somebody asked to own the size.
    pub size_taken: bool,
    /// Highest output offset that a viewer has shown.
    pub shown: u64,
    /// The viewer is told that another owns the size.
    pub foreign: bool,
}

/// What the program does next.
enum Then {
    GoOn,
    Exit(i32),
    /// The connection is cut with nothing acknowledged.
    Cut,
    Close(u16),
}

pub async fn attach(
    State(fake): State<Fake>,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let from = query.get("from").map(|from| from.parse().unwrap());
    assert_eq!(query.get("parts").map(String::as_str), Some("1"));
    let asked = uri.query().unwrap_or_default().to_owned();
    fake.shells.lock().unwrap().queries.push(asked);
    upgrade.on_upgrade(move |socket| async move { serve(fake, socket, from).await })
}

async fn serve(fake: Fake, mut socket: WebSocket, from: Option<usize>) {
    for frame in begin(&fake, from) {
        send(&mut socket, frame).await;
    }
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Binary(frame) = message else {
            continue;
        };
        let (answers, then) = take(&fake, &frame);
        if matches!(then, Then::Cut) {
            return;
        }
        for answer in answers {
            send(&mut socket, answer).await;
        }
        match then {
            Then::GoOn | Then::Cut => {}
            Then::Exit(code) => {
                let mut exit = vec![0x06];
                exit.extend(code.to_be_bytes());
                send(&mut socket, exit).await;
                return close(socket, 4001).await;
            }
            Then::Close(code) => return close(socket, code).await,
        }
    }
}

/// Hello, then what the viewer lacks, or a snapshot in two parts.
fn begin(fake: &Fake, from: Option<usize>) -> Vec<Vec<u8>> {
    let mut shells = fake.shells.lock().unwrap();
    if shells.output.is_empty() {
        shells.output.extend(PROMPT);
    }
    let end = shells.output.len();
    let hello = format!(
        "\u{3}{{\"version\":1,\"shell_id\":\"s1\",\"cols\":80,\"rows\":24,\"offset\":{},\"input_offset\":{},\"owner\":{},\"viewers\":1}}",
        from.unwrap_or(end),
        shells.input.len(),
        !shells.foreign,
    );
    let mut frames = vec![hello.into_bytes()];
    match from {
        Some(from) => frames.push(with_u64(0x01, from, &shells.output[from..])),
        None => {
            frames.push(b"\x0athe ".to_vec());
            frames.push(with_u64(0x02, end, b"\0\x50\0\x18screen"));
        }
    }
    frames
}

/// One frame of the viewer, and the answers to it.
fn take(fake: &Fake, frame: &[u8]) -> (Vec<Vec<u8>>, Then) {
    let mut shells = fake.shells.lock().unwrap();
    let u16_at = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    let number = || u64::from_be_bytes(frame[1..9].try_into().unwrap());
    match frame[0] {
        0x81 => return input(&mut shells, number(), &frame[9..]),
        0x82 => shells.sizes.push((u16_at(1), u16_at(3))),
        0x83 => {
            assert!(
                number() <= shells.output.len() as u64,
                "an ack of what was not sent"
            );
            shells.shown = number();
        }
        0x84 => return (vec![with_u64(0x07, 0, &[])], Then::GoOn),
        0x85 => shells.size_taken = true,
        _ => {}
    }
    (vec![], Then::GoOn)
}

fn input(shells: &mut Shells, offset: u64, bytes: &[u8]) -> (Vec<Vec<u8>>, Then) {
    let known = shells.input.len();
    let offset = usize::try_from(offset).unwrap();
    if offset > known {
        return (vec![], Then::Close(4400));
    }
    let fresh = bytes.get(known - offset..).unwrap_or_default();
    shells.input.extend(fresh);
    let begin = shells.output.len();
    shells.output.extend(fresh);
    let answers = vec![
        with_u64(0x01, begin, fresh),
        with_u64(0x04, shells.input.len(), &[]),
    ];
    let text = String::from_utf8_lossy(fresh).into_owned();
    (answers, program(&text))
}

/// What the program understands of its input.
fn program(text: &str) -> Then {
    if text.contains("cut") {
        return Then::Cut;
    }
    if let Some((_, code)) = text.split_once("close ") {
        return Then::Close(code.trim().parse().unwrap());
    }
    match text.split_once("exit ") {
        Some((_, code)) => Then::Exit(code.trim().parse().unwrap()),
        None if text.contains('\u{4}') => Then::Exit(0),
        None => Then::GoOn,
    }
}

fn with_u64(kind: u8, number: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend((number as u64).to_be_bytes());
    frame.extend(bytes);
    frame
}

async fn send(socket: &mut WebSocket, frame: Vec<u8>) {
    // A viewer that left needs nothing.
    let _ = socket.send(Message::Binary(Bytes::from(frame))).await;
}

async fn close(mut socket: WebSocket, code: u16) {
    let why = CloseFrame {
        code,
        reason: "because".into(),
    };
    let _ = socket.send(Message::Close(Some(why))).await;
    // The other half of the closing.
    while let Some(Ok(_)) = socket.recv().await {}
}
