//! Refusals that depend on how things are: quota, room, nodes, commands, sockets.

use std::time::Duration;

use node::driver::sim::SimCall;

use crate::house::{Answer, House, Person, eventually, in_each_house};

fn is(answer: &Answer, status: u16, code: &str) {
    let said = answer.code().unwrap_or_default();
    assert_eq!((answer.status, said.as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_quota_or_finds_no_room_is_told_apart() {
    in_each_house(async |house: House| {
        let create = async |person: Person| {
            let body = r#"{"flavor": "small"}"#;
            house.by_token(person, "POST", "/api/v1/vms", body).await
        };
        let admin = async |path: &str, body: &str| {
            let path = format!("/api/v1/admin/{path}");
            let done = house.by_token(Person::Admin, "PUT", &path, body).await;
            assert_eq!(done.status, 200, "{done:?}");
        };
        let quota = r#"{"vms": 0, "cpu_millis": 4000, "memory_mib": 4096, "disk_gib": 20}"#;
        admin("users/bob/quota", quota).await;
        is(&create(Person::Bob).await, 409, "quota_exceeded");
        admin("nodes/node-1/cordon", r#"{"cordoned": true}"#).await;
        is(&create(Person::Ann).await, 503, "no_room");
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_hears_that_the_first_request_is_under_way() {
    in_each_house(async |house: House| {
        house.server.state.patience.set(Duration::from_millis(300));
        let engine = house.engine();
        engine.configure(|sim| sim.hold.push(SimCall::Create));
        let bearer = format!("Bearer {}", house.tokens[&Person::Bob]);
        let lines = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        let ask = || house.ask("POST", "/api/v1/vms?wait=30s", &lines, "{}");
        let second = async {
            let pending = "SELECT name FROM idempotency_keys WHERE status IS NULL";
            eventually("the first request is under way", async || {
                !house.rows(pending).await.is_empty()
            })
            .await;
            let second = ask().await;
            engine.configure(|sim| sim.hold.clear());
            second
        };
        let (first, second) = tokio::join!(ask(), second);
        assert_eq!(first.status, 201, "{first:?}");
        is(&second, 409, "idempotency_pending");
        assert_eq!(ask().await.json()["id"], first.json()["id"]);
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_takes_too_long_is_told_from_a_node_that_is_away() {
    let house = House::new().await;
    let run = async |body: &str| {
        let path = "/api/v1/vms/web1/exec";
        house.by_token(Person::Ann, "POST", path, body).await
    };
    let slow = run(r#"{"argv": ["sleep", "9"], "timeout_s": 1}"#).await;
    is(&slow, 503, "exec_timeout");
    house.node_stop.cancel();
    // Until it has let go of its port and connections.
    let mut away = run(r#"{"argv": ["true"]}"#).await;
    eventually("the node is away", async || {
        if away.status == 200 {
            away = run(r#"{"argv": ["true"]}"#).await;
        }
        away.status != 200
    })
    .await;
    is(&away, 503, "node_unavailable");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_asked_for_without_an_upgrade_says_so() {
    let house = House::new().await;
    let shell = &house.things["shell"];
    for path in [
        format!("/api/v1/shells/{shell}/attach"),
        "/api/v1/vms/web1/exec/attach".to_owned(),
    ] {
        let answer = house.by_token(Person::Ann, "GET", &path, "").await;
        is(&answer, 426, "upgrade_required");
    }
    house.end().await;
}
