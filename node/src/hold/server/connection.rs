//! A node's connection: it says hello, and asks, or becomes that of a shell.

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex as Turn,
    time::timeout,
};

use super::{Holder, presence::Here};
use crate::{
    hold::{
        line,
        peer::check_peer,
        wire::{Ask, Encode, Fault, Frames, FromHolder, ToHolder, VERSION},
    },
    shell::lock,
};

/// For a connection to say what it is.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// For connections of a node that has ended to be read to their end.
const LINES_END: Duration = Duration::from_secs(2);

impl Holder {
    /// Serves it to its end, or the holder's. Refused where the other side is neither our user nor root.
    pub(super) async fn connection(self: Arc<Self>, stream: UnixStream) {
        if let Err(why) = check_peer(&stream) {
            return tracing::warn!("a connection was refused: {why}");
        }
        let (read, write) = stream.into_split();
        let (mut frames, write) = (Frames::new(read), Arc::new(Turn::new(write)));
        let _here = Here::new(&self);
        tokio::select! {
            served = self.greet_and_serve(&mut frames, &write) => if let Err(error) = served {
                tracing::debug!("a node's connection ended: {error}");
            },
            () = self.over.cancelled() => {}
        }
    }

    async fn greet_and_serve(
        self: &Arc<Self>,
        frames: &mut Frames<OwnedReadHalf>,
        write: &Arc<Turn<OwnedWriteHalf>>,
    ) -> io::Result<()> {
        let hello = timeout(HELLO_DEADLINE, frames.next::<ToHolder>()).await;
        let Ok(Ok(Some(ToHolder::Hello(_)))) = hello else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        // What the node makes of the version is for the node to say.
        say(write, &FromHolder::Hello(VERSION)).await?;
        while let Some(frame) = frames.next::<ToHolder>().await? {
            match frame {
                ToHolder::List => self.list(write).await?,
                ToHolder::Retire(why) => {
                    tracing::warn!("told to end: {why}");
                    self.over.cancel();
                }
                ToHolder::Ask(number, ask) => {
                    tokio::spawn(self.clone().answer(number, ask, write.clone()));
                }
                ToHolder::Attach { shell, from } => {
                    let Some(shell) = self.find(shell) else {
                        return Ok(());
                    };
                    self.lines.send_modify(|lines| *lines += 1);
                    line::serve(&shell, from, frames, write).await;
                    self.lines.send_modify(|lines| *lines -= 1);
                    return Ok(());
                }
                other => tracing::debug!("not expected here: {other:?}"),
            }
        }
        Ok(())
    }

    /// A node that begins asks. What the one before it has sent is taken first, to its end.
    async fn list(&self, write: &Turn<OwnedWriteHalf>) -> io::Result<()> {
        let mut lines = self.lines.subscribe();
        if timeout(LINES_END, lines.wait_for(|lines| *lines == 0))
            .await
            .is_err()
        {
            tracing::warn!("another node reads shells still");
        }
        let held: Vec<_> = lock(&self.shells)
            .values()
            .map(|shell| shell.held())
            .collect();
        for held in held {
            say(write, &FromHolder::Held(Box::new(held))).await?;
        }
        say(write, &FromHolder::Listed).await
    }

    async fn answer(self: Arc<Self>, number: u64, ask: Ask, write: Arc<Turn<OwnedWriteHalf>>) {
        let opened = match &ask {
            Ask::Open(open) => Some(open.shell),
            _ => None,
        };
        let answer = self.done(ask).await.map_err(Fault::from);
        let made = answer.is_ok();
        let told = say(&write, &FromHolder::Answer(number, answer)).await;
        // The node has died meanwhile, and whoever asked it was told so: the shell is nobody's.
        if let (Some(shell), true, Err(_)) = (opened, made, told) {
            self.forget(shell).await;
        }
    }
}

async fn say(write: &Turn<OwnedWriteHalf>, frame: &FromHolder) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame.encode(&mut out);
    write.lock().await.write_all(&out).await
}
