//! One connection, from the first byte to its end: signed in in time, and not longer than its right.

use std::{net::IpAddr, net::Shutdown, sync::Arc, time::Duration};

use russh::{
    Disconnect,
    server::{Handle, run_stream},
};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    Gateway, SIGN_IN, door::Outcome, handler::Handler, hello::greet, places::Share, tally::Tally,
};
use crate::auth::Caller;

/// For who has to say first whose VM is meant: to hear that, and to leave.
const UNSURE: Duration = Duration::from_secs(30);
/// How long a client may take to hear why it is sent away.
const FAREWELL: Duration = Duration::from_secs(1);
/// A client that takes none of what was sent for so long is over: one that has gone without a word, and
/// one that is stopped. While bytes wait to be sent, russh does not ask whether it is there.
const UNTAKEN: Duration = Duration::from_secs(300);

/// Serves a client until it leaves or has to.
pub async fn connection(gateway: Arc<Gateway>, stream: TcpStream, address: IpAddr, waiting: Share) {
    let Some((guest, place)) = gateway.places.guest(address).await else {
        let why =
            "too many of that address, or of all, have not signed in, or all places are taken";
        return gateway.refusals.note(address, why);
    };
    drop(waiting);
    let deadline = Instant::now() + SIGN_IN;
    let Some((stream, cut)) = Cut::of(stream) else {
        return;
    };
    let (tell, mut outcome) = mpsc::channel(4);
    let tally = Arc::new(Tally::default());
    let handler = Handler::new(gateway.clone(), address, tell, tally.clone());
    let begin = async {
        let (stream, knows_aes_gcm) = greet(stream).await.map_err(russh::Error::from)?;
        let config = gateway.ssh.offer(knows_aes_gcm);
        run_stream(config, stream, handler).await
    };
    let Ok(Ok(mut session)) = timeout_at(deadline, begin).await else {
        tracing::debug!(%address, "an SSH connection did not come to speak the protocol");
        return;
    };
    let handle = session.handle();
    let mut signed_in = None;
    let serving = async {
        let why = match timeout_at(deadline, outcome.recv()).await {
            Err(_) => "Signing in took too long. Try again.".to_owned(),
            Ok(Some(Outcome::SignedIn(caller))) => {
                drop(guest);
                held(&gateway, signed_in.insert(caller)).await.to_owned()
            }
            // Nobody's connection yet: it takes no place of a user, keeps its place of a guest, and is
            // told of to nobody.
            Ok(Some(Outcome::Unsure)) => {
                gateway.state.stop.run_until_cancelled(sleep(UNSURE)).await;
                "Connect again, and say whose VM is meant.".to_owned()
            }
            Ok(Some(Outcome::Throttled(seconds))) => {
                format!("Too many failed sign-ins. Wait {seconds} s and try again.")
            }
            // The session has ended.
            Ok(None) => return sleep(FAREWELL).await,
        };
        farewell(&handle, why).await;
    };
    let ended = tokio::select! {
        ended = &mut session => Some(ended),
        () = serving => None,
    };
    cut.now();
    match ended {
        Some(Err(error)) => tracing::debug!(%address, %error, "an SSH connection ended early"),
        Some(Ok(())) => {}
        // So that nothing of it is left when its place is given to another.
        None => drop(timeout(FAREWELL, session).await),
    }
    drop(place);
    // One that was short may have ended before this task heard of its sign-in.
    if let (None, Ok(Outcome::SignedIn(caller))) = (&signed_in, outcome.try_recv()) {
        signed_in = Some(caller);
    }
    if let Some(caller) = signed_in {
        gateway.state.auth.ssh_ended(&caller, &tally.words()).await;
    }
}

/// Waits until the right to be here ends; answers why.
async fn held(gateway: &Gateway, caller: &Caller) -> &'static str {
    let state = &gateway.state;
    let user = caller.actor.as_ref().map_or("", |actor| &actor.user_id);
    let Some(_place) = gateway.places.user(user) else {
        return "You have too many SSH connections. End one of them first.";
    };
    let mut revoked = state.auth.revocations();
    tokio::select! {
        () = revoked.wait(caller) => "Access was taken back.",
        () = state.stop.cancelled() => "MiniCloud restarts. Connect again in a moment.",
    }
}

/// Tells the client why, and gives it a moment to hear it.
async fn farewell(handle: &Handle, why: String) {
    let told = async {
        let sent = handle.disconnect(Disconnect::ByApplication, why, String::new());
        if sent.await.is_ok() {
            sleep(FAREWELL).await;
        }
    };
    // A client that reads nothing hears nothing.
    let _ = timeout(FAREWELL, told).await;
}

/// Ends a connection whatever its session waits for.
struct Cut(std::net::TcpStream);

impl Cut {
    /// None: the connection is broken already.
    fn of(stream: TcpStream) -> Option<(TcpStream, Self)> {
        // A key's echo must not wait for more to send.
        stream.set_nodelay(true).ok()?;
        let untaken = u32::try_from(UNTAKEN.as_millis()).ok()?;
        set_tcp_user_timeout(&stream, untaken).ok()?;
        let stream = stream.into_std().ok()?;
        let cut = Self(stream.try_clone().ok()?);
        Some((TcpStream::from_std(stream).ok()?, cut))
    }

    fn now(&self) {
        // Fails when the client was faster.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::tcp_user_timeout;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_after_five_minutes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (stream, _cut) = Cut::of(stream).unwrap();
        assert_eq!(tcp_user_timeout(&stream).unwrap(), 300_000);
        assert!(stream.nodelay().unwrap());
    }
}
