//! What xterm.js, the browser's terminal, does with a sequence is done here too, and a snapshot has it.

use node::shell::{limits::Size, vt::Vt};

use super::{SIZE, blank, redrawn};

const ROW: u16 = SIZE.cols;

/// Terminals that were given the stream: straight, and but for its last part by a snapshot.
fn both(before: &str, after: &str) -> [Vt; 2] {
    let mut straight = blank(SIZE);
    straight.feed(before.as_bytes());
    let mut other = redrawn(&mut straight);
    for vt in [&mut straight, &mut other] {
        vt.feed(after.as_bytes());
    }
    [straight, other]
}

/// For streams of which nothing but text and a cursor is expected, in whichever way it came there.
fn shows(before: &str, after: &str, contents: &str, cursor: (u16, u16)) {
    for vt in both(before, after) {
        let screen = vt.screen();
        let what = format!("{} {}", before.escape_debug(), after.escape_debug());
        assert_eq!(screen.contents(), contents, "{what}");
        assert_eq!(screen.cursor_position(), cursor, "{what}");
    }
}

fn full_row() -> String {
    "x".repeat(usize::from(ROW))
}

#[test]
fn a_character_past_the_last_column_is_in_it_to_all_but_the_next_one() {
    let row = full_row();
    let over = |end: &str| format!("{}{end}", &row[1..]);
    shows(&row, "y", &format!("{row}y"), (1, 1));
    shows(&row, "\x1b[31my", &format!("{row}y"), (1, 1));
    shows(&row, "\x1b[?47ly", &format!("{row}y"), (1, 1));
    shows(&row, "\x1b[!py", &format!("{row}y"), (1, 1));
    shows(&row, "\x08y", &over("yx")[1..], (0, ROW - 1));
    shows(&row, "\x1b[Dy", &over("yx")[1..], (0, ROW - 1));
    shows(&row, "\ty", &format!("{row}y"), (1, 1));
    shows(&row, "\ny", &format!("{row}\n{:>80}", "y"), (1, ROW));
    shows(&row, "\x1bDy", &format!("{row}\n{:>80}", "y"), (1, ROW));
    shows(&row, "\x1b[Xy", &over("y"), (0, ROW));
    shows(&row, "\x1b7\x1b[H\x1b8y", &over("y"), (0, ROW));
    shows(&row, "\x1b[2K", "", (0, ROW));
}

#[test]
fn a_row_that_was_cleared_after_its_line_had_wrapped_is_above_the_screen_too() {
    let stream = format!("{}\x1b[2K{}", full_row().repeat(2), "\r\ny".repeat(30));
    let mut vt = blank(SIZE);
    vt.feed(stream.as_bytes());
    let mut other = redrawn(&mut vt);
    assert_eq!(drawn(&mut other), drawn(&mut vt));
}

#[test]
fn a_row_whose_last_character_scrolled_away_is_drawn_as_it_is() {
    let stream = format!("\x1b[1;3r\x1b[3;1H{}\x1b[S", full_row());
    let mut vt = blank(SIZE);
    vt.feed(stream.as_bytes());
    assert_eq!(redrawn(&mut vt).screen().contents(), vt.screen().contents());
}

#[test]
fn a_character_that_a_selector_widens_in_the_last_cell_goes_to_the_next_line() {
    let heart = "\u{2764}\u{fe0f}";
    for place in ["\x1b[24;80H", "\x1b[3;10r\x1b[10;80H", "\x1b[7;80H"] {
        let mut vt = blank(SIZE);
        vt.feed(format!("{place}{heart}").as_bytes());
        let (row, col) = vt.screen().cursor_position();
        assert_eq!(col, 2);
        let cell = |row, col| vt.screen().cell(row, col).unwrap();
        assert_eq!(cell(row, 0).contents(), heart);
        assert!(cell(row, 0).is_wide() && cell(row, 1).is_wide_continuation());
        assert!(!cell(row - 1, ROW - 1).has_contents());
        for above in [row - 1, row] {
            vt.feed(format!("\x1b[{};80Hx", above + 1).as_bytes());
        }
        assert_eq!(redrawn(&mut vt).screen().contents(), vt.screen().contents());
    }
}

