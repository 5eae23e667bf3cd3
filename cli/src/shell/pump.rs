//! One viewer over all its connections: bytes both ways, and what has to be remembered between.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::{
    close,
    escape::{Command, Escape},
    frame::{self, Frame, Hello},
    input::Input,
    liveness::{Due, Liveness},
    terminal::Terminal,
};
use crate::{error::CliError, socket::Socket};

/// How often it is asked whether the connection lives.
const TICK: Duration = Duration::from_secs(1);
/// A connection that takes nothing for so long is lost.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// What ends a script's input, as a person would.
const END_OF_INPUT: u8 = 0x04;
const HELP: &str =
    "~. leaves the shell alive, ~~ types a tilde, ~? shows this (at the start of a line)";

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With its exit code.
    Exited(i32),
    /// By the user; the shell lives.
    Left,
    /// The shell may live: come back with the same `client` and go on.
    Lost,
}

/// What outlives a connection.
pub struct Pump {
    size: (u16, u16),
    /// The first output byte that we lack; None: a snapshot is wanted.
    from: Option<u64>,
    /// What has come of a snapshot on this connection.
    drawing: Vec<u8>,
    input: Input,
    /// No more input comes.
    input_ended: bool,
    last_typed: u8,
    escape: Escape,
    attached: bool,
}

/// What a connection knows of itself.
struct Link {
    socket: Socket,
    liveness: Liveness,
}

impl Pump {
    /// `size` is columns and rows. `from` 0: all output of a new shell; None: a picture of one that is come
    /// back to.
    pub fn new(size: (u16, u16), from: Option<u64>) -> Self {
        Self {
            size,
            from,
            drawing: Vec::new(),
            input: Input::default(),
            input_ended: false,
            last_typed: b'\n',
            escape: Escape::default(),
            attached: false,
        }
    }

    /// True once a node has answered.
    pub fn was_attached(&self) -> bool {
        self.attached
    }

    /// The query of an attachment.
    pub fn query(&mut self, client: &str, size: (u16, u16)) -> String {
        self.size = size;
        self.drawing = Vec::new();
        let from = self.from.map(|from| format!("&from={from}"));
        let (cols, rows) = size;
        format!(
            "client={client}&parts=1&cols={cols}&rows={rows}{}",
            from.unwrap_or_default()
        )
    }

    /// Something was written amid the shell's own: the screen is wanted anew. A script lacks nothing.
    pub fn redraw(&mut self, terminal: &Terminal) {
        if terminal.is_terminal() {
            self.from = None;
        }
    }

