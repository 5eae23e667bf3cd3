//! A VM's life, lists in pages, logs, and the API on a port of its own.

use crate::house::{House, Person, in_each_house};

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_is_made_used_stopped_and_deleted_and_each_answer_says_how_it_is() {
    in_each_house(async |house: House| {
        let ask = async |method: &str, path: &str, body: &str| {
            house.by_token(Person::Bob, method, path, body).await
        };
        let made = ask("POST", "/api/v1/vms?wait=30s", r#"{"name": "box"}"#).await;
        assert_eq!(made.status, 201, "{made:?}");
        let vm: server_api::vm::Vm = serde_json::from_str(&made.text).unwrap();
        assert_eq!((vm.name.as_str(), vm.owner.as_str()), ("box", "bob"));
        assert_eq!(made.json()["state"], "running");
        let one = ask("GET", "/api/v1/vms/box", "").await;
        let detail: server_api::vm::VmDetail = serde_json::from_str(&one.text).unwrap();
        assert_eq!(detail.vm.id, vm.id);
        let ran = ask(
            "POST",
            "/api/v1/vms/box/exec",
            r#"{"argv": ["echo", "a b"]}"#,
        )
        .await;
        assert_eq!(
            (ran.status, ran.json()["exit_code"].as_i64()),
            (200, Some(0)),
            "{ran:?}"
        );
        assert_eq!(ran.json()["stdout"], "a b\n");
        let shell = ask("POST", "/api/v1/vms/box/shells", "").await;
        assert_eq!(shell.status, 201, "{shell:?}");
        let shells = ask("GET", "/api/v1/vms/box/shells", "").await;
        assert_eq!(shells.json()[0]["id"], shell.json()["id"]);
        let path = format!("/api/v1/shells/{}", shell.json()["id"].as_str().unwrap());
        assert_eq!(ask("DELETE", &path, "").await.status, 204);
        assert_eq!(ask("GET", "/api/v1/vms/box/usage", "").await.status, 200);
        let stopped = ask("POST", "/api/v1/vms/box/stop?wait=30s", "").await;
        assert_eq!(
            (stopped.status, stopped.json()["state"].as_str()),
            (200, Some("stopped"))
        );
        let ran = ask("POST", "/api/v1/vms/box/exec", r#"{"argv": ["true"]}"#).await;
        assert_eq!(
            (ran.status, ran.code().as_deref()),
            (409, Some("vm_not_running"))
        );
        let started = ask("POST", "/api/v1/vms/box/start?wait=30s", "").await;
        assert_eq!(started.json()["state"], "running");
        let restarted = ask("POST", "/api/v1/vms/box/restart?wait=30s", "").await;
        assert_eq!(restarted.json()["state"], "running");
        let events = ask("GET", "/api/v1/vms/box/events?limit=1", "")
            .await
            .json();
        assert_eq!(events["items"].as_array().unwrap().len(), 1);
        let cursor = events["next"].as_str().unwrap();
        let more = ask(
            "GET",
            &format!("/api/v1/vms/box/events?cursor={cursor}"),
            "",
        )
        .await;
        assert!(more.text.contains("vm_exec") && more.text.contains("vm_create"));
        let gone = ask("DELETE", "/api/v1/vms/box?wait=30s", "").await;
        assert_eq!(gone.status, 204, "{gone:?}");
        assert_eq!(ask("GET", "/api/v1/vms/box", "").await.status, 404);
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_and_logs_as_events() {
    in_each_house(async |house: House| {
        let mut names = Vec::new();
        let mut path = "/api/v1/vms?limit=3".to_owned();
        loop {
            let page = house.by_token(Person::Ann, "GET", &path, "").await.json();
            for vm in page["items"].as_array().unwrap() {
                names.push(vm["name"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["next"].as_str() else {
                break;
            };
            path = format!("/api/v1/vms?limit=3&cursor={next}");
        }
        assert_eq!(names, ["web1", "web2", "web5", "web6"]);
        let users = house
            .by_token(Person::Admin, "GET", "/api/v1/admin/users", "")
            .await;
        assert!(users.json()["items"].as_array().unwrap().len() >= 5);
        let path = "/api/v1/admin/logs?follow=false&level=info";
        let logs = house.by_token(Person::Admin, "GET", path, "").await;
        assert_eq!(
            (logs.status, logs.headers["content-type"].to_str().unwrap()),
            (200, "text/event-stream")
        );
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_also_alone_on_a_port_of_its_own() {
    let house = House::new().await;
    let bearer = format!("Bearer {}", house.tokens[&Person::Ann]);
    let ask = async |path: &str| {
        let address = format!("{}{path}", house.api_base);
        let lines = [("authorization", bearer.as_str())];
        house.ask("GET", &address, &lines, "").await
    };
    assert_eq!(ask("/api/v1/me").await.json()["name"], "ann");
    assert_eq!(ask("/list_all").await.status, 200);
    assert_eq!(ask("/api/openapi.json").await.status, 200);
    // The page to read has its looks there, too, and whatever it names.
    let page = ask("/api/docs").await;
    for link in ["/pkg/minicloud.css", "/favicon.svg", "/api/docs.js"] {
        assert!(page.text.contains(&format!("\"{link}\"")), "{link}");
        assert_eq!(ask(link).await.status, 200, "{link}");
    }
    for path in ["/", "/login", "/api/vm_list", "/live", "/metrics"] {
        let answer = ask(path).await;
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (404, Some("not_found")),
            "{path}"
        );
    }
    let taken = house
        .api_base
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let data = tempfile::tempdir().unwrap();
    let config = server::config::Config {
        listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        api_listen: Some(taken),
        data_dir: data.path().to_owned(),
        node_ports: Vec::new(),
        ..Default::default()
    };
    let refused = server::serve::Server::start(config, server::log::LogHub::default()).await;
    let words = refused.err().unwrap().to_string();
    assert!(
        words.contains("--api-listen") && words.contains(&taken.port().to_string()),
        "{words}"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_its_page_need_nobody_and_load_nothing_from_elsewhere() {
    let house = House::new().await;
    let document = house.ask("GET", "/api/openapi.json", &[], "").await.json();
    assert!(document["components"]["schemas"]["Problem"].is_object());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array();
            for parameter in parameters.into_iter().flatten() {
                let words = parameter["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{path}: {parameter}");
            }
        }
    }
    let page = house.ask("GET", "/api/docs", &[], "").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("POST /api/v1/vms/{name}/exec"));
    let script = "<script src=\"/api/docs.js\" defer></script>";
    assert!(page.text.contains(script) && page.text.contains("Try it"));
    let rest = page.text.replace(script, "");
    for elsewhere in ["<script", "src=", "href=\"http", "href=\"//", "url("] {
        assert!(!rest.contains(elsewhere), "{elsewhere}");
    }
    let script = house.ask("GET", "/api/docs.js", &[], "").await;
    assert_eq!(script.status, 200);
    assert!(!script.text.contains("innerHTML"));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vms_own_ssh_is_published_where_asked_and_its_address_told() {
    let house = House::new().await;
    let ask = async |method: &str, path: &str, body: &str| {
        house.by_token(Person::Bob, method, path, body).await
    };
    let wish = r#"{"name": "box", "ssh_publish": true}"#;
    let refused = ask("POST", "/api/v1/vms", wish).await;
    assert_eq!(
        (refused.status, refused.code().as_deref()),
        (422, Some("ssh_key_missing")),
        "{refused:?}"
    );
    assert_eq!(refused.json()["field"], "ssh_publish");
    let key = serde_json::json!({ "public_key": crate::house::SSH_KEY }).to_string();
    assert_eq!(ask("POST", "/api/v1/me/keys", &key).await.status, 201);
    let made = ask("POST", "/api/v1/vms?wait=30s", wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    let vm: server_api::vm::Vm = serde_json::from_str(&made.text).unwrap();
    let at = vm.ssh_published.expect("published");
    assert!(at.ready, "the wait was for that, too: {at:?}");
    let keys = r#"{"argv": ["cat", "/root/.ssh/authorized_keys"]}"#;
    let keys = ask("POST", "/api/v1/vms/box/exec", keys).await.json();
    let line = format!("{} (MiniCloud account key)\n", crate::house::SSH_KEY);
    assert!(keys["stdout"].as_str().unwrap().contains(&line), "{keys}");
    let images = ask("GET", "/api/v1/images", "").await.json();
    assert_eq!(images["items"][0]["ssh_server"], "dropbear");
    let events = ask("GET", "/api/v1/vms/box/events", "").await.text;
    assert!(
        events.contains(&format!("its SSH on port {}", at.port)),
        "{events}"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_and_images_come_in_pages_too() {
    in_each_house(async |house: House| {
        let body = house.fill(
            r#"{"name": "node-2", "address": "{node2}", "credential": "{credential}"}"#,
            Person::Admin,
        );
        let nodes = "/api/v1/admin/nodes";
        let added = house.by_token(Person::Admin, "POST", nodes, &body).await;
        assert_eq!(added.status, 201, "{added:?}");
        let body = r#"{"name": "a/b_c.d", "reference": "spare:1"}"#;
        let images = "/api/v1/admin/images";
        let added = house.by_token(Person::Admin, "POST", images, body).await;
        assert_eq!(added.status, 201, "{added:?}");
        for (path, names) in [
            (nodes, ["node-1", "node-2"]),
            ("/api/v1/images", ["a/b_c.d", "alpine"]),
        ] {
            let mut cursor = String::new();
            for (index, name) in names.into_iter().enumerate() {
                let path = format!("{path}?limit=1{cursor}");
                let page = house.by_token(Person::Admin, "GET", &path, "").await.json();
                assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
                assert_eq!(page["items"][0]["name"], name);
                let next = page["next"].as_str().map(str::to_owned);
                // Images that the node has besides are offered, too.
                let last = path.starts_with(nodes) && index == 1;
                assert!(next.is_none() == last || index == 1, "{page}");
                let next = next.unwrap_or_default().replace('/', "%2F");
                cursor = format!("&cursor={next}");
            }
        }
        house.end().await;
    })
    .await;
}

#[test]
fn the_document_names_the_headers_that_answers_have() {
    let document = serde_json::to_value(server::api::document()).unwrap();
    let mut creates = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answers = &operation["responses"];
            let has = |status: &str, header: &str| answers[status]["headers"][header].is_object();
            assert!(has("4XX", "Retry-After"), "{method} {path}");
            let keyed = operation["parameters"].as_array().into_iter().flatten();
            let keyed = keyed.filter(|one| one["name"] == "Idempotency-Key").count();
            let replayed = has("201", "Idempotency-Replayed");
            assert_eq!(replayed, keyed == 1, "{method} {path}");
            creates += keyed;
            let user = path.starts_with("/api/v1/admin/users/{name}") && !path.ends_with("reset");
            assert_eq!(has("200", "ETag"), user, "{method} {path}");
        }
    }
    assert_eq!(creates, 9, "each create has a key");
}
