//! Who may be on the other side of the socket.

use tokio::net::UnixStream;

/// Only who runs as the same user, or as root, may speak to a holder, or be one.
pub(super) fn check_peer(stream: &UnixStream) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == own || peer.uid() == 0 => Ok(()),
        Ok(peer) => Err(format!("the other side runs as user {}", peer.uid())),
        Err(error) => Err(error.to_string()),
    }
}
