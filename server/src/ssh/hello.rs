//! The beginning of a connection, read before russh has it: which ciphers its client knows.
//!
//! Of the ciphers that both know, the client's first is taken, and OpenSSH's is ChaCha20: nearly a fifth of what
//! a large file costs, on both ends together. A client that knows AES-GCM, too, is offered nothing else where the
//! processor has AES (docs/decisions/0014).

use std::{
    io::{self, Cursor},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, join},
    net::TcpStream,
    time::timeout,
};

use super::ID;

/// For a client's lists, which come a round trip after its connection. Some clients wait for ours.
const PATIENCE: Duration = Duration::from_millis(500);
/// What an identification and lists take at most; OpenSSH's are 1.6 KiB.
const HELLO_MAX: usize = 16 * 1024;
/// Bytes read at once. russh reads the length of a packet, then the packet: two calls for each, and more where it
/// comes in parts.
const READ: usize = 32 * 1024;
/// The message with a client's lists, and what stands before them.
const KEXINIT: u8 = 20;
const COOKIE: usize = 16;
/// Which of the lists are of ciphers: from the client, to the client.
const CIPHERS: [usize; 2] = [2, 3];
const AES_GCM: [&str; 2] = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];

/// What a client's first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Not enough has come.
    Nothing,
    /// Its lists, or that it speaks otherwise.
    KnowsAesGcm(bool),
}

/// Greets a client. Answers the stream as if nothing had been sent or read, and whether the client knows AES-GCM.
pub async fn greet(
    mut stream: TcpStream,
) -> io::Result<(impl AsyncRead + AsyncWrite + Unpin + Send + 'static, bool)> {
    let id = format!("{ID}\r\n");
    stream.write_all(id.as_bytes()).await?;
    let mut came = BytesMut::new();
    let listening = listen(&mut stream, &mut came);
    // Who says nothing yet is offered everything.
    let knows_aes_gcm = timeout(PATIENCE, listening).await.unwrap_or(Ok(false))?;
    let (read, write) = stream.into_split();
    let read = Cursor::new(came.freeze()).chain(BufReader::with_capacity(READ, read));
    let said = id.len();
    Ok((join(read, Said { to: write, said }), knows_aes_gcm))
}

async fn listen(stream: &mut TcpStream, came: &mut BytesMut) -> io::Result<bool> {
    loop {
        if let Told::KnowsAesGcm(does) = told(came) {
            return Ok(does);
        }
        if came.len() > HELLO_MAX || stream.read_buf(came).await? == 0 {
            return Ok(false);
        }
    }
}

fn told(came: &[u8]) -> Told {
    let Some(end) = came.iter().position(|byte| *byte == b'\n') else {
        return Told::Nothing;
    };
    let packet = &came[end + 1..];
    let Some((length, packet)) = packet.split_first_chunk::<4>() else {
        return Told::Nothing;
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    match packet.get(..length) {
        None if length > HELLO_MAX => Told::KnowsAesGcm(false),
        None => Told::Nothing,
        // Behind the length of its padding.
        Some(packet) => {
            Told::KnowsAesGcm(knows_aes_gcm(packet.get(1..).unwrap_or_default()).is_some())
        }
    }
}

/// Some where both lists of ciphers have it.
fn knows_aes_gcm(message: &[u8]) -> Option<()> {
    let mut rest = message.strip_prefix(&[KEXINIT])?.get(COOKIE..)?;
    for list in 0..=CIPHERS[1] {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (names, behind) = behind.split_at_checked(length)?;
        rest = behind;
        let mut names = names.split(|byte| *byte == b',');
        if CIPHERS.contains(&list)
            && !names.any(|name| AES_GCM.iter().any(|aes| aes.as_bytes() == name))
        {
            return None;
        }
    }
    Some(())
}

/// A writer that passes over what was said already.
struct Said<W> {
    to: W,
    /// Bytes of it that are still to be passed over.
    said: usize,
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Said<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.said > 0 {
            let passed = this.said.min(bytes.len());
            this.said -= passed;
            return Poll::Ready(Ok(passed));
        }
        Pin::new(&mut this.to).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().to).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().to).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::net::TcpListener;

    use super::*;

    /// What a client says that has these ciphers in each direction.
    fn hello(from: &str, to: &str) -> Vec<u8> {
        let mut message = vec![KEXINIT];
        message.extend([7; COOKIE]);
        for list in [
            "curve25519-sha256",
            "ssh-ed25519",
            from,
            to,
            "hmac",
            "hmac",
            "none",
            "none",
            "",
            "",
        ] {
            message.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            message.extend(list.as_bytes());
        }
        message.extend([0; 5]);
        let mut hello = b"SSH-2.0-Test\r\n".to_vec();
        hello.extend(u32::try_from(message.len() + 5).unwrap().to_be_bytes());
        hello.push(4);
        hello.extend(&message);
        hello.extend([0; 4]);
        hello
    }

    const BOTH: &str = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com";
    const ONE: &str = "chacha20-poly1305@openssh.com,xaes256-gcm@openssh.com";

    #[test]
    fn a_client_knows_aes_gcm_that_has_it_both_ways() {
        assert_eq!(told(&hello(BOTH, BOTH)), Told::KnowsAesGcm(true));
        for (from, to) in [(BOTH, ONE), (ONE, BOTH), (ONE, ONE), ("", "")] {
            assert_eq!(
                told(&hello(from, to)),
                Told::KnowsAesGcm(false),
                "{from} {to}"
            );
        }
    }

    #[test]
    fn what_comes_in_parts_is_waited_for_and_what_is_no_hello_is_not() {
        let hello = hello(BOTH, BOTH);
        for end in 0..hello.len() {
            assert_eq!(told(&hello[..end]), Told::Nothing, "{end}");
        }
        assert_eq!(
            told(b"GET / HTTP/1.1\r\nHost: minicloud\r\n"),
            Told::KnowsAesGcm(false)
        );
    }

    #[tokio::test]
    async fn to_who_reads_and_writes_on_nothing_was_said_or_heard() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let said = hello(BOTH, BOTH);
        client.write_all(&said).await.unwrap();
        let (mut stream, knows) = greet(stream).await.unwrap();
        assert!(knows);
        client.write_all(b"more").await.unwrap();
        let mut came = vec![0; said.len() + 4];
        stream.read_exact(&mut came).await.unwrap();
        assert_eq!(came, [&said[..], b"more"].concat());
        // In parts, as a writer may.
        let id = format!("{ID}\r\n");
        for part in [
            &id.as_bytes()[..3],
            &[&id.as_bytes()[3..], b"next"].concat(),
        ] {
            stream.write_all(part).await.unwrap();
        }
        drop(stream);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, format!("{id}next"));
    }

    #[tokio::test]
    async fn who_waits_for_our_lists_is_offered_everything() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        client.write_all(b"SSH-2.0-Waits\r\n").await.unwrap();
        let (_stream, knows) = greet(stream).await.unwrap();
        assert!(!knows);
    }

    proptest! {
        #[test]
        fn anything_can_come(came in proptest::collection::vec(any::<u8>(), 0..300), lists in any::<bool>()) {
            let mut whole = if lists { hello(BOTH, BOTH)[..40].to_vec() } else { Vec::new() };
            whole.extend(came);
            let _ = told(&whole);
        }
    }
}