#[test]
fn a_selector_does_nothing_but_right_behind_its_character() {
    let wide = "\u{2764}\u{fe0f}|";
    shows("", wide, wide, (0, 3));
    shows("\u{2764}", "\u{fe0f}|", wide, (0, 3));
    shows("\u{2764}\x1b[m", "\u{fe0f}|", "\u{2764}|", (0, 2));
    shows("\u{2764}\x07", "\u{fe0f}|", "\u{2764}|", (0, 2));
    let right = "\x1b[1;80H\u{2764}\u{fe0f}";
    let wide = &format!("\n{wide}");
    shows(right, "|", wide, (1, 3));
    shows(&right[..right.len() - 3], "\u{fe0f}|", wide, (1, 3));
}

#[test]
fn a_terminal_of_one_column_takes_any_character() {
    let mut vt = blank(Size { cols: 1, rows: 1 });
    vt.feed("\u{2764}\u{fe0f}1\u{fe0f}日\u{fe0f}👍🏽\x1b[@\x1b[P\x1b[Xx\x1b[2b".as_bytes());
    assert_eq!(vt.screen().contents(), "x");
    vt.resize(Size { cols: 2, rows: 2 });
    vt.feed("\x1b[2;2H\u{2764}\u{fe0f}".as_bytes());
    vt.resize(Size { cols: 1, rows: 2 });
    vt.feed(b"\x1b[1;1Hy");
}

#[test]
fn emoji_stay_whole_where_a_narrower_window_wraps_them() {
    let mut vt = blank(SIZE);
    vt.feed("\r\n".repeat(40).as_bytes());
    vt.feed("1234\u{2764}\u{fe0f}5678\u{2764}\u{fe0f}".as_bytes());
    for cols in [5, 7, 3, 80] {
        vt.resize(Size { cols, ..SIZE });
        vt.feed(b"\x1b[23;1Hx\x1b[24;1H");
    }
}

#[test]
fn an_escape_ends_what_it_comes_in() {
    for string in ["\x1b]", "\x1bP", "\x1b_", "\x1b[", "\x1b("] {
        for length in [10, 5_000] {
            let begun = format!("{string}{}", "0".repeat(length));
            for vt in both(&begun, "\x1b[?1049hx") {
                assert!(vt.screen().alternate_screen(), "{string}{length}");
            }
        }
    }
    shows("\x1b]0;title\x1b[3", ";5Hx", "\n\n    x", (2, 5));
    shows("\x1b[3\x1b", "[Cx", " x", (0, 2));
}

#[test]
fn controls_within_a_sequence_do_what_they_do_elsewhere() {
    for vt in both("\x1b[\n?10", "49hx") {
        assert!(vt.screen().alternate_screen());
        assert_eq!(vt.screen().contents(), "\nx");
    }
    shows("abc\x1b\r7", "\x1b[H\x1b8x", "xbc", (0, 1));
    shows("abc\x1b[\r1", "Cx", "axc", (0, 2));
    shows("abc\x1b[\r1\x18", "x", "xbc", (0, 1));
    shows("\x1b)0\x1b[1\x0em", "q", "─", (0, 1));
    shows("abc\x1b\nc", "x", "x", (0, 1));
}

#[test]
fn strings_of_any_bytes_change_nothing() {
    for begin in [&b"\x1bPq"[..], b"\x1bP1$r", b"\x1bX", b"\x1b^", b"\x1b_"] {
        let mut vt = blank(SIZE);
        vt.feed(&[begin, "\u{2713}".as_bytes(), b"\x9c\x1b"].concat());
        vt.feed(b"\\x");
        assert_eq!(vt.screen().contents(), "x");
    }
}

#[test]
fn several_modes_of_a_sequence_are_set_one_after_the_other() {
    let region = "\x1b[5;10r";
    shows(
        region,
        "\x1b[?1049;6h\x1b[5;10r\x1b[2;2Hx",
        "\n\n\n\n\n x",
        (5, 2),
    );
    shows(region, "\x1b[?6;47hx", "\n\n\n\nx", (4, 1));
    shows("\x1b[?47;6;25l", "\x1b[5;10r\x1b[Hx", "x", (0, 1));
    // Both screens count from the same row.
    shows(
        region,
        "\x1b[?6h\x1b[?47h\x1b[?47l\x1b[2;2Hx",
        "\n\n\n\n\n x",
        (5, 2),
    );
}

