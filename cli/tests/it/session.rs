//! Whole sessions as people see them and as programs read them (`--json`), held against the files in
//! session/. `MINICLOUD_SESSIONS=write` writes them anew: read the difference before you commit it.

use std::{env, fmt::Write as _, fs, path::Path};

use server_api::vm::VmState::{Failed, Running, Stopped};

use super::{fake::Fake, run::User};

/// A server, and somebody who uses it.
struct Place {
    fake: Fake,
    user: User,
}

impl Place {
    fn signed_in() -> Self {
        let fake = Fake::start(&[("db", Stopped), ("web1", Running), ("web2", Failed)]);
        let user = User::signed_in(&fake.url);
        Self { fake, user }
    }

    fn stranger() -> Self {
        let fake = Fake::start(&[]);
        let user = User::new(&fake.url);
        Self { fake, user }
    }

    /// The command and all that came of it. A line is `COMMAND`, or `COMMAND < INPUT`.
    fn run(&self, line: &str, json: bool) -> String {
        let (command, input) = line.split_once(" < ").unwrap_or((line, ""));
        let json = json.then_some("--json");
        let server = command.replace("SERVER", &self.fake.url);
        let arguments: Vec<&str> = json.into_iter().chain(server.split(' ')).collect();
        let ran = self.user.run_with(&arguments, &format!("{input}\n"));
        let mut told = format!(
            "$ minicloud {}{line}\n{}",
            json.map_or("", |_| "--json "),
            ran.out
        );
        for line in ran.err.lines() {
            let _ = writeln!(told, "(standard error) {line}");
        }
        if ran.code != 0 {
            let _ = writeln!(told, "(exit code {})", ran.code);
        }
        self.masked(&told)
    }

    /// Without what differs from run to run. (The address is as long each time.)
    fn masked(&self, text: &str) -> String {
        let home = self.user.home.path().to_str().unwrap();
        text.replace(&self.fake.url, "SERVER").replace(home, "HOME")
    }
}

/// Runs the lines for people, and once more, in a world as it was, for programs.
fn holds(name: &str, place: fn() -> Place, lines: &[&str]) {
    let mut told = String::new();
    for json in [false, true] {
        let place = place();
        for line in lines {
            let _ = writeln!(told, "{}", place.run(line, json));
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/session/{name}.txt"));
    if env::var_os("MINICLOUD_SESSIONS").is_some_and(|wish| wish == "write") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &told).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let differs = kept
        .lines()
        .zip(told.lines())
        .position(|(kept, told)| kept != told);
    assert!(
        kept == told,
        "{} differs at line {}; it is now:\n{told}",
        file.display(),
        differs.unwrap_or(kept.lines().count().min(told.lines().count())) + 1,
    );
}

#[test]
fn machines_are_made_looked_at_changed_and_deleted() {
    holds(
        "vm",
        Place::signed_in,
        &[
            "vm ls",
            "vm show web1",
            "vm show web2",
            "vm create web3 --flavor small --image alpine",
            "vm create --no-wait",
            "vm start db",
            "vm start --no-wait web2",
            "vm restart web1",
            "vm restart --no-wait db",
            "vm stop web1 web3",
            "vm stop --no-wait db",
            "vm events web1",
            "vm rm --yes web1",
            "vm rm --yes --no-wait web3",
            "vm show web1",
        ],
    );
}

#[test]
fn what_there_is_to_choose_and_what_one_has_are_listed() {
    holds(
        "account",
        Place::signed_in,
        &[
            "image ls",
            "flavor ls",
            "me",
            "token ls",
            "token create ci --scope read,write",
            "token ls",
            "token rm ci",
            "key ls",
            "key add - < ssh-ed25519 AAA1 ann@laptop",
            "key ls",
            "key rm ann@laptop",
            "shell ls",
            "shell ls web1",
            "shell close s1",
        ],
    );
}

#[test]
fn servers_are_signed_in_to_listed_chosen_and_left() {
    holds(
        "profile",
        Place::stranger,
        &[
            "profile ls",
            "login SERVER --user ann < correct horse",
            "login SERVER --user ann --profile lab < correct horse",
            "profile ls",
            "profile use lab",
            "profile ls",
            "logout",
            "logout --profile default",
            "vm ls",
        ],
    );
}

#[test]
fn nodes_and_users_are_administered() {
    holds(
        "admin",
        Place::signed_in,
        &[
            "admin node ls",
            "admin node add n2 https://10.0.0.2:5000 --fingerprint ab < node secret",
            "admin node cordon node-1",
            "admin node uncordon node-1",
            "admin node rm --yes --with-vms node-1",
            "admin user ls",
            "admin user add eve",
            "admin user disable bob",
            "admin user enable bob",
            "admin user role bob admin",
            "admin user quota bob --vms 9",
            "admin user reset-password bob",
            "admin vm ls",
            "admin events",
            "admin logs --level warn",
        ],
    );
}
