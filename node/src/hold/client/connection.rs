//! One connection to the holder.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::hold::{
    peer::check_peer,
    process,
    wire::{Decode, Frames, FromHolder, Held, ToHolder, VERSION, encoded},
};

/// For a holder to answer a hello, or to list what it has.
const ANSWER: Duration = Duration::from_secs(5);

/// A connection that has said hello.
pub(in crate::hold) struct Connection {
    /// What the holder says.
    pub frames: Frames<OwnedReadHalf>,
    pub write: OwnedWriteHalf,
    /// The one that the holder has told, which may be another than ours.
    pub(super) version: u8,
}

impl Connection {
    /// To the holder of this folder.
    pub(super) async fn to(folder: &Path) -> io::Result<Self> {
        let connected = async {
            let stream = UnixStream::connect(process::socket(folder)).await?;
            check_peer(&stream).map_err(io::Error::other)?;
            let (read, write) = stream.into_split();
            let mut connection = Self {
                frames: Frames::new(read),
                write,
                version: 0,
            };
            connection.say(&ToHolder::Hello(VERSION)).await?;
            match connection.next().await? {
                FromHolder::Hello(version) => connection.version = version,
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
            Ok(connection)
        };
        timeout(ANSWER, connected).await?
    }

    pub(super) async fn say(&mut self, frame: &ToHolder) -> io::Result<()> {
        self.write.write_all(&encoded(frame)).await
    }

    async fn next<F: Decode>(&mut self) -> io::Result<F> {
        let next = self.frames.next().await?;
        next.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// All shells that the holder has, within 5 s. Of a holder of any version.
    pub(super) async fn list(&mut self) -> io::Result<Vec<Held>> {
        let listed = async {
            self.say(&ToHolder::List).await?;
            let mut all = Vec::new();
            loop {
                match self.next().await? {
                    FromHolder::Held(held) => all.push(*held),
                    FromHolder::Listed => return Ok(all),
                    _ => {}
                }
            }
        };
        timeout(ANSWER, listed).await?
    }
}