#[test]
fn each_screen_has_a_saved_cursor_of_its_own() {
    let saved = "\x1b[5;5H\x1b[31m\x1b7\x1b[H\x1b[32m";
    for (enter, leave) in [("47", "47"), ("1047", "1049"), ("47", "1049")] {
        let before = format!("{saved}\x1b[?{enter}h\x1b[9;9H\x1b[33m\x1b7");
        for mut vt in both(&before, &format!("\x1b[?{leave}l\x1b8x")) {
            let cell = vt.screen().cell(4, 4).unwrap().clone();
            assert_eq!(
                (cell.contents(), cell.fgcolor()),
                ("x", vt100::Color::Idx(1))
            );
            vt.feed(b"\x1b[!p\x1b8");
            assert_eq!(vt.screen().cursor_position(), (0, 0));
        }
    }
}

#[test]
fn a_cursor_is_saved_with_its_line_drawing() {
    shows("\x1b(0q\x1b7", "\x1b(B\x1b[Hq\x1b8q", "q─", (0, 2));
    shows("\x1b7\x1b(0q", "\x1b[H\x1b8q", "q", (0, 1));
    shows("\x1b(0\x1b7\x1b(Bab\x1b8", "qq", "──", (0, 2));
    shows("\x1b(0\x1b[?1049hq", "\x1b(B\x1b[?1049lq", "─", (0, 1));
    shows("\x1b7\x1b)0\x0e\x1b8q", "q\x0eq", "qq─", (0, 3));
}

#[test]
fn the_alternate_screen_is_blank_whenever_it_is_entered() {
    for mode in ["47", "1047", "1049"] {
        let before = format!("\x1b[?{mode}hpage\x1b[3;5r\x1b[?{mode}l");
        shows(&before, &format!("\x1b[H\x1b[?{mode}h"), "", (0, 0));
        shows(&before, &format!("\x1b[?{mode}h\x1b[24;1H\n"), "", (23, 0));
    }
}

#[test]
fn a_title_may_have_semicolons_and_ends_with_any_escape() {
    for (stream, title) in [
        ("\x1b]0;a; b;\x07", "a; b;"),
        ("\x1b]2;a;b\x1b\\", "a;b"),
        ("\x1b]2;a\x1b[m", "a"),
        ("\x1b]2;a\x07\x1b]2;b\x18", "a"),
        ("\x1b]2;a\x07\x1b]1;b\x07", "a"),
        ("\x1b]2;a\x07\x1bc", "a"),
    ] {
        for vt in both(stream, "") {
            assert_eq!(vt.title(), Some(title), "{}", stream.escape_debug());
        }
    }
}

#[test]
fn a_region_sends_the_cursor_home_and_one_that_is_none_does_nothing() {
    shows("\x1b[9;9H", "\x1b[5;10rx", "x", (0, 1));
    shows("\x1b[9;9H\x1b[?6h", "\x1b[5;10rx", "\n\n\n\nx", (4, 1));
    shows(
        "\x1b[2;2H",
        "\x1b[5;5r\x1b[7;3r\x1b[30;40rx",
        "\n x",
        (1, 2),
    );
    shows(
        "\x1b[20;99r",
        "\x1b[24;1H\nx",
        &format!("{}x", "\n".repeat(23)),
        (23, 1),
    );
}

