//! The layer in front of every handler, asked by HTTP.

use std::net::SocketAddr;

use app::model::{LogFilter, LogLevel, LogView};
use axum::{
    Extension, Router,
    body::Body,
    extract::{ConnectInfo, Request},
    middleware::from_fn_with_state,
    response::Response,
    routing::any,
};
use http::{StatusCode, header};
use tower::ServiceExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{
    auth::{
        Auth, Caller, layer,
        testing::{Browser, PASSWORD, auth_on, auth_with},
    },
    db::testing::each_db,
    log::{HubLayer, LogHub},
    secret::Secret,
};

async fn faulty() -> &'static str {
    panic!("the canary sang")
}

/// Says who asks; `/login` signs ann in, `/slow` wants her to wait, `/faulty` panics.
fn router(auth: &Auth) -> Router {
    let login = {
        let auth = auth.clone();
        async move |Extension(caller): Extension<Caller>| {
            let done = auth.login(&caller, "ann", &Secret::new(PASSWORD)).await;
            done.map_or_else(|error| error.to_string(), |_| "welcome".into())
        }
    };
    Router::new()
        .route("/login", any(login))
        .route(
            "/slow",
            any(async |Extension(caller): Extension<Caller>| caller.retry_after_set(7)),
        )
        .route("/faulty", any(faulty))
        .fallback(async |Extension(caller): Extension<Caller>| {
            let name = caller.actor.as_ref().map_or("nobody", |actor| &actor.name);
            format!("{name} at {}, secure: {}", caller.address, caller.secure)
        })
        .layer(from_fn_with_state(auth.clone(), layer::caller))
}

/// Asks with these header lines, from a peer on this machine.
async fn ask(auth: &Auth, method: &str, path: &str, lines: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
    router(auth).oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 10_000)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn has<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

const HERE: (&str, &str) = ("host", "127.0.0.1:5555");
const OUR_PAGE: (&str, &str) = ("origin", "http://127.0.0.1:5555");

async fn cookie(auth: &Auth) -> String {
    let ann = Browser::registered(auth, "ann").await;
    format!("minicloud_session={}", ann.cookie.unwrap().expose())
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_careful_headers_a_refusal_too() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let good = ask(&auth, "GET", "/", &[HERE]).await;
        let bad = ask(&auth, "GET", "/", &[("host", "evil.example")]).await;
        assert_eq!(
            (good.status(), bad.status()),
            (StatusCode::OK, StatusCode::MISDIRECTED_REQUEST)
        );
        assert_ne!(has(&good, "x-request-id"), has(&bad, "x-request-id"));
        for answer in [&good, &bad] {
            assert_eq!(has(answer, "x-request-id").map(str::len), Some(36));
            assert_eq!(has(answer, "x-content-type-options"), Some("nosniff"));
            assert_eq!(has(answer, "referrer-policy"), Some("same-origin"));
            assert_eq!(
                has(answer, "cross-origin-opener-policy"),
                Some("same-origin")
            );
            assert!(
                has(answer, "content-security-policy")
                    .unwrap()
                    .contains("default-src 'none'")
            );
            assert!(has(answer, "permissions-policy").is_some());
            assert_eq!(has(answer, "set-cookie"), None);
        }
    })
    .await;
}

#[tokio::test]
async fn signing_in_sets_the_cookie_and_the_cookie_signs_in() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        Browser::registered(&auth, "ann").await;
        let answer = ask(&auth, "POST", "/login", &[HERE, OUR_PAGE]).await;
        assert_eq!(has(&answer, "cache-control"), Some("no-store"));
        let line = has(&answer, "set-cookie").unwrap().to_owned();
        assert!(line.contains("HttpOnly"), "{line}");
        let pair = line.split(';').next().unwrap();
        let answer = ask(&auth, "GET", "/", &[HERE, ("cookie", pair)]).await;
        assert_eq!(has(&answer, "cache-control"), Some("no-store"));
        assert_eq!(text(answer).await, "ann at 127.0.0.1, secure: false");
        let answer = ask(&auth, "GET", "/", &[HERE]).await;
        assert_eq!(has(&answer, "cache-control"), None);
        assert_eq!(text(answer).await, "nobody at 127.0.0.1, secure: false");
    })
    .await;
}

#[tokio::test]
async fn a_page_of_another_site_can_change_nothing_and_open_no_socket() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let cookie = cookie(&auth).await;
        let cookie = ("cookie", cookie.as_str());
        let evil = ("origin", "https://evil.example");
        let socket = ("upgrade", "websocket");
        for (method, lines) in [
            ("POST", vec![HERE, cookie, evil]),
            ("POST", vec![HERE, cookie]),
            ("POST", vec![HERE, cookie, ("sec-fetch-site", "cross-site")]),
            ("GET", vec![HERE, cookie, evil, socket]),
            ("GET", vec![HERE, cookie, socket]),
        ] {
            let answer = ask(&auth, method, "/", &lines).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {lines:?}");
            assert!(!text(answer).await.contains("ann"));
        }
        let answer = ask(&auth, "GET", "/", &[HERE, cookie, OUR_PAGE, socket]).await;
        assert_eq!(answer.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_proxy_is_believed_only_when_it_is_trusted() {
    each_db(async |db| {
        let lines = [
            HERE,
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
        ];
        let auth = auth_on(db.clone()).await;
        let answer = text(ask(&auth, "GET", "/", &lines).await).await;
        assert_eq!(answer, "nobody at 127.0.0.1, secure: false");
        let auth = auth_with(db, |config| {
            config.admin_password = Some(Secret::new(PASSWORD));
            config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            config.public_urls = vec!["https://cloud.example".into()];
        })
        .await;
        let answer = text(ask(&auth, "GET", "/", &lines).await).await;
        assert_eq!(
            answer, "nobody at 203.0.113.9, secure: false",
            "this host is reached by http"
        );
        let lines = [("host", "cloud.example"), lines[1], lines[2]];
        let answer = text(ask(&auth, "GET", "/", &lines).await).await;
        assert_eq!(answer, "nobody at 203.0.113.9, secure: true");
    })
    .await;
}

#[tokio::test]
async fn a_wait_is_told_in_the_header() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let answer = ask(&auth, "GET", "/slow", &[HERE]).await;
        assert_eq!(has(&answer, header::RETRY_AFTER.as_str()), Some("7"));
    })
    .await;
}

#[tokio::test]
async fn without_its_database_the_server_says_so_and_takes_nobody_for_somebody() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let cookie = cookie(&auth).await;
        db.close().await;
        let answer = ask(&auth, "GET", "/", &[HERE, ("cookie", &cookie)]).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let text = text(answer).await;
        assert!(text.contains("database does not answer"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_with_the_id_under_which_the_log_says_why() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let hub = LogHub::default();
        let subscriber = tracing_subscriber::registry().with(HubLayer(hub.clone()));
        let logging = tracing::subscriber::set_default(subscriber);
        let answer = ask(&auth, "GET", "/faulty", &[HERE]).await;
        drop(logging);
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(has(&answer, "x-content-type-options"), Some("nosniff"));
        let id = has(&answer, "x-request-id").unwrap().to_owned();
        let text = text(answer).await;
        assert!(text.contains(&id) && !text.contains("canary"), "{text}");
        let records = hub.list(&LogFilter::default()).records;
        let of_it = |record: &&LogView| {
            record.level == LogLevel::Error && record.request_id.as_ref() == Some(&id)
        };
        let told = records.iter().find(of_it).expect("told");
        assert!(told.message.contains("the canary sang"), "{}", told.message);
    })
    .await;
}
