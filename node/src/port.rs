//! Who holds a port that is taken, so that the message can say so.

use std::net::{IpAddr, SocketAddr};

use anyhow::anyhow;
use listeners::{Protocol, SocketState};
use tokio::net::TcpListener;

/// Listens, or says which process is in the way.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() != std::io::ErrorKind::AddrInUse {
            return anyhow!("cannot listen on {address}: {error}");
        }
        match holder(address) {
            Some(who) => anyhow!("cannot listen on {address}: {who} holds it"),
            None => anyhow!("cannot listen on {address}: another process holds it"),
        }
    })
}

/// `name (pid 123)` of the process that listens there; None where it cannot be seen.
pub fn holder(address: SocketAddr) -> Option<String> {
    let all = listeners::get_all().ok()?;
    let held = all.into_iter().find(|listener| {
        listener.protocol == Protocol::TCP
            && listener.state == SocketState::Listen
            && listener.socket.port() == address.port()
            && clashes(listener.socket.ip(), address.ip())
    })?;
    Some(format!("{} (pid {})", held.process.name, held.process.pid))
}

fn clashes(held: IpAddr, wanted: IpAddr) -> bool {
    held == wanted || held.is_unspecified() || wanted.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_process_that_holds_it() {
        let first = listen("127.0.0.1:0".parse().expect("address"))
            .await
            .expect("free");
        let address = first.local_addr().expect("bound");
        let message = listen(address).await.expect_err("taken").to_string();
        let pid = format!("(pid {})", std::process::id());
        assert!(message.contains(&pid), "{message}");
        assert!(message.contains(&address.to_string()), "{message}");
    }
}
