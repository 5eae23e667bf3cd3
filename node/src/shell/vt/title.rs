//! The title, which vt100 takes only where no semicolon is in it.

/// The longest title kept, in bytes.
const TITLE_BYTES: usize = 512;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;

/// The title that an OSC sets, told from behind its `ESC ]` on; with BEL, or without a terminator where ESC ends it.
pub fn set_by(osc: &[u8]) -> Option<String> {
    if let Some(&(CAN | SUB)) = osc.last() {
        return None;
    }
    let osc: Vec<u8> = osc.iter().copied().filter(|byte| *byte >= b' ').collect();
    let number = osc.iter().take_while(|byte| **byte != b';').count();
    let text = osc.get(number + 1..).unwrap_or_default();
    matches!(&osc[..number], b"0" | b"2").then(|| shown(text))
}

fn shown(text: &[u8]) -> String {
    let text = &text[..text.len().min(TITLE_BYTES)];
    String::from_utf8_lossy(text)
        .chars()
        .filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_all_behind_the_first_semicolon() {
        for (osc, title) in [
            (&b"0;a; b;\x07"[..], Some("a; b;")),
            (b"2;web1: ~", Some("web1: ~")),
            (b"2;a\tb\xc2\x85c\xffd", Some("abcd")),
            (b"0", Some("")),
            (b"1;an icon's\x07", None),
            (b"52;c;AAAA\x07", None),
            (b"2;aborted\x18", None),
            (b"", None),
        ] {
            assert_eq!(set_by(osc).as_deref(), title, "{}", osc.escape_ascii());
        }
        let long = ["2;".into(), "é".repeat(300)].concat();
        assert_eq!(set_by(long.as_bytes()), Some("é".repeat(256)));
    }
}
