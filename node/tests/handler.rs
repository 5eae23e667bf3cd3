//! The node's HTTP API as a caller meets it.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{PATIENCE, SECRET, TestNode, spec, until};
use futures_util::StreamExt;
use node::driver::{
    DriverError,
    sim::{SimCall, SimConfig, SimEngine, SimFault},
};
use node_api::{
    error::{NodeError, NodeErrorCode},
    event::{NodeEvent, NodeEventKind},
    exec::{ExecOutput, ExecRequest},
    image::{ImageReport, ImageState},
    ssh::{SshServe, SshServer},
    status::NodeStatus,
    usage::UsageSample,
    vm::{PowerState, VmReport},
};
use reqwest::{Method, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

const CONTRACT: &str = include_str!("../api/src/lib.rs");
const PATHS: &str = include_str!("../api/src/path.rs");
const ROUTER: &str = include_str!("../src/router.rs");

/// Method and path of each line of the contract's table.
fn routes() -> Vec<(Method, String)> {
    let lines = CONTRACT
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"));
    lines
        .map(|line| {
            let call = line.split('`').next().expect("a call");
            let (method, path) = call.split_once(' ').expect("method and path");
            (method.parse().expect("a method"), path.to_owned())
        })
        .collect()
}

fn concrete(path: &str) -> String {
    path.replace("{id}", &Uuid::from_u128(7).to_string())
        .replace("{name}", "alpine")
}

async fn error(response: Response) -> NodeError {
    let status = response.status();
    let text = response.text().await.expect("a body");
    let error: NodeError =
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{status}: {text:?}: {why}"));
    assert_eq!(error.code.status(), status.as_u16(), "{error:?}");
    assert!(!error.message.is_empty());
    error
}

#[test]
fn the_table_of_routes_is_complete() {
    let documented: BTreeSet<String> = routes().into_iter().map(|(_, path)| path).collect();
    let constants: BTreeSet<String> = PATHS
        .lines()
        .filter(|line| line.starts_with("pub const"))
        .filter_map(|line| line.split('"').nth(1).map(str::to_owned))
        .collect();
    assert_eq!(documented, constants);
    let literal = ROUTER.lines().find(|line| line.contains("\"/"));
    assert_eq!(literal, None, "a route that is not in node_api::path");
}

#[tokio::test]
async fn who_asks_after_a_vm_that_is_being_made_waits_for_it_and_is_never_told_that_it_is_not_there()
 {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    let path = format!("/v1/vms/{}", spec.id);
    let get = || node.get(&path);
    assert_eq!(error(get().await).await.code, NodeErrorCode::NotFound);
    node.engine
        .configure(|config| config.hold = vec![SimCall::Create]);
    // Whoever wants it goes away; it is made all the same.
    let begun = until("it is being made", async || {
        node.engine.calls(SimCall::Create) == 1
    });
    tokio::select! {
        answer = node.put(&spec) => panic!("{answer:?}"),
        () = begun => {}
    }
    assert_eq!(error(get().await).await.code, NodeErrorCode::Timeout);
    let (vm, ()) = tokio::join!(get(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        node.engine.configure(|config| config.hold.clear());
    });
    let vm: VmReport = vm.json().await.expect("a VM");
    assert_eq!(vm.power, PowerState::Running);
}

#[tokio::test]
async fn every_route_refuses_who_has_no_credential_or_a_wrong_one() {
    let node = TestNode::new().await;
    assert!(routes().len() >= 18);
    for (method, path) in routes().into_iter().filter(|(_, path)| path != "/healthz") {
        let wrong = [
            None,
            Some("Bearer 0123456789abcdef0123456789abcdeX".to_owned()),
            Some(format!("Basic {SECRET}")),
            Some(SECRET.to_owned()),
            Some("Bearer ".to_owned()),
        ];
        for value in wrong {
            let mut request = node.anonymous(method.clone(), &concrete(&path)).body("{");
            if let Some(value) = &value {
                request = request.header("authorization", value);
            }
            let response = request.send().await.expect("an answer");
            let challenge = response.headers().get("www-authenticate").cloned();
            let error = error(response).await;
            assert_eq!(
                error.code,
                NodeErrorCode::Unauthorized,
                "{method} {path} {value:?}"
            );
            assert!(challenge.is_some());
        }
    }
}

#[tokio::test]
async fn who_means_another_node_is_refused_and_who_means_this_one_or_none_is_answered() {
    let node = TestNode::new().await;
    for (meant, refused) in [
        (None, false),
        (Some("node-1"), false),
        (Some("other"), true),
    ] {
        let mut request = node.request(Method::GET, node_api::path::VMS);
        if let Some(name) = meant {
            request = request.header(node_api::NODE_HEADER, name);
        }
        let response = request.send().await.expect("an answer");
        if refused {
            assert_eq!(response.status(), 421);
            assert_eq!(error(response).await.code, NodeErrorCode::OtherNode);
        } else {
            assert_eq!(response.status(), 200, "{meant:?}");
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_tell_a_stranger_nothing() {
    let node = TestNode::new().await;
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::POST, "/healthz"),
        (Method::PATCH, "/v1/vms"),
    ] {
        let response = node
            .anonymous(method, path)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            error(response).await.code,
            NodeErrorCode::Unauthorized,
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_route_is_there_for_who_has_the_credential() {
    let node = TestNode::new().await;
    for (method, path) in routes() {
        let response = node
            .request(method.clone(), &concrete(&path))
            .header("content-type", "application/json")
            .body("{")
            .send()
            .await
            .expect("an answer");
        let status = response.status();
        assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        if status == StatusCode::NOT_FOUND {
            let error = error(response).await;
            assert!(
                !error.message.contains("no route"),
                "{method} {path}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_is_not_waited_for_when_the_credential_is_missing() {
    let node = TestNode::new().await;
    let mut stream = tokio::net::TcpStream::connect(node.address)
        .await
        .expect("connected");
    let head = "PUT /v1/vms/x HTTP/1.1\r\nhost: node\r\ncontent-length: 200000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    // The body never comes: who waits for it waits for longer.
    tokio::time::timeout(Duration::from_secs(8), read)
        .await
        .expect("at once")
        .expect("read");
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn what_is_malformed_is_answered_with_a_node_error() {
    let node = TestNode::new().await;
    let vm = format!("/v1/vms/{}", Uuid::from_u128(1));
    let cases: [(Method, String, &str, String, NodeErrorCode); 8] = [
        (
            Method::PUT,
            vm.clone(),
            "application/json",
            "{".into(),
            NodeErrorCode::BadRequest,
        ),
        (
            Method::PUT,
            vm.clone(),
            "application/json",
            "{\"spec\":1}".into(),
            NodeErrorCode::BadRequest,
        ),
        (
            Method::PUT,
            vm.clone(),
            "text/plain",
            "{}".into(),
            NodeErrorCode::BadRequest,
        ),
        (
            Method::PUT,
            vm.clone(),
            "application/json",
            " ".repeat(300_000),
            NodeErrorCode::TooLarge,
        ),
        (
            Method::GET,
            "/v1/vms/not-a-uuid".into(),
            "",
            String::new(),
            NodeErrorCode::BadRequest,
        ),
        (
            Method::GET,
            "/v1/nothing".into(),
            "",
            String::new(),
            NodeErrorCode::NotFound,
        ),
        (
            Method::DELETE,
            "/v1/status".into(),
            "",
            String::new(),
            NodeErrorCode::MethodNotAllowed,
        ),
        (
            Method::PUT,
            "/v1/images/%2Dv".into(),
            "",
            String::new(),
            NodeErrorCode::BadRequest,
        ),
    ];
    for (method, path, kind, body, code) in cases {
        let shown = format!("{method} {path} {kind}");
        let request = node
            .request(method, &path)
            .header("content-type", kind)
            .body(body);
        let error = error(request.send().await.expect("an answer")).await;
        assert_eq!(error.code, code, "{shown}: {error:?}");
    }
}

#[tokio::test]
async fn a_spec_that_breaks_a_limit_is_refused_with_the_fields_name() {
    let node = TestNode::new().await;
    let good = spec("web1", 1);
    type Break = fn(&mut node_api::vm::VmSpec);
    let breaks: [(&str, Break); 6] = [
        ("name", |spec| spec.name = "No_Good".into()),
        ("memory_mib", |spec| spec.memory_mib = 1),
        ("cpu_millis", |spec| spec.cpu_millis = 0),
        ("disk_gib", |spec| spec.disk_gib = 0),
        ("network", |spec| spec.network.name = "bridge".into()),
        ("subnet", |spec| spec.network.subnet = "10.0.0.0/8".into()),
    ];
    for (field, break_it) in breaks {
        let mut bad = good.clone();
        break_it(&mut bad);
        let error = error(node.put(&bad).await).await;
        assert_eq!(error.code, NodeErrorCode::BadRequest);
        assert!(error.message.contains(field), "{field}: {}", error.message);
    }
    assert!(node.engine.vms().is_empty());
}

#[tokio::test]
async fn a_vm_lives_through_create_stop_start_and_delete() {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    let path = format!("/v1/vms/{}", spec.id);
    let created: VmReport = node.put(&spec).await.json().await.expect("a report");
    assert_eq!(created.power, PowerState::Running);
    assert_eq!(created.spec, spec);
    let stopped: VmReport = node
        .post(&format!("{path}/stop"))
        .await
        .json()
        .await
        .expect("a report");
    assert_eq!(
        (stopped.power, stopped.exit.expect("ended").code),
        (PowerState::Exited, 0)
    );
    let started: VmReport = node
        .post(&format!("{path}/start"))
        .await
        .json()
        .await
        .expect("a report");
    assert_eq!(started.power, PowerState::Running);
    let all: Vec<VmReport> = node.get("/v1/vms").await.json().await.expect("a list");
    assert_eq!(all.len(), 1);
    for _ in 0..2 {
        let gone = node
            .request(Method::DELETE, &path)
            .send()
            .await
            .expect("an answer");
        assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(
        error(node.get(&path).await).await.code,
        NodeErrorCode::NotFound
    );
    assert_eq!(
        error(node.get(&format!("{path}/usage")).await).await.code,
        NodeErrorCode::NotFound
    );
}

#[tokio::test]
async fn a_command_answers_with_its_output_and_exit_code() {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    node.put(&spec).await;
    let run = async |argv: &[&str], timeout_s| {
        let body = ExecRequest {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            timeout_s,
        };
        let path = format!("/v1/vms/{}/exec", spec.id);
        node.request(Method::POST, &path)
            .json(&body)
            .send()
            .await
            .expect("an answer")
    };
    let output: ExecOutput = run(&["/bin/sh", "-c", "echo hi; exit 42"], 5)
        .await
        .json()
        .await
        .expect("output");
    assert_eq!((output.exit_code, output.mixed.as_str()), (42, "hi\n"));
    assert_eq!(
        error(run(&["sleep", "30"], 1).await).await.code,
        NodeErrorCode::Timeout
    );
    assert_eq!(
        error(run(&[], 1).await).await.code,
        NodeErrorCode::BadRequest
    );
    assert_eq!(
        error(run(&["true"], 61).await).await.code,
        NodeErrorCode::BadRequest
    );
}

#[tokio::test]
async fn a_hundred_creates_at_once_take_exactly_the_memory_there_is() {
    let engine = SimEngine::new(SimConfig {
        memory_mib: 64 * 10 + 63,
        create_delay: Duration::from_millis(5),
        ..SimConfig::default()
    });
    let node = TestNode::over(engine, "node-1").await;
    let specs: Vec<_> = (0..100).map(|i| spec(&format!("vm{i}"), i)).collect();
    let answers = futures_util::future::join_all(specs.iter().map(|spec| node.put(spec))).await;
    let mut made = 0;
    for answer in answers {
        if answer.status() == StatusCode::OK {
            made += 1;
        } else {
            assert_eq!(error(answer).await.code, NodeErrorCode::NoRoom);
        }
    }
    assert_eq!((made, node.engine.vms().len()), (10, 10));
}

#[tokio::test]
async fn a_node_made_anew_finds_its_vms_and_not_anothers() {
    let engine = SimEngine::new(SimConfig::default());
    let (mine, other) = (spec("web1", 1), spec("web2", 1));
    {
        let first = TestNode::over(engine.clone(), "node-1").await;
        let second = TestNode::over(engine.clone(), "node-2").await;
        first.put(&mine).await;
        second.put(&other).await;
    }
    let again = TestNode::over(engine, "node-1").await;
    let vms: Vec<VmReport> = again.get("/v1/vms").await.json().await.expect("a list");
    assert_eq!(
        vms.iter().map(|vm| vm.spec.id).collect::<Vec<_>>(),
        [mine.id]
    );
    assert_eq!(vms[0].power, PowerState::Running);
    let foreign = again.post(&format!("/v1/vms/{}/stop", other.id)).await;
    assert_eq!(error(foreign).await.code, NodeErrorCode::NotFound);
}

async fn status(node: &TestNode) -> NodeStatus {
    node.get("/v1/status").await.json().await.expect("a status")
}

/// Before a node's first look at its engine is over, the status says that it has not answered yet.
async fn until_healthy(node: &TestNode) {
    until("healthy", async || {
        status(node).await.engine.degraded.is_none()
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_is_away_degrades_the_node_until_it_is_back() {
    let node = TestNode::new().await;
    until_healthy(&node).await;
    node.engine.set_away(Some(
        "dial unix /var/run/docker.sock: connect: connection refused",
    ));
    until("degraded", async || {
        let reason = status(&node).await.engine.degraded;
        reason.is_some_and(|reason| reason.contains("connection refused"))
    })
    .await;
    assert_eq!(
        error(node.get("/v1/vms").await).await.code,
        NodeErrorCode::EngineAway
    );
    assert_eq!(
        error(node.put(&spec("web1", 1)).await).await.code,
        NodeErrorCode::EngineAway
    );
    let metrics = node.get("/metrics").await.text().await.expect("text");
    assert!(
        metrics.contains("minicloud_node_engine_degraded 1"),
        "{metrics}"
    );
    node.engine.set_away(None);
    until_healthy(&node).await;
    assert_eq!(node.put(&spec("web1", 1)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_silent_engine_never_holds_the_status_up() {
    let engine = SimEngine::new(SimConfig {
        answer: Duration::from_secs(60),
        ..SimConfig::default()
    });
    let node = TestNode::over(engine, "node-1").await;
    let before = status(&node).await;
    node.engine.set_silent(true);
    for _ in 0..3 {
        // A report is given again for a second.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = std::time::Instant::now();
        let now = status(&node).await;
        let taken = began.elapsed();
        println!("with a silent engine the status took {taken:?}");
        assert!(taken < Duration::from_secs(20), "{taken:?}");
        assert_eq!(now.boot_id, before.boot_id);
    }
}

#[tokio::test]
async fn an_engine_that_stays_silent_degrades_the_node() {
    let node = TestNode::new().await;
    until_healthy(&node).await;
    node.engine.set_silent(true);
    until("degraded", async || {
        let reason = status(&node).await.engine.degraded;
        reason.is_some_and(|reason| reason.contains("did not answer"))
    })
    .await;
}

#[tokio::test]
async fn two_failed_starts_degrade_the_node_and_a_good_one_heals_it() {
    let node = TestNode::new().await;
    let fault = DriverError::new(NodeErrorCode::Engine, "could not find bridge docker0");
    node.engine
        .fail_next(SimCall::Start, 2, SimFault::Before(fault));
    let spec = spec("web1", 1);
    for _ in 0..2 {
        let error = error(node.put(&spec).await).await;
        assert_eq!(error.message, "could not find bridge docker0");
    }
    until("degraded", async || {
        let reason = status(&node).await.engine.degraded;
        reason.is_some_and(|reason| reason.contains("could not find bridge docker0"))
    })
    .await;
    assert_eq!(node.put(&spec).await.status(), StatusCode::OK);
    until_healthy(&node).await;
}

#[tokio::test]
async fn a_pull_shows_its_progress_and_its_failure() {
    let engine = SimEngine::new(SimConfig {
        registry: vec!["debian:12".into()],
        pull_step: Duration::from_millis(20),
        pull_until: 0,
        ..SimConfig::default()
    });
    let node = TestNode::over(engine.clone(), "node-1").await;
    let ensure = async |name: &str| -> ImageState {
        let path = format!("/v1/images/{}", name.replace('/', "%2F"));
        let response = node
            .request(Method::PUT, &path)
            .send()
            .await
            .expect("an answer");
        let report: ImageReport = response.json().await.expect("a report");
        assert_eq!(report.name, name);
        report.state
    };
    assert_eq!(ensure("minicloud/base").await, ImageState::Present);
    for expected in [0, 40, 80] {
        engine.configure(|sim| sim.pull_until = expected);
        until("its percent is told", async || {
            matches!(ensure("debian:12").await, ImageState::Pulling { percent, .. } if percent == expected)
        })
        .await;
    }
    engine.configure(|sim| sim.pull_until = 100);
    until("pulled", async || {
        ensure("debian:12").await == ImageState::Present
    })
    .await;
    until("failed", async || {
        matches!(ensure("ghcr.io/no/such").await, ImageState::Failed { .. })
    })
    .await;
}

/// Reads server-sent events: `(id, data)`.
struct Events {
    stream:
        std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Events {
    async fn open(node: &TestNode, path: &str, last: Option<&str>) -> Self {
        let mut request = node.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            stream: Box::pin(response.bytes_stream()),
            text: String::new(),
        }
    }

    /// The next event; None when the stream has ended.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::to_owned)
                };
                let (id, data) = (field("id: "), field("data: "));
                self.text = rest.to_owned();
                if let (Some(id), Some(data)) = (id, data) {
                    return Some((id, data));
                }
                continue;
            }
            let next = tokio::time::timeout(PATIENCE, self.stream.next());
            let bytes = next.await.expect("something in time")?.ok()?;
            self.text
                .push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }
}

#[tokio::test]
async fn a_reader_of_events_goes_on_where_it_was_cut_off() {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    let mut events = Events::open(&node, "/v1/events", None).await;
    node.put(&spec).await;
    let (id, data) = events.next().await.expect("an event");
    let first: NodeEvent = serde_json::from_str(&data).expect("an event");
    assert_eq!(
        (first.vm_id, first.kind),
        (spec.id, NodeEventKind::VmCreated)
    );
    drop(events);
    node.post(&format!("/v1/vms/{}/stop", spec.id)).await;
    let mut events = Events::open(&node, "/v1/events", Some(&id)).await;
    let mut kinds = Vec::new();
    for expected in [first.seq + 1, first.seq + 2] {
        let (_, data) = events.next().await.expect("an event");
        let event: NodeEvent = serde_json::from_str(&data).expect("an event");
        assert_eq!(event.seq, expected);
        kinds.push(event.kind);
    }
    assert_eq!(kinds, [NodeEventKind::VmStarted, NodeEventKind::VmExited]);
}

#[tokio::test]
async fn streams_end_when_the_node_does_and_its_vms_run_on() {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    node.put(&spec).await;
    let mut events = Events::open(&node, "/v1/events", None).await;
    node.shutdown.cancel();
    assert_eq!(events.next().await, None);
    until("the port is free", async || {
        tokio::net::TcpListener::bind(node.address).await.is_ok()
    })
    .await;
    let again = TestNode::over(node.engine.clone(), "node-1").await;
    let vms: Vec<VmReport> = again.get("/v1/vms").await.json().await.expect("a list");
    assert_eq!(vms[0].power, PowerState::Running);
}

#[tokio::test]
async fn ssh_is_published_on_the_nodes_own_ports_alone_and_served_in_a_vm_that_runs() {
    let node = TestNode::new().await;
    let status: NodeStatus = node.get("/v1/status").await.json().await.expect("a status");
    assert_eq!(
        status.ssh_ports.map(|ports| (ports.first, ports.last)),
        Some((22_000, 22_009))
    );
    let mut spec = spec("web1", 1);
    spec.ssh_port = Some(8080);
    assert_eq!(
        error(node.put(&spec).await).await.code,
        NodeErrorCode::PortTaken
    );
    spec.ssh_port = Some(22_003);
    assert_eq!(node.put(&spec).await.status(), StatusCode::OK);
    let serve = async |key: &str| {
        let body = SshServe {
            server: SshServer::Dropbear,
            keys: vec![key.to_owned()],
        };
        let path = format!("/v1/vms/{}/ssh", spec.id);
        let request = node.request(Method::PUT, &path).json(&body);
        request.send().await.expect("an answer")
    };
    for _ in 0..2 {
        assert_eq!(
            serve("ssh-ed25519 AAAA").await.status(),
            StatusCode::NO_CONTENT
        );
    }
    let refused = error(serve("command=\"x\" ssh-ed25519 AAAA").await).await;
    assert_eq!(refused.code, NodeErrorCode::BadRequest);
    node.post(&format!("/v1/vms/{}/stop", spec.id)).await;
    let refused = error(serve("ssh-ed25519 AAAA").await).await;
    assert_eq!(refused.code, NodeErrorCode::Conflict);
}

#[tokio::test]
async fn a_request_id_comes_back_and_a_bad_one_is_replaced() {
    let node = TestNode::new().await;
    let ask = async |id: &str| {
        let request = node
            .request(Method::GET, "/healthz")
            .header("x-request-id", id);
        let response = request.send().await.expect("an answer");
        response.headers()["x-request-id"]
            .to_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(ask("req-42").await, "req-42");
    for bad in ["a b", "<script>", &"a".repeat(65)] {
        assert_ne!(ask(bad).await, bad);
    }
}

#[tokio::test]
async fn a_running_vm_is_sampled_every_five_seconds() {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    let began = std::time::Instant::now();
    node.put(&spec).await;
    node.engine.set_load(spec.id, 250);
    let path = format!("/v1/vms/{}/usage", spec.id);
    let read = async || -> Vec<UsageSample> {
        let response = node.get(&path).await;
        response.json().await.expect("samples")
    };
    let mut samples = Vec::new();
    until("two samples", async || {
        samples = read().await;
        samples.len() >= 2
    })
    .await;
    // A busy machine reads late, never more often; the first reading gives no sample.
    let most = began.elapsed().as_secs() / 5 + 1;
    assert!(samples.len() as u64 <= most, "{most}: {samples:?}");
    let apart = samples[1].at - samples[0].at;
    // The next one after a late one is in time.
    assert!(apart > 2_000_000, "{apart} µs");
    assert!((245..255).contains(&samples[1].cpu_millis), "{samples:?}");
    until("the newest is listed", async || {
        let listed: Vec<VmReport> = node.get("/v1/vms").await.json().await.expect("a list");
        let samples = read().await;
        let usage = listed[0].usage;
        usage.is_some_and(|usage| samples.contains(&usage))
    })
    .await;
}

#[tokio::test]
async fn a_thousand_vms_are_listed_in_the_time_of_a_poll() {
    let node = TestNode::over(
        SimEngine::new(SimConfig {
            memory_mib: 1024 * 1024,
            ..SimConfig::default()
        }),
        "node-1",
    )
    .await;
    for i in 0..1000 {
        assert_eq!(node.put(&spec("web1", i)).await.status(), StatusCode::OK);
    }
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = std::time::Instant::now();
        let vms: Vec<VmReport> = node.get("/v1/vms").await.json().await.expect("a list");
        best = best.min(began.elapsed());
        assert_eq!(vms.len(), 1000);
    }
    println!("a thousand VMs were listed in {best:?}");
    // A poll may take a second; three times that for a debug build beside other tests.
    assert!(best < Duration::from_secs(3), "{best:?}");
}
