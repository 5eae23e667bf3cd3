//! Another size. vt100 cuts lines off; a viewer's terminal reflows them. So the main screen is
//! written anew, line by line, into a terminal of the new size.

use super::{Above, Vt, cursor::Placed, draw, rows_and_cols, scrollback::Scrollback};
use crate::shell::limits::Size;

/// Where the cursor is in the text: which line, and how far into it.
struct TextCursor {
    line: usize,
    cells: usize,
    /// It is on the screen's last row: a higher screen pulls lines back from above.
    at_bottom: bool,
}

impl Vt {
    /// Takes another size; does nothing when it is the same.
    pub fn resize(&mut self, size: Size) {
        if size == self.size() {
            return;
        }
        let alternate = self.modes.in_alternate;
        if alternate {
            self.parser.process(b"\x1b[?47l");
        }
        let entering = self.cursor_at_entry();
        let (mut parser, row, col) = self.reflow(size);
        self.modes.resized(size);
        let mut cursor = (row, col);
        let mut out = String::new();
        if alternate {
            cursor = self.redraw_alternate(
                &mut out,
                Placed {
                    row,
                    col,
                    ..entering
                },
                size,
            );
        }
        let old = self.parser.screen();
        out.push_str(if old.hide_cursor() {
            "\x1b[?25l"
        } else {
            "\x1b[?25h"
        });
        out.push_str(&old.input_mode_formatted());
        out.push_str(&old.attributes_formatted());
        parser.process(out.as_bytes());
        self.parser = parser;
        let mut state = String::new();
        self.write_state(&mut state, cursor.0, cursor.1);
        self.parser.process(state.as_bytes());
    }

    /// Draws the alternate screen cut to the size, which its program is about to draw anew; where
    /// its cursor is. vt100 shows the main screen before and the alternate one after.
    fn redraw_alternate(&mut self, out: &mut String, entering: Placed, size: Size) -> (u16, u16) {
        self.write_entry(out, &entering);
        if self.modes.alternate_saves {
            self.modes.main.saved = Some(entering);
        }
        self.parser.process(b"\x1b[?47h");
        let (rows, cols) = rows_and_cols(size);
        self.parser.screen_mut().set_size(rows, cols);
        let screen = self.parser.screen();
        out.push_str(&screen.contents_formatted());
        let (row, col) = screen.cursor_position();
        (row, col.min(size.cols - 1))
    }

    /// The main screen in a terminal of another size, and where its cursor is then.
    fn reflow(&mut self, size: Size) -> (vt100::Parser<Above>, u16, u16) {
        let cursor = self.text_cursor();
        let text = self.parser.screen().contents_formatted_basic();
        let empty = Scrollback::new(0, 0);
        let mut scrollback = std::mem::replace(&mut self.above().scrollback, empty);
        let pulled = if cursor.at_bottom {
            scrollback.pop(usize::from(size.rows))
        } else {
            Vec::new()
        };
        scrollback.close_line();
        let above = Above {
            scrollback,
            scrolled: 0,
            drops: false,
        };
        let (rows, cols) = rows_and_cols(size);
        let mut parser = vt100::Parser::new_with_callbacks(rows, cols, 0, above);
        for line in &pulled {
            draw::write(&mut parser, line.text.as_bytes(), false);
            if !line.wrapped {
                parser.process(b"\r\n");
            }
        }
        let (row, col) = write_lines(&mut parser, &text, &cursor, size);
        (parser, row, col)
    }

    fn text_cursor(&self) -> TextCursor {
        let screen = self.parser.screen();
        let size = self.size();
        let (row, col) = screen.cursor_position();
        let line = (0..row).filter(|above| !screen.row_wrapped(*above)).count();
        let wrapped_above = (0..row)
            .rev()
            .take_while(|above| screen.row_wrapped(*above))
            .count();
        TextCursor {
            line,
            cells: wrapped_above * usize::from(size.cols) + usize::from(col.min(size.cols - 1)),
            at_bottom: row + 1 == size.rows,
        }
    }
}

/// Writes the lines down to the last that is not blank, or the cursor's; where the cursor is then.
fn write_lines(
    parser: &mut vt100::Parser<Above>,
    text: &str,
    cursor: &TextCursor,
    size: Size,
) -> (u16, u16) {
    let lines: Vec<&str> = text.split('\n').collect();
    let last_written = lines.iter().rposition(|line| !line.is_empty()).unwrap_or(0);
    let last = last_written.max(cursor.line).min(lines.len() - 1);
    let (mut begin, mut scrolled) = (0, 0);
    for (at, line) in lines.iter().take(last + 1).enumerate() {
        if at == cursor.line {
            begin = parser.screen().cursor_position().0;
            scrolled = parser.callbacks().scrolled;
        }
        draw::write(parser, line.as_bytes(), false);
        if at < last {
            parser.process(b"\r\n");
        }
    }
    let cols = usize::from(size.cols);
    let gone = parser.callbacks().scrolled - scrolled;
    let row = usize::from(begin) + cursor.cells / cols;
    let row = row.saturating_sub(usize::try_from(gone).unwrap_or(usize::MAX));
    let row = u16::try_from(row).unwrap_or(u16::MAX).min(size.rows - 1);
    // Less than cols, which is a u16.
    (row, (cursor.cells % cols) as u16)
}