#[test]
fn the_mouse_is_told_in_one_way_or_not_at_all() {
    use vt100::{MouseProtocolEncoding as Encoding, MouseProtocolMode as Mode};
    for (stream, mode, encoding) in [
        ("\x1b[?1002h\x1b[?1006h", Mode::ButtonMotion, Encoding::Sgr),
        ("\x1b[?1002h\x1b[?1000l", Mode::None, Encoding::Default),
        ("\x1b[?1002;1003;1005h", Mode::AnyMotion, Encoding::Default),
        ("\x1b[?9;1006h\x1b[?1016l", Mode::Press, Encoding::Default),
        ("\x1b[?1000;1006h\x1b[!p", Mode::PressRelease, Encoding::Sgr),
        ("\x1b[?1000;1006h\x1bc", Mode::None, Encoding::Default),
    ] {
        for vt in both(stream, "") {
            let screen = vt.screen();
            let is = (
                screen.mouse_protocol_mode(),
                screen.mouse_protocol_encoding(),
            );
            assert_eq!(is, (mode, encoding), "{}", stream.escape_debug());
        }
    }
    let pixels = |stream: &str| both(stream, "").map(|mut vt| drawn(&mut vt).contains("?1016h"));
    assert_eq!(pixels("\x1b[?1006h\x1b[?1016h"), [true; 2]);
    assert_eq!(pixels("\x1b[?1016h\x1b[?1006h"), [false; 2]);
    assert_eq!(pixels("\x1b[?1016h\x1b[?1006l"), [false; 2]);
}

fn drawn(vt: &mut Vt) -> String {
    vt.snapshot().bytes.escape_ascii().to_string()
}

#[test]
fn a_soft_reset_leaves_the_screen_and_the_mouse() {
    let modes = "\x1b[?1;7;45;66;1004;2004h\x1b[?7;25l\x1b[4h\x1b[5 q\x1b[31m\x1b(0\x1b[?1000h";
    for mut vt in both(&format!("{modes}\x1b[3;9r\x1b[?6hpage\x1b[!p"), "") {
        let screen = vt.screen();
        assert_eq!(screen.contents(), "\n\n┌▒±␊".replace('┌', "⎻"));
        assert_eq!(screen.cursor_position(), (2, 4));
        assert!(!screen.application_cursor() && !screen.application_keypad());
        assert!(!screen.bracketed_paste() && !screen.hide_cursor());
        assert_eq!(screen.cursor_style(), vt100::CursorStyle::Default);
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        let drawn = drawn(&mut vt);
        for gone in ["?7l", "?45h", "?1004h", "[4h", "3;9r", "?6h", "(0"] {
            assert!(!drawn.contains(gone), "{gone} in {drawn}");
        }
        assert!(drawn.contains("?1000h"), "{drawn}");
    }
}

#[test]
fn a_line_feed_returns_where_a_program_wants_it_to() {
    shows("\x1b[20hab", "\nc", "ab\nc", (1, 1));
    shows("\x1b[20hab\x1bc", "ab\nc", "ab\nc", (1, 1));
    shows("\x1b[20h\x1b[20lab", "\nc", "ab\n  c", (1, 3));
    assert!(drawn(&mut blank(SIZE)).starts_with("\\x1b[20l"));
}

#[test]
fn functions_that_vt100_lacks_are_there() {
    shows("ab", "\x1bDc", "ab\n  c", (1, 3));
    shows("ab", "\x1bEc", "ab\nc", (1, 1));
    shows(
        "",
        "\x1b[2Ix\x1b[9Iy",
        &format!("{:16}x{:>63}", "", "y"),
        (0, ROW),
    );
    shows("\x1b[20G", "\x1b[Zx\x1b[2Zy", "        y       x", (0, 9));
    shows("\x1b[17G", "\x1b[Zx\x1b[99Zy", "y       x", (0, 1));
    shows("\x1b[5;9r\x1b[?6h", "\x1b[2dx", "\n\n\n\n\nx", (5, 1));
    shows("a\r\nb\x1b[H", "  \x1b[Lx", "x\n  \nb", (0, 1));
}

#[test]
fn a_character_is_repeated_right_behind_it_alone() {
    shows("a", "\x1b[3b", "aaaa", (0, 4));
    shows("a\x1b[3", "b", "aaaa", (0, 4));
    shows("a\x1b[m", "\x1b[3b", "a", (0, 1));
    shows("a", "\x1b[b\x1b[b", "aa", (0, 2));
    shows("a\x08", "\x1b[3b", "a", (0, 0));
    shows("e\u{301}", "\x1b[b", "e\u{301}e\u{301}", (0, 2));
    shows(
        "日\u{2764}\u{fe0f}",
        "\x1b[b",
        "日\u{2764}\u{fe0f}\u{2764}\u{fe0f}",
        (0, 6),
    );
    shows("\u{2764}\x1b[m\u{fe0f}", "\x1b[3b", "\u{2764}", (0, 1));
}

