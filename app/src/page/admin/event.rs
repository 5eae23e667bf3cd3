//! Kinds of events, as the filter offers them.

/// Kind and its words; a kind from the address that is not among them is offered too.
pub fn kinds(asked: &str) -> Vec<(String, String)> {
    let known = KINDS
        .iter()
        .map(|(kind, words)| ((*kind).to_owned(), (*words).to_owned()));
    let mut kinds: Vec<_> = known.collect();
    if !kinds.iter().any(|(kind, _)| kind == asked) {
        kinds.push((asked.to_owned(), asked.replace('_', " ")));
    }
    kinds
}

const KINDS: &[(&str, &str)] = &[
    ("", "Anything"),
    ("vm_create", "VM created"),
    ("vm_running", "VM came up"),
    ("vm_start", "VM started"),
    ("vm_stop", "VM shut down"),
    ("vm_restart", "VM restarted"),
    ("vm_retry", "VM tried again"),
    ("vm_delete", "VM deleted"),
    ("vm_deleted", "VM gone"),
    ("vm_exited", "VM shut down from inside"),
    ("vm_crashed", "VM crashed"),
    ("vm_interrupted", "VM ended with its engine"),
    ("vm_oom", "VM out of memory"),
    ("vm_failed", "VM failed"),
    ("vm_lost", "VM lost"),
    ("vm_expired", "VM deleted after its time"),
    ("shell_open", "Shell opened"),
    ("shell_close", "Shell closed"),
    ("shell_ended", "Shell ended, unused or lost"),
    ("login", "Signed in"),
    ("login_failed", "Sign-in failed"),
    ("logout", "Signed out"),
    ("login_session_delete", "Sign-in ended"),
    ("account_create", "Account made"),
    ("account_delete", "Account deleted"),
    ("password_change", "Password changed"),
    ("user_password_reset", "Password reset"),
    ("user_disable", "User disabled"),
    ("user_enable", "User enabled"),
    ("user_role", "Role changed"),
    ("user_quota", "Quota changed"),
    ("node_add", "Node added"),
    ("node_cordon", "Node cordoned"),
    ("node_uncordon", "Node uncordoned"),
    ("node_remove", "Node removed"),
    ("orphan_remove", "Stray container removed"),
    ("image_add", "Image added"),
    ("image_offer", "Image found"),
    ("image_remove", "Image removed"),
    ("image_default", "Default image changed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_from_the_address_can_always_be_chosen() {
        assert_eq!(kinds("").len(), KINDS.len());
        assert_eq!(kinds("vm_stop").len(), KINDS.len());
        let last = kinds("disk_full").pop();
        assert_eq!(last, Some(("disk_full".to_owned(), "disk full".to_owned())));
    }
}
