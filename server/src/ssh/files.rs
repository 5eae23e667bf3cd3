//! Which sessions are for files: those of `sftp`, and of `scp` in its newer and its older protocol. The node
//! brings a helper into the VM for them (docs/decisions/0008).

use node_api::exec::FILES;

use super::{channel::Start, session::Wish};

/// The name of the subsystem, and the helper's word for it.
const SFTP: &str = "sftp";

/// The helper's words; None: the session is for something else.
pub fn argv(wish: &Wish) -> Option<Vec<String>> {
    let words = match &wish.start {
        Start::Subsystem(name) if name == SFTP => vec![SFTP.to_owned()],
        Start::Exec(command) if wish.pty.is_none() => scp(std::str::from_utf8(command).ok()?)?,
        _ => return None,
    };
    Some([vec![FILES.to_owned()], words].concat())
}

/// The words of a line that `scp -O` sends; None for all others, which are the VM's shell's.
fn scp(line: &str) -> Option<Vec<String>> {
    if !is_plain(line) {
        return None;
    }
    let words = shlex::split(line)?;
    let (program, rest) = words.split_first()?;
    let flags = rest.iter().take_while(|word| is_flag(word)).count();
    let (flags, paths) = rest.split_at(flags);
    let letters: String = flags.concat();
    let has_direction = letters.contains('t') != letters.contains('f');
    let has_paths = !paths.is_empty() && paths != ["--"];
    (program == "scp" && has_direction && has_paths).then_some(words)
}

fn is_flag(word: &str) -> bool {
    let letters = word.strip_prefix('-').unwrap_or_default();
    !letters.is_empty() && letters.bytes().all(|letter| b"tfrpdv".contains(&letter))
}

/// Whether a shell would take the line for words alone, and patterns: nothing is to be replaced, nothing
/// else to be run.
fn is_plain(line: &str) -> bool {
    let mut quote = None;
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(b'\''), b'\'') | (Some(b'"'), b'"') => quote = None,
            (Some(b'\''), _) => {}
            (_, b'\\') => _ = bytes.next(),
            (_, b'$' | b'`') => return false,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' | b'\n') => return false,
            _ => {}
        }
    }
    quote.is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_scp_sends_is_for_the_helper() {
        for (line, last) in [
            ("scp -t .", "."),
            ("scp -v -r -p -d -t -- -odd", "-odd"),
            ("scp -f ~/*.txt", "~/*.txt"),
            ("scp -rpf 'a b' c", "c"),
            ("scp -t 'it'\\''s $HOME; really'", "it's $HOME; really"),
            ("scp -f a\\&b", "a&b"),
            ("scp -t \"a b\"", "a b"),
            ("scp -f \u{fc}ber", "\u{fc}ber"),
        ] {
            let words = scp(line);
            assert_eq!(
                words
                    .as_ref()
                    .and_then(|words| words.last())
                    .map(String::as_str),
                Some(last),
                "{line}"
            );
        }
    }

    #[test]
    fn what_else_there_is_is_for_the_shell() {
        for line in [
            "",
            "scp",
            "scp a b",
            "scp -t",
            "scp -t --",
            "scp -r a",
            "scp -t -f a",
            "scp -S sh -t a",
            "scp -t $HOME",
            "scp -t a; id",
            "scp -t a && id",
            "scp -t `id`",
            "scp -t a >b",
            "scp -t \"$x\"",
            "scp -t 'a",
            "scp -t a\nid",
            "/usr/bin/scp -t a",
            "LC_ALL=C scp -t a",
            "scp -t a | cat",
            "scp -t (a)",
            "rsync --server . x",
        ] {
            assert_eq!(scp(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_words_or_the_shells_and_a_quoted_name_is_that_name(name in "[^\\x00]{1,30}") {
            let _ = scp(&name);
            let quoted = shlex::try_quote(&name).expect("no NUL");
            let words = scp(&format!("scp -t -- {quoted}"));
            // What a newline would need is more than single quotes in some quoting styles.
            if let Some(words) = words {
                prop_assert_eq!(words.last(), Some(&name));
            }
        }
    }
}
