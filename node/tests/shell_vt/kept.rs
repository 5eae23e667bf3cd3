//! Snapshots of the recorded programs, and of what hardly any program does (functions.bin), kept in tests/corpus/*.snapshots for the browser's terminal:
//! web/test/snapshot.test.ts holds it to them. `MINICLOUD_SNAPSHOTS=write` writes them anew.

use std::{env, fs, path::Path};

use super::{SIZE, blank};

/// The streams, and how many of each, evenly over it; the last at its end.
const CUTS: [(&str, usize); 8] = [
    ("bash", 8),
    ("emoji", 8),
    ("functions", 100),
    ("htop", 8),
    ("less", 8),
    ("tmux", 8),
    ("top", 8),
    ("vim", 8),
];

#[test]
fn the_snapshots_that_the_browsers_terminal_is_held_to_are_those_of_today() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for (name, cuts) in CUTS {
        let stream = fs::read(corpus.join(format!("{name}.bin"))).expect("a stream");
        let kept = corpus.join(format!("{name}.snapshots"));
        let now = snapshots(&stream, cuts);
        if env::var_os("MINICLOUD_SNAPSHOTS").is_some_and(|word| word == "write") {
            fs::write(&kept, &now).expect("it is written");
        }
        assert!(
            fs::read(&kept).is_ok_and(|kept| kept == now),
            "{} is of another day: write it with MINICLOUD_SNAPSHOTS=write, \
             and see that the tests of web/ hold",
            kept.display()
        );
    }
}

/// For each: `OFFSET LENGTH` and a line feed, then so many bytes.
fn snapshots(stream: &[u8], cuts: usize) -> Vec<u8> {
    let mut vt = blank(SIZE);
    let mut all = Vec::new();
    let mut from = 0;
    for cut in 1..=cuts {
        let to = stream.len() * cut / cuts;
        vt.feed(&stream[from..to]);
        from = to;
        let snapshot = vt.snapshot();
        let head = format!("{} {}\n", snapshot.offset, snapshot.bytes.len());
        all.extend([head.as_bytes(), &snapshot.bytes].concat());
    }
    all
}
