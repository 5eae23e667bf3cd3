//! A connection to a port of a VM, made inside its network.
//!
//! A thread enters the VM's network namespace, makes sockets and ends; they stay in that network, whoever
//! connects them. So what listens on the VM's own 127.0.0.1 is reached, and nothing that is not the VM's can
//! be. The thread waits for nobody: a port that does not answer keeps its caller, and no thread.

use std::{
    fs::File,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Poll},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use node_api::error::NodeErrorCode;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::os::fd::AsFd;
use tokio::{
    io::{AsyncReadExt, AsyncWrite},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::oneshot,
    time::timeout,
};
use uuid::Uuid;

use super::{
    context::{Context, container_name, named},
    hijack::CHUNK,
    seen,
};
use crate::driver::{DriverError, Piece, Process, ProcessControl, ProcessSignal};

/// For one address to answer; they are all on this machine.
const CONNECT: Duration = Duration::from_secs(3);

/// The first of the VM's 127.0.0.1, ::1 and own address that answers, each within 3 s. `Conflict` where the VM
/// does not run or nothing answers, `Engine` where this node cannot enter its network.
pub(super) async fn vm_connect(
    context: &Arc<Context>,
    id: Uuid,
    port: u16,
) -> Result<Process, DriverError> {
    context.check_mine(id).await?;
    let found = context.inspect(&container_name(id)).await;
    let found = found.map_err(|error| named(error, id))?;
    let own = context.report(&found).and_then(|report| report.address);
    let pid = found.state.as_ref().and_then(|state| state.pid);
    let pid = pid
        .and_then(|pid| i32::try_from(pid).ok())
        .filter(|pid| *pid > 1);
    let (Some(pid), Some(container)) = (pid, found.id) else {
        return Err(DriverError::new(
            NodeErrorCode::Conflict,
            "the VM does not run",
        ));
    };
    let network = network(context.config.host_processes, pid, &container)?;
    let own = own.and_then(|own| own.parse().ok());
    let stream = connected(sockets(network, port, own).await?, port).await?;
    let (read, write) = stream.into_split();
    let over = Arc::new(AtomicBool::new(false));
    Ok(Process {
        output: chunks(read),
        input: Box::pin(Input {
            write,
            over: over.clone(),
        }),
        control: Box::new(Connection { over }),
    })
}

/// The VM's network namespace. It is opened before the check: it stays the one that was checked.
fn network(host_processes: bool, pid: i32, container: &str) -> Result<File, DriverError> {
    let opened = File::open(format!("/proc/{pid}/ns/net"));
    match opened {
        Ok(network) if host_processes && seen::is_in_container(pid, container) => Ok(network),
        Ok(_) => Err(blind("it does not see the VM's processes")),
        Err(error) => Err(blind(&error.to_string())),
    }
}

fn blind(why: &str) -> DriverError {
    let message =
        format!("this node cannot reach ports of VMs: {why}. Run it on the engine's host, as root");
    DriverError::new(NodeErrorCode::Engine, message)
}

/// A socket that was made in the VM's network, and the address of the VM to connect it to.
type Socket = (SocketAddr, TcpSocket);

/// One for the VM's 127.0.0.1, its ::1, and its own address. In a thread of its own: one that has been in
/// another network must do nothing else.
async fn sockets(
    network: File,
    port: u16,
    own: Option<IpAddr>,
) -> Result<Vec<Socket>, DriverError> {
    let (tell, told) = oneshot::channel();
    let begun = thread::Builder::new()
        .name("vm-connect".into())
        .spawn(move || {
            let entered =
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network));
            let made = match entered {
                Ok(()) => make_sockets(port, own).map_err(|error| internal(&error)),
                Err(error) => Err(blind(&error.to_string())),
            };
            // Whoever asked may have gone.
            let _ = tell.send(made);
        });
    begun.map_err(|error| internal(&error))?;
    told.await.unwrap_or_else(|_| Err(blind("it failed")))
}

fn make_sockets(port: u16, own: Option<IpAddr>) -> io::Result<Vec<Socket>> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let mut sockets = Vec::new();
    for address in loopback.into_iter().chain(own) {
        let socket = match address {
            IpAddr::V4(_) => TcpSocket::new_v4()?,
            // The kernel may have none.
            IpAddr::V6(_) => match TcpSocket::new_v6() {
                Ok(socket) => socket,
                Err(_) => continue,
            },
        };
        sockets.push((SocketAddr::new(address, port), socket));
    }
    Ok(sockets)
}

