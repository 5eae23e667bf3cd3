//! Signing in and out, and what is kept of it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use server_api::vm::VmState::Running;

use super::{
    fake::Fake,
    run::{User, lines},
    sitting::Sitting,
};

fn fake() -> Fake {
    Fake::start(&[("web1", Running)])
}

#[test]
fn a_password_becomes_a_token_in_a_file_that_only_the_user_reads() {
    let fake = fake();
    let user = User::new(&fake.url);
    let ran = user.run_with(&["login", &fake.url, "--user", "ann"], "correct horse\n");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with(&format!(
        "Signed in to {} as ann (profile default",
        fake.url
    )));
    let mode = fs::metadata(user.profiles()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = fs::read_to_string(user.profiles()).unwrap();
    assert!(kept.contains("mct_good") && !kept.contains("correct horse"));
    let token = fake.world.lock().unwrap().tokens[0].clone();
    assert!(token.name.starts_with("minicloud on "));
    assert_eq!(user.run(&["vm", "ls"]).code, 0);
}

#[test]
fn who_says_nothing_is_asked_and_the_password_is_not_shown() {
    let fake = fake();
    let user = User::new(&fake.url);
    let mut sitting = Sitting::begin_whole(user.command(&["login"]));
    sitting.sees("Server [http://127.0.0.1:5555]: ");
    sitting.types(&format!("{}\n", fake.url));
    sitting.sees("User: ");
    sitting.types("ann\n");
    sitting.sees("Password: ");
    sitting.types("correct horse\n");
    sitting.sees(&format!("Signed in to {} as ann", fake.url));
    let seen = sitting.seen();
    assert!(
        seen.contains("ann\r\n") && !seen.contains("horse"),
        "{seen}"
    );
    assert_eq!(sitting.ends().0, 0);
    assert_eq!(user.run(&["vm", "ls"]).code, 0);
}

#[test]
fn a_wrong_password_is_not_allowed_and_leaves_nothing() {
    let fake = fake();
    let user = User::new(&fake.url);
    let ran = user.run_with(&["login", &fake.url, "--user", "ann"], "wrong\n");
    assert_eq!(ran.code, 4);
    assert!(!user.profiles().exists());
}

#[test]
fn a_token_is_taken_from_standard_input_and_checked() {
    let fake = fake();
    let user = User::new(&fake.url);
    assert_eq!(
        user.run_with(&["login", &fake.url, "--token"], "nonsense\n")
            .code,
        2
    );
    assert_eq!(
        user.run_with(&["login", &fake.url, "--token"], "mct_bad\n")
            .code,
        4
    );
    assert_eq!(
        user.run_with(&["login", &fake.url, "--token"], "mct_good\n")
            .code,
        0
    );
    let ran = user.run(&["logout"]);
    assert_eq!(
        ran.out,
        format!("Signed out of {} (profile default)\n", fake.url)
    );
    let revoked = fake.asked().iter().any(|asked| asked.starts_with("DELETE"));
    assert!(
        !revoked,
        "a token that was made elsewhere may be in use there"
    );
}

#[test]
fn logging_out_revokes_the_token_and_forgets_the_profile() {
    let fake = fake();
    let user = User::new(&fake.url);
    user.run_with(&["login", &fake.url, "--user", "ann"], "correct horse\n");
    assert_eq!(user.run(&["logout"]).code, 0);
    assert!(fake.world.lock().unwrap().tokens.is_empty());
    let ran = user.run(&["vm", "ls"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.err
            .starts_with("minicloud: you are not signed in. Sign in with `minicloud login`")
    );
}

#[test]
fn several_servers_are_profiles() {
    let (home, work) = (fake(), Fake::start(&[("big", Running)]));
    let user = User::new(&home.url);
    user.run_with(&["login", &home.url, "--user", "ann"], "correct horse\n");
    user.run_with(
        &["login", &work.url, "--user", "ann", "--profile", "work"],
        "correct horse\n",
    );
    let list = user.run(&["profile", "ls"]).out;
    assert_eq!(list.lines().count(), 3);
    assert!(!list.contains("mct_"));
    assert!(user.run(&["vm", "ls"]).out.contains("web1"));
    assert!(
        user.run(&["vm", "ls", "--profile", "work"])
            .out
            .contains("big")
    );
    assert!(
        user.run(&["vm", "ls", "--server", &work.url])
            .out
            .contains("big")
    );
    assert_eq!(user.run(&["profile", "use", "work"]).code, 0);
    assert!(user.run(&["vm", "ls"]).out.contains("big"));
    let ran = user.run(&["vm", "ls", "--profile", "play"]);
    assert!(
        ran.err
            .contains("as profile play (there are: default, work)"),
        "{}",
        ran.err
    );
}

#[test]
fn a_token_of_one_server_is_not_sent_to_another() {
    let (home, other) = (fake(), fake());
    let user = User::new(&home.url);
    user.run_with(&["login", &home.url, "--user", "ann"], "correct horse\n");
    assert_eq!(user.run(&["vm", "ls", "--server", &other.url]).code, 4);
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[test]
fn me_shows_the_quota() {
    let fake = fake();
    let ran = User::signed_in(&fake.url).run(&["me"]);
    let words = lines(&[
        "User:    ann",
        "Role:    member",
        &format!("Server:  {}", fake.url),
        "VMs:     2 of 5",
        "vCPUs:   1.5 of 4",
        "Memory:  512 MiB of 4 GiB",
        "Disk:    4 GiB of 20 GiB",
    ]);
    assert_eq!(ran.out, words);
}

#[test]
fn tokens_are_made_listed_and_revoked_by_name() {
    let fake = fake();
    let user = User::signed_in(&fake.url);
    let ran = user.run(&["token", "create", "ci", "--scope", "read,admin"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "mct_good\n"));
    let table = lines(&[
        "ID  NAME  SCOPES      CREATED           EXPIRES  USED  CURRENT",
        "t1  ci    read,admin  2026-01-02 03:04  never    -     -",
    ]);
    assert_eq!(user.run(&["token", "ls"]).out, table);
    assert_eq!(user.run(&["token", "rm", "nope"]).code, 3);
    assert_eq!(user.run(&["token", "rm", "ci"]).out, "ci was revoked\n");
    assert!(fake.world.lock().unwrap().tokens.is_empty());
}
