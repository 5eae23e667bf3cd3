//! A connection to a port of a VM, for `ssh -L`, `-D`, `-W` and `-J`: into the VM's own network, its
//! 127.0.0.1 included, and nowhere else.

use std::net::IpAddr;

use node_api::exec_frame::{ClientFrame, NodeFrame};
use russh::{ChannelOpenFailure, server::ChannelOpenHandle};

use super::{
    channel::Inbox,
    outbox::{Gone, Outbox},
    pump::Line,
    ready,
    session::Guest,
    sign_in::Target,
};

/// Characters of what a client has sent that are repeated to it.
const QUOTE: usize = 64;

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// By its name; it is the caller's, if it is there.
    pub vm: String,
    /// A TCP port, 1..=65535.
    pub port: u16,
}

/// A channel that a client has asked for.
pub struct Forward {
    pub guest: Guest,
    pub to: Destination,
    /// It is told of in the events.
    pub noted: bool,
    pub inbox: Inbox,
    pub out: Outbox,
}

impl Forward {
    /// Opens the channel once the port has answered, and serves it to its end.
    pub async fn serve(mut self, reply: ChannelOpenHandle) {
        let (mut line, first) = match self.open().await {
            Ok(Ok(opened)) => opened,
            Ok(Err(why)) => return reply.reject(failed(why)).await,
            // Nobody is there to be told.
            Err(Gone) => return,
        };
        reply.accept().await;
        let begun = match first {
            NodeFrame::Stdout(bytes) => self.out.out(bytes).await,
            _ => Ok(()),
        };
        if begun.is_ok() {
            let closed = &self.guest.closed;
            // Why a connection ended cannot be said on it.
            let _ = line.pump(&mut self.inbox, &self.out, closed).await;
        }
        line.close().await;
        self.out.hang_up().await;
    }

    /// The line once the port has answered, and what came first; Err is why there is none.
    async fn open(&mut self) -> Result<Result<(Line, NodeFrame), String>, Gone> {
        let Self { guest, to, out, .. } = self;
        out.hold();
        let opening = async {
            let ready = ready::ready(guest, &to.vm, out, std::future::pending()).await?;
            let why = out.let_go();
            match ready {
                true => Ok(connect(guest, to, self.noted).await),
                false => Ok(Err(why)),
            }
        };
        guest
            .closed
            .run_until_cancelled(opening)
            .await
            .ok_or(Gone)?
    }
}

async fn connect(
    guest: &Guest,
    to: &Destination,
    noted: bool,
) -> Result<(Line, NodeFrame), String> {
    let control = &guest.plane.state.control;
    let attached = control
        .vm_connect(&guest.actor, &to.vm, to.port, noted)
        .await;
    let attached = guest.plane.control_answer(attached);
    let mut line = Line::new(attached.map_err(|error| error.message)?);
    // A port that says nothing by itself has the node say something.
    line.send(&ClientFrame::Ping(0)).await;
    match line.next().await? {
        NodeFrame::Refused(error) => Err(error.message),
        first => Ok((line, first)),
    }
}

fn failed(why: String) -> ChannelOpenFailure {
    let code = ChannelOpenFailure::ConnectFailed.code();
    ChannelOpenFailure::Other { code, reason: why }
}

/// Why a client is not led where it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the client, who sees them as the reason of the failure.
    pub words: String,
    /// It would have led out of the VM.
    pub leads_out: bool,
}

/// Where a client may be led that asks for that.
pub fn destination(target: &Target, host: &str, port: u32) -> Result<Destination, Refusal> {
    let refused = |words: &str| Refusal {
        words: words.to_owned(),
        leads_out: false,
    };
    let Target::Vm(vm) = target else {
        return Err(refused(
            "ports are those of a VM. Name one: ssh -L … VM@HOST",
        ));
    };
    if !is_own(host, vm) {
        let host: String = host
            .chars()
            .filter(char::is_ascii_graphic)
            .take(QUOTE)
            .collect();
        let words = format!(
            "ports are forwarded into {vm} only, not to {host}. Name localhost for what listens in {vm}"
        );
        return Err(Refusal {
            words,
            leads_out: true,
        });
    }
    match u16::try_from(port) {
        Ok(port) if port > 0 => Ok(Destination {
            vm: vm.clone(),
            port,
        }),
        _ => Err(refused("there is no such port; they go from 1 to 65535")),
    }
}

/// True when the VM would mean itself by that.
fn is_own(host: &str, vm: &str) -> bool {
    let means_itself = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    host.eq_ignore_ascii_case("localhost")
        || host.eq_ignore_ascii_case(vm)
        || host.parse().is_ok_and(means_itself)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lead_into_the_vm_that_was_named_and_nowhere_else() {
        let web1 = Target::Vm("web1".into());
        let own = ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1"];
        for host in own.into_iter().chain(["web1", "0.0.0.0"]) {
            let found = destination(&web1, host, 8080).unwrap();
            assert_eq!((found.vm.as_str(), found.port), ("web1", 8080), "{host}");
        }
        for host in [
            "",
            "db",
            "example.com",
            "10.0.0.1",
            "169.254.169.254",
            "::ffff:127.0.0.1%1",
            "localhost.evil",
        ] {
            assert!(destination(&web1, host, 80).is_err(), "{host}");
        }
        for port in [0, 65_536, u32::MAX] {
            assert!(destination(&web1, "localhost", port).is_err());
        }
        assert!(destination(&Target::Lobby, "localhost", 80).is_err());
        let told = destination(&web1, "\u{1b}[31mhost\n", 80).unwrap_err();
        assert!(told.leads_out);
        assert!(!told.words.contains(['\u{1b}', '\n']), "{told:?}");
        assert!(!destination(&web1, "localhost", 0).unwrap_err().leads_out);
    }
}
