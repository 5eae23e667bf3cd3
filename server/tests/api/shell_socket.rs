//! How a shell's socket ends: with a code that says why, whatever is sent into it.

use std::time::Duration;

use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    exec::{Socket, closed, socket},
    house::{House, Person},
};

const MALFORMED: u16 = 4400;
const REVOKED: u16 = 4003;
const VM_STOPPED: u16 = 4010;
/// Within 5 s a page knows what became of its shell; three times that is the test's patience.
const SOON: Duration = Duration::from_secs(15);

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
