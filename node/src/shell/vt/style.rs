//! SGR in the words that vt100 takes: it stops at what it does not know, and takes parts of it for other styles.

use std::fmt::Write as _;

const UNDERLINE: u16 = 4;
const NO_UNDERLINE: u16 = 24;
const DOUBLE_UNDERLINE: u16 = 21;
const FOREGROUND: u16 = 38;
const BACKGROUND: u16 = 48;
const UNDERLINE_COLOUR: u16 = 58;

/// What sets the same style, told from the parameters (between `CSI` and `m`). All kinds of underline are one; the
/// underline's colour, and what else vt100 does not keep, is left out.
pub fn known(params: &[u8]) -> String {
    let mut all = params.split(|byte| *byte == b';').map(numbers);
    let mut out = String::from("\x1b[");
    let mut first = true;
    while let Some(param) = all.next() {
        let styled = match param[..] {
            [UNDERLINE, 0, ..] => vec![NO_UNDERLINE],
            [UNDERLINE, ..] | [DOUBLE_UNDERLINE, ..] => vec![UNDERLINE],
            [
                ground @ (FOREGROUND | BACKGROUND | UNDERLINE_COLOUR),
                ref rest @ ..,
            ] => {
                let colour = if rest.is_empty() {
                    colour_behind(&mut all)
                } else {
                    colour_within(rest)
                };
                let kept = colour.filter(|_| ground != UNDERLINE_COLOUR);
                kept.map_or_else(Vec::new, |colour| [vec![ground], colour].concat())
            }
            [
                plain @ (0..=3 | 7 | 22..=24 | 27 | 30..=37 | 39..=47 | 49 | 90..=97 | 100..=107),
                ..,
            ] => {
                vec![plain]
            }
            _ => vec![],
        };
        for number in styled {
            let between = if std::mem::take(&mut first) { "" } else { ";" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{between}{number}");
        }
    }
    if first {
        // Nothing is left, which must not be told as "no style".
        return String::new();
    }
    out.push('m');
    out
}

/// Whether vt100 takes the parameters as they are: numbers of two digits at most, none of which is special.
pub fn is_known(params: &[u8]) -> bool {
    let plain = |param: &[u8]| {
        matches!(
            param,
            [] | [b'0'..=b'4' | b'7']
                | [b'3' | b'4' | b'9', b'0'..=b'7']
                | [b'3' | b'4', b'9']
                | [b'2', b'2'..=b'4' | b'7']
        )
    };
    params.split(|byte| *byte == b';').all(plain)
}

fn numbers(param: &[u8]) -> Vec<u16> {
    let number = |digits: &[u8]| {
        let digits = digits.iter().filter(|byte| byte.is_ascii_digit());
        digits.fold(0_u16, |number, digit| {
            number
                .saturating_mul(10)
                .saturating_add(u16::from(digit - b'0'))
        })
    };
    param.split(|byte| *byte == b':').map(number).collect()
}

/// `38:5:n`, `38:2:r:g:b` or, with a colour space, `38:2:s:r:g:b`.
fn colour_within(rest: &[u16]) -> Option<Vec<u16>> {
    match *rest {
        [5, index, ..] => Some(vec![5, index & 0xff]),
        [2, _, r, g, b, ..] | [2, r, g, b] => Some(vec![2, r & 0xff, g & 0xff, b & 0xff]),
        _ => None,
    }
}

/// `38;5;n` or `38;2;r;g;b`, whose numbers are parameters of their own.
fn colour_behind(all: &mut impl Iterator<Item = Vec<u16>>) -> Option<Vec<u16>> {
    let mut next = || all.next().and_then(|param| param.first().copied());
    match next()? {
        5 => Some(vec![5, next()? & 0xff]),
        2 => Some(vec![2, next()? & 0xff, next()? & 0xff, next()? & 0xff]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_vt100_does_not_know_is_left_out_and_the_rest_stays() {
        for (params, expected) in [
            ("", "\x1b[0m"),
            ("1;31", "\x1b[1;31m"),
            ("9;31", "\x1b[31m"),
            ("5", ""),
            ("4:3", "\x1b[4m"),
            ("4:0", "\x1b[24m"),
            ("21;1", "\x1b[4;1m"),
            ("31;58;2;0;0;255;1", "\x1b[31;1m"),
            ("58:2::0:0:255;1", "\x1b[1m"),
            ("58;5;31", ""),
            ("38:2::10:20:30", "\x1b[38;2;10;20;30m"),
            ("38:2:10:20:30;1", "\x1b[38;2;10;20;30;1m"),
            ("48:5:300", "\x1b[48;5;44m"),
            ("38;5;300;1", "\x1b[38;5;44;1m"),
            ("38;2;1;2", ""),
            ("97;107;49", "\x1b[97;107;49m"),
        ] {
            assert_eq!(known(params.as_bytes()), expected, "{params}");
        }
    }

    #[test]
    fn what_vt100_takes_is_told_as_it_is() {
        for number in 0..=110_u16 {
            let params = number.to_string();
            if is_known(params.as_bytes()) {
                assert_eq!(known(params.as_bytes()), format!("\x1b[{params}m"));
            }
        }
        assert!(is_known(b"") && is_known(b"0;1;31;97") && is_known(b"39;49"));
        assert!(!is_known(b"38;5;1") && !is_known(b"4:3") && !is_known(b"1;58;5;1"));
    }
}
