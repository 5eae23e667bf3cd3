//! What an API token may be used for.

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Whatever is asked by GET.
    pub read: bool,
    /// Whatever changes something; shells and commands too.
    pub write: bool,
    /// What admins may, beside `read` or `write`.
    pub admin: bool,
}

impl Scopes {
    /// All there are.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        admin: true,
    };

    /// As a row keeps them: words apart by spaces.
    pub fn words(self) -> String {
        let words = [
            (self.read, "read"),
            (self.write, "write"),
            (self.admin, "admin"),
        ];
        let held: Vec<&str> = words
            .into_iter()
            .filter_map(|(held, word)| held.then_some(word))
            .collect();
        held.join(" ")
    }

    /// From such words; None when one is not known.
    pub fn parse(words: &str) -> Option<Self> {
        let mut scopes = Self::default();
        for word in words.split_whitespace() {
            match word {
                "read" => scopes.read = true,
                "write" => scopes.write = true,
                "admin" => scopes.admin = true,
                _ => return None,
            }
        }
        Some(scopes)
    }

    /// True when all of these are among the others.
    pub fn within(self, others: Self) -> bool {
        (others.read || !self.read)
            && (others.write || !self.write)
            && (others.admin || !self.admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_they_were_and_others_are_none() {
        for words in ["read", "read write", "read write admin", ""] {
            assert_eq!(Scopes::parse(words).unwrap().words(), words);
        }
        assert_eq!(Scopes::parse("read root"), None);
    }

    #[test]
    fn nothing_is_within_less() {
        let read = Scopes::parse("read").unwrap();
        assert!(read.within(Scopes::ALL) && read.within(read));
        assert!(!Scopes::ALL.within(read));
    }
}
