//! How a shell's socket ends: with a code that says why, whatever is sent into it.

use std::time::Duration;

use futures_util::SinkExt as _;
use reqwest::header::SET_COOKIE;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::{
    exec::{Socket, closed, socket},
    house::{CREDENTIAL, House, PASSWORD, Person},
};

const MALFORMED: u16 = 4400;
const REVOKED: u16 = 4003;
const VM_STOPPED: u16 = 4010;
const NODE_UNREACHABLE: u16 = 4503;
/// Within 5 s a page knows what became of its shell; three times that is the test's patience.
const SOON: Duration = Duration::from_secs(15);
/// A page gives an attempt up that has brought no hello by then, and does not hear why.
const PAGE_PATIENCE: Duration = Duration::from_secs(10);

async fn attached(house: &House) -> Socket {
    let shell = &house.things["shell"];
    let path = format!("/api/v1/shells/{shell}/attach?client=00000000000000aa");
    socket(&house.base, &path, &house.tokens[&Person::Ann]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_of_a_viewer_closes_its_socket_and_says_so() {
    let house = House::new().await;
    for message in [
        Message::Text("hello".into()),
        Message::Binary(vec![0x81; 300 * 1024].into()),
        Message::Binary(vec![0x81].into()),
        Message::Binary(Vec::new().into()),
    ] {
        let mut socket = attached(&house).await;
        socket.send(message).await.unwrap();
        assert_eq!(closed(&mut socket).await.1, MALFORMED);
    }
    let mut other = attached(&house).await;
    other
        .send(Message::Binary(vec![0x7e].into()))
        .await
        .unwrap();
    other.send(Message::Text("bye".into())).await.unwrap();
    assert_eq!(closed(&mut other).await.1, MALFORMED, "only by the second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_vm_and_a_deleted_one_are_told_apart() {
    for (method, path, code) in [
        ("POST", "/stop?wait=10s", VM_STOPPED),
        ("DELETE", "?wait=10s", REVOKED),
    ] {
        let house = House::new().await;
        let mut socket = attached(&house).await;
        let path = format!("/api/v1/vms/{}{path}", house.things["vm"]);
        let done = house.by_token(Person::Ann, method, &path, "").await;
        assert!(done.status < 300, "{done:?}");
        let (after, why) = closed(&mut socket).await;
        println!("{method}: closed with {why} {after:?} after the answer");
        assert_eq!(why, code);
        assert!(after < SOON, "{after:?}");
    }
}

/// Signs Ann in once more; the cookie of that login session.
async fn signed_in(house: &House) -> String {
    let form = [("name", "ann"), ("password", PASSWORD)];
    let answer = house.call(Person::Anonymous, "login", &form).await;
    let line = answer.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    line.split(';').next().unwrap().to_owned()
}

/// A socket as a page of that login session opens it.
async fn attached_by_page(house: &House, cookie: &str, client: &str) -> Socket {
    let host = house.base.strip_prefix("http://").unwrap();
    let path = format!("/shells/{}/attach", house.things["shell"]);
    let address = format!("ws://{host}{path}?client={client}");
    let mut request = address.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("cookie", cookie.parse().unwrap());
    headers.insert("origin", house.base.parse().unwrap());
    let stream = TcpStream::connect(host).await.unwrap();
    client_async(request, stream).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_out_is_out_of_their_shell_and_their_other_sign_ins_are_not() {
    let house = House::new().await;
    let (cookie, other) = (signed_in(&house).await, signed_in(&house).await);
    let mut socket = attached_by_page(&house, &cookie, "00000000000000aa").await;
    let mut stays = attached_by_page(&house, &other, "00000000000000bb").await;
    let lines = [
        ("cookie", cookie.as_str()),
        ("origin", house.base.as_str()),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let done = house.ask("POST", "/api/logout", &lines, "").await;
    assert!(done.status < 400, "{done:?}");
    is_put_out("signed out", &mut socket).await;
    // Only by this.
    stays.send(Message::Text("bye".into())).await.unwrap();
    assert_eq!(closed(&mut stays).await.1, MALFORMED);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_is_disabled_is_out_of_a_shell_that_is_shared_with_them() {
    let house = House::new().await;
    let shell = &house.things["shell"];
    let (token, _) = house.invited(Person::Ann, shell).await;
    let form = [("token", token.as_str())];
    house.good(Person::Bob, "shell_grant_create", &form).await;
    let path = format!("/api/v1/shells/{shell}/attach?client=00000000000000bb");
    let mut bob = socket(&house.base, &path, &house.tokens[&Person::Bob]).await;
    let mut ann = attached(&house).await;
    let path = "/api/v1/admin/users/bob/disabled";
    let body = r#"{"disabled": true}"#;
    let done = house.by_token(Person::Admin, "PUT", path, body).await;
    assert_eq!(done.status, 200, "{done:?}");
    is_put_out("disabled", &mut bob).await;
    ann.send(Message::Text("bye".into())).await.unwrap();
    assert_eq!(closed(&mut ann).await.1, MALFORMED, "she was not");
    house.end().await;
}

/// Within the time, and told why.
async fn is_put_out(what: &str, socket: &mut Socket) {
    let (after, why) = closed(socket).await;
    println!("{what}: closed with {why} {after:?} after the answer");
    assert_eq!(why, REVOKED);
    assert!(after < SOON, "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_is_given_to_somebody_else_takes_its_shell_from_who_had_it() {
    let house = House::new().await;
    let mut ann = attached(&house).await;
    let given = "UPDATE vms SET owner_id = (SELECT id FROM users WHERE name = $1), name = 'given1' \
                 WHERE id = $2";
    let changed = house.sql(given, &["bob", &house.things["vm_id"]]).await;
    assert_eq!(changed, 1);
    is_put_out("given to somebody else", &mut ann).await;
    let path = format!(
        "/shells/{}/attach?client=00000000000000aa",
        house.things["shell"]
    );
    assert_eq!(house.socket(Person::Ann, &path).await.status, 404);
    assert_eq!(house.socket(Person::Bob, &path).await.status, 101);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_shells_node_hangs_is_told_before_a_page_gives_up() {
    let house = House::new().await;
    // It takes connections, and says nothing.
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", hangs.local_addr().unwrap());
    let control = &house.server.state.control;
    let made = control.node_local_ensure("node-9", &address, CREDENTIAL);
    made.await.unwrap();
    let moved = "UPDATE vms SET node_id = (SELECT id FROM nodes WHERE name = $1) WHERE id = $2";
    let changed = house.sql(moved, &["node-9", &house.things["vm_id"]]).await;
    assert_eq!(changed, 1);
    let mut socket = attached(&house).await;
    let (after, why) = closed(&mut socket).await;
    println!("closed with {why} after {after:?}");
    assert_eq!(why, NODE_UNREACHABLE);
    assert!(after < PAGE_PATIENCE, "{after:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_another_sites_page_opens_no_new_shell() {
    let house = House::new().await;
    let cookie = signed_in(&house).await;
    let vm = &house.things["vm"];
    let count = async || {
        let path = format!("/api/v1/vms/{vm}/shells");
        let shells = house.by_token(Person::Ann, "GET", &path, "").await;
        shells.json().as_array().unwrap().len()
    };
    let before = count().await;
    let own = format!("{}/vms/{vm}", house.base);
    // Only https and this machine are told of the site; others have the page that led there, if it says so.
    for (line, more) in [
        (("sec-fetch-site", "cross-site"), 0),
        (("sec-fetch-site", "same-site"), 0),
        (("sec-fetch-site", "none"), 1),
        (("sec-fetch-site", "same-origin"), 1),
        (("referer", "http://evil.example/"), 0),
        (("user-agent", "tells nothing"), 0),
        (("referer", own.as_str()), 1),
    ] {
        let known = count().await;
        let lines = [("cookie", cookie.as_str()), ("accept", "text/html"), line];
        let path = format!("/shell/{vm}?new=1");
        let page = house.ask("GET", &path, &lines, "").await;
        assert_eq!(page.status, 303, "{line:?}: {page:?}");
        assert_eq!(count().await, known + more, "{line:?}");
    }
    assert_eq!(count().await, before + 3);
    house.end().await;
}
