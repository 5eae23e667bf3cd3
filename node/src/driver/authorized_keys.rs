//! What of a VM's `/root/.ssh/authorized_keys` is MiniCloud's, and what is its user's.
//!
//! MiniCloud's keys stand between two marker lines, and each ends in a tag: so a line that its user
//! wrote between the markers, or a marker that was lost, costs nobody's key.

/// Above and below MiniCloud's keys.
pub const BEGIN: &str = "# BEGIN MiniCloud: the keys of the account, written anew at each start";
/// The line below them.
pub const END: &str = "# END MiniCloud";
/// Behind each of MiniCloud's keys.
pub const TAG: &str = " (MiniCloud account key)";

/// MiniCloud's lines for these keys, markers included.
pub fn block(keys: &[String]) -> String {
    let keys: String = keys.iter().map(|key| format!("{key}{TAG}\n")).collect();
    format!("{BEGIN}\n{keys}{END}\n")
}

/// The file with these keys in place of those it had from MiniCloud.
pub fn merge(before: &str, keys: &[String]) -> String {
    let is_ours = |line: &&str| *line == BEGIN || *line == END || line.ends_with(TAG);
    let theirs = before.lines().filter(|line| !is_ours(line));
    let theirs: String = theirs.map(|line| format!("{line}\n")).collect();
    theirs + &block(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_account_are_replaced_and_the_users_own_lines_stay() {
        let keys = |names: &[&str]| -> Vec<String> {
            names
                .iter()
                .map(|name| format!("ssh-ed25519 {name}"))
                .collect()
        };
        let first = merge("", &keys(&["one", "two"]));
        assert_eq!(first.lines().count(), 4);
        // Written within the block, and without an end of line.
        let edited = first.replace(END, "ssh-ed25519 within") + "ssh-ed25519 mine";
        let second = merge(&edited, &keys(&["three"]));
        let lines: Vec<&str> = second.lines().collect();
        let three = format!("ssh-ed25519 three{TAG}");
        assert_eq!(
            lines,
            ["ssh-ed25519 within", "ssh-ed25519 mine", BEGIN, &three, END]
        );
        assert_eq!(merge(&second, &keys(&["three"])), second);
    }
}
