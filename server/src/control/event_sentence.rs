//! An event as a plain sentence, from its kind and names. Pure.

use crate::db::event::EventRow;

/// Such as "alice shut web1 down".
pub fn sentence(event: &EventRow) -> String {
    let EventRow { actor, subject, .. } = event;
    let detail = event.detail.as_deref().unwrap_or_default();
    let in_brackets = if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    };
    let after_colon = if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    };
    match event.kind.as_str() {
        "vm_create" => format!("{actor} created {subject}{in_brackets}"),
        "vm_start" => format!("{actor} started {subject}"),
        "vm_stop" => format!("{actor} shut {subject} down"),
        "vm_restart" => format!("{actor} restarted {subject}"),
        "vm_retry" => format!("{actor} tried {subject} again"),
        "vm_delete" => format!("{actor} deleted {subject}"),
        "vm_deleted" => format!("{subject} is gone, and its files with it"),
        "vm_running" if detail.is_empty() => format!("{subject} is running"),
        "vm_running" => format!("{subject} is running on {detail}"),
        "vm_exited" => format!("{subject} was shut down from inside"),
        "vm_crashed" => format!("{subject} {detail}"),
        "vm_interrupted" => format!("{subject} ended with the engine of {detail} and starts again"),
        "vm_oom" => format!("Something in {subject} was killed for want of memory{after_colon}"),
        "vm_failed" => format!("{subject} failed{after_colon}"),
        "vm_lost" => format!("{subject} was lost{after_colon}"),
        "vm_expired" => format!("{subject} was deleted after being stopped for {detail}"),
        "vm_ssh_failed" => format!("The SSH server of {subject} was not started{after_colon}"),
        "vm_ssh_port" => format!("The SSH of {subject} is published on port {detail}"),
        "vm_exec" => format!("{actor} ran a command in {subject}"),
        "vm_files" => format!("{actor} opened the files of {subject}"),
        "vm_connect" => format!("{actor} connected to {subject}{after_colon}"),
        "shell_open" => format!("{actor} opened a shell in {subject}"),
        "shell_close" => format!("{actor} closed a shell in {subject}"),
        "shell_ended" => format!("A shell in {subject} has ended{after_colon}"),
        kind if kind.starts_with("shell_") => shared(kind, event),
        kind => other(kind, event, &in_brackets, &after_colon),
    }
}

/// What happens to shells that are shared.
fn shared(kind: &str, event: &EventRow) -> String {
    let EventRow { actor, subject, .. } = event;
    let detail = event.detail.as_deref().unwrap_or_default();
    match kind {
        "shell_invitation_create" => {
            format!("{actor} made a link for somebody {detail} in a shell of {subject}")
        }
        "shell_invitation_delete" => {
            format!("{actor} withdrew a link {detail} in a shell of {subject}")
        }
        "shell_grant_create" => {
            format!("{actor} accepted an invitation {detail} in a shell of {subject}")
        }
        "shell_grant_delete" => {
            format!("{actor} took back from {detail} a shell of {subject}")
        }
        "shell_grant_leave" => format!("{actor} gave up the right to a shell of {subject}"),
        "shell_join" => format!("{actor} came into a shell of {subject}"),
        "shell_leave" => format!("{actor} left a shell of {subject}"),
        kind => format!("{actor}: {} {subject}", kind.replace('_', " ")),
    }
}

