//! The one rule for names of users and VMs, for server and browser alike.

/// The longest name, in characters.
pub const NAME_MAX: usize = 32;

/// Names that nobody may take: they would pass for the cloud itself or for a system account.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "api",
    "daemon",
    "guest",
    "localhost",
    "login",
    "logout",
    "mc",
    "minicloud",
    "nobody",
    "operator",
    "register",
    "root",
    "staff",
    "support",
    "sync",
    "sys",
    "system",
    "www-data",
];

/// Ok for a name like `web1` or `lab-7` (`^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$`), else the rule in
/// words, with what is wrong with this name first.
pub fn name_check(name: &str) -> Result<(), String> {
    let wrong = if name.is_empty() {
        "A name is needed."
    } else if name.chars().count() > NAME_MAX {
        "The name is too long."
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        "The name does not begin with a small letter."
    } else if !name.bytes().all(is_name_byte) {
        "The name has a character that is not allowed."
    } else if name.ends_with('-') {
        "The name ends with a dash."
    } else {
        return Ok(());
    };
    Err(format!(
        "{wrong} Use 1 to {NAME_MAX} small letters (a to z), digits and dashes, beginning with a letter and not ending with a dash."
    ))
}

/// True when nobody may take it as a user name. VMs may have such names.
pub fn name_is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_letters_digits_and_inner_dashes_are_good() {
        let longest = "a".repeat(NAME_MAX);
        for name in ["a", "a1", "web1", "lab-7", "a--b", &longest] {
            assert_eq!(name_check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_bad_name_is_told_what_is_wrong_and_the_rule() {
        let long = "a".repeat(NAME_MAX + 1);
        for (name, what) in [
            ("", "needed"),
            (long.as_str(), "too long"),
            ("1a", "begin"),
            ("-a", "begin"),
            ("Anna", "begin"),
            ("éa", "begin"),
            ("a_b", "not allowed"),
            ("aÄ", "not allowed"),
            ("a b", "not allowed"),
            ("a\n", "not allowed"),
            ("../a", "begin"),
            ("a-", "ends with a dash"),
        ] {
            let message = name_check(name).unwrap_err();
            assert!(message.contains(what), "{name:?}: {message}");
            assert!(message.contains("1 to 32 small letters"), "{message}");
        }
    }

    #[test]
    fn system_names_are_reserved() {
        assert!(name_is_reserved("root") && name_is_reserved("minicloud"));
        assert!(!name_is_reserved("roots"));
    }
}
