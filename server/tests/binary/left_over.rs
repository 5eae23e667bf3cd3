//! A local node that is taken out of the configuration while it has VMs.

use std::{fs, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use super::*;

/// One that simulated engines have.
const IMAGE: &str = r#"
[[minicloud.images]]
name = "base"
reference = "minicloud/base"
summary = "Starts in a moment"
"#;

/// Ends the nodes that a server has left behind, whatever became of the test.
struct Ender(PathBuf);

impl Drop for Ender {
    fn drop(&mut self) {
        for folder in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let pid = fs::read_to_string(folder.path().join("pid"));
            if let Some(pid) = pid.ok().and_then(|text| text.trim().parse().ok()) {
                let _ = rustix::process::kill_process(
                    rustix::process::Pid::from_raw(pid).expect("a pid"),
                    rustix::process::Signal::KILL,
                );
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
        let url = self.server.url(path);
        let request = client()
            .request(method, &url)
            .header(COOKIE, &self.cookie)
            .header(ORIGIN, self.server.url(""));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
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
    for node in ["node-1", "node-2"] {
        let path = format!("/api/v1/admin/nodes/{node}");
        session
            .eventually(&path, |node| node["health"] == "ready")
            .await;
    }
    for vm in ["web1", "web2"] {
        let wish = json!({ "name": vm, "flavor": "small", "image": "base" });
        session.call(Method::POST, "/api/v1/vms", Some(wish)).await;
    }
    session.runs_on("web1", "node-1").await;
    session.runs_on("web2", "node-2").await;
    let pid_file = folder.data().join("nodes/node-2/pid");
    let pid = fs::read_to_string(&pid_file).unwrap();
    session.server.terminate().await;

    let session = Session::begin(&folder, &first.to_string()).await;
    session.runs_on("web2", "node-2").await;
    let node = session.get("/api/v1/admin/nodes/node-2").await;
    assert_eq!(
        (&node["health"], &node["policy"]),
        (&json!("ready"), &json!("cordoned"))
    );
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), pid);
    let wish = json!({ "name": "web3", "flavor": "small", "image": "base" });
    session.call(Method::POST, "/api/v1/vms", Some(wish)).await;
    session.runs_on("web3", "node-1").await;

    let remove = "/api/v1/admin/nodes/node-2?confirm=node-2";
    session.call(Method::DELETE, remove, None).await;
    session
        .server
        .logs("nothing of the 1 VMs of node-2 is left");
    session
        .eventually("/api/v1/vms/web2", |vm| vm["state"] == "failed")
        .await;
    session
        .call(Method::POST, "/api/v1/vms/web2/retry", None)
        .await;
    session.runs_on("web2", "node-1").await;
}
