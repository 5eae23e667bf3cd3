//! What admins do.

use super::{
    fake::Fake,
    run::{User, lines},
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
