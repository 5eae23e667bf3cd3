//! SSH keys.

use std::fs;

use super::{
    fake::Fake,
    run::{User, lines},
};

fn user() -> (Fake, User) {
    let fake = Fake::start(&[]);
    let user = User::signed_in(&fake.url);
    (fake, user)
}

#[test]
fn keys_are_added_from_file_pipe_and_home_listed_and_removed() {
    let (_fake, user) = user();
    let folder = user.home.path().join(".ssh");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("id_ed25519.pub"),
        "ssh-ed25519 AAA1 ann@laptop\n",
    )
    .unwrap();
    fs::write(folder.join("other.pub"), "ssh-ed25519 AAA2 ann@desk\n").unwrap();
    assert_eq!(
        user.run(&["key", "add"]).out,
        "ann@laptop (SHA256:AAA1) was added\n"
    );
    let other = folder.join("other.pub");
    let ran = user.run(&["key", "add", other.to_str().unwrap(), "--comment", "desk"]);
    assert_eq!(ran.out, "desk (SHA256:AAA2) was added\n");
    let ran = user.run_with(&["key", "add", "-"], "ssh-ed25519 AAA3\n");
    assert_eq!(ran.out, "SHA256:AAA3 was added\n");
    let table = lines(&[
        "ID  COMMENT     FINGERPRINT  CREATED           USED",
        "k1  ann@laptop  SHA256:AAA1  2026-01-02 03:04  -",
        "k2  desk        SHA256:AAA2  2026-01-02 03:04  -",
        "k3  -           SHA256:AAA3  2026-01-02 03:04  -",
    ]);
    assert_eq!(user.run(&["key", "ls"]).out, table);
    assert_eq!(user.run(&["key", "rm", "desk", "nonsense"]).code, 3);
    let ran = user.run(&["key", "rm", "desk", "SHA256:AAA3"]);
    assert_eq!(
        ran.out,
        "desk (SHA256:AAA2) was removed\nSHA256:AAA3 was removed\n"
    );
    assert!(user.run(&["key", "ls", "--json"]).out.contains("AAA1"));
}

#[test]
fn a_private_key_is_never_sent() {
    let (fake, user) = user();
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    let ran = user.run_with(&["key", "add", "-"], private);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("it was not sent"), "{ran:?}");
    assert!(fake.asked().is_empty());
}

#[test]
fn without_a_key_it_is_said_how_to_make_one() {
    let (_fake, user) = user();
    let ran = user.run_with(&["key", "add"], "nonsense\n");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    let ran = user.run(&["key", "add", "/nowhere/id.pub"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(
        user.run(&["key", "ls"]).err,
        "You have no SSH keys; `minicloud key add` adds one.\n"
    );
}
