//! Amounts in words.

/// Thousandths of a core: `0.5`.
pub fn cpus(millis: u32) -> String {
    let text = format!("{:.3}", f64::from(millis) / 1000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// MiB: `256 MiB`, `1 GiB`, `1.5 GiB`.
pub fn memory(mib: u32) -> String {
    if mib < 1024 {
        return format!("{mib} MiB");
    }
    let text = format!("{:.1}", f64::from(mib) / 1024.0);
    format!("{} GiB", text.trim_end_matches(".0"))
}

/// GiB: `2 GiB`.
pub fn disk(gib: u32) -> String {
    format!("{gib} GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        assert_eq!(
            (cpus(500), cpus(2000), cpus(1250)),
            ("0.5".into(), "2".into(), "1.25".into())
        );
        assert_eq!(
            (memory(256), memory(2048), memory(1536)),
            ("256 MiB".into(), "2 GiB".into(), "1.5 GiB".into())
        );
    }
}
