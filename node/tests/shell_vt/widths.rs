//! How many cells each character takes, kept in web/src/width-table.ts: the browser's terminal counts by that.
//! `MINICLOUD_SNAPSHOTS=write` writes it anew.

use std::{env, fs, path::Path};

use node::shell::{limits::Size, vt::Vt};

use super::blank;

/// Characters of a line of the table, at most.
const LINE: usize = 100;
const HEAD: &str = "\
// What the node's terminal counts, written by node/tests/shell_vt/widths.rs (MINICLOUD_SNAPSHOTS=write).
// Code points and ranges of them, in hexadecimal.
";

/// Code points, first and last of each range.
type Ranges = Vec<(u32, u32)>;

#[test]
fn the_browsers_terminal_counts_cells_as_this_one_does() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src/width-table.ts");
    let now = table();
    if env::var_os("MINICLOUD_SNAPSHOTS").is_some_and(|word| word == "write") {
        fs::write(&kept, &now).expect("it is written");
    }
    assert!(
        fs::read_to_string(&kept).is_ok_and(|kept| kept == now),
        "{} is of another day: write it with MINICLOUD_SNAPSHOTS=write, \
         and see that the tests of web/ hold",
        kept.display()
    );
}

#[test]
fn what_stands_for_the_unreadable_takes_a_cell_and_the_unreadable_itself_none() {
    let mut vt = blank(Size { cols: 10, rows: 2 });
    assert_eq!(column_after(&mut vt, "a\u{fffd}\u{fffd}b"), 4);
    assert_eq!(vt.screen().contents(), "a??b");
    vt.feed(b"\rc\xffd");
    assert_eq!(vt.screen().cursor_position().1, 2);
    assert_eq!(vt.screen().contents(), "cd?b");
}

fn table() -> String {
    let (mut none, mut two, mut widened) = (Ranges::new(), Ranges::new(), Ranges::new());
    let mut vt = blank(Size { cols: 10, rows: 2 });
    for character in (' '..=char::MAX).filter(|character| !character.is_control()) {
        match column_after(&mut vt, &format!("\r{character}")) {
            0 => add(&mut none, character),
            1 if column_after(&mut vt, "\u{fe0f}") == 2 => add(&mut widened, character),
            2 => add(&mut two, character),
            _ => {}
        }
    }
    let none_is = "Characters that take no cell: they are drawn with the one before them.";
    let widened_is = "Characters of one cell that take two with U+FE0F right behind them.";
    [
        HEAD.to_owned(),
        constant("NONE", none_is, &none),
        constant("TWO", "Characters that take two cells.", &two),
        constant("WIDENED", widened_is, &widened),
    ]
    .concat()
}

fn column_after(vt: &mut Vt, text: &str) -> u16 {
    vt.feed(text.as_bytes());
    vt.screen().cursor_position().1
}

fn add(ranges: &mut Ranges, character: char) {
    let code = u32::from(character);
    match ranges.last_mut() {
        Some((_, last)) if *last + 1 == code => *last = code,
        _ => ranges.push((code, code)),
    }
}

fn constant(name: &str, words: &str, ranges: &[(u32, u32)]) -> String {
    let mut text = format!("\n/** {words} */\nexport const {name} = `\n");
    let mut line = String::new();
    for (first, last) in ranges {
        let range = match first == last {
            true => format!("{first:x}"),
            false => format!("{first:x}-{last:x}"),
        };
        if !line.is_empty() && line.len() + 1 + range.len() > LINE {
            text.push_str(&line);
            text.push('\n');
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&range);
    }
    text + &line + "\n`;\n"
}
