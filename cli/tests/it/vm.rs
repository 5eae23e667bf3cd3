//! `vm`, `image`, `flavor`: what people see, what programs read, and the exit codes.

use std::io::Write as _;

use server_api::vm::VmState::{Failed, Running, Stopped};

use super::{
    fake::Fake,
    run::{Ran, User, lines},
};

fn three() -> (Fake, User) {
    let fake = Fake::start(&[("db", Stopped), ("web1", Running), ("web2", Failed)]);
    let user = User::signed_in(&fake.url);
    (fake, user)
}

fn done(out: &str) -> Ran {
    Ran {
        code: 0,
        out: out.into(),
        err: String::new(),
    }
}

#[test]
fn machines_are_listed_as_a_table_over_all_pages() {
    let (_fake, user) = three();
    let table = lines(&[
        "NAME  STATE    SIZE   IMAGE   NODE    CPU  MEMORY             REASON",
        "db    stopped  small  alpine  node-1  -    256 MiB",
        "web1  running  small  alpine  node-1  3 %  17 MiB of 256 MiB",
        "web2  failed   small  alpine  node-1  -    256 MiB            Its container is gone.",
    ]);
    assert_eq!(user.run(&["vm", "ls"]), done(&table));
}

#[test]
fn machines_are_listed_as_the_apis_own_shapes() {
    let (_fake, user) = three();
    let ran = user.run(&["vm", "ls", "--json"]);
    let vms: Vec<server_api::vm::Vm> = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<&str> = vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!((ran.code, names), (0, vec!["db", "web1", "web2"]));
    assert!(ran.out.starts_with("[\n  {\n    \"id\": \"id-db\",\n    \"name\": \"db\",\n    \"owner\": \"ann\",\n    \"state\": \"stopped\""));
}

