//! Shells that are shared, as programs use them: who watches cannot type, and who is put out is out.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    exec::{Socket, closed, socket},
    house::{House, Person, in_each_house},
};

/// A right that is taken back ends what is open within 5 s; three times that is the test's patience.
const REVOKED: Duration = Duration::from_secs(15);
const HELLO: u8 = 0x03;
const OUTPUT: u8 = 0x01;
const SNAPSHOT: u8 = 0x02;
const SIZE: u8 = 0x05;

/// Bob's grant to a shell of Ann's, by the link that she makes.
async fn granted(house: &House, mode: &str) -> serde_json::Value {
    let shell = &house.things["shell"];
    let path = format!("/api/v1/shells/{shell}/invitations");
    let body = format!(r#"{{"mode": "{mode}"}}"#);
    let made = house.by_token(Person::Ann, "POST", &path, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let link = made.json()["link"].clone();
    let body = serde_json::json!({ "link": link }).to_string();
    let looked = house
        .by_token(Person::Bob, "POST", "/api/v1/shell-invitations/look", &body)
        .await;
    assert_eq!(looked.json()["owner"], "ann", "{looked:?}");
    let accepted = house
        .by_token(Person::Bob, "POST", "/api/v1/me/shell-grants", &body)
        .await;
    assert_eq!(accepted.status, 201, "{accepted:?}");
    assert_eq!(accepted.json()["mode"], mode);
    accepted.json()
}

async fn attached(house: &House, person: Person, client: &str) -> Viewer {
    let shell = &house.things["shell"];
    let query = format!("client={client}&cols=80&rows=24&watch=0&w%61tch=0");
    let path = format!("/api/v1/shells/{shell}/attach?{query}");
    Viewer {
        socket: socket(&house.base, &path, &house.tokens[&person]).await,
        typed: 0,
        seen: Vec::new(),
        sizes: Vec::new(),
    }
}

struct Viewer {
    socket: Socket,
    typed: u64,
    seen: Vec<u8>,
    /// Columns and rows, as they were told.
    sizes: Vec<[u8; 4]>,
}

impl Viewer {
    async fn send(&mut self, kind: u8, body: &[u8]) {
        let frame = [&[kind], body].concat();
        let sent = self.socket.send(Message::Binary(frame.into())).await;
        sent.unwrap();
    }

    async fn types(&mut self, text: &str) {
        let body = [&self.typed.to_be_bytes(), text.as_bytes()].concat();
        self.typed += text.len() as u64;
        self.send(0x81, &body).await;
    }

    /// Reads on until the text was seen.
    async fn sees(&mut self, text: &str) {
        while !self.has_seen(text) {
            let message = timeout(Duration::from_secs(10), self.socket.next()).await;
            let message = message.unwrap_or_else(|_| panic!("{text} never came: {self}"));
            let Message::Binary(bytes) = message.unwrap().unwrap() else {
                panic!("it was closed before {text} came: {self}");
            };
            match bytes[0] {
                OUTPUT => self.seen.extend_from_slice(&bytes[9..]),
                SNAPSHOT => self.seen.extend_from_slice(&bytes[13..]),
                SIZE => self.sizes.push(bytes[1..5].try_into().unwrap()),
                HELLO => self.seen.extend_from_slice(&bytes[1..]),
                _ => {}
            }
        }
    }

    fn has_seen(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.seen).contains(text)
    }
}

impl std::fmt::Display for Viewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.seen))
    }
}

