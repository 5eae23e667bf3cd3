//! Too much at once: 429, always with when to try again.

use std::cell::Cell;

use futures_util::{StreamExt as _, future::join_all, stream};
use node::driver::sim::SimCall;

use crate::{
    exec::socket,
    house::{Answer, House, Person, eventually, in_each_house},
};

/// Calls of the loop at the most: 200 that change something are let through at once, and 50 more a second.
const MANY: usize = 5_000;
/// So many at the same time, that they come faster than that on a slow machine, too.
const AT_ONCE: usize = 64;

fn too_many(answer: &Answer, code: &str) {
    let said = answer.code().unwrap_or_default();
    assert_eq!((answer.status, said.as_str()), (429, code), "{answer:?}");
    let wait = answer.headers.get("retry-after");
    let seconds: u64 = wait.unwrap().to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_gone_wild_is_slowed_and_nobody_else() {
    let house = House::new().await;
    let path = "/api/v1/vms/none/start";
    // It goes on until it is slowed, and hears of all that it asked for.
    let is_slowed = Cell::new(false);
    let asks = (0..MANY)
        .take_while(|_| !is_slowed.get())
        .map(|_| house.by_token(Person::Bob, "POST", path, ""));
    let answers: Vec<Answer> = stream::iter(asks)
        .buffer_unordered(AT_ONCE)
        .inspect(|answer| is_slowed.set(is_slowed.get() || answer.status == 429))
        .collect()
        .await;
    let (slowed, through): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 429);
    assert!(
        !slowed.is_empty() && through.len() >= 200,
        "{}",
        slowed.len()
    );
    for answer in slowed {
        too_many(answer, "rate_limited");
    }
    for answer in through {
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    let ann = house.by_token(Person::Ann, "POST", path, "").await;
    assert_eq!(ann.status, 404, "{ann:?}");
    // Looking is counted apart.
    let looks = house.by_token(Person::Bob, "GET", "/api/v1/vms", "").await;
    assert_eq!(looks.status, 200, "{looks:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fifth_command_at_once_has_to_wait() {
    let house = House::new().await;
    let engine = house.engine();
    let run = || {
        let path = "/api/v1/vms/web1/exec";
        house.by_token(Person::Ann, "POST", path, r#"{"argv": ["true"]}"#)
    };
    let before = engine.calls(SimCall::Exec);
    engine.configure(|sim| sim.hold.push(SimCall::Exec));
    let fifth = async {
        eventually("four commands run", async || {
            engine.calls(SimCall::Exec) == before + 4
        })
        .await;
        let fifth = run().await;
        engine.configure(|sim| sim.hold.clear());
        fifth
    };
    let (four, fifth) = tokio::join!(join_all((0..4).map(|_| run())), fifth);
    too_many(&fifth, "too_many");
    for answer in four {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    eventually("it is their turn again", async || run().await.status == 200).await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thirty_third_stream_has_to_wait_and_the_thirty_third_shell_is_refused() {
    let house = House::new().await;
    let secret = &house.tokens[&Person::Ann];
    let path = "/api/v1/vms/web1/exec/attach";
    // At once: one that hears no command for long is closed.
    let streams = join_all((0..32).map(|_| socket(&house.base, path, secret))).await;
    too_many(&house.socket_by_token(secret, path).await, "too_many");
    drop(streams);
    // web1 has three already.
    let path = "/api/v1/vms/web1/shells";
    let mut refused = None;
    for _ in 0..30 {
        let answer = house.by_token(Person::Ann, "POST", path, "").await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    // On pages, too.
    let form = [("vm", "web1"), ("new", "true")];
    let on_page = house.call(Person::Ann, "shell_open", &form).await;
    for refused in [refused.unwrap(), on_page] {
        assert_eq!(refused.status, 409, "{refused:?}");
        assert_eq!(refused.code().as_deref(), Some("shells_max"));
        assert!(
            refused.text.contains("web1 has 32 shells open"),
            "{refused:?}"
        );
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tokens_and_the_last_admin_are_the_end() {
    in_each_house(async |house: House| {
        let tokens = "/api/v1/me/tokens";
        let body = r#"{"name": "t"}"#;
        // Bob has one.
        let asks = (0..99).map(|_| house.by_token(Person::Bob, "POST", tokens, body));
        for answer in join_all(asks).await {
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        let over = house.by_token(Person::Bob, "POST", tokens, body).await;
        assert_eq!(
            (over.status, over.code().as_deref()),
            (409, Some("tokens_max"))
        );
        let path = "/api/v1/admin/users/admin/role";
        let last = house
            .by_token(Person::Admin, "PUT", path, r#"{"role": "member"}"#)
            .await;
        assert_eq!(
            (last.status, last.code().as_deref()),
            (409, Some("last_admin"))
        );
        house.end().await;
    })
    .await;
}
