//! The cells of a screen, drawn anew.

/// Clears the screen that is shown, and fills it.
pub fn write_cells(out: &mut String, screen: &vt100::Screen, styles: bool) {
    if styles {
        out.push_str(&screen.contents_formatted());
        return;
    }
    out.push_str(if screen.hide_cursor() {
        "\x1b[?25l"
    } else {
        "\x1b[?25h"
    });
    out.push_str("\x1b[m\x1b[H\x1b[J");
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let mut goes_on = false;
    for row in 0..rows {
        let mut text = String::new();
        for cell in (0..cols).filter_map(|col| screen.cell(row, col)) {
            write_plain(&mut text, cell);
        }
        // A full row whose line goes on wraps at the next character, whichever that is.
        let goes_on_from_above = goes_on;
        goes_on = screen.row_wrapped(row);
        if goes_on {
            out.push_str(&text);
            continue;
        }
        let text = text.trim_end_matches(' ');
        out.push_str(if text.is_empty() && goes_on_from_above {
            " \x08\x1b[X"
        } else {
            text
        });
        if row + 1 < rows {
            out.push_str("\r\n");
        }
    }
}

/// A character without its marks, but for the one that makes it wide: so many cells of them are never too
/// long.
fn write_plain(out: &mut String, cell: &vt100::Cell) {
    const WIDE: char = '\u{fe0f}';
    if cell.is_wide_continuation() {
        return;
    }
    let contents = cell.contents();
    out.push(contents.chars().next().unwrap_or(' '));
    if cell.is_wide() && contents.contains(WIDE) {
        out.push(WIDE);
    }
}
