//! A user with a token, by the JSON API.

use std::time::Duration;

use reqwest::{
    Client, Method,
    header::{ACCEPT, CONTENT_TYPE, ORIGIN},
};
use serde_json::{Value, json};

use crate::{eventually, shell::Shell, viewer::Viewer};

const PASSWORD: &str = "violet-kettle-harbour";
/// The VMs of who abuses nothing.
pub const QUIET: [&str; 2] = ["calm1", "calm2"];

#[derive(Clone)]
pub struct Tenant {
    pub base: String,
    client: Client,
    token: String,
}

impl Tenant {
    /// Makes the account, and a token.
    pub async fn new(base: &str, name: &str) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client();
        let form = serde_urlencoded::to_string([("name", name), ("password", PASSWORD)]);
        let made = client
            .post(format!("{base}/api/account_create"))
            .header(ORIGIN, base)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.unwrap());
        let made = made.send().await.unwrap();
        assert!(made.status().is_success(), "{made:?}");
        let made = client
            .post(format!("{base}/api/v1/me/tokens"))
            .basic_auth(name, Some(PASSWORD))
            .json(&json!({"name": "abuse"}));
        let made: Value = made.send().await.unwrap().json().await.unwrap();
        Self {
            base: base.to_owned(),
            client,
            token: made["secret"].as_str().expect("a token").to_owned(),
        }
    }

    /// The same user, by connections that no other task waits for.
    pub fn with_own_connections(&self) -> Self {
        Self {
            client: client(),
            ..self.clone()
        }
    }

    /// The status, and what was answered; null where that was nothing.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let address = format!("{}/api/v1{path}", self.base);
        let request = self.client.request(method, address);
        let request = request.bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        let value = serde_json::from_str(&text).unwrap_or_default();
        (status, value)
    }

    /// What is there.
    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Changes a VM, and waits; what became of it.
    pub async fn change(&self, vm: &str, how: &str) -> Value {
        let path = format!("/vms/{vm}/{how}?wait=30s");
        let (status, value) = self.ask(Method::POST, &path, None).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    pub async fn vm(&self, name: &str) -> Value {
        self.get(&format!("/vms/{name}")).await
    }

    pub async fn vm_id(&self, name: &str) -> String {
        self.vm(name).await["id"].as_str().unwrap().to_owned()
    }

    /// One that runs.
    pub async fn vm_create(&self, name: &str, flavor: &str) -> Value {
        let body = json!({"name": name, "flavor": flavor, "image": "base"});
        let made = self.ask(Method::POST, "/vms?wait=30s", Some(body)).await;
        assert_eq!(made.0, 201, "{made:?}");
        eventually(&format!("{name} runs"), async || {
            self.vm(name).await["state"] == "running"
        })
        .await;
        self.vm(name).await
    }

    /// Runs a script; the status, and what was answered.
    pub async fn exec(&self, vm: &str, argv: &[&str]) -> (u16, Value) {
        let path = format!("/vms/{vm}/exec");
        let body = json!({"argv": argv});
        self.ask(Method::POST, &path, Some(body)).await
    }

    /// A new shell, attached to.
    pub async fn shell(&self, vm: &str) -> Shell {
        let path = format!("/vms/{vm}/shells");
        let (status, made) = self.ask(Method::POST, &path, None).await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap();
        Shell::attach(&self.base, &self.token, id).await
    }

    /// Looks on at a shell of that VM in a program of its own.
    pub fn watch(&self, vm: &str, shell: Shell) -> Viewer {
        Viewer::begin(&self.base, &self.token, vm, &shell.id)
    }

    /// Closes the shell, and with it what runs in it.
    pub async fn shell_close(&self, id: &str) {
        let path = format!("/shells/{id}");
        eventually("the shell is closed", async || {
            let (status, _) = self.ask(Method::DELETE, &path, None).await;
            matches!(status, 204 | 404)
        })
        .await;
    }

    /// The number of the newest event of that kind; 0: there is none.
    pub async fn newest_event(&self, vm: &str, kind: &str) -> u64 {
        let events = self.get(&format!("/vms/{vm}/events?limit=50")).await;
        let items = events["items"].as_array().unwrap();
        let newest = items.iter().find(|event| event["kind"] == kind);
        newest.map_or(0, |event| event["id"].as_str().unwrap().parse().unwrap())
    }

    /// Leaves a file and a program in each of the quiet VMs.
    pub async fn leave_something(&self) -> Vec<Value> {
        for name in QUIET {
            let script = "echo kept >/root/kept; sleep 86399 >/dev/null 2>&1 </dev/null &";
            let left = self.exec(name, &["/bin/sh", "-c", script]).await;
            assert_eq!(left.0, 200, "{left:?}");
        }
        self.what_was_left().await
    }

    /// That, and since when the VMs run.
    pub async fn what_was_left(&self) -> Vec<Value> {
        let mut found = Vec::new();
        for name in QUIET {
            let script = "cat /root/kept; ps -o args | grep -c '^sleep 86399'";
            let (status, ran) = self.exec(name, &["/bin/sh", "-c", script]).await;
            assert_eq!(
                (status, &ran["stdout"]),
                (200, &json!("kept\n1\n")),
                "{ran}"
            );
            found.push(self.vm(name).await["started_at"].clone());
        }
        found
    }
}

fn client() -> Client {
    let client = Client::builder().no_proxy();
    client.timeout(Duration::from_secs(40)).build().unwrap()
}
