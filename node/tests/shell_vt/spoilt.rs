//! Recorded programs whose bytes were spoilt on their way: nearer to what programs print than what is made up.

use proptest::{prelude::*, test_runner::FileFailurePersistence};

use super::{SIZE, blank, redrawn};

const CORPUS: [&[u8]; 8] = [
    include_bytes!("../corpus/bash.bin"),
    include_bytes!("../corpus/emoji.bin"),
    include_bytes!("../corpus/functions.bin"),
    include_bytes!("../corpus/htop.bin"),
    include_bytes!("../corpus/less.bin"),
    include_bytes!("../corpus/tmux.bin"),
    include_bytes!("../corpus/top.bin"),
    include_bytes!("../corpus/vim.bin"),
];
/// How much of a stream is taken, from anywhere in it. Bytes.
const PART: usize = 3_000;

/// What becomes of a byte.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    Change(u8),
    LeaveOut,
    Double,
}

fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let spoil = prop_oneof![
        4 => any::<u8>().prop_map(Spoil::Change),
        1 => Just(Spoil::LeaveOut),
        1 => Just(Spoil::Double),
    ];
    let places = prop::collection::vec((any::<prop::sample::Index>(), spoil), 1..40);
    let stream = prop::sample::select(CORPUS.to_vec());
    (stream, any::<prop::sample::Index>(), places).prop_map(|(stream, from, places)| {
        let from = from.index(stream.len());
        let mut part = stream[from..stream.len().min(from + PART)].to_vec();
        for (at, spoil) in places {
            if part.is_empty() {
                break;
            }
            let at = at.index(part.len());
            match spoil {
                Spoil::Change(byte) => part[at] = byte,
                Spoil::LeaveOut => {
                    part.remove(at);
                }
                Spoil::Double => part.insert(at, part[at]),
            }
        }
        part
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_recorded_program_whose_bytes_are_spoilt_breaks_nothing(
        stream in spoilt(),
        chunk in 1_usize..500,
    ) {
        let mut vt = blank(SIZE);
        stream.chunks(chunk).for_each(|part| vt.feed(part));
        let drawn = vt.snapshot();
        prop_assert_eq!(drawn.offset, stream.len() as u64);
        prop_assert!(drawn.bytes.len() < 4 * 1024 * 1024);
        let other = redrawn(&mut vt);
        prop_assert_eq!(vt.screen().contents(), other.screen().contents());
        prop_assert_eq!(vt.screen().alternate_screen(), other.screen().alternate_screen());
    }
}
