//! Frames survive the way, whole, cut or broken.

use std::io;

use proptest::prelude::*;
use tokio::io::AsyncRead;

use super::*;

/// Gives what it has in pieces of these lengths.
struct Cut(Vec<Vec<u8>>);

impl AsyncRead for Cut {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        if let Some(piece) = self.0.pop() {
            buffer.put_slice(&piece);
        }
        std::task::Poll::Ready(Ok(()))
    }
}

fn cut(bytes: &[u8], lengths: &[usize]) -> Cut {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.len().min(*length));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces.reverse();
    Cut(pieces)
}

fn held() -> Held {
    Held {
        shell: Uuid::from_u128(1),
        vm_id: Uuid::from_u128(2),
        created_at: 3,
        active_at: 4,
        cols: 80,
        rows: 24,
        start: 5,
        end: 6,
        drawn: true,
        owner: Some(u64::MAX),
        clients: vec![Progress {
            client: u64::MAX - 1,
            taken: 8,
            written: 7,
        }],
    }
}

fn to_holder() -> impl Strategy<Value = ToHolder> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from);
    prop_oneof![
        any::<u8>().prop_map(ToHolder::Hello),
        Just(ToHolder::List),
        ".*".prop_map(ToHolder::Retire),
        (any::<u64>(), any::<u128>()).prop_map(|(number, shell)| {
            let shell = Uuid::from_u128(shell);
            ToHolder::Ask(number, Ask::Kill { shell })
        }),
        (any::<u128>(), any::<u64>()).prop_map(|(shell, from)| ToHolder::Attach {
            shell: Uuid::from_u128(shell),
            from
        }),
        (any::<u64>(), any::<u64>(), bytes()).prop_map(|(client, end, bytes)| ToHolder::Input {
            client,
            end,
            bytes
        }),
        any::<u64>().prop_map(ToHolder::Forget),
        any::<u64>().prop_map(ToHolder::Sync),
        any::<Option<u64>>().prop_map(ToHolder::Owner),
        (any::<u64>(), any::<u16>(), any::<u16>(), bytes()).prop_map(
            |(offset, cols, rows, bytes)| ToHolder::Drawing(Drawing {
                offset,
                cols,
                rows,
                bytes
            })
        ),
    ]
}

async fn all<F: Decode>(frames: &mut Frames<Cut>) -> io::Result<Vec<F>> {
    let mut all = Vec::new();
    while let Some(frame) = frames.next().await? {
        all.push(frame);
    }
    Ok(all)
}

proptest! {
    #[test]
    fn frames_cut_anywhere_come_out_as_they_went_in(
        frames in proptest::collection::vec(to_holder(), 0..20),
        lengths in proptest::collection::vec(1_usize..100, 1..10),
    ) {
        let mut wire = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut wire));
        let read = futures_util::FutureExt::now_or_never(async {
            all::<ToHolder>(&mut Frames::new(cut(&wire, &lengths))).await
        });
        prop_assert_eq!(read.unwrap().unwrap(), frames);
    }

    #[test]
    fn nonsense_is_refused_or_read_and_takes_no_memory_it_was_not_sent(
        wire in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut frames = Frames::new(cut(&wire, &[7]));
        let read = futures_util::FutureExt::now_or_never(all::<FromHolder>(&mut frames));
        prop_assert!(read.is_some());
        prop_assert!(frames.buffer.capacity() <= 64 * 1024);
    }
}

#[tokio::test]
async fn small_frames_share_a_buffer_though_each_comes_alone_and_is_kept() {
    let mut wire = BytesMut::new();
    for end in 0..1_000 {
        let (client, bytes) = (1, Bytes::from_static(b"x"));
        ToHolder::Input { client, end, bytes }.encode(&mut wire);
    }
    let length = wire.len() / 1_000;
    let mut frames = Frames::new(cut(&wire, &[length]));
    let kept: Vec<ToHolder> = all(&mut frames).await.unwrap();
    let places: Vec<usize> = kept
        .iter()
        .map(|frame| match frame {
            ToHolder::Input { bytes, .. } => bytes.as_ptr().addr(),
            other => panic!("{other:?}"),
        })
        .collect();
    let begun = places
        .windows(2)
        .filter(|pair| pair[1].wrapping_sub(pair[0]) != length);
    assert!(begun.count() < 10);
}

#[tokio::test]
async fn a_long_frame_leaves_no_long_buffer_behind() {
    let long = ToHolder::Drawing(Drawing {
        offset: 1,
        cols: 80,
        rows: 24,
        bytes: vec![7; DRAWING_BYTES].into(),
    });
    let mut wire = encoded(&long);
    ToHolder::List.encode(&mut wire);
    let mut frames = Frames::new(cut(&wire, &[4_000]));
    assert_eq!(frames.next::<ToHolder>().await.unwrap(), Some(long));
    assert_eq!(
        frames.next::<ToHolder>().await.unwrap(),
        Some(ToHolder::List)
    );
    let capacity = frames.buffer.capacity();
    assert!(capacity <= 64 * 1024, "{capacity}");
}

#[tokio::test]
async fn a_flood_leaves_a_small_buffer_behind() {
    let bytes = vec![7; OUTPUT_BYTES].into();
    let mut wire = encoded(&FromHolder::Output { offset: 0, bytes }).repeat(20);
    let bytes = Bytes::from_static(b"# ");
    wire.extend_from_slice(&encoded(&FromHolder::Output { offset: 0, bytes }));
    let mut frames = Frames::new(cut(&wire, &[4_000]));
    let flood: Vec<FromHolder> = all(&mut frames).await.unwrap();
    assert_eq!(flood.len(), 21);
    let capacity = frames.buffer.capacity();
    assert!(capacity <= 16 * 1024, "{capacity}");
}

#[tokio::test]
async fn what_the_holder_says_is_read_back() {
    let fault = Fault {
        code: NodeErrorCode::Conflict,
        message: "the VM does not run".into(),
    };
    let said = vec![
        FromHolder::Hello(VERSION),
        FromHolder::Held(Box::new(held())),
        FromHolder::Listed,
        FromHolder::Answer(1, Ok(Some(-1))),
        FromHolder::Answer(2, Err(fault)),
        FromHolder::Output {
            offset: 9,
            bytes: Bytes::from_static(b"\0\xff"),
        },
        FromHolder::Written { client: 1, end: 2 },
        FromHolder::Synced(3),
        FromHolder::Ended(Ended::default()),
    ];
    let mut wire = BytesMut::new();
    said.iter().for_each(|frame| frame.encode(&mut wire));
    let read: Vec<FromHolder> = all(&mut Frames::new(cut(&wire, &[3]))).await.unwrap();
    assert_eq!(read, said);
}

#[tokio::test]
async fn a_record_of_a_later_version_is_read_without_what_is_new_in_it() {
    let mut record = serde_json::to_value(held()).unwrap();
    record["colour"] = "green".into();
    assert_eq!(parsed(record.to_string().as_bytes()), Some(held()));
}

#[tokio::test]
async fn a_frame_that_is_too_long_or_cut_off_is_an_error() {
    let long = (FRAME_BYTES as u32 + 1).to_be_bytes();
    for wire in [
        &long[..],
        &[0, 0, 0, 0],
        &[0, 0, 0, 9, 1],
        &[0, 0, 0, 1, 0x77],
    ] {
        let read: io::Result<Vec<ToHolder>> = all(&mut Frames::new(cut(wire, &[2]))).await;
        assert!(read.is_err(), "{wire:?}");
    }
}
