//! The lobby: one's VMs from a terminal, without an image's help.

use crate::{
    client::Client,
    house::{House, Person},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_is_made_stopped_started_and_deleted_by_commands() {
    let house = House::new().await;
    let bob = Client::of(&house, Person::Bob).await;
    let none = bob.run("bob", &["ls"]).await;
    assert_eq!((none.code, none.text().as_str()), (0, ""), "{none:?}");
    let new = bob.run("bob", &["new", "box1", "--size", "small"]).await;
    assert_eq!(
        (new.code, new.text().as_str()),
        (0, "box1 is running\n"),
        "{new:?}"
    );
    let new = bob.run("bob", &["new", "box2", "--publish-ssh"]).await;
    let told = new.text();
    assert!(
        told.starts_with("box2 is running; its own SSH: ssh -p 2")
            && told.ends_with(" root@127.0.0.1\n"),
        "{new:?}"
    );
    let list = bob.run("bob", &["ls", "--json"]).await;
    let list: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
    assert_eq!(
        (list[0]["name"].as_str(), list[0]["state"].as_str()),
        (Some("box1"), Some("running"))
    );
    assert_eq!(
        bob.run("bob", &["stop", "box1"]).await.text(),
        "box1 is stopped\n"
    );
    assert_eq!(
        bob.run("bob", &["start", "box1"]).await.text(),
        "box1 is running\n"
    );
    let unsure = bob.run("bob", &["rm", "box1"]).await;
    assert_eq!(unsure.code, 2, "{unsure:?}");
    assert_eq!(
        bob.run("bob", &["rm", "--yes", "box1"]).await.text(),
        "box1 was deleted\n"
    );
    let events = house
        .by_token(Person::Admin, "GET", "/api/v1/admin/events", "")
        .await;
    for words in ["bob created box1", "bob shut box1 down", "bob deleted box1"] {
        assert!(events.text.contains(words), "{words}");
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_scripts_what_went_wrong() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    for (words, code) in [
        (&["frobnicate"][..], 2),
        (&["start"], 2),
        (&["start", "nothing-here"], 3),
        (&["new", "web1"], 5),
        (&["new", "ann"], 2),
        (&["new", "x", "--size", "huge"], 2),
        (&["rm", "--yes", "nothing-here"], 3),
        (&["help"], 0),
        (&["help", "--json"], 2),
        (&["shell", "web1", "--json"], 2),
    ] {
        let ran = ann.run("ann", words).await;
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.err.is_empty() == (code == 0), "{words:?}: {ran:?}");
    }
    for (words, code, exit) in [
        (&["start", "nothing-here", "--json"][..], "not_found", 3),
        (&["rm", "--yes", "nothing-here", "--json"], "not_found", 3),
        (&["rm", "web6", "--json"], "usage", 2),
    ] {
        let json = ann.run("ann", words).await;
        let problem: serde_json::Value = serde_json::from_str(&json.err).unwrap();
        assert_eq!((problem["code"].as_str(), json.code), (Some(code), exit));
    }
    let gone = ann.run("ann", &["rm", "--yes", "web6", "--json"]).await;
    let said = (gone.code, gone.text(), gone.err.as_str());
    assert_eq!(said, (0, String::new(), ""));
    // Bob's machines are not hers.
    let bob = Client::of(&house, Person::Bob).await;
    assert_eq!(bob.run("bob", &["stop", "web1"]).await.code, 3);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_prompt_one_command_follows_another_and_a_shell_comes_back_to_it() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let typed = b"ls\rstop web2\rrm web2\rn\rhelp\rshell web1\recho in-there\rexit 3\r";
    let ran = ann.run_with(&["-tt"], "ann", &[], typed).await;
    let text = ran.text();
    for words in [
        "MiniCloud, ann. You have 4 VMs.",
        "ann> ",
        "web2 is stopped\r\n",
        "Delete web2 and all files in it for good? [y/N]",
        "start NAME, stop NAME",
        "in-there\r\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // No more is typed: the code is the last one's, here the shell's.
    assert_eq!(ran.code, 3, "{ran:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_come_from_a_pipe_line_by_line_until_one_fails() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let ran = ann
        .run_with(&["-T"], "ann", &[], b"stop web1\nstart web9\nstop web2\n")
        .await;
    assert_eq!(
        (ran.code, ran.text().as_str()),
        (3, "web1 is stopped\n"),
        "{ran:?}"
    );
    let ran = ann.run_with(&["-T"], "ann", &[], b"ls\n").await;
    assert_eq!(ran.code, 0);
    house.end().await;
}
