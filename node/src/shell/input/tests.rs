//! Input in memory: what is taken, refused and forgotten.

use proptest::prelude::*;

use super::*;

const A: ClientId = ClientId(1);

fn drain(inputs: &mut Inputs) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = inputs.next() {
        all.extend_from_slice(&piece.bytes);
        inputs.written(piece.client, piece.end);
    }
    all
}

proptest! {
    #[test]
    fn resent_input_arrives_exactly_once(
        text in proptest::collection::vec(any::<u8>(), 1..500),
        resends in proptest::collection::vec((any::<u16>(), 1_usize..60), 1..80),
    ) {
        let limits = ShellLimits::default();
        let mut inputs = Inputs::new();
        let mut written = Vec::new();
        for (back, length) in resends {
            let taken = inputs.attach(A, &limits, |_| false).unwrap() as usize;
            let from = taken - (back as usize % (taken + 1));
            let to = text.len().min(from + length);
            let bytes = Bytes::copy_from_slice(&text[from..to]);
            prop_assert!(inputs.take(A, from as u64, &bytes, &limits).is_ok());
            written.extend(drain(&mut inputs));
        }
        prop_assert_eq!(&written, &text[..written.len()]);
        prop_assert_eq!(inputs.written_of(A), written.len() as u64);
    }
}

#[test]
fn what_a_holder_has_is_not_taken_again() {
    let limits = ShellLimits {
        unwritten_input_bytes: 10,
        ..ShellLimits::default()
    };
    let held = wire::Progress {
        client: A.0,
        taken: 8,
        written: 3,
    };
    let mut inputs = Inputs::of(&[held]);
    assert_eq!(inputs.attach(A, &limits, |_| false), Ok(8));
    assert!(!inputs.is_settled(A));
    let resent = Bytes::from_static(b"45678!");
    assert_eq!(inputs.take(A, 3, &resent, &limits), Ok(true));
    assert_eq!(drain(&mut inputs), b"!");
    assert!(inputs.is_settled(A));
    assert_eq!(inputs.unwritten_bytes, 0);
}

#[test]
fn a_gap_is_refused_and_changes_nothing() {
    let limits = ShellLimits::default();
    let mut inputs = Inputs::new();
    inputs
        .take(A, 0, &Bytes::from_static(b"abc"), &limits)
        .unwrap();
    let refused = inputs.take(A, 4, &Bytes::from_static(b"e"), &limits);
    assert_eq!(
        refused,
        Err(InputRefused::Gap {
            expected: 3,
            got: 4
        })
    );
    assert!(
        inputs
            .take(A, u64::MAX, &Bytes::from_static(b"e"), &limits)
            .is_err()
    );
    assert_eq!(drain(&mut inputs), b"abc");
}

#[test]
fn input_that_the_program_does_not_read_is_bounded() {
    let limits = ShellLimits {
        unwritten_input_bytes: 10,
        ..ShellLimits::default()
    };
    let mut inputs = Inputs::new();
    inputs
        .take(A, 0, &Bytes::from_static(&[0; 10]), &limits)
        .unwrap();
    let refused = inputs.take(A, 10, &Bytes::from_static(b"x"), &limits);
    assert_eq!(refused, Err(InputRefused::TooMuch(10)));
    drain(&mut inputs);
    assert_eq!(
        inputs.take(A, 10, &Bytes::from_static(b"x"), &limits),
        Ok(true)
    );
}

#[test]
fn only_the_newest_clients_are_remembered() {
    let limits = ShellLimits {
        clients: 3,
        ..ShellLimits::default()
    };
    let mut inputs = Inputs::new();
    for client in 0..4 {
        inputs.attach(ClientId(client), &limits, |_| false).unwrap();
        let typed = Bytes::from_static(b"x");
        inputs.take(ClientId(client), 0, &typed, &limits).unwrap();
        drain(&mut inputs);
    }
    assert_eq!(inputs.clients.len(), 3);
    assert_eq!(inputs.take_forgotten(), [ClientId(0)]);
    assert_eq!(inputs.attach(ClientId(3), &limits, |_| false), Ok(1));
    assert_eq!(
        inputs.attach(ClientId(0), &limits, |_| false),
        Ok(0),
        "the oldest was forgotten"
    );
}

#[test]
fn who_is_needed_is_never_forgotten() {
    let limits = ShellLimits {
        clients: 3,
        ..ShellLimits::default()
    };
    let mut inputs = Inputs::new();
    inputs.attach(A, &limits, |_| false).unwrap();
    let typed = Bytes::from_static(b"x");
    inputs.take(A, 0, &typed, &limits).unwrap();
    drain(&mut inputs);
    for client in 2..100 {
        inputs
            .attach(ClientId(client), &limits, |client| client == A)
            .unwrap();
    }
    assert_eq!(inputs.clients.len(), 3);
    assert_eq!(inputs.attach(A, &limits, |_| false), Ok(1));
    inputs.attach(ClientId(100), &limits, |_| true).unwrap();
    assert_eq!(inputs.clients.len(), 4, "all are needed");
}

#[test]
fn who_has_input_that_waits_is_not_forgotten_and_makes_no_room() {
    let limits = ShellLimits {
        clients: 3,
        ..ShellLimits::default()
    };
    let mut inputs = Inputs::new();
    let typed = Bytes::from_static(b"x");
    for client in 0..3 {
        inputs.attach(ClientId(client), &limits, |_| false).unwrap();
        inputs.take(ClientId(client), 0, &typed, &limits).unwrap();
    }
    for client in 3..100 {
        let refused = inputs.attach(ClientId(client), &limits, |_| false);
        assert_eq!(refused, Err(InputRefused::Full));
    }
    assert_eq!(inputs.attach(ClientId(0), &limits, |_| false), Ok(1));
    assert_eq!(inputs.unwritten_bytes, 3, "what waits is counted");
    assert_eq!(drain(&mut inputs), b"xxx");
    assert_eq!(inputs.unwritten_bytes, 0);
    assert_eq!(inputs.attach(ClientId(3), &limits, |_| false), Ok(0));
    assert_eq!(inputs.take_forgotten(), [ClientId(1)]);
}

#[test]
fn input_that_waits_keeps_no_frame_it_came_in() {
    let limits = ShellLimits::default();
    let frame = Bytes::from(vec![b'x'; 16 * 1024]);
    let mut inputs = Inputs::new();
    inputs.take(A, 0, &frame.slice(..1), &limits).unwrap();
    assert!(frame.is_unique());
    assert_eq!(drain(&mut inputs), b"x");
}
