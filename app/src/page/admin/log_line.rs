//! A log record as a line of HTML. Text and not a view, so that hundreds of lines a second cost one
//! parse a batch; server and browser make the same. Everything that is not ours is escaped.

use crate::{
    format,
    model::{LogLevel, LogView},
};

/// Sources keep their hue; the style has this many.
const HUES: u32 = 8;

/// All of them, oldest first.
pub fn lines_html<'a>(records: impl IntoIterator<Item = &'a LogView>) -> String {
    let mut html = String::new();
    for record in records {
        push_line(&mut html, record);
    }
    html
}

fn push_line(html: &mut String, record: &LogView) {
    let level = record.level.word();
    html.push_str("<p class=\"log-line log-");
    html.push_str(level);
    html.push_str("\"><time title=\"");
    html.push_str(&format::exact(record.at));
    html.push_str("\">");
    html.push_str(&time(record.at));
    html.push_str("</time> <b class=\"log-source hue-");
    html.push_str(&hue(&record.source).to_string());
    html.push_str("\">");
    escape(html, &record.source);
    html.push_str("</b> <span class=\"log-level\">");
    html.push_str(level_mark(record.level));
    html.push_str("</span> <span class=\"log-message\">");
    escape(html, &record.message);
    if let Some(id) = &record.request_id {
        html.push_str(" <span class=\"log-request\">");
        escape(html, id);
        html.push_str("</span>");
    }
    html.push_str("</span></p>");
}

/// Time of day in UTC with milliseconds.
fn time(at: i64) -> String {
    format!(
        "{}.{:03}",
        format::clock(at),
        at.rem_euclid(1_000_000) / 1000
    )
}

fn level_mark(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "TRACE",
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => "INFO",
        LogLevel::Warn => "WARN",
        LogLevel::Error => "ERROR",
    }
}

/// The hue of a source: the known two have their own, nodes go round the others by their number.
fn hue(source: &str) -> u32 {
    match source {
        "server" => 0,
        "balancer" => 1,
        _ => {
            2 + source
                .bytes()
                .fold(0u32, |sum, byte| sum * 31 % 997 + u32::from(byte))
                % (HUES - 2)
        }
    }
}

fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Would be dropped or turned round by the browser.
            '\0'..='\x08'
            | '\x0b'..='\x1f'
            | '\x7f'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                html.push('\u{fffd}');
            }
            _ => html.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(source: &str, message: &str, request_id: Option<&str>) -> LogView {
        LogView {
            seq: 1,
            at: 1_783_260_129_042_000,
            source: source.into(),
            level: LogLevel::Warn,
            message: message.into(),
            request_id: request_id.map(Into::into),
        }
    }

    #[test]
    fn a_line_has_time_source_level_message_and_request() {
        let html = lines_html([&record("server", "it is slow", Some("r-1"))]);
        for part in [
            ">14:02:09.042<",
            ">server<",
            ">WARN<",
            ">it is slow ",
            ">r-1<",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn what_is_logged_cannot_become_markup() {
        let evil = "<img src=x onerror='alert(1)'> & \"";
        let html = lines_html([&record(evil, evil, Some(evil))]);
        assert!(!html.contains("<img"), "{html}");
        assert!(!html.contains("'"), "{html}");
        assert_eq!(
            html.matches("&lt;img src=x onerror=&#39;alert(1)&#39;&gt; &amp; &quot;")
                .count(),
            3
        );
    }

    #[test]
    fn text_cannot_be_turned_round_or_hidden() {
        let html = lines_html([&record("server", "a\u{202e}b\u{1b}[2J", None)]);
        assert!(html.contains("a\u{fffd}b\u{fffd}[2J"), "{html}");
    }

    #[test]
    fn nodes_that_are_numbered_differ_in_hue() {
        assert_ne!(hue("node-1"), hue("node-2"));
        assert!(
            ["server", "balancer", "node-1", "x"]
                .iter()
                .all(|source| hue(source) < HUES)
        );
    }
}
