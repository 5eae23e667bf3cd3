//! How connections to ports and commands end, with clients that are not OpenSSH's.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use russh::{
    ChannelMsg, Sig,
    client::{Config, Handle, Handler, connect},
    keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key},
};
use tokio::time::timeout;

use crate::{
    client::Client,
    docker::{count, on_docker},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Less than the window, so that all of it is sent before anything has come back.
const SENT: usize = 1_500_000;

/// Clients made with Go's library, or with paramiko, close a channel right behind their last bytes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_right_before_the_close_arrives() {
    on_docker(async |ann| {
        // 9000 in hexadecimal, as the kernel lists who listens: what is left of the connection before is no listener.
        let listen = "rm -f /tmp/got; setsid nc -l -p 9000 </dev/null >/tmp/got 2>/dev/null & \
            until grep -q ':2328 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done";
        for _ in 0..5 {
            let begun = ann.run("web1", &[listen]).await;
            assert_eq!(begun.code, 0, "{begun:?}");
            let session = session(&ann, "web1").await;
            let channel = session
                .channel_open_direct_tcpip("127.0.0.1", 9_000, "127.0.0.1", 1)
                .await
                .unwrap();
            channel.data_bytes(vec![7; SENT]).await.unwrap();
            channel.close().await.unwrap();
            let count = "for i in $(seq 300); do [ $(wc -c </tmp/got) = 1500000 ] && break; \
                sleep 0.1; done; wc -c </tmp/got";
            let got = ann.run("web1", &[count]).await;
            assert_eq!(got.text().trim(), SENT.to_string(), "{got:?}");
        }
    })
    .await;
}

/// OpenSSH's client sends none, others do.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_all_that_a_command_has_begun() {
    on_docker(async |ann| {
        let session = session(&ann, "web1").await;
        let mut channel = session.channel_open_session().await.unwrap();
        channel
            .exec(false, "sleep 4331 & sleep 4332")
            .await
            .unwrap();
        let begun = Instant::now();
        while count(&ann, "sleep 433").await < 2 {
            assert!(begun.elapsed() < PATIENCE, "it does not begin");
        }
        channel.signal(Sig::TERM).await.unwrap();
        let code = async {
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::ExitStatus { exit_status }) => return exit_status,
                    Some(_) => {}
                    None => panic!("the channel was closed without an exit code"),
                }
            }
        };
        assert_eq!(timeout(PATIENCE, code).await.unwrap(), 143);
        let begun = Instant::now();
        while count(&ann, "sleep 433").await > 0 {
            assert!(begun.elapsed() < PATIENCE, "something is left");
        }
    })
    .await;
}

/// Signed in as the person, by russh's own client.
pub async fn session(ann: &Client, vm: &str) -> Handle<Trusting> {
    let address = ("127.0.0.1", ann.port());
    let connecting = connect(Arc::new(Config::default()), address, Trusting);
    let mut session = timeout(PATIENCE, connecting).await.unwrap().unwrap();
    let key = load_secret_key(ann.key(), None).unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    let signed_in = session.authenticate_publickey(vm, key).await.unwrap();
    assert!(signed_in.success());
    session
}

/// The host's key is other tests' business.
pub struct Trusting;

impl Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}
