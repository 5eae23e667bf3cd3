//! What admins do.

use std::io::{BufRead as _, BufReader, Read as _};

use super::{
    fake::Fake,
    run::{User, lines},
    sitting::until,
};

fn admin() -> (Fake, User) {
    let fake = Fake::start(&[]);
    let user = User::signed_in(&fake.url);
    (fake, user)
}

#[test]
fn nodes_are_listed_added_cordoned_and_taken_out() {
    let (_fake, user) = admin();
    let table = lines(&[
        "NAME    HEALTH  POLICY       VMS         CPU       MEMORY            DISK FREE  ADDRESS                REASON",
        "node-1  ready   schedulable  2 of 3 run  1.5 of 8  768 MiB of 4 GiB  61 %       http://127.0.0.1:5000",
    ]);
    assert_eq!(user.run(&["admin", "node", "ls"]).out, table);
    let add = [
        "admin",
        "node",
        "add",
        "n2",
        "https://10.0.0.2:5000",
        "--fingerprint",
        "ab",
    ];
    assert_eq!(user.run_with(&add, "node secret\n").out, "n2 was added\n");
    assert_eq!(user.run_with(&add, "wrong\n").code, 2);
    let ran = user.run(&["admin", "node", "cordon", "node-1"]);
    assert_eq!(ran.out, "node-1 gets no new VMs\n");
    let ran = user.run(&["admin", "node", "uncordon", "n9"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (3, "minicloud: n9 does not exist; there are: node-1\n")
    );
    assert_eq!(
        user.run(&["admin", "node", "rm", "--yes", "node-1"]).code,
        5
    );
    let ran = user.run(&["admin", "node", "rm", "--yes", "--with-vms", "node-1"]);
    assert_eq!(ran.out, "node-1 was taken out\n");
}

#[test]
fn images_are_added_made_the_default_and_taken_out() {
    let (_fake, user) = admin();
    let image = |args: &[&str]| user.run(&[&["admin", "image"], args].concat());
    let ran = image(&["add", "team/tools", "tools:1", "--summary", "What we use"]);
    assert_eq!(ran.out, "team/tools is in the catalogue\n");
    let ran = image(&["default", "team/tools"]);
    assert_eq!(ran.out, "team/tools is the default\n");
    let ran = image(&["default", "nothing"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err.contains("nothing does not exist; there are:"),
        "{}",
        ran.err
    );
    let ran = image(&["rm", "--yes", "team/tools"]);
    assert_eq!(
        ran.out,
        "team/tools was taken out; machines made from it stay\n"
    );
    assert_eq!(image(&["rm", "--yes", "nothing"]).code, 3);
}

#[test]
fn users_are_listed_and_changed() {
    let (_fake, user) = admin();
    let head = "NAME  ROLE    ACCESS  VMS     CPU       MEMORY            DISK         CREATED           SEEN";
    let row = "bob   member  yes     2 of 5  1.5 of 4  512 MiB of 4 GiB  4 of 20 GiB  2026-01-02 03:04  -";
    assert_eq!(user.run(&["admin", "user", "ls"]).out, lines(&[head, row]));
    assert!(
        user.run(&["admin", "user", "disable", "bob"])
            .out
            .contains("disabled")
    );
    assert!(
        user.run(&["admin", "user", "role", "bob", "admin"])
            .out
            .contains("admin")
    );
    let quota = user.run(&["admin", "user", "quota", "bob", "--vms", "9"]);
    assert!(quota.out.contains("2 of 9  1.5 of 4"), "{}", quota.out);
    assert_eq!(user.run(&["admin", "user", "quota", "bob"]).code, 2);
    assert_eq!(
        user.run(&["admin", "user", "reset-password", "bob"]).out,
        "once-only\n"
    );
    let ran = user.run(&["admin", "user", "enable", "eve"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (3, "minicloud: eve does not exist; there are: bob\n")
    );
}

#[test]
fn a_user_is_added_with_a_password_that_can_be_piped_alone() {
    let (_fake, user) = admin();
    let ran = user.run(&["admin", "user", "add", "eve"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "once-only\n"));
    assert!(ran.err.contains("eve signs in with this once"), "{ran:?}");
    let ran = user.run(&["admin", "user", "add", "bob"]);
    assert_eq!((ran.code, ran.out.as_str()), (5, ""), "{ran:?}");
    assert!(ran.err.contains("The name bob is taken."), "{ran:?}");
}

#[test]
fn a_quota_that_somebody_else_has_changed_meanwhile_is_left_alone() {
    let (fake, user) = admin();
    fake.world.lock().unwrap().user_changed = true;
    let ran = user.run(&["admin", "user", "quota", "bob", "--vms", "9"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("changed since you looked"), "{}", ran.err);
    let ran = user.run(&["admin", "user", "quota", "eve", "--vms", "9"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (3, "minicloud: eve does not exist; there are: bob\n")
    );
}

#[test]
fn who_follows_the_log_over_a_lost_connection_misses_nothing_and_sees_nothing_twice() {
    let (fake, user) = admin();
    let mut child = user.command(&["admin", "logs", "-f"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..3 {
        out.read_line(&mut text).unwrap();
    }
    // It asks once more before it is ended: what comes then is known.
    let follows = |fake: &Fake| {
        let asked = fake.asked();
        asked
            .iter()
            .filter(|asked| asked.contains("follow=true"))
            .count()
    };
    until("it goes on following", || follows(&fake) >= 3);
    child.kill().unwrap();
    child.wait().unwrap();
    out.read_to_string(&mut text).unwrap();
    let wanted = lines(&[
        "2026-01-02 03:04:05 WARN  server: a \u{fffd}[2Jb",
        "2026-01-02 03:04:05 WARN  server: c",
        "2026-01-02 03:04:04 WARN  server: d",
    ]);
    assert_eq!(text, wanted);
}

#[test]
fn the_log_is_a_line_a_record() {
    let (_fake, user) = admin();
    let text = lines(&[
        "2026-01-02 03:04:05 WARN  server: a \u{fffd}[2Jb",
        "2026-01-02 03:04:05 WARN  server: c",
    ]);
    assert_eq!(user.run(&["admin", "logs", "--level", "warn"]).out, text);
    let json = user.run(&["admin", "logs", "--json"]).out;
    let seqs: Vec<u64> = json
        .lines()
        .map(|line| {
            serde_json::from_str::<server_api::log::LogRecord>(line)
                .unwrap()
                .seq
        })
        .collect();
    assert_eq!(seqs, [1, 2]);
}

#[test]
fn filters_of_the_log_reach_the_server() {
    let (fake, user) = admin();
    user.run(&["admin", "logs", "--source", "node-1", "--text", "a&b"]);
    let asked = fake.asked();
    assert_eq!(
        asked,
        ["GET /api/v1/admin/logs?follow=false&source=node-1&text=a%26b"]
    );
}

#[test]
fn events_of_everybody_are_listed() {
    let (_fake, user) = admin();
    assert!(
        user.run(&["admin", "events"])
            .out
            .contains("ann shut web1 down")
    );
    assert_eq!(user.run(&["admin", "vm", "ls"]).err, "Nobody has a VM.\n");
}
