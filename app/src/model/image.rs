//! How an image of the catalogue may be called, for server and browser alike.

/// The longest name, in characters.
pub const IMAGE_NAME_MAX: u32 = 40;
/// The longest reference, in characters.
pub const IMAGE_REFERENCE_MAX: u32 = 200;
/// The longest line about an image, in characters.
pub const IMAGE_SUMMARY_MAX: u32 = 120;

/// Ok for a name like `debian`, `python3.12` or `minicloud/base`, else the rule in words, with what is
/// wrong with this name first.
pub fn image_name_check(name: &str) -> Result<(), String> {
    let wrong = if name.is_empty() {
        "A name is needed."
    } else if name.chars().count() > IMAGE_NAME_MAX as usize {
        "The name is too long."
    } else if !name.bytes().all(is_name_byte) {
        "The name has a character that is not allowed."
    } else {
        return Ok(());
    };
    Err(format!(
        "{wrong} Use 1 to {IMAGE_NAME_MAX} small letters (a to z), digits, dashes, dots, underscores and slashes."
    ))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_may_be_named_as_registries_name_them() {
        let longest = "a".repeat(IMAGE_NAME_MAX as usize);
        for name in [
            "debian",
            "python3.12",
            "minicloud/base",
            "3d_lab-2",
            "a",
            &longest,
        ] {
            assert_eq!(image_name_check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_bad_name_of_an_image_is_told_what_is_wrong_and_the_rule() {
        let long = "a".repeat(IMAGE_NAME_MAX as usize + 1);
        for (name, what) in [
            ("", "needed"),
            (long.as_str(), "too long"),
            ("Debian", "not allowed"),
            ("debian:13", "not allowed"),
            ("two words", "not allowed"),
            ("bäse", "not allowed"),
            ("a\n", "not allowed"),
        ] {
            let message = image_name_check(name).unwrap_err();
            assert!(message.contains(what), "{name:?}: {message}");
            assert!(message.contains("1 to 40 small letters"), "{message}");
        }
    }
}
