//! A node's half of docs/exec-protocol.md: `cat` gives back its input, `sleep` never ends, `full` is
//! refused, and all else prints its words.

use axum::{
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};

use super::{Fake, vm::not_found};

pub async fn attach(
    State(fake): State<Fake>,
    Path(name): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !fake.world.lock().unwrap().vms.contains_key(&name) {
        return not_found(&name);
    }
    upgrade.on_upgrade(async |mut socket| {
        serve(&mut socket).await;
        // What the caller sends meanwhile, and nobody reads, would have the system throw away what the
        // caller has not read.
        let _ = socket.send(Message::Close(None)).await;
        while next(&mut socket).await.is_some() {}
    })
}

async fn serve(socket: &mut WebSocket) -> Option<()> {
    let start = next(socket).await?;
    assert_eq!(start[0], 0x81);
    let start: serde_json::Value = serde_json::from_slice(&start[1..]).unwrap();
    let argv: Vec<&str> = start["argv"]
        .as_array()?
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    match argv[0] {
        "cat" => cat(socket).await,
        "sleep" => while next(socket).await.is_some() {},
        "full" => {
            let refused = br#"{"code":"too_many","message":"512 commands run already"}"#;
            send(socket, 0x05, refused).await;
        }
        _ => {
            send(socket, 0x01, format!("{}\n", argv.join("|")).as_bytes()).await;
            send(socket, 0x02, b"oops\n").await;
            send(socket, 0x7f, b"of a later version").await;
            send(socket, 0x04, &42_i32.to_be_bytes()).await;
        }
    }
    None
}

/// Takes input at its leisure, so that the caller's window is needed.
async fn cat(socket: &mut WebSocket) {
    let (mut came, mut taken) = (0_u64, 0_u64);
    while let Some(frame) = next(socket).await {
        match frame[0] {
            0x82 => {
                came += frame.len() as u64 - 1;
                assert!(came - taken <= 512 * 1024, "the window was not kept");
                send(socket, 0x01, &frame[1..]).await;
                if came - taken > 256 * 1024 {
                    taken = came;
                    send(socket, 0x03, &taken.to_be_bytes()).await;
                }
            }
            0x83 => return send(socket, 0x04, &0_i32.to_be_bytes()).await,
            _ => {}
        }
    }
}

async fn next(socket: &mut WebSocket) -> Option<Vec<u8>> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Binary(bytes) => return Some(bytes.to_vec()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn send(socket: &mut WebSocket, kind: u8, body: &[u8]) {
    let frame = [&[kind], body].concat();
    // A caller that has gone needs no more.
    let _ = socket.send(Message::Binary(frame.into())).await;
}
