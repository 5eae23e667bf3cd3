//! A real VM's own SSH server on a port of its node, with the client that people have: Dropbear of
//! `minicloud/base`. (sshd, of `minicloud/debian`: `script/test --long tools`.)

use std::{process::Stdio, time::Duration};

use tokio::process::Command;

use crate::{
    client::{Client, Ran, finish},
    docker::on_docker_with,
    house::{House, Person},
};

/// `ssh -p PORT root@127.0.0.1`, past the gateway; the host key is remembered in `known`.
async fn direct(client: &Client, port: u16, known: &str, options: &[&str], words: &str) -> Ran {
    let known = format!("UserKnownHostsFile={known}");
    let port = port.to_string();
    let mut command = Command::new("ssh");
    command
        .args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", &known])
        .args(["-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=20"])
        .args(options)
        .arg("-i")
        .arg(client.key())
        .args(["-p", &port, "root@127.0.0.1", words])
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    finish(command.spawn().unwrap(), b"").await
}

/// Waits until the VM's own SSH is ready; its port.
async fn port(house: &House, vm: &str) -> u16 {
    for _ in 0..600 {
        let shown = house
            .by_token(Person::Ann, "GET", &format!("/api/v1/vms/{vm}"), "")
            .await
            .json();
        let at = &shown["ssh_published"];
        if at["ready"] == true {
            assert_eq!(at["host"], "127.0.0.1");
            return u16::try_from(at["port"].as_u64().unwrap()).unwrap();
        }
        assert_ne!(shown["state"], "failed", "{shown}");
        assert!(at["reason"].is_null(), "{shown}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{vm}'s own SSH does not get ready");
}

async fn change(house: &House, method: &str, path: &str, body: &str, status: u16) {
    let done = house.by_token(Person::Ann, method, path, body).await;
    assert_eq!(done.status, status, "{method} {path}: {done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vms_own_ssh_takes_the_accounts_keys_and_no_password_and_stays_what_it_is() {
    on_docker_with(async |house, ann| {
        let body = r#"{"name": "web9", "ssh_publish": true}"#;
        change(&house, "POST", "/api/v1/vms?wait=60s", body, 201).await;
        let at = port(&house, "web9").await;
        let folder = tempfile::tempdir().unwrap();
        let known = folder.path().join("known").display().to_string();
        let ask = ["-o", "StrictHostKeyChecking=accept-new"];
        let strict = ["-o", "StrictHostKeyChecking=yes"];
        let ran = direct(&ann, at, &known, &ask, "hostname; exit 7").await;
        assert_eq!((ran.code, ran.text().as_str()), (7, "web9\n"), "{ran:?}");

        // No password is asked for, and a stranger's key is refused.
        let none = ["-v", "-o", "PubkeyAuthentication=no", strict[0], strict[1]];
        let ran = direct(&ann, at, &known, &none, "true").await;
        assert_eq!(ran.code, 255, "{ran:?}");
        assert!(
            ran.err.contains("can continue: publickey\r\n")
                || ran.err.contains("can continue: publickey\n"),
            "{ran:?}"
        );
        assert!(ran.err.contains("Permission denied (publickey)"), "{ran:?}");
        let eve = Client::stranger(&house).await;
        let ran = direct(&eve, at, &known, &strict, "true").await;
        assert_eq!(ran.code, 255, "{ran:?}");

        // A line of one's own; another key on the account; the first one gone.
        let mine = "echo '# mine' >>/root/.ssh/authorized_keys";
        assert_eq!(direct(&ann, at, &known, &strict, mine).await.code, 0);
        change(&house, "POST", "/api/v1/vms/web9/stop?wait=60s", "", 200).await;
        let ran = direct(&ann, at, &known, &strict, "true").await;
        assert_eq!(
            ran.code, 255,
            "nothing listens while it is shut down: {ran:?}"
        );
        eve.introduce(&house, Person::Ann).await;
        let first = format!("/api/v1/me/keys/{}", ann.key_id);
        change(&house, "DELETE", &first, "", 204).await;
        change(&house, "POST", "/api/v1/vms/web9/start?wait=60s", "", 200).await;

        // Port and host key are the same: a strict client asks nothing.
        assert_eq!(port(&house, "web9").await, at);
        let ran = direct(&eve, at, &known, &strict, "cat /root/.ssh/authorized_keys").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.text().starts_with("# mine\n"), "{ran:?}");
        let ran = direct(&ann, at, &known, &strict, "true").await;
        assert_eq!(
            ran.code, 255,
            "the key that was removed is refused: {ran:?}"
        );

        change(&house, "DELETE", "/api/v1/vms/web9?wait=60s", "", 204).await;
        let free = std::net::TcpListener::bind(("127.0.0.1", at));
        assert!(free.is_ok(), "the port is the host's again");
    })
    .await;
}
