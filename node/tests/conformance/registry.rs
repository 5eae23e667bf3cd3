//! A pull as it happens: from a registry of the test's own, which is slow, and cuts the connection
//! in the middle once.

use std::{
    collections::HashMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, stream};
use node_api::{error::NodeErrorCode, image::ImageState, vm::PowerState};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{
    bench::{Bench, lines},
    private_engine::image_tar,
};

/// Bytes a second, about: the image comes in a second or two.
const CHUNK: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(20);
/// A layer waits behind each of so many eighths, until as many percents were seen: so none of them depends
/// on who is slower.
const STOPS: usize = 3;
/// For a pull, with the engine's own pause after the cut.
const PATIENCE: Duration = Duration::from_secs(120);

/// An image of one layer, as a registry serves it.
struct Registry {
    manifest: Bytes,
    blobs: HashMap<String, Bytes>,
    /// Times a layer will still be cut off in its middle.
    cuts: AtomicUsize,
    /// How many percents on the way the puller was seen to tell.
    seen: watch::Sender<usize>,
}

impl Registry {
    fn new(layer: Vec<u8>, cuts: usize) -> Self {
        let layer = Bytes::from(layer);
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
        });
        let config = Bytes::from(config.to_string());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": config.len(), "digest": digest(&config),
            },
            "layers": [{
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": layer.len(), "digest": digest(&layer),
            }],
        });
        let blobs = [config, layer].map(|blob| (digest(&blob), blob)).into();
        Self {
            manifest: Bytes::from(manifest.to_string()),
            blobs,
            cuts: AtomicUsize::new(cuts),
            seen: watch::Sender::new(0),
        }
    }

    /// Serves on a free port of loopback, which engines take without TLS.
    async fn serve(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        let router = Router::new()
            .route("/v2/", get(async || "{}"))
            .route("/v2/test/base/manifests/{tag}", get(manifest))
            .route("/v2/test/base/blobs/{digest}", get(blob))
            .with_state(Arc::new(self));
        tokio::spawn(async move { axum::serve(listener, router).await });
        address.to_string()
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

async fn manifest(State(registry): State<Arc<Registry>>, Path(tag): Path<String>) -> Response {
    if tag != "1" && tag != digest(&registry.manifest) {
        let unknown =
            json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]});
        return (StatusCode::NOT_FOUND, axum::Json(unknown)).into_response();
    }
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let headers = [
        (header::CONTENT_TYPE.as_str(), kind.to_owned()),
        ("docker-content-digest", digest(&registry.manifest)),
    ];
    (headers, registry.manifest.clone()).into_response()
}

async fn blob(
    State(registry): State<Arc<Registry>>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(blob) = registry.blobs.get(&digest).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let from = headers
        .get(header::RANGE)
        .and_then(|range| {
            range
                .to_str()
                .ok()?
                .strip_prefix("bytes=")?
                .split('-')
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0_usize);
    let cut = blob.len() > CHUNK && take_one(&registry.cuts);
    let status = if from > 0 {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let body = slow(&blob, from, cut, registry.seen.subscribe());
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (blob.len() - from).into());
    let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
    headers.insert(header::CONTENT_RANGE, range.parse().expect("a header"));
    response
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

/// The bytes from there on, chunk by chunk; with `cut` only up to the half. A chunk comes once enough was
/// seen of those before it.
fn slow(blob: &Bytes, from: usize, cut: bool, seen: watch::Receiver<usize>) -> Body {
    let end = if cut { blob.len() / 2 } else { blob.len() };
    let chunks: Vec<_> = (from..end)
        .step_by(CHUNK)
        .map(|at| {
            let chunk = blob.slice(at..(at + CHUNK).min(end));
            ((at * 8 / blob.len()).min(STOPS), Ok(chunk))
        })
        .chain(cut.then(|| (0, Err(std::io::Error::other("cut")))))
        .collect();
    Body::from_stream(stream::iter(chunks).then(move |(stop, chunk)| {
        let mut seen = seen.clone();
        async move {
            tokio::time::sleep(PAUSE).await;
            // It fails where the test has ended.
            let _ = seen.wait_for(|seen| *seen >= stop).await;
            chunk
        }
    }))
}

/// The test image with something of its own beside it, so that no engine has it yet.
fn layer() -> Vec<u8> {
    let tar = image_tar();
    let folder = tempfile::tempdir().expect("a folder");
    let mut own = Vec::new();
    while own.len() < 3 * 1024 * 1024 {
        own.extend_from_slice(uuid::Uuid::now_v7().as_bytes());
    }
    std::fs::write(folder.path().join("own"), own).expect("written");
    let added = Command::new("tar")
        .arg("-rf")
        .arg(&tar)
        .arg("-C")
        .arg(folder.path())
        .arg("own")
        .status();
    assert!(added.expect("tar").success());
    let bytes = std::fs::read(&tar).expect("read");
    std::fs::remove_file(tar).expect("removed");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_pull_that_is_cut_once_shows_its_percent_and_ends_well() {
    let Some(bench) = Bench::docker().await else {
        return;
    };
    bench
        .run(async |bench| {
            let registry = Registry::new(layer(), 1);
            let seen = registry.seen.clone();
            let name = format!("{}/test/base:1", registry.serve().await);
            let mut spec = bench.spec("web1", 0);
            spec.image.clone_from(&name);
            let missing = bench
                .driver
                .vm_create(&spec, true)
                .await
                .expect_err("not here");
            assert_eq!(missing.code, NodeErrorCode::ImageMissing);
            let percents = follow(bench, &name, &seen).await;
            assert!(percents.is_sorted(), "it never falls: {percents:?}");
            assert!(between(&percents) >= STOPS, "{percents:?}");
            let made = bench.driver.vm_create(&spec, true).await.expect("created");
            assert_eq!(made.power, PowerState::Running);
            bench.driver.vm_delete(spec.id).await.expect("deleted");
            lines(&["image", "rm", &name]);
        })
        .await;
}

/// How many of them are neither the beginning nor the end.
fn between(percents: &[u8]) -> usize {
    let on_the_way = |percent: &&u8| (1..99).contains(*percent);
    percents.iter().filter(on_the_way).count()
}

/// Asks until the image is there; the percents on the way, which are counted as they are seen.
async fn follow(bench: &Bench, name: &str, seen: &watch::Sender<usize>) -> Vec<u8> {
    let began = Instant::now();
    let mut percents = Vec::new();
    while began.elapsed() < PATIENCE {
        match bench
            .driver
            .image_ensure(name)
            .await
            .expect("a report")
            .state
        {
            ImageState::Present => return percents,
            ImageState::Pulling { percent, .. } => percents.push(percent),
            ImageState::Failed { reason } => panic!("{reason}"),
        }
        percents.dedup();
        seen.send_replace(between(&percents));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not there after {PATIENCE:?}: {percents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_the_registry_does_not_have_is_refused_with_its_words() {
    let Some(bench) = Bench::docker().await else {
        return;
    };
    bench
        .run(async |bench| {
            let registry = Registry::new(Vec::new(), 0).serve().await;
            let name = format!("{registry}/test/base:2");
            let began = Instant::now();
            while began.elapsed() < PATIENCE {
                let report = bench.driver.image_ensure(&name).await.expect("a report");
                if let ImageState::Failed { reason } = report.state {
                    // As engines of today say it, and as those from 29 on do.
                    let said = ["manifest unknown", "test/base:2: not found"];
                    assert!(said.iter().any(|words| reason.contains(words)), "{reason}");
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("it did not fail within {PATIENCE:?}");
        })
        .await;
}
