//! What a viewer sees after a snapshot is what it would see after all the output, wherever the
//! output is cut. The streams in tests/corpus were recorded from real programs at 80x24.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod kept;
mod like_xterm;
mod spoilt;
mod widths;

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use node::shell::{ShellLimits, limits::Size, vt::Vt};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

const SIZE: Size = Size { cols: 80, rows: 24 };
/// How much of the stream follows each snapshot before the screens are compared again.
const FOLLOW: usize = 400;

fn blank(size: Size) -> Vt {
    Vt::new(size, &ShellLimits::default())
}

/// Everything that can be seen: cells, modes, cursor, title, lines above.
fn seen(vt: &mut Vt) -> Vec<u8> {
    let snapshot = vt.snapshot().bytes.to_vec();
    let screen = vt.screen();
    let cursor = screen.cursor_position();
    let rest = format!(
        "{}|{}|{cursor:?}|{}|{:?}",
        screen.contents_formatted(),
        screen.input_mode_formatted(),
        screen.alternate_screen(),
        vt.title(),
    );
    [snapshot, rest.into_bytes()].concat()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A terminal that was given only a snapshot.
fn redrawn(vt: &mut Vt) -> Vt {
    let mut other = blank(vt.size());
    other.feed(&vt.snapshot().bytes);
    other
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Fails with the place where the two begin to differ.
fn same(left: &[u8], right: &[u8], what: &str) {
    let Some(at) = (0..left.len().max(right.len())).find(|at| left.get(*at) != right.get(*at))
    else {
        return;
    };
    let around = |bytes: &[u8]| {
        show(&bytes[at.saturating_sub(80).min(bytes.len())..bytes.len().min(at + 80)])
    };
    panic!(
        "{what}: differ at {at}\n  straight: {}\n  redrawn:  {}",
        around(left),
        around(right)
    );
}

/// Cuts the stream at every byte.
fn cut_everywhere(name: &str, stream: &[u8]) {
    let mut whole = blank(SIZE);
    let mut states = vec![hash(&seen(&mut whole))];
    for byte in stream {
        whole.feed(&[*byte]);
        states.push(hash(&seen(&mut whole)));
    }
    let mut vt = blank(SIZE);
    for cut in 0..=stream.len() {
        let mut other = redrawn(&mut vt);
        let near = &stream[cut.saturating_sub(40)..cut];
        if hash(&seen(&mut other)) != states[cut] {
            let what = format!("{name}: the snapshot at {cut}, after {}", show(near));
            same(&seen(&mut vt), &seen(&mut other), &what);
        }
        let to = stream.len().min(cut + FOLLOW);
        other.feed(&stream[cut..to]);
        if hash(&seen(&mut other)) != states[to] {
            let mut straight = blank(SIZE);
            straight.feed(&stream[..to]);
            let what = format!(
                "{name}: cut at {cut} (after {}), compared at {to}",
                show(near)
            );
            same(&seen(&mut straight), &seen(&mut other), &what);
        }
        if let Some(byte) = stream.get(cut) {
            vt.feed(&[*byte]);
        }
    }
}

macro_rules! recorded {
    ($($test:ident: $file:literal,)*) => {$(
        #[test]
        fn $test() {
            cut_everywhere($file, include_bytes!(concat!("../corpus/", $file)));
        }
    )*};
}

recorded! {
    a_snapshot_of_bash_is_bash: "bash.bin",
    a_snapshot_of_emoji_is_emoji: "emoji.bin",
    a_snapshot_of_htop_is_htop: "htop.bin",
    a_snapshot_of_less_is_less: "less.bin",
    a_snapshot_of_tmux_is_tmux: "tmux.bin",
    a_snapshot_of_top_is_top: "top.bin",
    a_snapshot_of_vim_is_vim: "vim.bin",
}

#[test]
fn the_screen_is_the_one_that_the_plain_parser_has() {
    for stream in [
        &include_bytes!("../corpus/vim.bin")[..],
        include_bytes!("../corpus/less.bin"),
    ] {
        let mut plain = vt100::Parser::default();
        plain.process(stream);
        for chunk in [1, 7, stream.len()] {
            let mut vt = blank(SIZE);
            stream.chunks(chunk).for_each(|part| vt.feed(part));
            assert_eq!(
                vt.screen().contents_formatted(),
                plain.screen().contents_formatted()
            );
        }
    }
}

#[test]
fn a_snapshot_has_the_lines_above_the_screen_and_at_most_a_thousand() {
    let mut vt = blank(SIZE);
    for line in 0..3_000 {
        vt.feed(format!("line {line} \x1b[31mred\x1b[m\r\n").as_bytes());
    }
    let snapshot = vt.snapshot().bytes;
    let mut plain = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 5_000);
    plain.process(&snapshot);
    let screen = plain.screen_mut();
    assert_eq!(screen.scrollback_len(), 1_000);
    screen.set_scrollback(1_000);
    // 2,977 lines are above the screen; the newest thousand of them are kept.
    assert!(
        screen
            .contents()
            .starts_with("line 1977 red\nline 1978 red"),
        "{}",
        screen.contents()
    );
    screen.set_scrollback(0);
    assert!(
        screen.contents().ends_with("line 2999 red"),
        "{}",
        screen.contents()
    );
}

#[test]
fn what_lies_under_a_full_screen_program_comes_back_when_it_ends() {
    let mut vt = blank(SIZE);
    vt.feed(b"$ vim\r\n\x1b[?1049h\x1b[2J\x1b[1;1Hfile");
    let mut other = redrawn(&mut vt);
    assert!(other.screen().alternate_screen());
    assert_eq!(other.screen().contents(), "file");
    other.feed(b"\x1b[?1049l$ ");
    assert_eq!(other.screen().contents(), "$ vim\n$ ");
}

#[test]
fn both_screens_have_one_cursor_and_the_second_is_cleared_once() {
    let mut vt = blank(SIZE);
    vt.feed(b"one\r\n$ \x1b[?1049hpage\x1b[?1049h");
    assert_eq!(vt.screen().contents(), "\n  page");
    vt.feed(b"\x1b[?1049l");
    assert_eq!(vt.screen().cursor_position(), (1, 2));
    vt.feed(b"\x1b[?47h\x1b[7;5H\x1b[?47l");
    assert_eq!(vt.screen().cursor_position(), (6, 4));
}

#[test]
fn a_cursor_between_the_halves_of_a_wide_character_stays_there() {
    let mut vt = blank(SIZE);
    vt.feed("日\x1b[1;2H".as_bytes());
    let mut other = redrawn(&mut vt);
    assert_eq!(other.screen().cursor_position(), (0, 1));
    for vt in [&mut vt, &mut other] {
        vt.feed(b"x");
        assert_eq!(vt.screen().contents(), " x");
    }
}

#[test]
fn a_character_that_becomes_wide_in_the_last_cell_goes_to_the_next_line_and_breaks_nothing() {
    let mut vt = blank(SIZE);
    vt.feed("\x1b[24;80H\u{2764}\u{fe0f}".as_bytes());
    assert_eq!(vt.screen().contents().trim_start(), "\u{2764}\u{fe0f}");
    let mut other = redrawn(&mut vt);
    for vt in [&mut vt, &mut other] {
        vt.feed(b"\x1b[23;80Hx\x1b[24;1Hy");
        assert_eq!(vt.screen().contents().trim(), "x\ny");
    }
}

#[test]
fn modes_title_and_line_drawing_are_in_a_snapshot() {
    let mut vt = blank(SIZE);
    vt.feed("\x1b]0;web1: ~ é\x07\x1b[?2004h\x1b[?1h\x1b=\x1b[?1002h\x1b[?1006h\x1b[5 q\x1b[?1004h\x1b[?7l\x1b(0lq".as_bytes());
    let mut other = redrawn(&mut vt);
    other.feed(b"k\x1b(Bk");
    let screen = other.screen();
    assert_eq!(screen.contents(), "┌─┐k");
    assert!(screen.bracketed_paste() && screen.application_cursor() && screen.application_keypad());
    assert_eq!(
        screen.mouse_protocol_mode(),
        vt100::MouseProtocolMode::ButtonMotion
    );
    assert_eq!(
        screen.mouse_protocol_encoding(),
        vt100::MouseProtocolEncoding::Sgr
    );
    assert_eq!(screen.cursor_style(), vt100::CursorStyle::BlinkVerticalBar);
    assert_eq!(other.title(), Some("web1: ~ é"));
    let drawn = vt.snapshot().bytes.escape_ascii().to_string();
    assert!(drawn.contains("?1004h") && drawn.contains("?7l"), "{drawn}");
}

#[test]
fn text_reflows_when_the_width_changes_and_comes_back_whole() {
    let mut vt = blank(SIZE);
    let long = "0123456789".repeat(12);
    vt.feed(format!("{long}\r\nshort\r\n$ ").as_bytes());
    vt.resize(Size { cols: 40, rows: 24 });
    let lines: Vec<String> = vt.screen().rows(0, 40).take(5).collect();
    assert_eq!(
        lines,
        [&long[..40], &long[40..80], &long[80..], "short", "$"]
            .map(|l| l.to_owned() + if l == "$" { " " } else { "" })
    );
    assert_eq!(vt.screen().cursor_position(), (4, 2));
    vt.resize(SIZE);
    assert_eq!(vt.screen().contents(), format!("{long}\nshort\n$ "));
    assert_eq!(vt.screen().cursor_position(), (3, 2));
}

#[test]
fn a_higher_screen_pulls_lines_back_and_a_lower_one_pushes_them_up() {
    let mut vt = blank(SIZE);
    (0..100).for_each(|line| vt.feed(format!("{line}\r\n").as_bytes()));
    vt.feed(b"$ ");
    vt.resize(Size { cols: 80, rows: 40 });
    assert!(
        vt.screen().contents().starts_with("61\n62"),
        "{}",
        vt.screen().contents()
    );
    assert_eq!(vt.screen().cursor_position(), (39, 2));
    vt.resize(Size { cols: 80, rows: 10 });
    assert!(
        vt.screen().contents().starts_with("91\n92"),
        "{}",
        vt.screen().contents()
    );
    assert_eq!(vt.screen().cursor_position(), (9, 2));
    vt.resize(SIZE);
    let mut straight = blank(SIZE);
    (0..100).for_each(|line| straight.feed(format!("{line}\r\n").as_bytes()));
    straight.feed(b"$ ");
    same(&seen(&mut straight), &seen(&mut vt), "after two resizes");
}

#[test]
fn a_cleared_screen_stays_clear_when_it_grows() {
    let mut vt = blank(SIZE);
    (0..100).for_each(|line| vt.feed(format!("{line}\r\n").as_bytes()));
    vt.feed(b"\x1b[H\x1b[2J$ ");
    vt.resize(Size { cols: 80, rows: 50 });
    assert_eq!(vt.screen().contents(), "$ ");
}

#[test]
fn a_full_screen_program_survives_a_resize_with_what_lies_under_it() {
    let mut vt = blank(SIZE);
    vt.feed(b"one\r\ntwo\r\n$ less\r\n\x1b[?1049h\x1b[Hpage\x1b[5;20r\x1b[10;10H");
    vt.resize(Size {
        cols: 100,
        rows: 30,
    });
    assert!(vt.screen().alternate_screen());
    assert_eq!(vt.screen().contents(), "page");
    assert_eq!(vt.screen().cursor_position(), (9, 9));
    vt.feed(b"\x1b[?1049l$ ");
    assert_eq!(vt.screen().contents(), "one\ntwo\n$ less\n$ ");
}

#[test]
fn a_character_that_a_control_cuts_takes_nothing_of_what_follows() {
    for (text, shown) in [
        (&b"a\xde\x0f\x8f2\x91b"[..], "a2b"),
        (b"a\xde\x1b[m\x8f2\x91b", "a2b"),
        (b"a\xf0\x9f\x0f\x91\xa93b", "a3b"),
        (b"a\xc4\xe4\x1b[>m\x844b", "a4b"),
    ] {
        for chunk in 1..=text.len() {
            let mut vt = blank(SIZE);
            text.chunks(chunk).for_each(|part| vt.feed(part));
            assert_eq!(vt.screen().contents(), shown, "{text:?} by {chunk}");
        }
    }
}

#[test]
fn a_flood_is_passed_over_but_for_its_end() {
    let flood: Vec<u8> = (0..30_000)
        .flat_map(|line| format!("{line}\r\n").into_bytes())
        .collect();
    let mut vt = blank(SIZE);
    assert!(vt.pass_over(&flood) > flood.len() * 9 / 10);
    let mut vt = blank(SIZE);
    vt.feed(b"\x1b[?1049h");
    assert_eq!(vt.pass_over(&flood), 0, "the main screen stands under it");
}

#[test]
fn line_breaks_within_a_title_are_not_taken_for_lines() {
    let flood: Vec<u8> = (0..3_000)
        .flat_map(|line| format!("line {line}\r\n").into_bytes())
        .collect();
    let limits = ShellLimits {
        scrollback_lines: 20,
        ..ShellLimits::default()
    };
    for end in ["", "\x07$ "] {
        let stream = [&flood[..], b"\x1b]0;", &b"x\r\n".repeat(40), end.as_bytes()].concat();
        let (mut drawn, mut passed) = (Vt::new(SIZE, &limits), Vt::new(SIZE, &limits));
        drawn.feed(&stream);
        let over = passed.pass_over(&stream);
        passed.feed(&stream[over..]);
        same(&seen(&mut drawn), &seen(&mut passed), "passed over");
    }
}

#[test]
fn endless_sequences_take_no_memory_and_end_where_they_end() {
    let mut vt = blank(SIZE);
    vt.feed(b"\x1b]52;c;");
    for _ in 0..1_000 {
        vt.feed(&[b'A'; 10_000]);
    }
    assert!(vt.snapshot().bytes.len() < 8 * 1024);
    vt.feed(b"\x07after\x1b[");
    for _ in 0..1_000 {
        vt.feed(&[b'1'; 1_000]);
    }
    vt.feed(b"m!");
    assert_eq!(vt.screen().contents(), "after!");
}

/// Every cell of the largest screen in a colour of its own.
fn colours(rows: u16) -> Vec<u8> {
    let mut all = Vec::new();
    for row in 0..rows {
        all.extend_from_slice(format!("\x1b[{};1H", row + 1).as_bytes());
        for col in 0..500_u16 {
            let letter = char::from(b'a' + (col % 26) as u8);
            let cell = format!(
                "\x1b[38;2;{};{};200m{letter}",
                100 + col % 100,
                100 + row % 100
            );
            all.extend_from_slice(cell.as_bytes());
        }
    }
    all
}

#[test]
fn a_snapshot_that_would_be_too_long_has_its_text_still() {
    const MOST: usize = 3 * 1024 * 1024;
    let size = Size {
        cols: 500,
        rows: 500,
    };
    let mut vt = blank(size);
    // What lies beneath an alternate screen counts, too.
    vt.feed("beneath \u{2764}\u{fe0f}|\r\n".as_bytes());
    vt.feed(b"\x1b[?1049h");
    vt.feed(&colours(500));
    vt.feed(b"\x1b[500;1Hthe last line");
    let drawn = vt.snapshot().bytes;
    assert!((250_000..MOST).contains(&drawn.len()), "{}", drawn.len());
    let mut other = redrawn(&mut vt);
    assert_eq!(other.screen().contents(), vt.screen().contents());
    assert_eq!(
        other.screen().cursor_position(),
        vt.screen().cursor_position()
    );
    for vt in [&mut vt, &mut other] {
        vt.feed(b"\x1b[?1049l");
        assert_eq!(vt.screen().contents(), "beneath \u{2764}\u{fe0f}|");
        assert_eq!(vt.screen().cursor_position(), (1, 0));
    }
}

#[test]
fn the_lines_above_the_screen_are_left_out_before_its_colours() {
    let size = Size {
        cols: 500,
        rows: 500,
    };
    let mut vt = Vt::new(
        size,
        &ShellLimits {
            scrollback_bytes: 4 << 20,
            ..ShellLimits::default()
        },
    );
    vt.feed(format!("{}\r\n", "x".repeat(490)).repeat(1_500).as_bytes());
    vt.feed(b"\x1b[2J");
    vt.feed(&colours(290));
    let drawn = vt.snapshot().bytes;
    let other = redrawn(&mut vt);
    assert!(drawn.len() > 1024 * 1024, "{}", drawn.len());
    let drawn = drawn.escape_ascii().to_string();
    assert!(drawn.contains("38;2;"), "its colours are there");
    assert!(!drawn.contains("xxxx"), "what was above it is not");
    same(
        other.screen().contents_formatted().as_bytes(),
        vt.screen().contents_formatted().as_bytes(),
        "the screen",
    );
}

#[test]
fn lines_that_wrap_are_whole_in_a_snapshot_without_styles() {
    let size = Size {
        cols: 500,
        rows: 500,
    };
    let mut vt = blank(size);
    vt.feed(&colours(490));
    // A full row that goes on in one that is blank now, and one that goes on in text.
    vt.feed(format!("\x1b[m\x1b[491;1H{}\x1b[492;1H\x1b[K", "y".repeat(501)).as_bytes());
    vt.feed(format!("\x1b[493;1H{}\r\nend", "z".repeat(700)).as_bytes());
    assert!(vt.snapshot().bytes.len() < 3 * 1024 * 1024);
    let other = redrawn(&mut vt);
    assert_eq!(other.screen().contents(), vt.screen().contents());
    assert_eq!(
        other.screen().cursor_position(),
        vt.screen().cursor_position()
    );
}

/// Output as a flood brings it: lines with styles, and now and then something else.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        20 => "[ -~]{0,30}\r\n".prop_map(String::into_bytes),
        4 => "\x1b\\[[0-9;]{0,5}m[a-z ]{0,9}".prop_map(String::into_bytes),
        2 => prop::sample::select(vec!["\x1b[K", "\x1b[?25l", "\x1b[?25h", "\x1b[?2004h", "\x1b]2;x\x07", "é日本", "\t", "\x1b[m", "\x1b[90C", "\x1b[5G"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let rare = prop::sample::select(vec![
        "",
        "",
        "",
        "\x1b[2J",
        "\x1b[H",
        "\x1b[A",
        "\n",
        "\x1b[3;9r",
        "\x0e",
        "\x1b[?1049h",
        "\x1b[",
        "\x1b]0;",
    ]);
    (
        prop::collection::vec(piece, 100..700),
        rare,
        any::<prop::sample::Index>(),
    )
        .prop_map(|(mut pieces, rare, at)| {
            let at = at.index(pieces.len());
            pieces.insert(at, rare.as_bytes().to_vec());
            pieces.concat()
        })
}

/// Bytes that are likely to mean something to a terminal.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[ -~]{0,9}".prop_map(String::into_bytes),
        "\\PC{0,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..6),
        (
            prop::sample::select(b"ABCDEFGHJKLMPSTXZ@`bdfghlmnrstu".to_vec()),
            0_u16..300,
            0_u16..300,
            prop::sample::select(vec!["", "?", "!", ">"]),
            prop::sample::select(vec!["", "", "", " ", "$"])
        )
            .prop_map(|(end, a, b, mark, more)| format!(
                "\x1b[{mark}{a};{b}{more}{}",
                char::from(end)
            )
            .into_bytes()),
        prop::collection::vec(mode(), 1..3)
            .prop_flat_map(|modes| prop::sample::select(vec![
                format!("\x1b[?{}h", modes.join(";")),
                format!("\x1b[?{}l", modes.join(";"))
            ]))
            .prop_map(String::into_bytes),
        prop::sample::select(vec![
            "\x1b7",
            "\x1b8",
            "\x1bM",
            "\x1bc",
            "\x1b(0",
            "\x1b(B",
            "\x0e",
            "\x0f",
            "\r\n",
            "\n\n\n",
            "\t",
            "\x08",
            "\x1b]2;t\x07",
            "\x1b]0;a;b\x1b\\",
            "\x1bPq\x1b\\",
            "\x1bP\u{2713}",
            "\x1b[!p",
            "\x1b[20h",
            "\x1b",
            "日本",
            "e\u{301}",
            "👩‍🚀",
            "\u{2764}\u{fe0f}",
            "\u{fe0f}",
            "\x1b[99;999H\u{2764}\u{fe0f}",
            "\x1b[9;999H1\u{fe0f}"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn mode() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        1, 6, 7, 9, 25, 47, 1000, 1004, 1006, 1016, 1047, 1048, 1049, 2004,
    ])
    .prop_map(|number: u16| number.to_string())
}

fn size() -> impl Strategy<Value = Size> {
    (1_u16..=120, 1_u16..=50).prop_map(|(cols, rows)| Size { cols, rows })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_that_a_program_prints_breaks_the_terminal(
        first in size(),
        stream in soup(),
        second in size(),
        more in soup(),
        chunk in 1_usize..50,
    ) {
        let mut vt = blank(first);
        stream.chunks(chunk).for_each(|part| vt.feed(part));
        vt.snapshot();
        vt.resize(second);
        more.chunks(chunk).for_each(|part| vt.feed(part));
        prop_assert_eq!(vt.size(), second);
        let drawn = vt.snapshot();
        prop_assert_eq!(drawn.offset, (stream.len() + more.len()) as u64);
        prop_assert!(drawn.bytes.len() < 4 * 1024 * 1024);
    }

    #[test]
    fn however_output_is_cut_into_chunks_the_terminal_is_the_same(
        stream in soup(),
        chunk in 1_usize..9,
    ) {
        let (mut whole, mut parts) = (blank(SIZE), blank(SIZE));
        whole.feed(&stream);
        stream.chunks(chunk).for_each(|part| parts.feed(part));
        prop_assert_eq!(show(&seen(&mut whole)), show(&seen(&mut parts)));
    }

    #[test]
    fn passing_over_a_flood_leads_to_the_same_as_drawing_it(
        before in soup(),
        flood in lines(),
        cut in any::<prop::sample::Index>(),
        after in lines(),
    ) {
        let limits = ShellLimits { scrollback_lines: 20, ..ShellLimits::default() };
        let size = Size { cols: 40, rows: 10 };
        let (mut drawn, mut passed) = (Vt::new(size, &limits), Vt::new(size, &limits));
        drawn.feed(&before);
        passed.feed(&before);
        let all = [flood, after].concat();
        let (first, second) = all.split_at(cut.index(all.len()));
        for part in [first, second] {
            drawn.feed(part);
            let over = passed.pass_over(part);
            passed.feed(&part[over..]);
            prop_assert_eq!(drawn.offset(), passed.offset());
            same(&seen(&mut drawn), &seen(&mut passed), "passed over");
        }
    }

    #[test]
    fn a_snapshot_of_anything_shows_the_same_cells(stream in soup()) {
        let mut vt = blank(SIZE);
        vt.feed(&stream);
        let other = redrawn(&mut vt);
        prop_assert_eq!(vt.screen().contents(), other.screen().contents());
        prop_assert_eq!(vt.screen().alternate_screen(), other.screen().alternate_screen());
        prop_assert_eq!(vt.screen().input_mode_formatted(), other.screen().input_mode_formatted());
        prop_assert_eq!(vt.title(), other.title());
    }
}