    /// Takes keys for a while without a connection. True when the user leaves.
    pub async fn keys_while(
        &mut self,
        terminal: &mut Terminal,
        pause: Duration,
    ) -> Result<bool, CliError> {
        let until = tokio::time::sleep(pause);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return Ok(false),
                typed = terminal.key(), if self.takes_keys() => {
                    if self.typed(typed, terminal) {
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn takes_keys(&self) -> bool {
        !self.input_ended && !self.input.is_full()
    }

    /// Until the connection ends, one way or another.
    pub async fn run(&mut self, socket: Socket, terminal: &mut Terminal) -> Result<End, CliError> {
        let mut link = Link {
            socket,
            liveness: Liveness::new(Instant::now()),
        };
        let mut resized = signal(SignalKind::window_change())?;
        let mut ended = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let end = tokio::select! {
                message = link.socket.next() => {
                    let end = self.message(message, &mut link, terminal).await?;
                    // Not before: to show it may have taken longer than a pong may.
                    link.liveness.heard(Instant::now());
                    end
                }
                typed = terminal.key(), if self.takes_keys() => match self.typed(typed, terminal) {
                    true => Some(End::Left),
                    false => self.input_send(&mut link).await,
                },
                _ = resized.recv() => self.resize(terminal.size(), &mut link).await,
                () = any(&mut ended) => Some(End::Left),
                _ = tick.tick() => link.look_after().await,
            };
            if let Some(end) = end {
                // So that the node need not find out that nobody is there.
                let _ = timeout(TICK, link.socket.close(None)).await;
                return Ok(end);
            }
        }
    }

    /// Takes what was typed, or the end of it. True when the user leaves.
    fn typed(&mut self, typed: Option<Vec<u8>>, terminal: &Terminal) -> bool {
        let Some(typed) = typed else {
            self.input_ended = true;
            self.input_end();
            return terminal.is_terminal();
        };
        if !terminal.is_terminal() {
            self.last_typed = typed.last().copied().unwrap_or(self.last_typed);
            self.input.push(&typed);
            return false;
        }
        let (through, command) = self.escape.feed(&typed);
        self.input.push(&through);
        if command == Some(Command::Help) {
            terminal.tell(HELP);
        }
        command == Some(Command::Leave)
    }

    /// A script's input has ended: its last line counts, and then the shell is to end.
    fn input_end(&mut self) {
        if self.last_typed != b'\n' {
            self.input.push(b"\n");
        }
        self.input.push(&[END_OF_INPUT]);
    }

    async fn input_send(&mut self, link: &mut Link) -> Option<End> {
        while let Some(frame) = self.input.frame() {
            if let Some(end) = link.send(frame).await {
                return Some(end);
            }
        }
        None
    }

    async fn resize(&mut self, size: (u16, u16), link: &mut Link) -> Option<End> {
        if std::mem::replace(&mut self.size, size) == size {
            return None;
        }
        link.send(frame::resize(size)).await
    }

    async fn message(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
        link: &mut Link,
        terminal: &Terminal,
    ) -> Result<Option<End>, CliError> {
        match message {
            Some(Ok(Message::Binary(bytes))) => self.frame(&bytes, link, terminal).await,
            Some(Ok(Message::Close(why))) => closed(why).map(Some),
            Some(Ok(_)) => Ok(None),
            Some(Err(_)) | None => Ok(Some(End::Lost)),
        }
    }

    async fn frame(
        &mut self,
        bytes: &[u8],
        link: &mut Link,
        terminal: &Terminal,
    ) -> Result<Option<End>, CliError> {
        let Some(frame) = frame::decode(bytes) else {
            return Err(CliError::Failed(
                "the node sent a frame that cannot be read; is it of another version?".into(),
            ));
        };
        Ok(match frame {
            Frame::Hello(hello) => self.hello(&hello, link).await,
            Frame::Output { offset, bytes } => {
                terminal.write(bytes)?;
                self.shown(offset + bytes.len() as u64, link).await
            }
            Frame::Snapshot { offset, bytes } => {
                let mut drawing = std::mem::take(&mut self.drawing);
                drawing.extend(bytes);
                terminal.draw(&drawing)?;
                self.shown(offset, link).await
            }
            Frame::SnapshotPart(bytes) => {
                self.drawing.extend(bytes);
                None
            }
            Frame::InputAck(offset) => {
                self.input.acknowledged(offset);
                None
            }
            Frame::Exit(code) => Some(End::Exited(code)),
            Frame::Ping(number) => link.send(frame::pong(number)).await,
            Frame::Pong => {
                link.liveness.pong();
                None
            }
            Frame::Other => None,
        })
    }

    /// All output below is on the screen.
    async fn shown(&mut self, offset: u64, link: &mut Link) -> Option<End> {
        self.from = Some(offset);
        link.send(frame::ack(offset)).await
    }

    async fn hello(&mut self, hello: &Hello, link: &mut Link) -> Option<End> {
        self.input
            .connected(hello.input_offset, hello.input_written);
        // Who comes to type wants the program at the size of the own screen; a second time, somebody
        // else may have wanted it since.
        if !std::mem::replace(&mut self.attached, true) && !hello.owner {
            for frame in [frame::take_size(), frame::resize(self.size)] {
                if let Some(end) = link.send(frame).await {
                    return Some(end);
                }
            }
        }
        self.input_send(link).await
    }
}

impl Link {
    async fn send(&mut self, frame: Vec<u8>) -> Option<End> {
        let sent = timeout(SEND_DEADLINE, self.socket.send(Message::binary(frame))).await;
        (!matches!(sent, Ok(Ok(())))).then_some(End::Lost)
    }

    /// Pings in time, and gives up on who does not answer.
    async fn look_after(&mut self) -> Option<End> {
        match self.liveness.due(Instant::now()) {
            Due::Nothing => None,
            Due::Ping => self.send(frame::ping()).await,
            Due::GiveUp => Some(End::Lost),
        }
    }
}

/// The first of these signals.
async fn any(signals: &mut [Signal; 2]) {
    let [one, other] = signals;
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn closed(why: Option<CloseFrame>) -> Result<End, CliError> {
    let why = why.map(|why| (u16::from(why.code), why.reason.to_string()));
    let (code, said) = why.unwrap_or_default();
    match close::reason(code, &said) {
        Some(error) => Err(error),
        None => Ok(End::Lost),
    }
}
