//! `vm shell` and `shell`: a terminal over a socket that may be lost.

use std::io::Write as _;

use rustix::process::{Pid, Signal, kill_process};
use server_api::vm::VmState::Running;

use super::{
    fake::Fake,
    run::{User, lines, ran},
    sitting::{Sitting, resize, until},
};

fn one() -> (Fake, User) {
    let fake = Fake::start(&[("web1", Running)]);
    let user = User::signed_in(&fake.url);
    (fake, user)
}

#[test]
fn a_script_is_run_from_the_first_byte_to_the_exit_code() {
    let (fake, user) = one();
    let ran = user.run_with(&["vm", "shell", "web1"], "ls\nexit 7\n");
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (7, "$ ls\nexit 7\n", "")
    );
    let queries = fake.shells.lock().unwrap().queries.clone();
    assert_eq!(queries.len(), 1);
    assert!(
        queries[0].ends_with("&cols=80&rows=24&from=0"),
        "{}",
        queries[0]
    );
}

#[test]
fn the_end_of_a_scripts_input_ends_the_shell() {
    let (fake, user) = one();
    assert_eq!(user.run_with(&["vm", "shell", "web1"], "ls").code, 0);
    assert_eq!(fake.shells.lock().unwrap().input, b"ls\n\x04");
}

#[test]
fn a_lost_connection_loses_and_doubles_nothing() {
    let (fake, user) = one();
    let mut child = user.command(&["vm", "shell", "web1"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for part in ["one\n", "cut\n", "two\n", "exit 3\n"] {
        input.write_all(part.as_bytes()).unwrap();
        let taken = || fake.shells.lock().unwrap().input.ends_with(part.as_bytes());
        until("the part was taken", taken);
        let shown = || fake.shells.lock().unwrap().shown >= 6;
        until("the first part was shown", shown);
    }
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (3, "$ one\ncut\ntwo\nexit 3\n")
    );
    let shells = fake.shells.lock().unwrap();
    assert_eq!(shells.input, b"one\ncut\ntwo\nexit 3\n");
    let (first, second) = (&shells.queries[0], &shells.queries[1]);
    assert_eq!(
        first.split('&').next(),
        second.split('&').next(),
        "one viewer"
    );
    assert!(second.ends_with("&from=6"), "{second}");
}

#[test]
fn why_a_shell_was_closed_is_told() {
    for (code, exit, words) in [
        (4003, 4, "minicloud: Access to the shell was taken back"),
        (4004, 3, "minicloud: the shell is gone: because"),
        (4010, 1, "minicloud: the VM was stopped."),
        (4429, 1, "minicloud: as many viewers as can be"),
    ] {
        let (_fake, user) = one();
        let ran = user.run_with(&["vm", "shell", "web1"], &format!("close {code}\n"));
        assert_eq!(ran.code, exit, "{code}");
        assert!(ran.err.starts_with(words), "{code}: {}", ran.err);
    }
}

#[test]
fn live_shells_are_listed_and_closed() {
    let (_fake, user) = one();
    let table = lines(&[
        "ID  VM    OPENED            TYPED             VIEWERS",
        "s1  web1  2026-01-02 03:04  2026-01-02 03:04  1",
    ]);
    assert_eq!(user.run(&["shell", "ls"]).out, table);
    assert_eq!(user.run(&["shell", "close", "s1"]).out, "s1 was closed\n");
    assert_eq!(user.run(&["shell", "close", "s9"]).code, 3);
    let ran = user.run(&["vm", "shell", "web1", "--attach", "s9"]);
    assert_eq!(ran.err, "minicloud: web1 has no shell s9; it has: s1\n");
}

#[test]
fn a_terminal_is_raw_follows_its_size_and_is_left_as_it_was() {
    let (fake, user) = one();
    let mut sitting = Sitting::begin(user.command(&["vm", "shell", "web1"]));
    sitting.sees("$ ");
    assert_eq!(sitting.seen(), "$ ", "a new shell clears nothing");
    // Raw: Ctrl-C is the shell's, and a return is no newline.
    sitting.types("\u{3}ls\r");
    sitting.sees("$ \u{3}ls\r");
    resize(&sitting.screen, 120, 40);
    let pid = Pid::from_child(&sitting.child);
    kill_process(pid, Signal::WINCH).unwrap();
    until("the new size was told", || {
        fake.shells.lock().unwrap().sizes == [(120, 40)]
    });
    assert!(fake.shells.lock().unwrap().queries[0].contains("cols=100&rows=30"));
    until("all was acknowledged", || {
        fake.shells.lock().unwrap().shown == 6
    });
    sitting.types("~.");
    let (code, err) = sitting.ends();
    assert_eq!(code, 0);
    assert_eq!(
        err,
        "The shell lives on. Come back: minicloud vm shell web1 --attach s1\n"
    );
}

#[test]
fn who_comes_back_gets_the_screen_and_its_size() {
    let (fake, user) = one();
    fake.shells.lock().unwrap().foreign = true;
    let mut sitting = Sitting::begin(user.command(&["vm", "shell", "web1", "--attach"]));
    sitting.sees("\u{1b}[H\u{1b}[2Jthe screen");
    until("the size is the viewer's", || {
        fake.shells.lock().unwrap().size_taken
    });
    until("its size was told", || {
        fake.shells.lock().unwrap().sizes == [(100, 30)]
    });
    sitting.types("exit 5\r");
    assert_eq!(sitting.ends(), (5, String::new()));
}

#[test]
fn where_a_node_does_not_answer_the_other_shells_are_listed_and_it_is_said_whose_are_missing() {
    let fake = Fake::start(&[("db", Running), ("web1", Running)]);
    let user = User::signed_in(&fake.url);
    fake.world.lock().unwrap().mute = Some("db".into());
    let ran = user.run(&["shell", "ls"]);
    assert!(
        ran.out.contains("s1") && ran.out.contains("web1"),
        "{}",
        ran.out
    );
    let why = "The list is without the shells of db: node-1 does not answer.";
    assert!(
        ran.code == 1 && ran.err.contains(why),
        "{} {}",
        ran.code,
        ran.err
    );

    fake.world.lock().unwrap().vms.remove("web1");
    let ran = user.run(&["shell", "ls"]);
    assert!(
        ran.out.is_empty() && ran.err.contains(why) && !ran.err.contains("No shell is open"),
        "{}",
        ran.err
    );
}