#[test]
fn no_machines_is_said_to_people_and_an_empty_list_to_programs() {
    let fake = Fake::start(&[]);
    let user = User::signed_in(&fake.url);
    let ran = user.run(&["vm", "ls"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(ran.err, "You have no VMs. Make one: minicloud vm create\n");
    assert_eq!(user.run(&["vm", "ls", "--json"]), done("[]\n"));
}

#[test]
fn a_machine_whose_ssh_is_published_is_waited_for_and_its_address_told() {
    let (_fake, user) = three();
    let ran = user.run(&["vm", "create", "web3", "--publish-ssh"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = "Its own SSH: ssh -p 22017 root@cloud.example\n";
    assert!(ran.out.ends_with(told), "{ran:?}");
    let shown = user.run(&["vm", "show", "web3"]).out;
    assert!(
        shown.contains("ssh -p 22017 root@cloud.example\n"),
        "{shown}"
    );
}

#[test]
fn a_machine_is_shown_with_its_details() {
    let (_fake, user) = three();
    let words = lines(&[
        "Name:       web1",
        "State:      running",
        "Since:      2026-01-02 03:04",
        "Image:      alpine (alpine:3)",
        "Size:       small: 0.5 vCPU",
        "CPU:        3 %",
        "Memory:     17 MiB of 256 MiB",
        "Disk:       5 MiB of 2 GiB (watched)",
        "Address:    10.64.0.2",
        "Node:       node-1",
        "Placement:  node-1 was next in turn.",
        "Engine id:  0123456789ab",
        "Id:         id-web1",
        "Created:    2026-01-02 03:04",
    ]);
    assert_eq!(user.run(&["vm", "show", "web1"]), done(&words));
}

#[test]
fn an_unknown_machine_is_told_with_those_there_are() {
    let (_fake, user) = three();
    let err = "minicloud: web9 does not exist; you have: db, web1, web2\n";
    for arguments in [
        &["vm", "show", "web9"][..],
        &["vm", "start", "web9"],
        &["vm", "rm", "--yes", "web9"],
        &["vm", "exec", "web9", "true"],
        &["vm", "events", "web9"],
        &["vm", "shell", "web9"],
        &["shell", "ls", "web9"],
    ] {
        let ran = user.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (3, err), "{arguments:?}");
    }
}

#[test]
fn several_machines_are_one_list_and_one_is_one_object() {
    let (_fake, user) = three();
    let ran = user.run(&["vm", "stop", "web1", "db", "--json"]);
    let list: Vec<server_api::vm::Vm> = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<&str> = list.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!((ran.code, names), (0, vec!["web1", "db"]));
    let ran = user.run(&["vm", "start", "web1", "--json"]);
    let one: server_api::vm::Vm = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(one.name, "web1");
    // What was done before one failed is told of.
    let ran = user.run(&["vm", "stop", "web1", "web9", "db", "--json"]);
    let list: Vec<server_api::vm::Vm> = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, list.len()), (3, 1));
    let problem: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(problem["code"], "not_found");
}

#[test]
fn wrong_usage_is_json_too_where_json_was_asked_for() {
    let (_fake, user) = three();
    for (arguments, words) in [
        (&["vm", "ls", "--json", "--nope"][..], "'--nope'"),
        (&["--json", "vm", "stop"], "NAMES"),
        (&["vm", "nothing", "--json"], "'nothing'"),
        (&["--json"], "requires a subcommand"),
    ] {
        let ran = user.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        let problem: server_api::problem::Problem = serde_json::from_str(&ran.err).unwrap();
        assert_eq!((problem.code.as_str(), problem.status), ("usage", 0));
        assert!(problem.detail.contains(words), "{}", problem.detail);
    }
    let plain = user.run(&["vm", "ls", "--nope"]);
    assert!(
        plain.err.contains("Usage: minicloud vm ls"),
        "{}",
        plain.err
    );
    assert_eq!(user.run(&["--json", "--help"]).code, 0);
}

#[test]
fn an_error_is_json_where_json_was_asked_for() {
    let (_fake, user) = three();
    let ran = user.run(&["vm", "create", "web1", "--json"]);
    let problem: server_api::problem::Problem = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(
        (ran.code, problem.code.as_str(), problem.status),
        (5, "vm_name_taken", 409)
    );
    let ran = user.run(&["vm", "show", "web9", "--json"]);
    assert_eq!(
        ran.err,
        "{\"code\":\"not_found\",\"detail\":\"web9 does not exist; you have: db, web1, web2\",\"status\":0,\"title\":\"minicloud failed\"}\n"
    );
}

#[test]
fn a_new_machine_is_waited_for_and_asked_for_once() {
    let (fake, user) = three();
    let ran = user.run(&["vm", "create", "web3", "--flavor", "small"]);
    assert_eq!(
        ran,
        done("web3 runs. A terminal in it: minicloud vm shell web3\n")
    );
    let keys = fake.world.lock().unwrap().keys.clone();
    assert_eq!((keys.len(), keys[0].len()), (1, 32));
}

#[test]
fn a_creation_that_was_put_off_is_asked_for_again_under_the_same_key() {
    let (fake, user) = three();
    fake.world.lock().unwrap().busy = 1;
    let ran = user.run(&["vm", "create", "--no-wait"]);
    let made = "brave-otter is being made. Look: minicloud vm show brave-otter\n";
    assert_eq!(ran, done(made));
    let keys = fake.world.lock().unwrap().keys.clone();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[test]
fn a_quota_that_is_full_is_a_conflict() {
    let all: Vec<(&str, _)> = ["a", "b", "c", "d", "e"].map(|name| (name, Running)).into();
    let fake = Fake::start(&all);
    let ran = User::signed_in(&fake.url).run(&["vm", "create"]);
    assert_eq!(ran.code, 5);
    assert_eq!(
        ran.err,
        "minicloud: You have 5 VMs of 5. Delete one first. (field: name)\n"
    );
}

#[test]
fn machines_are_started_stopped_and_restarted() {
    let (_fake, user) = three();
    assert_eq!(user.run(&["vm", "start", "db"]), done("db runs\n"));
    assert_eq!(user.run(&["vm", "start", "web1"]), done("web1 runs\n"));
    assert_eq!(
        user.run(&["vm", "restart", "web1"]),
        done("web1 was restarted\n")
    );
    let stopped = "web1 was shut down; its files are kept\n";
    assert_eq!(user.run(&["vm", "stop", "web1"]), done(stopped));
    assert_eq!(user.run(&["vm", "start", "web2"]), done("web2 runs\n"));
}

#[test]
fn a_wait_that_is_over_has_an_exit_code_of_its_own() {
    let (fake, user) = three();
    fake.world.lock().unwrap().stuck = true;
    let ran = user.run(&["vm", "start", "db", "--timeout", "1"]);
    assert_eq!(ran.code, 6);
    assert_eq!(
        ran.err,
        "minicloud: db is not running after 1 s, it is starting. It goes on; look with `minicloud vm show db`\n"
    );
}

#[test]
fn deleting_has_to_be_confirmed_and_then_is_for_good() {
    let (fake, user) = three();
    let ran = user.run(&["vm", "rm", "db"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.err,
        "minicloud: this cannot be undone; without a terminal to ask at, say --yes\n"
    );
    assert_eq!(fake.asked(), Vec::<String>::new());
    let ran = user.run(&["vm", "rm", "--yes", "db", "web1"]);
    assert_eq!(ran, done("db was deleted\nweb1 was deleted\n"));
    assert_eq!(fake.world.lock().unwrap().vms.len(), 1);
}

#[test]
fn a_programs_output_and_exit_code_are_passed_on() {
    let (_fake, user) = three();
    let ran = user.run(&["vm", "exec", "web1", "ls", "-l", "--json", "a b"]);
    let expected = Ran {
        code: 42,
        out: "ls|-l|--json|a b\n".into(),
        err: "oops\n".into(),
    };
    assert_eq!(ran, expected);
    let ran = user.run(&["vm", "exec", "--json", "web1", "--", "ls"]);
    assert_eq!(ran.code, 42);
    assert_eq!(
        ran.out,
        "{\n  \"exit_code\": 42,\n  \"stdout\": \"ls\\n\",\n  \"stderr\": \"oops\\n\",\n  \"truncated\": false\n}\n"
    );
}

#[test]
fn a_programs_input_is_passed_on_byte_by_byte_and_more_than_the_window_holds() {
    let (_fake, user) = three();
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let mut child = user
        .command(&["vm", "exec", "web1", "cat"])
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let given = bytes.clone();
    let giving = std::thread::spawn(move || stdin.write_all(&given).unwrap());
    let output = child.wait_with_output().unwrap();
    giving.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        output.stdout == bytes,
        "{} bytes came back",
        output.stdout.len()
    );
}

#[test]
fn a_program_without_input_leaves_ours_to_the_next_one() {
    let (_fake, user) = three();
    assert_eq!(
        user.run_with(&["vm", "exec", "-n", "web1", "cat"], "x").out,
        ""
    );
}

#[test]
fn a_program_that_takes_too_long_has_the_exit_code_of_a_timeout() {
    let (_fake, user) = three();
    for arguments in [
        &["vm", "exec", "--timeout", "1", "web1", "sleep", "9"][..],
        &[
            "vm",
            "exec",
            "--timeout",
            "1",
            "--json",
            "web1",
            "sleep",
            "9",
        ],
    ] {
        let ran = user.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{arguments:?}");
    }
    let ran = user.run(&["vm", "exec", "--timeout", "26", "--json", "web1", "true"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn what_a_node_refuses_to_run_is_told_in_its_words() {
    let (_fake, user) = three();
    let ran = user.run(&["vm", "exec", "web1", "full"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "minicloud: 512 commands run already\n")
    );
}

#[test]
fn events_are_listed_newest_first() {
    let (_fake, user) = three();
    let table = lines(&[
        "TIME                 ACTOR  RESULT  EVENT",
        "2026-01-02 03:04:05  ann    ok      ann shut web1 down",
        "2026-01-02 03:04:05  ann    failed  ann made web1",
    ]);
    assert_eq!(user.run(&["vm", "events", "web1"]), done(&table));
}

#[test]
fn images_and_flavors_are_listed_and_cannot_steer_the_terminal() {
    let (_fake, user) = three();
    let images = lines(&[
        "NAME    REFERENCE  DEFAULT  NODES  SUMMARY",
        "alpine  alpine:3   yes      2      Small\u{fffd}[31m",
    ]);
    assert_eq!(user.run(&["image", "ls"]), done(&images));
    let flavors = lines(&[
        "NAME   VCPUS  MEMORY   DISK   UNAVAILABLE",
        "small  0.5    256 MiB  2 GiB  -",
        "large  2      2 GiB    2 GiB  Your quota has 1 vCPU left.",
    ]);
    assert_eq!(user.run(&["flavor", "ls"]), done(&flavors));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let user = User::signed_in("http://127.0.0.1:1");
    let ran = user.run(&["vm", "ls"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err
            .starts_with("minicloud: http://127.0.0.1:1 could not be reached: "),
        "{}",
        ran.err
    );
}

#[test]
fn wrong_usage_is_two_and_a_reader_that_leaves_is_no_failure() {
    let (_fake, user) = three();
    assert_eq!(user.run(&["vm", "fly"]).code, 2);
    assert_eq!(user.run(&["vm", "exec", "web1"]).code, 2);
    let mut child = user.command(&["completion", "bash"]).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().code().is_some_and(|code| code == 0));
    let script = user.run(&["completion", "bash"]);
    assert!(script.code == 0 && script.out.contains("complete -F _minicloud"));
}
