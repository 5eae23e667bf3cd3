//! One thing, a line for each thing to know about it.

/// Lines of `Label:  value`, labels padded to the longest. A value that is none is left out.
pub fn describe(lines: &[(&str, Option<String>)]) -> String {
    let width = lines
        .iter()
        .map(|(label, _)| label.len())
        .max()
        .unwrap_or(0)
        + 3;
    let lines: Vec<String> = lines
        .iter()
        .filter_map(|(label, value)| {
            let value = value.as_ref()?;
            Some(format!("{:width$}{value}", format!("{label}:")))
        })
        .collect();
    lines.join("\n")
}
