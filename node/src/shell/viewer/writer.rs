//! The half that tells a viewer what its shell prints and does.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use axum::extract::ws::Message;
use bytes::Bytes;
use futures_util::SinkExt;
use tokio::{
    sync::watch,
    time::{sleep_until, timeout},
};

use super::{Shared, Sink};
use crate::shell::{
    close::Close,
    frame::{Hello, NodeFrame, VERSION},
    limits::{OUTPUT_FRAME_BYTES, OUTPUT_PART_BYTES, SNAPSHOT_PART_BYTES},
    pace::Pace,
    session::{End, Next, Seat, Shell, View, lock},
    vt::Snapshot,
};

/// A viewer that lost its place has caught up when no more than this is unacknowledged.
const CAUGHT_UP_BYTES: u64 = 64 * 1024;

/// What comes next for this viewer.
enum Step {
    Send(Bytes),
    /// The screen, because the place in the stream is lost.
    Draw,
    /// Nothing to send before there is news, or this time has come.
    Wait(Option<Instant>),
    Close(Close),
}

/// The viewer is gone, or takes nothing any more.
struct Gone;

/// One viewer's socket, its place in the output, and what it was told.
pub struct Writer<'a> {
    shell: &'a Arc<Shell>,
    seat: &'a Seat,
    shared: &'a Shared,
    sink: Sink,
    /// Offset of the next output byte to send.
    position: u64,
    /// The place is lost: a snapshot comes next.
    lost: bool,
    /// What is long goes in parts.
    parts: bool,
    pace: Pace,
    /// What the viewer knows.
    told: View,
}

impl<'a> Writer<'a> {
    /// Takes what the viewer will learn by the hello as told.
    pub fn new(
        shell: &'a Arc<Shell>,
        seat: &'a Seat,
        shared: &'a Shared,
        sink: Sink,
        parts: bool,
    ) -> Self {
        let mut told = shell.view(seat);
        told.end = None;
        // As of the moment when the input was counted; what is written later is told by acks.
        told.input_written = told.input_written.min(seat.input_offset);
        Self {
            shell,
            seat,
            shared,
            sink,
            position: 0,
            lost: false,
            parts,
            pace: Pace::new(Instant::now()),
            told,
        }
    }

    /// Hello, output, news, until the viewer is closed or gone.
    pub async fn run(mut self, from: Option<u64>) {
        if self.begin(from).await.is_err() {
            return;
        }
        let mut news = self.shell.news();
        loop {
            news.borrow_and_update();
            let done = match self.step() {
                Step::Send(frame) => self.send(Message::Binary(frame)).await,
                Step::Draw => self.draw().await,
                Step::Wait(until) => self.wait(&mut news, until).await,
                Step::Close(close) => {
                    // A viewer that is gone already needs no telling.
                    let _ = self.send(close.message()).await;
                    return;
                }
            };
            if done.is_err() {
                return;
            }
        }
    }

    /// The stream goes on at `from` where it can; otherwise a snapshot follows the hello.
    async fn begin(&mut self, from: Option<u64>) -> Result<(), Gone> {
        self.shell.settle_input(self.seat.client).await;
        let resumes = from.filter(|from| self.shell.available(*from).is_some());
        let drawn = match resumes {
            Some(_) => None,
            None => Some(self.shell.snapshot().await),
        };
        let begins = drawn.as_ref().map(|drawn| drawn.offset).or(resumes);
        self.move_to(begins.unwrap_or(0));
        self.shared.acked.store(self.position, Ordering::Release);
        let hello = NodeFrame::Hello(Hello {
            version: VERSION,
            shell_id: self.shell.id,
            cols: self.told.size.cols,
            rows: self.told.size.rows,
            offset: self.position,
            input_offset: self.seat.input_offset,
            input_written: self.told.input_written,
            owner: self.told.owner,
            viewers: self.told.viewers,
        });
        self.send(Message::Binary(hello.encode())).await?;
        match drawn {
            Some(drawn) => self.send_snapshot(drawn).await,
            None => Ok(()),
        }
    }

