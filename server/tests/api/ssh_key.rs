//! SSH keys by the API.

use crate::house::{Answer, House, Person, SSH_KEY, in_each_house};

const KEYS: &str = "/api/v1/me/keys";

async fn add(house: &House, person: Person, text: &str) -> Answer {
    let body = serde_json::json!({ "public_key": text }).to_string();
    house.by_token(person, "POST", KEYS, &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_added_once_a_user_listed_and_removed() {
    in_each_house(async |house: House| {
        // Ann has it already; it may be Bob's, too.
        let twice = add(&house, Person::Ann, SSH_KEY).await;
        assert_eq!(
            (twice.status, twice.code().as_deref()),
            (409, Some("ssh_key_taken"))
        );
        let bobs = add(&house, Person::Bob, SSH_KEY).await;
        assert_eq!(bobs.status, 201, "{bobs:?}");
        let key = bobs.json();
        assert_eq!(
            key["fingerprint"],
            "SHA256:RvFVV1Ompv0d47VdSCSVqCYXcR2egJTFr5KBCJ4Y9Rg"
        );
        assert_eq!(key["comment"], "ann@laptop");
        assert!(key["used_at"].is_null());
        let list = house.by_token(Person::Bob, "GET", KEYS, "").await.json();
        assert_eq!(list.as_array().unwrap(), std::slice::from_ref(&key));
        let path = format!("{KEYS}/{}", key["id"].as_str().unwrap());
        let others = house.by_token(Person::Ann, "DELETE", &path, "").await;
        assert_eq!(others.status, 404);
        let gone = house.by_token(Person::Bob, "DELETE", &path, "").await;
        assert_eq!(gone.status, 204);
        let list = house.by_token(Person::Bob, "GET", KEYS, "").await;
        assert_eq!(list.text, "[]");
        let events = house
            .by_token(Person::Admin, "GET", "/api/v1/admin/events", "")
            .await;
        for words in ["bob added an SSH key", "bob removed an SSH key"] {
            assert!(events.text.contains(words), "{words}: {}", events.text);
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_refused_with_words_and_the_field() {
    let house = House::new().await;
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
    for (text, code) in [
        (private, "ssh_key_private"),
        ("ssh-dss AAAA", "ssh_key_weak"),
        ("", "ssh_key_invalid"),
        ("hello", "ssh_key_invalid"),
    ] {
        let answer = add(&house, Person::Bob, text).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status, problem["code"].as_str()),
            (422, Some(code)),
            "{answer:?}"
        );
        assert_eq!(problem["field"], "public_key");
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_under_a_key_adds_nothing_twice() {
    in_each_house(async |house: House| {
        let bearer = format!("Bearer {}", house.tokens[&Person::Bob]);
        let lines = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", "k9"),
        ];
        let body = serde_json::json!({ "public_key": SSH_KEY, "comment": "desk" }).to_string();
        let first = house.ask("POST", KEYS, &lines, &body).await;
        let again = house.ask("POST", KEYS, &lines, &body).await;
        assert_eq!((first.status, again.status), (201, 201), "{again:?}");
        assert_eq!(first.json(), again.json());
        assert_eq!(first.json()["comment"], "desk");
        house.end().await;
    })
    .await;
}

/// A key that nobody has the private half of.
fn made_up(number: u8) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([number; 32]);
    format!("ssh-ed25519 {}", STANDARD.encode(blob))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_twenty_keys_and_not_more() {
    let house = House::new().await;
    for number in 0..20 {
        let added = add(&house, Person::Bob, &made_up(number)).await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    let more = add(&house, Person::Bob, &made_up(20)).await;
    assert_eq!(
        (more.status, more.code().as_deref()),
        (409, Some("ssh_keys_max"))
    );
    house.end().await;
}
