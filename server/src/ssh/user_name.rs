//! The name before the @: `alice`, `web1`, or `alice+web1`.

use app::model::name_check;

/// A user name that could lead somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName<'a> {
    /// An account's name or a VM's.
    One(&'a str),
    /// Both, for keys that serve several accounts.
    Both { account: &'a str, vm: &'a str },
}

impl<'a> UserName<'a> {
    /// None for what can be neither.
    pub fn read(text: &'a str) -> Option<Self> {
        let is_name = |name: &str| name_check(name).is_ok();
        match text.split_once('+') {
            None => is_name(text).then_some(Self::One(text)),
            Some((account, vm)) => {
                (is_name(account) && is_name(vm)).then_some(Self::Both { account, vm })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read() {
        assert_eq!(UserName::read("web1"), Some(UserName::One("web1")));
        let both = UserName::Both {
            account: "alice",
            vm: "web1",
        };
        assert_eq!(UserName::read("alice+web1"), Some(both));
        for bad in [
            "", "+", "alice+", "+web1", "a+b+c", "Alice", "web 1", "..", "a\0b",
        ] {
            assert_eq!(UserName::read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(text in any::<String>()) {
            if let Some(name) = UserName::read(&text) {
                let again = match name {
                    UserName::One(name) => name.to_owned(),
                    UserName::Both { account, vm } => format!("{account}+{vm}"),
                };
                prop_assert_eq!(again, text);
            }
        }
    }
}
