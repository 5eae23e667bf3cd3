//! Repeats under an Idempotency-Key.

use crate::house::{Answer, House, Person, in_each_house};

async fn create(house: &House, person: Person, key: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", house.tokens[&person]);
    let lines = [("authorization", bearer.as_str()), ("idempotency-key", key)];
    house.ask("POST", "/api/v1/vms", &lines, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_makes_one_vm_also_when_it_is_asked_at_once() {
    in_each_house(async |house: House| {
        let asks = (0..20).map(|_| create(&house, Person::Bob, "k1", "{}"));
        let answers = futures_util::future::join_all(asks).await;
        let ids: std::collections::BTreeSet<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, 201, "{answer:?}");
                answer.json()["id"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(ids.len(), 1);
        let list = house.by_token(Person::Bob, "GET", "/api/v1/vms", "").await;
        assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
        let again = create(&house, Person::Bob, "k1", "{}").await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        let other = create(&house, Person::Bob, "k1", r#"{"name": "x"}"#).await;
        assert_eq!(
            (other.status, other.code().as_deref()),
            (409, Some("idempotency_key_reused"))
        );
        // Another user's key is another key.
        let ann = create(&house, Person::Ann, "k1", r#"{"name": "y"}"#).await;
        assert_eq!(ann.status, 201, "{ann:?}");
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_gives_its_key_back_and_a_secret_is_not_told_twice() {
    in_each_house(async |house: House| {
        let refused = create(&house, Person::Bob, "k2", r#"{"name": "My_VM"}"#).await;
        assert_eq!(refused.status, 422);
        let good = create(&house, Person::Bob, "k2", r#"{"name": "mine"}"#).await;
        assert_eq!(good.status, 201, "{good:?}");
        for bad in ["", "a b", &"k".repeat(129)] {
            let answer = create(&house, Person::Bob, bad, "{}").await;
            assert_eq!(
                answer.code().as_deref(),
                Some("idempotency_key_invalid"),
                "{bad}"
            );
        }
        let bearer = format!("Bearer {}", house.tokens[&Person::Bob]);
        let lines = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", "k3"),
        ];
        let ask = || house.ask("POST", "/api/v1/me/tokens", &lines, r#"{"name": "t"}"#);
        assert_eq!(ask().await.status, 201);
        let again = ask().await;
        assert_eq!(
            (again.status, again.code().as_deref()),
            (409, Some("idempotency_answered"))
        );
        house.end().await;
    })
    .await;
}

/// The nine calls that make something: who makes it, where, of what, and where it is counted.
const CREATES: [(Person, &str, &str, &str); 9] = [
    (Person::Bob, "/api/v1/vms", "{}", "/api/v1/vms"),
    (
        Person::Ann,
        "/api/v1/vms/web1/shells",
        "",
        "/api/v1/vms/web1/shells",
    ),
    (
        Person::Ann,
        "/api/v1/shells/{shell}/invitations",
        r#"{"mode": "watch"}"#,
        "/api/v1/shells/{shell}/share",
    ),
    (
        Person::Bob,
        "/api/v1/me/shell-grants",
        r#"{"link": "{link_bob}"}"#,
        "/api/v1/me/shell-grants",
    ),
    (
        Person::Bob,
        "/api/v1/me/tokens",
        r#"{"name": "t"}"#,
        "/api/v1/me/tokens",
    ),
    (
        Person::Bob,
        "/api/v1/me/keys",
        r#"{"public_key": "{public_key}"}"#,
        "/api/v1/me/keys",
    ),
    (
        Person::Admin,
        "/api/v1/admin/nodes",
        r#"{"name": "node-2", "address": "{node2}", "credential": "{credential}"}"#,
        "/api/v1/admin/nodes",
    ),
    (
        Person::Admin,
        "/api/v1/admin/images",
        r#"{"name": "spare", "reference": "spare:1"}"#,
        "/api/v1/images",
    ),
    (
        Person::Admin,
        "/api/v1/admin/users",
        r#"{"name": "zoe"}"#,
        "/api/v1/admin/users",
    ),
];

/// How many there are.
async fn count(house: &House, person: Person, list: &str) -> usize {
    let answer = house.by_token(person, "GET", list, "").await.json();
    let pages = answer.get("items").or(answer.get("invitations"));
    pages.unwrap_or(&answer).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_made_is_made_once_under_a_key_also_after_a_crash() {
    in_each_house(async |house: House| {
        for (person, path, body, list) in CREATES {
            let fill = |text: &str| house.fill(text, person);
            let (at, body, list) = (fill(path), fill(body), fill(list));
            let bearer = format!("Bearer {}", house.tokens[&person]);
            let lines = [
                ("authorization", bearer.as_str()),
                ("idempotency-key", path),
            ];
            let ask = || house.ask("POST", &at, &lines, &body);
            let before = count(&house, person, &list).await;
            let first = ask().await;
            assert_eq!(first.status, 201, "{path}: {first:?}");
            let again = ask().await;
            // As a server leaves it that dies between the deed and the answer, a minute ago.
            let died = "UPDATE idempotency_keys SET status = NULL, answer = NULL, \
                        created_at = created_at - 61000000 WHERE name = $1";
            assert_eq!(house.sql(died, &[path]).await, 1);
            let after = ask().await;
            let last = ask().await;
            for repeat in [again, after, last] {
                let told_once = ["/invitations", "/tokens", "/users"]
                    .iter()
                    .any(|end| path.ends_with(end));
                match told_once {
                    true => assert_eq!(
                        (repeat.status, repeat.code().as_deref()),
                        (409, Some("idempotency_answered")),
                        "{path}: {repeat:?}"
                    ),
                    false => {
                        assert_eq!(repeat.status, 201, "{path}: {repeat:?}");
                        for id in ["id", "name"] {
                            assert_eq!(repeat.json()[id], first.json()[id], "{path}");
                        }
                    }
                }
            }
            let made = count(&house, person, &list).await - before;
            assert_eq!(made, 1, "{path}");
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_after_a_day() {
    let house = House::new().await;
    let first = create(&house, Person::Bob, "k4", r#"{"name": "one"}"#).await;
    assert_eq!(first.status, 201, "{first:?}");
    let aged = "UPDATE idempotency_keys SET created_at = created_at - 86401000000 WHERE name = $1";
    assert_eq!(house.sql(aged, &["k4"]).await, 1);
    let other = create(&house, Person::Bob, "k4", r#"{"name": "two"}"#).await;
    assert_eq!(
        (other.status, other.json()["name"].as_str()),
        (201, Some("two"))
    );
    house.end().await;
}
