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
    ("vm_ssh_port", "VM's SSH published"),
    ("vm_ssh_failed", "VM's SSH server not started"),
    ("vm_exec", "Command run in a VM"),
    ("vm_files", "Files of a VM opened"),
    ("vm_connect", "Port of a VM connected to"),
    ("shell_open", "Shell opened"),
    ("shell_close", "Shell closed"),
    ("shell_ended", "Shell ended, unused or lost"),
    ("shell_invitation_create", "Link to a shell made"),
    ("shell_invitation_delete", "Link to a shell withdrawn"),
    ("shell_grant_create", "Invitation to a shell accepted"),
    ("shell_grant_delete", "Right to a shell taken back"),
    ("shell_grant_leave", "Right to a shell given up"),
    ("shell_join", "Guest came into a shell"),
    ("shell_leave", "Guest left a shell"),
    ("login", "Signed in"),
    ("login_failed", "Sign-in failed"),
    ("logout", "Signed out"),
    ("login_session_delete", "Sign-in ended"),
    ("ssh_sign_in", "Signed in by SSH"),
    ("ssh_sign_out", "SSH connection ended"),
    ("ssh_key_add", "SSH key added"),
    ("ssh_key_delete", "SSH key removed"),
    ("token_create", "API token made"),
    ("token_delete", "API token revoked"),
    ("account_create", "Account made"),
    ("account_delete", "Account deleted"),
    ("password_change", "Password changed"),
    ("user_create", "User added"),
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
