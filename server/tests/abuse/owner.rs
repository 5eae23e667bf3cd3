//! What the owner of a fork bomb can do: get in, or be told why not; and end it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::{Abuse, Stage, VM, engine, eventually};

const FULL: &str = "wild1 has no room for another process (";
/// For a shutdown, and for a deletion.
const END: Duration = Duration::from_secs(30);
const TRIES: usize = 5;

impl Stage {
    /// Each command runs, or is refused in words that say what to do; so does a shell.
    pub async fn its_owner_gets_in_or_is_told_why(&self) {
        for _ in 0..TRIES {
            let (status, answer) = self.ann.exec(VM, &["true"]).await;
            let detail = answer["detail"].as_str().unwrap_or_default();
            match (status, answer["code"].as_str()) {
                (200, _) => {
                    let is_well = answer["exit_code"] == 0 && answer["stdout"] == "";
                    assert!(is_well, "{answer}");
                }
                (409, Some("node_conflict")) => assert!(detail.contains(FULL), "{answer}"),
                // Its processes have its CPU among them.
                (503, Some("exec_timeout")) => {}
                _ => panic!("{status}: {answer}"),
            }
            println!("(a command in the full VM: {status} {detail})");
        }
        let mut shell = self.ann.shell(VM).await;
        let said = shell.wait_for_any(&["# ", FULL]).await;
        assert!(!said.contains("OCI"), "{said:?}");
        println!("(a shell in the full VM: {said:?})");
        self.ann.shell_close(&shell.id).await;
    }

    /// By shutting it down, and, another time, by deleting it: in time, and nothing of it is left.
    pub async fn its_owner_ends_it(&self) {
        let begun = Instant::now();
        let stopped = self.ann.change(VM, "stop").await;
        in_time("shut down", begun);
        assert_eq!(stopped["state"], "stopped", "{stopped}");
        assert_eq!(self.ann.change(VM, "start").await["state"], "running");
        let mut shell = self.ann.shell(VM).await;
        shell.wait_for("# ").await;
        shell.type_in(Abuse::Forks.line()).await;
        let viewer = self.ann.watch(VM, shell);
        self.is_in_force(Abuse::Forks, &viewer).await;
        let id = self.ann.vm_id(VM).await;
        let network = engine::network(&id).await;
        let begun = Instant::now();
        let path = format!("/vms/{VM}?wait=30s");
        let gone = self.ann.ask(Method::DELETE, &path, None).await;
        in_time("deleted", begun);
        assert_eq!(gone, (204, Value::Null));
        eventually("nothing of it is left", async || {
            engine::left(&id, &network).await.is_empty()
        })
        .await;
        in_time("gone", begun);
        let list = self.ann.get("/vms").await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(0));
    }
}

fn in_time(what: &str, begun: Instant) {
    let took = begun.elapsed();
    println!("(the fork bomb's VM was {what} within {took:?})");
    assert!(took < END, "{what}: {took:?}");
}