#[test]
fn the_lines_above_the_screen_stay_when_a_full_screen_program_erases_them_and_do_not_grow_when_it_scrolls()
 {
    let lines = |stream: &str| {
        let mut vt = blank(SIZE);
        vt.feed(stream.as_bytes());
        let bytes = vt.snapshot().bytes;
        String::from_utf8_lossy(&bytes).matches("line").count()
    };
    let above = "line\r\n".repeat(30);
    assert_eq!(lines(&above), 30);
    assert_eq!(lines(&format!("{above}\x1b[?1049h\x1b[3J\x1b[?1049l")), 30);
    assert_eq!(lines(&format!("{above}\x1b[3J")), 23);
    assert_eq!(lines("line\r\nline\r\nline\x1b[2S"), 1);
    assert_eq!(lines(&format!("{above}\x1b[S")), 29);
}

#[test]
fn styles_that_the_node_does_not_know_leave_the_others() {
    for (style, bold, underline) in [
        ("\x1b[1;58;2;0;0;255mx", true, false),
        ("\x1b[1;58:2::0:0:255mx", true, false),
        ("\x1b[9;1mx", true, false),
        ("\x1b[1\r;5m\x1b[53mx", true, false),
        ("\x1b[4:3mx", false, true),
        ("\x1b[21mx", false, true),
        ("\x1b[4m\x1b[4:0mx", false, false),
        ("\x1b[1m\x1b[8mx", true, false),
        ("\x1b[1m\x1b[mx", false, false),
    ] {
        for vt in both(style, "") {
            let cell = vt.screen().cell(0, 0).unwrap();
            let seen = (cell.bold(), cell.underline());
            assert_eq!(seen, (bold, underline), "{}", style.escape_debug());
            assert_eq!(cell.fgcolor(), vt100::Color::Default);
        }
    }
    for vt in both("\x1b[38:2::10:20:30mx\x1b[48;5;300;1my", "") {
        let cell = |col| vt.screen().cell(0, col).unwrap();
        assert_eq!(cell(0).fgcolor(), vt100::Color::Rgb(10, 20, 30));
        assert_eq!(cell(1).bgcolor(), vt100::Color::Idx(44));
        assert!(cell(1).bold());
    }
}

#[test]
fn what_is_erased_has_the_background_and_nothing_else_of_the_style() {
    for erase in ["\x1b[K", "\x1b[J", "\x1b[9X"] {
        let [straight, _] = both(&format!("\x1b[7;4;41mabc{erase}d"), "");
        let cell = straight.screen().cell(0, 4).unwrap();
        assert!(!cell.inverse() && !cell.underline(), "{erase:?}");
        assert_eq!(cell.bgcolor(), vt100::Color::Idx(1));
        let written = straight.screen().cell(0, 3).unwrap();
        assert!(written.inverse() && written.underline());
    }
}

#[test]
fn a_region_bounds_who_moves_towards_it_and_who_leaves_it() {
    let region = "\x1b[5;10r\x1b[5;1Hline";
    let line = "\n\n\n\nline";
    let at = |contents: &str, row| (contents.to_owned(), (row, 0));
    for (moves, row) in [
        ("\x1b[1;1H\x1bM", 0),
        ("\x1b[2;1H\x1b[99B", 9),
        ("\x1b[11;5H\x1b[99E", 23),
        ("\x1b[20;1H\x1b[99A", 4),
        ("\x1b[3;5H\x1b[99F", 0),
        ("\x1b[7;1H\x1b[A", 5),
        ("\x1b[7;1H\x1b[2B", 8),
    ] {
        let (contents, cursor) = at(line, row);
        shows(region, moves, &contents, cursor);
    }
}

#[test]
fn a_character_set_that_is_none_changes_nothing_and_the_usual_one_comes_back() {
    shows("\x1b(0", "\x1b(Uq", "─", (0, 1));
    shows("\x1b(0", "\x1b%Gq", "q", (0, 1));
    shows("\x1b-0\x0e", "q\x1b%@q\x0eq", "─q─", (0, 3));
}
