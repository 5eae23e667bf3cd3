//! What comes out of a VM before it is known to be the helper's: it may be anything, and of any length.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::driver::{DriverError, Piece, docker::process::Output};

/// So much is read, at most, of what is not the helper.
const NOISE: usize = 64 * 1024;
/// So many characters of it are shown.
const SHOWN: usize = 300;

/// What came in the place of the greeting.
pub(super) enum Heard {
    /// The greeting; with what came behind it.
    Greeting(Bytes),
    /// Something else, and the end.
    End(String),
    /// Something else, and no end of it.
    Noise,
}

/// Reads up to the greeting, and no further.
pub(super) async fn heard(output: &mut Output, greeting: &[u8]) -> Result<Heard, DriverError> {
    let (mut start, mut noise) = (BytesMut::new(), Vec::new());
    let mut is_else = false;
    while let Some(piece) = output.next().await {
        match piece? {
            Piece::Stdout(bytes) if !is_else => start.extend_from_slice(&bytes),
            Piece::Stdout(bytes) | Piece::Stderr(bytes) => noise.extend_from_slice(&bytes),
        }
        if !is_else && start.starts_with(greeting) {
            return Ok(Heard::Greeting(start.split_off(greeting.len()).freeze()));
        }
        is_else = !greeting.starts_with(&start);
        if start.len() + noise.len() > NOISE {
            return Ok(Heard::Noise);
        }
    }
    Ok(Heard::End(words(&[&start[..], &noise[..]].concat())))
}

/// All that is said, to the end.
pub(super) async fn said(output: &mut Output) -> Result<String, DriverError> {
    let mut said = Vec::new();
    while let Some(piece) = output.next().await {
        let (Piece::Stdout(bytes) | Piece::Stderr(bytes)) = piece?;
        let room = NOISE - said.len();
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
    Ok(words(&said))
}

/// As one short line, for people.
fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.is_empty() {
        true => "it says nothing".to_owned(),
        false => line.chars().take(SHOWN).collect(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const HELLO: &[u8] = b"hello\n";

    fn out(text: &'static str) -> Piece {
        Piece::Stdout(Bytes::from_static(text.as_bytes()))
    }

    /// Of these pieces, and then nothing for ever.
    async fn of(pieces: Vec<Piece>, has_end: bool) -> Heard {
        let pieces = stream::iter(pieces.into_iter().map(Ok));
        let mut output: Output = match has_end {
            true => Box::pin(pieces),
            false => Box::pin(pieces.chain(stream::pending())),
        };
        heard(&mut output, HELLO).await.expect("read")
    }

    #[tokio::test]
    async fn a_greeting_is_heard_however_it_is_cut_and_what_follows_is_kept() {
        for pieces in [
            vec![out("hello\n\0a")],
            vec![out("he"), out("llo"), out("\n\0a")],
            vec![Piece::Stderr(Bytes::from_static(b"oh")), out("hello\n\0a")],
        ] {
            match of(pieces, false).await {
                Heard::Greeting(rest) => assert_eq!(rest.as_ref(), b"\0a"),
                Heard::End(_) | Heard::Noise => panic!("not heard"),
            }
        }
    }

    #[tokio::test]
    async fn what_is_said_in_its_place_is_one_short_line() {
        for (pieces, line) in [
            (
                vec![out("OCI:\r\n"), out("no\x1b[2J such file")],
                "OCI: no [2J such file",
            ),
            (vec![out("hell")], "hell"),
            (vec![out("x"), out("hello\n")], "xhello"),
            (vec![], "it says nothing"),
        ] {
            match of(pieces, true).await {
                Heard::End(said) => assert_eq!(said, line),
                Heard::Greeting(_) | Heard::Noise => panic!("{line}"),
            }
        }
        let long = of(vec![out("x\u{e9}"); 9_000], true).await;
        assert!(matches!(long, Heard::End(said) if said.chars().count() == SHOWN));
    }

    #[tokio::test]
    async fn a_flood_is_not_read_on() {
        let flood = vec![out("hellhellhellhell"); 2 * NOISE];
        assert!(matches!(of(flood, false).await, Heard::Noise));
    }
}