    /// Waits for news, from the shell or from the viewer, or for the time.
    async fn wait(
        &self,
        news: &mut watch::Receiver<()>,
        until: Option<Instant>,
    ) -> Result<(), Gone> {
        let due = async {
            match until {
                Some(until) => sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = news.changed() => changed.map_err(|_| Gone),
            () = self.shared.news.notified() => Ok(()),
            () = due => Ok(()),
        }
    }

    /// What to do now: small news first, then output, and the end when all output is out.
    fn step(&mut self) -> Step {
        if let Some(close) = lock(&self.shared.close).clone() {
            return Step::Close(close);
        }
        let view = self.shell.view(self.seat);
        let until = self.acks_until();
        let acks_count = until.is_none_or(|until| Instant::now() < until);
        if acks_count && let Some(frame) = self.small_news(&view) {
            return Step::Send(frame.encode());
        }
        match (self.output(acks_count), &view.end) {
            (Step::Wait(None), Some(end)) if self.position == self.shell.offset() => {
                self.tell_end(end)
            }
            (Step::Wait(None), Some(_)) => Step::Wait(until),
            (step, _) => step,
        }
    }

    /// Once the shell has ended: until when what was sent may stay unacknowledged. Past it the viewer gets
    /// the rest all the same, nothing else, and the end: or it could keep an ended shell here for ever.
    fn acks_until(&self) -> Option<Instant> {
        let (_, since) = self.shell.end()?;
        Some(Instant::now() + self.shell.limits().end_patience.saturating_sub(since))
    }

    fn small_news(&mut self, view: &View) -> Option<NodeFrame> {
        if let Some(value) = lock(&self.shared.ping).take() {
            return Some(NodeFrame::Pong(value));
        }
        if self.shared.ask.swap(false, Ordering::AcqRel) {
            return Some(NodeFrame::Ping(self.position));
        }
        if (view.size, view.owner) != (self.told.size, self.told.owner) {
            (self.told.size, self.told.owner) = (view.size, view.owner);
            return Some(NodeFrame::Size {
                size: view.size,
                owner: view.owner,
            });
        }
        if view.input_written > self.told.input_written {
            self.told.input_written = view.input_written;
            return Some(NodeFrame::InputAck(view.input_written));
        }
        if view.viewers != self.told.viewers {
            self.told.viewers = view.viewers;
            return Some(NodeFrame::Viewers(view.viewers));
        }
        None
    }

    /// The exit frame, and the close after it.
    fn tell_end(&mut self, end: &End) -> Step {
        let untold = self.told.end.is_none();
        self.told.end = Some(end.clone());
        match end {
            End::Exited(code) if untold => Step::Send(NodeFrame::Exit(*code).encode()),
            _ => Step::Close(Close::from(end)),
        }
    }

    /// The next output, when the viewer may have it: always where acks do not count any more.
    fn output(&mut self, acks_count: bool) -> Step {
        let acked = match acks_count {
            true => self.shared.acked.load(Ordering::Acquire),
            false => self.position,
        };
        let unacked = self.position - acked;
        let window = self
            .shell
            .limits()
            .unacked_output_bytes
            .saturating_sub(unacked);
        if self.lost {
            return self.skip(unacked);
        }
        let Some(available) = self.shell.available(self.position) else {
            return self.skip(unacked);
        };
        if available == 0 || window == 0 {
            return Step::Wait(None);
        }
        let now = Instant::now();
        let most = if self.parts {
            OUTPUT_PART_BYTES
        } else {
            OUTPUT_FRAME_BYTES
        };
        if available < most as u64
            && let Some(until) = self.pace.hold_until(now)
        {
            return Step::Wait(Some(until));
        }
        let max = usize::try_from(window).unwrap_or(usize::MAX).min(most);
        match self.shell.read(self.position, max) {
            Next::Output(frame) => {
                let bytes = frame.len() - 9;
                self.pace.sent(bytes, now);
                self.move_to(self.position + bytes as u64);
                Step::Send(frame.into())
            }
            Next::Nothing => Step::Wait(None),
            Next::Gone => self.skip(unacked),
        }
    }

    /// The ring has moved on: once the viewer has caught up, it gets the screen instead.
    fn skip(&mut self, unacked: u64) -> Step {
        self.lost = unacked > CAUGHT_UP_BYTES;
        if self.lost {
            Step::Wait(None)
        } else {
            Step::Draw
        }
    }

    async fn draw(&mut self) -> Result<(), Gone> {
        let drawn = self.shell.snapshot().await;
        self.move_to(drawn.offset);
        self.shared.acked.fetch_max(drawn.offset, Ordering::AcqRel);
        self.send_snapshot(drawn).await
    }

    async fn send_snapshot(&mut self, drawn: Snapshot) -> Result<(), Gone> {
        let Snapshot {
            offset,
            size,
            mut bytes,
        } = drawn;
        // As one message a long drawing is silence to who waits for it on a slow line.
        while self.parts && bytes.len() > SNAPSHOT_PART_BYTES {
            let part = NodeFrame::SnapshotPart(bytes.split_to(SNAPSHOT_PART_BYTES));
            self.send(Message::Binary(part.encode())).await?;
        }
        let frame = NodeFrame::Snapshot {
            offset,
            size,
            bytes,
        };
        self.send(Message::Binary(frame.encode())).await
    }

    fn move_to(&mut self, offset: u64) {
        self.position = offset;
        self.shared.sent.store(offset, Ordering::Release);
    }

    /// Sends at once. A viewer that takes nothing for as long as silence is allowed is gone.
    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(self.shell.limits().silence, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}