fn other(kind: &str, event: &EventRow, in_brackets: &str, after_colon: &str) -> String {
    let EventRow { actor, subject, .. } = event;
    match kind {
        "login" => format!("{actor} signed in{in_brackets}"),
        "login_failed" => format!("Somebody failed to sign in as {subject}{in_brackets}"),
        "logout" => format!("{actor} signed out"),
        "login_session_delete" => format!("{actor} ended one of their sign-ins"),
        "account_create" => format!("The account {subject} was made"),
        "account_delete" => format!("{actor} deleted their account"),
        "token_create" => format!("{actor} made an API token{in_brackets}"),
        "token_delete" => format!("{actor} revoked an API token{in_brackets}"),
        "ssh_sign_in" => format!("{actor} signed in by SSH{in_brackets}"),
        "ssh_sign_out" => format!("{actor} ended an SSH connection{in_brackets}"),
        "ssh_key_add" => format!("{actor} added an SSH key{in_brackets}"),
        "ssh_key_delete" => format!("{actor} removed an SSH key{in_brackets}"),
        "password_change" => format!("{actor} changed their password"),
        "user_create" => format!("{actor} added the user {subject}"),
        "user_disable" => format!("{actor} disabled {subject}"),
        "user_enable" => format!("{actor} enabled {subject} again"),
        "user_role" => format!("{actor} changed what {subject} may do{after_colon}"),
        "user_quota" => format!("{actor} set the quota of {subject}{after_colon}"),
        "user_password_reset" => format!("{actor} reset the password of {subject}"),
        "node_add" => format!("{actor} added {subject}{in_brackets}"),
        "node_cordon" => format!("{actor} cordoned {subject}"),
        "node_uncordon" => format!("{actor} opened {subject} for new VMs again"),
        "node_remove" => format!("{actor} removed {subject}{in_brackets}"),
        "orphan_remove" => {
            format!("A container that no VM stands for was removed from {subject}{in_brackets}")
        }
        "image_add" => format!("{actor} added the image {subject}{in_brackets}"),
        "image_offer" => {
            format!("The image {subject} was found on a node and is offered{in_brackets}")
        }
        "image_remove" => format!("{actor} removed the image {subject}"),
        "image_default" => format!("{actor} made {subject} the default image"),
        // A kind of a newer version, say: its words are better than none.
        _ => format!("{actor}: {} {subject}{in_brackets}", kind.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::event::SubjectKind;

    fn event(kind: &str, detail: Option<&str>) -> EventRow {
        EventRow {
            id: 1,
            at: 1,
            actor: "alice".into(),
            kind: kind.into(),
            subject_kind: SubjectKind::Vm,
            subject_id: "v".into(),
            subject: "web1".into(),
            owner_id: None,
            detail: detail.map(str::to_owned),
            ok: true,
        }
    }

    #[test]
    fn events_read_as_sentences() {
        let says = |kind, detail| sentence(&event(kind, detail));
        assert_eq!(says("vm_stop", None), "alice shut web1 down");
        assert_eq!(
            says("vm_create", Some("small, alpine")),
            "alice created web1 (small, alpine)"
        );
        assert_eq!(
            says(
                "vm_crashed",
                Some("ran out of memory (256 MiB); restart 1 of 3 in 1 s")
            ),
            "web1 ran out of memory (256 MiB); restart 1 of 3 in 1 s"
        );
        let why = "it was closed because nobody had used it for 24 h";
        assert_eq!(
            says("shell_ended", Some(why)),
            "A shell in web1 has ended: it was closed because nobody had used it for 24 h"
        );
        assert_eq!(says("thing_done", None), "alice: thing done web1");
    }

    /// Every kind that is written anywhere in this crate has a sentence of its own.
    #[test]
    fn no_kind_of_event_is_without_its_sentence() {
        for kind in written() {
            let words = kind.replace('_', " ");
            let said = sentence(&event(&kind, Some("detail")));
            assert!(!said.contains(&words), "{kind} has no sentence: {said}");
        }
    }

    /// And can be chosen in the filter of the admin's page.
    #[test]
    fn no_kind_of_event_is_left_out_of_the_filter() {
        let offered = app::page::admin::event::kinds("");
        for kind in written() {
            let is_offered = offered.iter().any(|(known, _)| *known == kind);
            assert!(is_offered, "{kind} cannot be asked for");
        }
    }

    /// The kinds of events that this crate writes.
    fn written() -> Vec<String> {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let mut kinds = Vec::new();
        gather(std::path::Path::new(sources), &mut kinds);
        assert!(kinds.len() > 12, "the sources were read: {kinds:?}");
        kinds
    }

    /// Quoted words such as `"vm_create"` right behind what makes an event.
    fn gather(folder: &std::path::Path, kinds: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, kinds);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for marker in [
                "NewEvent::new(",
                "user_event(",
                "kind: ",
                " event(",
                "&event(",
            ] {
                for rest in code.split(marker).skip(1) {
                    let rest = rest.trim_start();
                    let kind = rest
                        .strip_prefix('"')
                        .and_then(|rest| rest.split('"').next());
                    kinds.extend(kind.filter(|kind| kind.contains('_')).map(str::to_owned));
                }
            }
        }
    }
}