async fn taken_back(house: &House, grant: &serde_json::Value) {
    let path = format!("/api/v1/shell-grants/{}", grant["id"].as_str().unwrap());
    let gone = house.by_token(Person::Ann, "DELETE", &path, "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
}

async fn share(house: &House) -> serde_json::Value {
    let path = format!("/api/v1/shells/{}/share", house.things["shell"]);
    house.by_token(Person::Ann, "GET", &path, "").await.json()
}

/// Kinds of the events of Ann's VM, newest first.
async fn kinds(house: &House) -> Vec<String> {
    let path = format!("/api/v1/vms/{}/events", house.things["vm"]);
    let events = house.by_token(Person::Ann, "GET", &path, "").await.json();
    let events = events["items"].as_array().unwrap().clone();
    let kind = |event: &serde_json::Value| event["kind"].as_str().unwrap().to_owned();
    events.iter().map(kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_watch_sees_all_changes_nothing_and_is_out_when_it_is_taken_back() {
    in_each_house(async |house: House| {
        let mut ann = attached(&house, Person::Ann, "00000000000000aa").await;
        ann.sees("# ").await;
        let grant = granted(&house, "watch").await;
        let mut bob = attached(&house, Person::Bob, "00000000000000bb").await;
        bob.sees("\"owner\":false").await;
        assert_eq!(share(&house).await["grants"][0]["present"], true);

        bob.types("typed-by-bob\r").await;
        bob.send(0x82, &[0, 33, 0, 11]).await;
        bob.send(0x85, &[]).await;
        bob.send(0x87, b"of a later version").await;
        // The pong comes back behind all that was sent before it.
        bob.send(0x84, &7_u64.to_be_bytes()).await;
        loop {
            let message = timeout(Duration::from_secs(10), bob.socket.next()).await;
            let Message::Binary(bytes) = message.unwrap().unwrap().unwrap() else {
                panic!("it was closed");
            };
            if bytes[0] == 0x07 {
                break;
            }
        }
        ann.types("echo of-ann\r").await;
        ann.sees("of-ann\r\nof-ann").await;
        bob.sees("of-ann\r\nof-ann").await;
        assert!(!ann.has_seen("typed-by-bob"), "{ann}");
        assert!(!ann.sizes.contains(&[0, 33, 0, 11]), "{:?}", ann.sizes);

        let began = Instant::now();
        taken_back(&house, &grant).await;
        let (_, code) = closed(&mut bob.socket).await;
        let took = began.elapsed();
        println!("put out {took:?} after it was taken back");
        assert_eq!(code, 4003);
        assert!(took < REVOKED, "{took:?}");
        let path = format!(
            "/shells/{}/attach?client=00000000000000bb",
            house.things["shell"]
        );
        assert_eq!(house.socket(Person::Bob, &path).await.status, 404);
        ann.types("echo goes-on\r").await;
        ann.sees("goes-on\r\ngoes-on").await;
        left(&house).await;
        let kinds = kinds(&house).await;
        let of_sharing = kinds.iter().map(String::as_str);
        let of_sharing =
            of_sharing.filter(|kind| kind.starts_with("shell_") && *kind != "shell_open");
        assert_eq!(
            of_sharing.collect::<Vec<_>>(),
            [
                "shell_leave",
                "shell_grant_delete",
                "shell_join",
                "shell_grant_create",
                "shell_invitation_create"
            ]
        );
        house.end().await;
    })
    .await;
}

/// Waits until it was noted that a guest has left.
async fn left(house: &House) {
    let end = Instant::now() + Duration::from_secs(20);
    while !kinds(house).await.contains(&"shell_leave".to_owned()) {
        assert!(Instant::now() < end, "nobody has left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_type_types_and_leaves() {
    let house = House::new().await;
    let mut ann = attached(&house, Person::Ann, "00000000000000aa").await;
    ann.sees("# ").await;
    let grant = granted(&house, "type").await;
    let mut bob = attached(&house, Person::Bob, "00000000000000bb").await;
    bob.sees("# ").await;
    bob.types("echo of-bob\r").await;
    ann.sees("of-bob\r\nof-bob").await;
    let list = house
        .by_token(Person::Bob, "GET", "/api/v1/me/shell-grants", "")
        .await
        .json();
    assert_eq!(list[0]["id"], grant["id"]);
    let path = format!("/api/v1/shell-grants/{}", grant["id"].as_str().unwrap());
    let gone = house.by_token(Person::Bob, "DELETE", &path, "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(closed(&mut bob.socket).await.1, 4003);
    assert_eq!(share(&house).await["grants"], serde_json::json!([]));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_to_a_shared_shell_that_has_ended_hears_so_and_has_not_joined() {
    let house = House::new().await;
    let mut ann = attached(&house, Person::Ann, "00000000000000aa").await;
    ann.sees("# ").await;
    granted(&house, "watch").await;
    ann.types("exit 3\r").await;
    assert_eq!(closed(&mut ann.socket).await.1, 4001);
    let mut bob = attached(&house, Person::Bob, "00000000000000bb").await;
    assert_eq!(closed(&mut bob.socket).await.1, 4001);
    let kinds = kinds(&house).await;
    assert!(kinds.iter().any(|kind| kind == "shell_grant_create"));
    assert!(!kinds.iter().any(|kind| kind == "shell_join"), "{kinds:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_names_the_pages_is_good_once_and_is_told_once() {
    in_each_house(async |house: House| {
        let path = format!("/api/v1/shells/{}/invitations", house.things["shell"]);
        let bearer = format!("Bearer {}", house.tokens[&Person::Ann]);
        let lines = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        let body = r#"{"mode": "watch"}"#;
        let at = format!("{}{path}", house.api_base);
        let made = house.ask("POST", &at, &lines, body).await;
        let link = made.json()["link"].as_str().unwrap().to_owned();
        let pages = format!("{}/invitations/", house.base);
        assert!(link.starts_with(&pages), "{link}");
        let again = house.ask("POST", &at, &lines, body).await;
        assert_eq!(again.code().as_deref(), Some("idempotency_answered"));
        let accept = serde_json::json!({ "link": link }).to_string();
        let accepted = house
            .by_token(Person::Bob, "POST", "/api/v1/me/shell-grants", &accept)
            .await;
        assert_eq!(accepted.status, 201, "{accepted:?}");
        for person in [Person::Bob, Person::Admin] {
            let refused = house
                .by_token(person, "POST", "/api/v1/me/shell-grants", &accept)
                .await;
            let told = (refused.status, refused.code());
            assert_eq!(told, (404, Some("invitation_closed".to_owned())));
        }
        for (body, field) in [(r#"{"mode": "own"}"#, "mode"), ("{}", "mode")] {
            let refused = house.by_token(Person::Ann, "POST", &path, body).await;
            assert_eq!(refused.status, 422, "{refused:?}");
            assert_eq!(refused.json()["field"], field);
        }
        let empty = house
            .by_token(
                Person::Bob,
                "POST",
                "/api/v1/me/shell-grants",
                r#"{"link": "/"}"#,
            )
            .await;
        assert_eq!(empty.code().as_deref(), Some("link_invalid"));
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_guest_cannot_take_all_seats() {
    let house = House::new().await;
    granted(&house, "watch").await;
    let mut seated = Vec::new();
    for client in 0..4 {
        let mut bob = attached(&house, Person::Bob, &format!("{client:016x}")).await;
        bob.sees("\"owner\":false").await;
        seated.push(bob);
    }
    let mut late = attached(&house, Person::Bob, "00000000000000bb").await;
    assert_eq!(closed(&mut late.socket).await.1, 4429);
    let mut ann = attached(&house, Person::Ann, "00000000000000aa").await;
    ann.sees("\"owner\":true").await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_gives_nothing_by_the_demos_endpoints() {
    let house = House::new().await;
    granted(&house, "type").await;
    let body = serde_json::json!({ "session_id": house.things["shell"], "input": "id" });
    for path in ["/shell_output", "/shell_input", "/shell_close"] {
        let refused = house
            .by_token(Person::Bob, "POST", path, &body.to_string())
            .await;
        assert_eq!(refused.status, 404, "{path}: {refused:?}");
    }
    house.end().await;
}

/// All at once, so that none is forgiven while the others are on their way; fewer than the changes that
/// anybody may make at once.
#[tokio::test(flavor = "multi_thread")]
async fn who_tries_many_links_has_to_wait() {
    let house = House::new().await;
    let asked = &house;
    let tries = (0..190).map(|number| async move {
        let body = format!(r#"{{"link": "{number}"}}"#);
        asked
            .by_token(Person::Bob, "POST", "/api/v1/shell-invitations/look", &body)
            .await
    });
    let tried = join_all(tries).await;
    let waits = tried.iter().filter(|tried| tried.status == 429);
    for tried in waits.clone() {
        assert!(tried.headers.contains_key("retry-after"), "{tried:?}");
    }
    assert!(waits.count() > 0);
    let looked = tried.iter().filter(|tried| tried.status == 404).count();
    assert!(looked >= 60, "{looked}");
    house.end().await;
}