/// The first that answers.
async fn connected(sockets: Vec<Socket>, port: u16) -> Result<TcpStream, DriverError> {
    let mut refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    for (address, socket) in sockets {
        match timeout(CONNECT, socket.connect(address)).await {
            Ok(Ok(stream)) => {
                let ready = stream.set_nodelay(true);
                return ready.map(|()| stream).map_err(|error| internal(&error));
            }
            Ok(Err(error)) => refused = error,
            Err(_) => refused = io::ErrorKind::TimedOut.into(),
        }
    }
    let message = format!("nothing answers on port {port} of the VM: {refused}");
    Err(DriverError::new(NodeErrorCode::Conflict, message))
}

fn internal(error: &io::Error) -> DriverError {
    DriverError::new(
        NodeErrorCode::Internal,
        format!("a port was not connected to: {error}"),
    )
}

/// What comes from the port.
fn chunks(read: OwnedReadHalf) -> Pin<Box<dyn Stream<Item = Result<Piece, DriverError>> + Send>> {
    let start = (read, BytesMut::with_capacity(CHUNK));
    Box::pin(stream::unfold(Some(start), async |state| {
        let (mut read, mut buffer) = state?;
        buffer.reserve(CHUNK);
        match read.read_buf(&mut buffer).await {
            // A reset is an end, too.
            Ok(0) | Err(_) => None,
            Ok(_) => {
                let bytes: Bytes = buffer.split().freeze();
                Some((Ok(Piece::Stdout(bytes)), Some((read, buffer))))
            }
        }
    }))
}

/// What goes to the port, and whether no more can: it was ended, or the port takes no more.
struct Input {
    write: OwnedWriteHalf,
    over: Arc<AtomicBool>,
}

impl Input {
    fn seen<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.over.store(true, Ordering::Release);
        }
        outcome
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.write).poll_write(cx, bytes);
        self.seen(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.write).poll_flush(cx);
        self.seen(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.write).poll_shutdown(cx);
        if outcome.is_ready() {
            self.over.store(true, Ordering::Release);
        }
        outcome
    }
}

/// There is nothing to do to a connection: it has ended when neither side has more to say, and is gone
/// when both halves are dropped.
struct Connection {
    over: Arc<AtomicBool>,
}

#[async_trait]
impl ProcessControl for Connection {
    /// Asked once no more output comes.
    async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        Ok(self.over.load(Ordering::Acquire).then_some(0))
    }

    async fn signal(&self, _: ProcessSignal) -> Result<(), DriverError> {
        Ok(())
    }

    async fn kill(&self) -> Result<(), DriverError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)] // a test that fails may panic

    use std::net::TcpListener;

    use super::*;

    /// A port that nothing else takes and nobody listens on, for as long as the socket is there.
    fn silent() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind((Ipv4Addr::LOCALHOST, 0).into())
            .expect("a port");
        let address = socket.local_addr().expect("bound");
        (socket, address)
    }

    #[tokio::test]
    async fn the_first_address_that_answers_is_taken_and_none_is_told() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let open = listener.local_addr().expect("bound");
        let (_kept, closed) = silent();
        let socket = |address| (address, TcpSocket::new_v4().expect("a socket"));
        let sockets = vec![socket(closed), socket(open), socket(closed)];
        let stream = connected(sockets, 7).await.expect("connected");
        assert_eq!(stream.peer_addr().expect("connected"), open);
        let refused = connected(vec![socket(closed)], 7).await;
        let refused = refused.expect_err("nobody listens");
        assert_eq!(refused.code, NodeErrorCode::Conflict);
        assert!(refused.message.contains("port 7 of the VM"), "{refused}");
    }

    /// The thread that makes them has no runtime, and must not wait for any of them.
    #[test]
    fn sockets_are_made_without_a_word_to_where_they_are_to_lead() {
        let own = Some(Ipv4Addr::LOCALHOST.into());
        let made = make_sockets(7, own).expect("sockets");
        let addresses: Vec<_> = made.iter().map(|(address, _)| address.ip()).collect();
        assert!(matches!(addresses.len(), 2 | 3), "{addresses:?}");
        assert_eq!(addresses[0], IpAddr::from(Ipv4Addr::LOCALHOST));
        assert!(made.iter().all(|(address, _)| address.port() == 7));
    }
}
