//! The demo's endpoints, row by row, as its scripts use them.

use std::time::Duration;

use node::driver::sim::SimCall;
use serde_json::{Value, json};

use crate::house::{Answer, House, PASSWORD, Person, in_each_house};

/// A script of Ann's or another's: address and credential.
struct Script<'a> {
    house: &'a House,
    base: String,
    line: String,
}

impl Script<'_> {
    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let address = format!("{}{path}", self.base);
        let lines = [("authorization", self.line.as_str())];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.house.ask(method, &address, &lines, &body).await
    }

    async fn is(&self, path: &str, body: Value, status: u16, wanted: Value) {
        let answer = self.ask("POST", path, body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(answer.json(), wanted, "{path}");
    }
}

fn basic(name: &str, secret: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn old_scripts_work_row_by_row_on_both_ports() {
    in_each_house(async |house: House| {
        let token = &house.tokens[&Person::Bob];
        let lines = [
            (house.api_base.clone(), basic("bob", PASSWORD)),
            (house.api_base.clone(), basic("bob", token)),
            (house.base.clone(), format!("Bearer {token}")),
        ];
        for (base, line) in lines {
            let script = Script {
                house: &house,
                base,
                line,
            };
            rows(&script).await;
        }
        house.end().await;
    })
    .await;
}

async fn rows(script: &Script<'_>) {
    let created = json!({ "status": "created", "name": "old1" });
    script
        .is("/create_vm", json!({ "name": "old1" }), 201, created)
        .await;
    let exists = json!({ "error": "VM already exists" });
    script
        .is("/create_vm", json!({ "name": "old1" }), 400, exists)
        .await;
    let bad = script
        .ask("POST", "/create_vm", json!({ "name": "My_VM" }))
        .await;
    assert_eq!(bad.status, 400);
    assert!(bad.json()["error"].as_str().unwrap().contains("1 to 32"));
    let all = script.ask("GET", "/list_all", Value::Null).await.json();
    let (node, vms) = all.as_object().unwrap().iter().next().unwrap();
    assert!(node.starts_with("http://127.0.0.1:"));
    assert_eq!(
        (&vms[0]["name"], &vms[0]["status"]),
        (&json!("old1"), &json!("running"))
    );
    assert!(vms[0]["id"].as_str().unwrap().len() >= 12);
    let vm = json!({ "server": node, "name": "old1" });
    let with = |key: &str, value: &str| {
        let mut body = vm.clone();
        body[key] = json!(value);
        body
    };
    let ran = script
        .ask("POST", "/exec_vm", with("cmd", "echo 'a  b'"))
        .await;
    assert_eq!((ran.status, ran.text.as_str()), (200, "a  b\n"));
    assert!(
        ran.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let open = script.ask("POST", "/exec_vm", with("cmd", "echo 'a")).await;
    assert_eq!(open.status, 400);
    let no_vm = json!({ "error": "VM not found" });
    script
        .is("/exec_vm", with("name", "none"), 404, no_vm.clone())
        .await;
    script
        .is("/shell_session", with("name", "none"), 404, no_vm)
        .await;
    shell(script, node, &vm).await;
    let stopped = json!({ "status": "stopped", "name": "old1" });
    script.is("/shutdown_vm", vm.clone(), 200, stopped).await;
    let missing = json!({ "error": "Missing server or name" });
    script
        .is("/delete_vm", json!({ "name": "old1" }), 400, missing)
        .await;
    let not_found = json!({ "error": "Not found" });
    script
        .is(
            "/delete_vm",
            with("server", "http://127.0.0.1:1"),
            404,
            not_found.clone(),
        )
        .await;
    script
        .is("/delete_vm", with("name", "web1"), 404, not_found)
        .await;
    let deleted = json!({ "status": "deleted", "name": "old1" });
    script.is("/delete_vm", vm, 200, deleted).await;
}

async fn shell(script: &Script<'_>, node: &str, vm: &Value) {
    let opened = script.ask("POST", "/shell_session", vm.clone()).await;
    assert_eq!(
        (opened.status, &opened.json()["status"]),
        (201, &json!("active"))
    );
    let id = opened.json()["session_id"].as_str().unwrap().to_owned();
    let body = |input: &str| json!({ "server": node, "session_id": id, "input": input });
    script
        .is(
            "/shell_input",
            body("echo one-two"),
            200,
            json!({ "status": "sent" }),
        )
        .await;
    let mut seen = String::new();
    for _ in 0..100 {
        let more = script.ask("POST", "/shell_output", body("")).await;
        assert_eq!(more.status, 200, "{more:?}");
        seen.push_str(&more.text);
        if seen.contains("\none-two") {
            break;
        }
    }
    assert!(seen.contains("\none-two"), "{seen:?}");
    let unknown = json!({ "server": node, "session_id": "00000000-0000-7000-8000-000000000000" });
    let not_found = json!({ "error": "Session not found" });
    script
        .is("/shell_output", unknown.clone(), 404, not_found.clone())
        .await;
    script
        .is("/shell_close", unknown, 404, not_found.clone())
        .await;
    script
        .is("/shell_close", body(""), 200, json!({ "status": "closed" }))
        .await;
    script.is("/shell_output", body(""), 404, not_found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_reaches_others_by_owner_and_name_and_others_do_not() {
    in_each_house(async |house: House| {
        let script = |person: Person| Script {
            house: &house,
            base: house.api_base.clone(),
            line: format!("Bearer {}", house.tokens[&person]),
        };
        let (admin, bob) = (script(Person::Admin), script(Person::Bob));
        let all = admin.ask("GET", "/list_all", Value::Null).await.json();
        let (node, vms) = all.as_object().unwrap().iter().next().unwrap();
        let names: Vec<&str> = vms
            .as_array()
            .unwrap()
            .iter()
            .map(|vm| vm["name"].as_str().unwrap())
            .collect();
        assert!(names.contains(&"ann/web1"), "{names:?}");
        let vm = json!({ "server": node, "name": "ann/web1", "cmd": "echo x" });
        assert_eq!(admin.ask("POST", "/exec_vm", vm.clone()).await.text, "x\n");
        assert_eq!(bob.ask("POST", "/exec_vm", vm.clone()).await.status, 404);
        let stopped = json!({ "status": "stopped", "name": "ann/web1" });
        admin.is("/shutdown_vm", vm, 200, stopped).await;
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_json_and_only_these_paths_ask_for_a_password() {
    let house = House::new().await;
    for line in [
        None,
        Some(basic("ann", "wrong-password")),
        Some("Bearer mct_x".to_owned()),
    ] {
        let lines: Vec<(&str, &str)> = line
            .iter()
            .map(|line| ("authorization", line.as_str()))
            .collect();
        let answer = house.ask("POST", "/create_vm", &lines, "{}").await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.json()["error"].is_string());
        assert!(
            answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Basic")
        );
    }
    let wrong = house.ask("GET", "/create_vm", &[], "").await;
    assert_eq!(
        (wrong.status, wrong.json()["error"].is_string()),
        (405, true)
    );
    let foreign = [
        ("origin", "http://evil.example"),
        ("authorization", &basic("ann", PASSWORD)),
    ];
    let answer = house.ask("POST", "/create_vm", &foreign, "{}").await;
    assert_eq!(
        (answer.status, answer.json()["error"].is_string()),
        (403, true)
    );
    house.end().await;
}

/// What was not done is no success, whatever the demo said.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_in_time_is_told_so() {
    let house = House::new().await;
    let script = Script {
        house: &house,
        base: house.api_base.clone(),
        line: format!("Bearer {}", house.tokens[&Person::Ann]),
    };
    let all = script.ask("GET", "/list_all", Value::Null).await.json();
    let (node, _) = all.as_object().unwrap().iter().next().unwrap();
    let vm = |name: &str| json!({ "server": node, "name": name });
    let still = async |path: &str, body: Value, words: &str| {
        let answer = script.ask("POST", path, body).await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
        let json = answer.json();
        assert!(json["error"].as_str().unwrap().starts_with(words), "{json}");
    };
    house.server.state.patience.set(Duration::from_millis(700));
    house
        .engine()
        .configure(|sim| sim.hold = vec![SimCall::Create, SimCall::Stop]);
    still(
        "/create_vm",
        json!({ "name": "slow" }),
        "slow is still creating",
    )
    .await;
    still("/shutdown_vm", vm("web2"), "web2 is still stopping").await;
    house.engine().set_silent(true);
    still("/delete_vm", vm("web5"), "web5 is still deleting").await;
    house.engine().set_silent(false);
    house.engine().configure(|sim| sim.hold.clear());
    // It goes on all the same.
    house.server.state.patience.set(Duration::from_secs(20));
    let stopped = json!({ "status": "stopped", "name": "web2" });
    script.is("/shutdown_vm", vm("web2"), 200, stopped).await;
    house.end().await;
}
