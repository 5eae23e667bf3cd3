//! A local node that is taken out of the configuration while it has VMs.

use std::{fs, path::PathBuf};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::*;

/// One that simulated engines have.
const IMAGE: &str = r#"
[[minicloud.images]]
name = "base"
reference = "minicloud/base"
summary = "Starts in a moment"
"#;

/// Of the node in a folder; behind it stands when it began.
fn pid_of(folder: &Path) -> Option<Pid> {
    let text = fs::read_to_string(folder.join("pid")).ok()?;
    Pid::from_raw(text.split_whitespace().next()?.parse().ok()?)
}

/// Ends the nodes that a server has left behind, whatever became of the test.
struct Ender(PathBuf);

impl Drop for Ender {
    fn drop(&mut self) {
        for folder in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if let Some(pid) = pid_of(&folder.path()) {
                // It may have ended by itself.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// A server over simulated nodes, and who may do all there.
struct Session {
    server: Server,
    cookie: String,
}

impl Session {
    async fn begin(folder: &Folder, ports: &str) -> Self {
        fs::write(folder.0.path().join("none.toml"), IMAGE).unwrap();
        let server = Server::start(
            folder
                .command(&["--node-ports", ports, "--node-driver", "sim"])
                .env("MINICLOUD_ADMIN_PASSWORD", PASSWORD),
        );
        let cookie = server.cookie().await;
        Self { server, cookie }
    }

    /// What the API answers; null where it says nothing.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (reqwest::StatusCode, Value) {
        let request = client()
            .request(method, self.server.url(path))
            .header(COOKIE, &self.cookie)
            .header(ORIGIN, self.server.url(""));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await
    }

    /// Waits until what is at `path` is as wanted.
    async fn eventually(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(path).await;
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < SOON, "{path}: {found}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn ready(&self, node: &str) -> Value {
        let path = format!("/api/v1/admin/nodes/{node}");
        let ready = |node: &Value| node["health"] == "ready";
        self.eventually(&path, ready).await
    }

    async fn create(&self, vm: &str) {
        let wish = json!({ "name": vm, "flavor": "small", "image": "base" });
        self.call(Method::POST, "/api/v1/vms", Some(wish)).await;
    }

    async fn runs_on(&self, vm: &str, node: &str) {
        let path = format!("/api/v1/vms/{vm}");
        let runs = |vm: &Value| vm["state"] == "running" && vm["node"] == node;
        self.eventually(&path, runs).await;
    }
}

fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn a_local_node_that_is_configured_no_more_goes_on_with_its_vms_until_it_is_removed() {
    let folder = Folder::new();
    let _ender = Ender(folder.data().join("nodes"));
    let [first, second] = free_ports();
    let mut session = Session::begin(&folder, &format!("{first},{second}")).await;
    session.ready("node-1").await;
    session.ready("node-2").await;
    session.create("web1").await;
    session.create("web2").await;
    session.runs_on("web1", "node-1").await;
    session.runs_on("web2", "node-2").await;
    let node_2 = folder.data().join("nodes/node-2");
    let pid = pid_of(&node_2).unwrap();
    session.server.terminate().await;

    let mut session = Session::begin(&folder, &first.to_string()).await;
    session.runs_on("web2", "node-2").await;
    session.ready("node-1").await;
    assert_eq!(session.ready("node-2").await["policy"], "cordoned");
    assert_eq!(pid_of(&node_2), Some(pid));
    let cordon = "/api/v1/admin/nodes/node-2/cordon";
    let wish = Some(json!({ "cordoned": false }));
    let (status, answer) = session.ask(Method::PUT, cordon, wish).await;
    assert_eq!(status, 409);
    assert_eq!(answer["code"], "node_not_configured", "{answer}");
    session.create("web3").await;
    session.runs_on("web3", "node-1").await;

    let remove = "/api/v1/admin/nodes/node-2?confirm=node-2";
    session.call(Method::DELETE, remove, None).await;
    session
        .server
        .logs("1 of 1 containers of node-2 are gone from its host");
    let failed = |vm: &Value| vm["state"] == "failed";
    session.eventually("/api/v1/vms/web2", failed).await;
    let retry = "/api/v1/vms/web2/retry";
    session.call(Method::POST, retry, None).await;
    session.runs_on("web2", "node-1").await;
    session.server.terminate().await;

    // Its port is put back: it is a new one, and the old one's process has ended.
    let both = format!("{first},{second}");
    let session = Session::begin(&folder, &both).await;
    assert_eq!(session.ready("node-2").await["policy"], "schedulable");
    assert_ne!(pid_of(&node_2), Some(pid));
}
