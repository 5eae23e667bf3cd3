//! Shells that are shared.

use server_api::vm::VmState;

use super::{
    fake::Fake,
    run::{User, lines},
};

fn user() -> (Fake, User) {
    let fake = Fake::start(&[("web1", VmState::Running)]);
    let user = User::signed_in(&fake.url);
    (fake, user)
}

#[test]
fn a_link_stands_alone_on_standard_output_and_is_accepted_from_a_pipe_once() {
    let (fake, user) = user();
    let made = user.run(&["shell", "share", "s1"]);
    let link = format!("{}/invitations/of-i1", fake.url);
    assert_eq!((made.code, made.out), (0, format!("{link}\n")));
    let told = "This is shown once. It is good for one user, for 24 hours:\n";
    assert_eq!(made.err, told);
    let accepted = user.run_with(&["shell", "accept", "-"], &format!("  {link}\n"));
    let words = "You may watch in a shell of ann's web1. It stands on your first page, under Shared with you.\n";
    assert_eq!((accepted.code, accepted.out.as_str()), (0, words));
    let again = user.run_with(&["shell", "accept"], &format!("{link}\n"));
    assert_eq!(again.code, 3, "{again:?}");
    let closed = "minicloud: This invitation is not open any more.";
    assert!(again.err.starts_with(closed), "{again:?}");
    let empty = user.run(&["shell", "accept", "-"]);
    assert_eq!(empty.code, 2, "{empty:?}");
    assert_eq!(user.run(&["shell", "share", "s9"]).code, 3);
}

#[test]
fn with_whom_a_shell_is_shared_is_listed_and_taken_back() {
    let (fake, user) = user();
    let made = user.run(&["shell", "share", "s1", "--type"]);
    let accepted = user.run(&["shell", "accept", made.out.trim()]);
    assert!(
        accepted.out.starts_with("You may type in a shell"),
        "{accepted:?}"
    );
    user.run(&["shell", "share", "s1"]);
    let table = lines(&[
        "ID  WHO                   MAY    SINCE             HERE",
        "g1  bob                   type   2026-01-02 03:04  yes",
        "i1  (link, not accepted)  watch  2026-01-02 03:04  -",
    ]);
    assert_eq!(user.run(&["shell", "grants", "s1"]).out, table);
    let shared = lines(&[
        "ID  OWNER  VM    MAY   SINCE",
        "g1  ann    web1  type  2026-01-02 03:04",
    ]);
    assert_eq!(user.run(&["shell", "shared"]).out, shared);
    let json = user.run(&["shell", "grants", "s1", "--json"]).out;
    assert!(json.contains("\"grants\""), "{json}");
    let ran = user.run(&["shell", "unshare", "g1", "i1"]);
    assert_eq!(ran.out, "g1 has ended\ni1 has ended\n");
    assert_eq!(user.run(&["shell", "unshare", "g9"]).code, 3);
    let none = "Nobody shares a shell with you.\n";
    assert_eq!(user.run(&["shell", "shared"]).err, none);
    let asked = fake.asked();
    assert!(
        !asked.iter().any(|asked| asked.contains("of-i1")),
        "no address names a link: {asked:?}"
    );
}
