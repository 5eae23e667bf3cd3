//! The holder beside a node that hangs, or sends what it should not.

use std::time::Duration;

use node::hold::{
    self,
    wire::{self, Ask, Drawing, Frames, FromHolder, Open, ToHolder},
};
use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};
use uuid::Uuid;

use crate::{
    holding::{Holder, socket},
    support::VM,
    viewer::PATIENCE,
};

/// A node's connection to it, spoken by hand.
struct Connection {
    frames: Frames<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Connection {
    async fn of(holder: &Holder) -> Self {
        let path = socket(holder.folder.path());
        let (read, write) = UnixStream::connect(path).await.unwrap().into_split();
        let mut connection = Self {
            frames: Frames::new(read),
            write,
        };
        connection.say(&ToHolder::Hello(wire::VERSION)).await;
        let hello = FromHolder::Hello(wire::VERSION);
        assert_eq!(connection.next().await, Some(hello));
        connection
    }

    /// A shell's; the holder has begun to send its output.
    async fn to(holder: &Holder, shell: Uuid) -> Self {
        let mut connection = Self::of(holder).await;
        connection.say(&ToHolder::Attach { shell, from: 0 }).await;
        connection.say(&ToHolder::Sync(1)).await;
        assert_eq!(connection.next().await, Some(FromHolder::Synced(1)));
        connection
    }

    /// Whoever was cut off is told by `next`.
    async fn say(&mut self, frame: &ToHolder) {
        let _ = self.write.write_all(&wire::encoded(frame)).await;
    }

    /// None: it was cut off.
    async fn next(&mut self) -> Option<FromHolder> {
        let next = timeout(PATIENCE, self.frames.next()).await;
        next.expect("nothing came").ok().flatten()
    }

    async fn open(&mut self) -> Uuid {
        let shell = Uuid::now_v7();
        let open = Open {
            shell,
            vm_id: VM,
            created_at: 1,
            cols: 80,
            rows: 24,
            command: None,
            env: Vec::new(),
            mark: shell.simple().to_string(),
        };
        self.say(&ToHolder::Ask(1, Ask::Open(open))).await;
        let opened = FromHolder::Answer(1, Ok(None));
        assert_eq!(self.next().await, Some(opened));
        shell
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_goes_on_beside_a_node_that_hangs() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 128;
    let holder = Holder::start(hold::Limits {
        ring_bytes: PIECE,
        reader_patience: Duration::from_millis(200),
        ..hold::Limits::default()
    });
    let shell = Connection::of(&holder).await.open().await;
    let program = holder.program();
    let mut node = Connection::to(&holder, shell).await;
    // It reads nothing, and its socket takes only a part.
    for _ in 0..PIECES {
        program.print(vec![b'x'; PIECE]).await;
    }
    // It reads on, and hears where the output goes on.
    let (mut position, mut missed) = (0, 0);
    while position < (PIECE * PIECES) as u64 {
        match node.next().await {
            Some(FromHolder::Output { offset, bytes }) => {
                missed += offset - position;
                position = offset + bytes.len() as u64;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(missed > 0, "a socket does not take so much");
    // From then on it misses nothing.
    for _ in 0..PIECES {
        program.print(vec![b'y'; PIECE / 8]).await;
        let expected = position + (PIECE / 8) as u64;
        while position < expected {
            match node.next().await {
                Some(FromHolder::Output { offset, bytes }) => {
                    assert_eq!(offset, position);
                    position += bytes.len() as u64;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_writes_before_it_reads_on_is_read_whatever_it_has_asked_back() {
    const PIECE: usize = 64 * 1024;
    let holder = Holder::start(hold::Limits::default());
    let shell = Connection::of(&holder).await.open().await;
    let program = holder.program();
    let mut node = Connection::to(&holder, shell).await;
    // More than a socket takes, so that the holder waits to send.
    for _ in 0..16 {
        program.print(vec![b'x'; PIECE]).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    node.say(&ToHolder::Sync(7)).await;
    let drawing = Drawing {
        offset: 0,
        cols: 250,
        rows: 1000,
        bytes: vec![b'd'; 900 * 1024].into(),
    };
    let drawing = ToHolder::Drawing(drawing);
    timeout(PATIENCE, node.say(&drawing))
        .await
        .expect("it is read");
    loop {
        match node.next().await {
            Some(FromHolder::Synced(number)) => break assert_eq!(number, 7),
            Some(FromHolder::Output { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_sends_more_input_than_may_wait_is_cut_off() {
    const PIECE: usize = 32 * 1024;
    let holder = Holder::start(hold::Limits {
        input_bytes: 2 * PIECE,
        ..hold::Limits::default()
    });
    let mut asking = Connection::of(&holder).await;
    let shell = asking.open().await;
    let mut program = holder.program();
    let mut node = Connection::to(&holder, shell).await;
    // One may be on its way to the program, and two wait.
    for piece in 1..=4 {
        let input = ToHolder::Input {
            client: 1,
            end: piece * PIECE as u64,
            bytes: vec![b'x'; PIECE].into(),
        };
        node.say(&input).await;
    }
    assert_eq!(node.next().await, None);
    assert_eq!(program.read(2 * PIECE).await, vec![b'x'; 2 * PIECE]);
    asking.say(&ToHolder::Ask(2, Ask::ExitCode { shell })).await;
    let lives = FromHolder::Answer(2, Ok(None));
    assert_eq!(asking.next().await, Some(lives));
}
