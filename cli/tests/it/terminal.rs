//! What only people at a terminal get: colour, and what is going on while they wait.

use server_api::vm::{
    VmProgress,
    VmState::{Failed, Running, Stopped},
};

use super::{fake::Fake, run::User, sitting::Sitting, sitting::until};

fn three() -> (Fake, User) {
    let fake = Fake::start(&[("db", Stopped), ("web1", Running), ("web2", Failed)]);
    let user = User::signed_in(&fake.url);
    (fake, user)
}

/// What `vm ls` shows on a terminal with this environment.
fn list_with(user: &User, environment: &[(&str, &str)]) -> String {
    let mut command = user.command(&["vm", "ls"]);
    command.envs(environment.iter().copied());
    let sitting = Sitting::begin(command);
    // The end of the last line.
    sitting.sees("gone.\r\n");
    let seen = sitting.seen();
    assert_eq!(sitting.ends(), (0, String::new()));
    seen
}

#[test]
fn states_are_coloured_on_a_terminal_and_stay_in_their_columns() {
    let (_fake, user) = three();
    let seen = list_with(&user, &[("TERM", "xterm")]);
    for state in [
        "\u{1b}[90mstopped\u{1b}[0m",
        "\u{1b}[32mrunning\u{1b}[0m",
        "\u{1b}[31mfailed\u{1b}[0m ",
    ] {
        assert!(seen.contains(&format!("  {state}  small")), "{seen}");
    }
}

#[test]
fn there_is_no_colour_where_it_is_refused_and_none_in_a_pipe() {
    let (_fake, user) = three();
    let refusals: [&[(&str, &str)]; 3] = [
        &[("TERM", "xterm"), ("NO_COLOR", "1")],
        &[("TERM", "dumb")],
        &[("TERM", "dumb"), ("NO_COLOR", "")],
    ];
    let piped = user.run(&["vm", "ls"]).out;
    assert!(!piped.contains('\u{1b}'), "{piped}");
    for refusal in refusals {
        let seen = list_with(&user, refusal);
        assert_eq!(seen.replace("\r\n", "\n"), piped, "{refusal:?}");
    }
    let coloured = list_with(&user, &[("TERM", "xterm"), ("NO_COLOR", "")]);
    assert!(coloured.contains('\u{1b}'), "an empty NO_COLOR is none");
}

#[test]
fn a_pull_is_shown_in_percent_and_taken_away_when_it_is_done() {
    let (fake, user) = three();
    fake.world.lock().unwrap().stuck = true;
    let mut command = user.command(&["vm", "create", "web3"]);
    command.env("TERM", "xterm");
    let sitting = Sitting::begin_whole(command);
    sitting.sees("web3: creating");
    pulls(&fake, Some(42));
    sitting.sees("web3: Pulling the image 42 %");
    pulls(&fake, None);
    until("a pull of unknown size is told without a figure", || {
        sitting.seen().contains("web3: Pulling the image  ")
    });
    fake.world.lock().unwrap().stuck = false;
    sitting.sees("web3 runs. A terminal in it: minicloud vm shell web3\r\n");
    let seen = sitting.seen();
    let (_, after) = seen.rsplit_once("Pulling").unwrap();
    assert!(after.contains("\u{1b}[2K"), "the line is cleared: {seen:?}");
    assert_eq!(sitting.ends().0, 0);
}

#[test]
fn nothing_of_what_is_going_on_is_in_a_pipe() {
    let (fake, user) = three();
    fake.world.lock().unwrap().stuck = true;
    let mut command = user.command(&["vm", "create", "web3", "--timeout", "1"]);
    let output = command.env("TERM", "xterm").output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(6), Vec::new()));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.starts_with("minicloud: web3 is not running after 1 s"),
        "{err}"
    );
}

/// web3's image is being fetched.
fn pulls(fake: &Fake, percent: Option<u8>) {
    let mut world = fake.world.lock().unwrap();
    let vm = world.vms.get_mut("web3").unwrap();
    vm.progress = Some(VmProgress {
        percent,
        words: "Pulling the image".into(),
    });
}
