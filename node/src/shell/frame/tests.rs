//! Frames survive the way, and are the bytes of the document.

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Hello, Malformed, NodeFrame, VERSION, ViewerFrame};
use crate::shell::limits::{INPUT_FRAME_BYTES, Size};

fn size() -> impl Strategy<Value = Size> {
    (1_u16..=500, 1_u16..=500).prop_map(|(cols, rows)| Size { cols, rows })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

/// Any bytes, most of them behind a kind that there is, or nearly one.
fn raw() -> impl Strategy<Value = Bytes> {
    let kind = prop_oneof![
        4 => 0x00_u8..=0x0b,
        4 => 0x80_u8..=0x88,
        1 => any::<u8>(),
    ];
    let framed = (kind, bytes()).prop_map(|(kind, body)| [&[kind], &body[..]].concat());
    prop_oneof![1 => bytes(), 4 => framed.prop_map(Bytes::from)]
}

fn node_frame() -> impl Strategy<Value = NodeFrame> {
    prop_oneof![
        (any::<u64>(), bytes()).prop_map(|(offset, bytes)| NodeFrame::Output { offset, bytes }),
        (any::<u64>(), size(), bytes()).prop_map(|(offset, size, bytes)| NodeFrame::Snapshot {
            offset,
            size,
            bytes
        }),
        bytes().prop_map(NodeFrame::SnapshotPart),
        (any::<u128>(), any::<u64>(), size()).prop_map(|(id, offset, size)| {
            NodeFrame::Hello(Hello {
                version: VERSION,
                shell_id: Uuid::from_u128(id),
                cols: size.cols,
                rows: size.rows,
                offset,
                input_offset: offset / 2,
                input_written: offset / 3,
                owner: offset % 2 == 0,
                viewers: 3,
            })
        }),
        any::<u64>().prop_map(NodeFrame::InputAck),
        (size(), any::<bool>()).prop_map(|(size, owner)| NodeFrame::Size { size, owner }),
        any::<i32>().prop_map(NodeFrame::Exit),
        any::<u64>().prop_map(NodeFrame::Pong),
        any::<u16>().prop_map(NodeFrame::Viewers),
        any::<u64>().prop_map(NodeFrame::Ping),
    ]
}

fn viewer_frame() -> impl Strategy<Value = ViewerFrame> {
    prop_oneof![
        (any::<u64>(), bytes()).prop_map(|(offset, bytes)| ViewerFrame::Input { offset, bytes }),
        (any::<u16>(), any::<u16>()).prop_map(|(cols, rows)| ViewerFrame::Resize { cols, rows }),
        any::<u64>().prop_map(ViewerFrame::Ack),
        any::<u64>().prop_map(ViewerFrame::Ping),
        Just(ViewerFrame::TakeSize),
        any::<u64>().prop_map(ViewerFrame::Pong),
    ]
}

proptest! {
    #[test]
    fn node_frames_survive_the_wire(frame in node_frame()) {
        prop_assert_eq!(NodeFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn viewer_frames_survive_the_wire(frame in viewer_frame()) {
        prop_assert_eq!(ViewerFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn any_bytes_are_read_or_refused_but_never_panic(raw in raw()) {
        let _ = NodeFrame::decode(&raw);
        let _ = ViewerFrame::decode(&raw);
    }

    #[test]
    fn a_known_kind_cut_short_is_malformed(frame in viewer_frame(), cut in 1_usize..9) {
        let whole = frame.encode();
        // The fixed part: what an input frame holds behind it may be empty.
        let fixed = match frame {
            ViewerFrame::Input { .. } => 9,
            _ => whole.len(),
        };
        if cut < fixed {
            let kind = whole[0];
            prop_assert_eq!(
                ViewerFrame::decode(&whole.slice(..cut)),
                Err(Malformed::TooShort(kind))
            );
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_document() {
    let output = NodeFrame::Output {
        offset: 258,
        bytes: Bytes::from_static(b"hi"),
    };
    assert_eq!(&output.encode()[..], b"\x01\0\0\0\0\0\0\x01\x02hi");
    let resize = ViewerFrame::Resize { cols: 80, rows: 24 };
    assert_eq!(&resize.encode()[..], b"\x82\0\x50\0\x18");
    assert_eq!(&NodeFrame::Exit(-1).encode()[..], b"\x06\xff\xff\xff\xff");
}

#[test]
fn unknown_kinds_are_told_apart_from_malformed_ones() {
    let unknown = Bytes::from_static(&[0x7f, 1, 2]);
    assert_eq!(
        ViewerFrame::decode(&unknown),
        Ok(ViewerFrame::Unknown(0x7f))
    );
    assert_eq!(ViewerFrame::decode(&Bytes::new()), Err(Malformed::Empty));
}

#[test]
fn input_over_64_kib_is_refused() {
    let input = ViewerFrame::Input {
        offset: 0,
        bytes: vec![0; INPUT_FRAME_BYTES + 1].into(),
    };
    assert_eq!(
        ViewerFrame::decode(&input.encode()),
        Err(Malformed::InputTooLong(INPUT_FRAME_BYTES + 1))
    );
}
