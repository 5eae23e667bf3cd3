//! Who gets in, and for how long.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::{
    client::{Client, Ran},
    house::{House, Person},
};

/// What is taken back ends within 5 s; three times that is the test's patience.
const PUT_OUT: Duration = Duration::from_secs(15);

async fn events(house: &House) -> String {
    let path = "/api/v1/admin/events?limit=200";
    house.by_token(Person::Admin, "GET", path, "").await.text
}

fn denied(ran: &Ran) -> bool {
    ran.code == 255 && ran.err.contains("Permission denied (publickey)")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_leads_to_the_lobby_and_to_ones_own_vms_only() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let lobby = ann.run("ann", &["ls"]).await;
    assert_eq!(lobby.code, 0, "{lobby:?}");
    assert!(lobby.text().contains("web1"), "{lobby:?}");
    let bob = Client::of(&house, Person::Bob).await;
    let other = bob.run("web1", &["true"]).await;
    assert_eq!(other.code, 255, "{other:?}");
    let words = "minicloud: there is no VM named web1. You have none yet\n";
    assert_eq!(other.err, words);
    assert!(denied(&bob.run("ann+web1", &["true"]).await));
    let unknown = ann.run("web9", &["true"]).await;
    assert_eq!(unknown.code, 255);
    assert!(unknown.err.contains("You have: web1, web2"), "{unknown:?}");
    let told = events(&house).await;
    assert!(
        told.contains("ann signed in by SSH (test, from 127.0.0.1)"),
        "{told}"
    );
    // It is noted beside the refusal.
    let failed = "Somebody failed to sign in as ann (by SSH, from 127.0.0.1)";
    let noted = async {
        while !events(&house).await.contains(failed) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let noted = timeout(Duration::from_secs(60), noted).await;
    assert!(noted.is_ok(), "{}", events(&house).await);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_aes_gcm_speaks_it_and_who_does_not_is_let_in_all_the_same() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let with = async |options: &[&str]| {
        let options = [options, &["-v"]].concat();
        let ran = ann.run_with(&options, "ann", &["ls"], b"").await;
        assert_eq!(ran.code, 0, "{options:?}: {ran:?}");
        let mut lines = ran.err.lines();
        let found = lines.find_map(|line| line.split_once("client->server cipher: "));
        found.unwrap().1.split(' ').next().unwrap().to_owned()
    };
    // As OpenSSH's own list: the other one first.
    let both = "-oCiphers=chacha20-poly1305@openssh.com,aes128-gcm@openssh.com";
    let spoken = with(&[both]).await;
    let has_fast_aes = std::fs::read_to_string("/proc/cpuinfo")
        .unwrap()
        .contains(" aes ");
    assert_eq!(spoken.starts_with("aes"), has_fast_aes, "{spoken}");
    for only in ["chacha20-poly1305@openssh.com", "aes256-ctr"] {
        let option = format!("-oCiphers={only}");
        assert_eq!(with(&[option.as_str()]).await, only);
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_hears_the_same_for_every_name_after_the_same_time() {
    const NAMES: [&str; 5] = ["ann", "nobody-here", "web1", "ann+web1", "..%2f"];
    // The quickest of each: what else the machine does only makes some slower, and with more rounds what is
    // left is what an answer takes.
    let mut quickest = NAMES.map(|_| Duration::MAX);
    let is_alike = |quickest: &[Duration]| {
        let (least, most) = (quickest.iter().min(), quickest.iter().max());
        *most.unwrap() < *least.unwrap() + Duration::from_millis(500)
    };
    for _ in 0..6 {
        // Each in a house of its own: who fails more often under one name has to wait.
        let house = House::new().await;
        let stranger = Client::stranger(&house).await;
        for _ in 0..3 {
            for (quickest, name) in quickest.iter_mut().zip(NAMES) {
                let begun = Instant::now();
                let ran = stranger.run(name, &["true"]).await;
                *quickest = begun.elapsed().min(*quickest);
                assert!(denied(&ran), "{name}: {ran:?}");
            }
        }
        house.end().await;
        if is_alike(&quickest) {
            break;
        }
    }
    assert!(is_alike(&quickest), "{quickest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_again_and_again_is_told_to_wait() {
    let house = House::new().await;
    let stranger = Client::stranger(&house).await;
    let (mut tried, mut told) = (0, 0);
    // The first waits are shorter than a try on a machine that is busy; each next one is twice as long.
    while told <= 3 && tried < 40 {
        let ran = stranger.run("ann", &["true"]).await;
        assert_eq!(ran.code, 255, "{ran:?}");
        tried += 1;
        told += usize::from(ran.err.contains("Too many failed sign-ins. Wait"));
    }
    assert!(told > 3, "told to wait {told} times of {tried}");
    // Nobody else is held up by it, and neither are her pages.
    let ann = Client::of(&house, Person::Ann).await;
    assert_eq!(ann.run("web1", &["true"]).await.code, 0);
    let page = house.by_token(Person::Ann, "GET", "/api/v1/me", "").await;
    assert_eq!(page.status, 200);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_of_two_people_needs_a_name_for_what_both_may_have() {
    let house = House::new().await;
    let both = Client::of(&house, Person::Ann).await;
    both.introduce(&house, Person::Bob).await;
    // Anybody may have added a public key: it leads nowhere until its owner has said to whom.
    for short in ["ann", "web1"] {
        let unsure = both.run(short, &["ls"]).await;
        assert_eq!(unsure.code, 255, "{short}: {unsure:?}");
        assert!(unsure.err.contains(&format!("ann+{short}")), "{unsure:?}");
    }
    let named = both.run("ann+web1", &["hostname"]).await;
    assert_eq!(named.text(), "web1\n");
    assert_eq!(both.run("ann", &["ls"]).await.code, 0);
    assert_eq!(both.run("bob", &["ls"]).await.code, 255);
    assert_eq!(both.run("bob+web9", &["hostname"]).await.code, 255);
    assert!(
        both.run("bob", &["ls"])
            .await
            .err
            .contains("you have no VMs")
    );
    // Only one of them has it.
    let only = both.run("web1", &["hostname"]).await;
    assert_eq!((only.code, only.text().as_str()), (0, "web1\n"), "{only:?}");
    let unknown = both.run("web9", &["hostname"]).await;
    assert_eq!(unknown.code, 255);
    assert!(unknown.err.contains("ann+web9, bob+web9"), "{unknown:?}");
    house.end().await;
}

/// Opens a connection that stays, and waits until it is signed in.
async fn held(house: &House, client: &Client, user: &str) -> tokio::process::Child {
    let before = events(house).await.matches("signed in by SSH").count();
    let child = client.command(&["-N"], user, &[]).spawn().unwrap();
    let begun = Instant::now();
    while events(house).await.matches("signed in by SSH").count() == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "not signed in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_holds_open_ends_within_five_seconds_of_its_removal() {
    let house = House::new().await;
    let ann = Client::of(&house, Person::Ann).await;
    let child = held(&house, &ann, "ann").await;
    let path = format!("/api/v1/me/keys/{}", ann.key_id);
    let gone = house.by_token(Person::Ann, "DELETE", &path, "").await;
    assert_eq!(gone.status, 204);
    let begun = Instant::now();
    let ended = timeout(PUT_OUT, child.wait_with_output()).await;
    let ended = ended.expect("it ends in time").unwrap();
    println!("put out {:?} after the key was removed", begun.elapsed());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("Access was taken back"), "{said}");
    assert!(denied(&ann.run("ann", &["ls"]).await));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_put_out_and_does_not_come_in_again() {
    let house = House::new().await;
    let bob = Client::of(&house, Person::Bob).await;
    let child = held(&house, &bob, "bob").await;
    let path = "/api/v1/admin/users/bob/disabled";
    let done = house
        .by_token(Person::Admin, "PUT", path, r#"{"disabled": true}"#)
        .await;
    assert_eq!(done.status, 200, "{done:?}");
    let begun = Instant::now();
    let ended = timeout(PUT_OUT, child.wait_with_output()).await;
    ended.expect("it ends in time").unwrap();
    println!("put out {:?} after it was disabled", begun.elapsed());
    assert!(denied(&bob.run("bob", &["ls"]).await));
    house.end().await;
}
