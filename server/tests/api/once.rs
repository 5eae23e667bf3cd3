//! Repeats under an Idempotency-Key.

use crate::house::{Answer, House, Person};

async fn create(house: &House, person: Person, key: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", house.tokens[&person]);
    let lines = [("authorization", bearer.as_str()), ("idempotency-key", key)];
    house.ask("POST", "/api/v1/vms", &lines, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_makes_one_vm_also_when_it_is_asked_at_once() {
    let house = House::new().await;
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
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_gives_its_key_back_and_a_secret_is_not_told_twice() {
    let house = House::new().await;
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
}
