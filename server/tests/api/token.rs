//! Tokens: what they may, and when they are worth nothing.

use crate::{
    house::{Answer, House, PASSWORD, Person, eventually, in_each_house},
    list::{API, DEMO, SOCKETS, Who},
};

const TOKENS: &str = "/api/v1/me/tokens";

/// `ann` and the password, as `curl -u` sends them.
fn basic(name: &str, password: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

async fn with(house: &House, secret: &str, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {secret}");
    house
        .ask(method, path, &[("authorization", bearer.as_str())], body)
        .await
}

async fn made(house: &House, person: Person, body: &str) -> (String, String) {
    let answer = house.by_token(person, "POST", TOKENS, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let json = answer.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&json["token"]["id"]), text(&json["secret"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_scopes_until_it_is_revoked() {
    in_each_house(async |house: House| {
        let (id, secret) = made(
            &house,
            Person::Ann,
            r#"{"name": "ci", "scopes": ["read"], "expires_in_days": 1}"#,
        )
        .await;
        assert!(secret.starts_with("mct_") && secret.len() == 68);
        let me = with(&house, &secret, "GET", "/api/v1/me", "").await;
        assert_eq!((me.status, me.json()["name"].as_str()), (200, Some("ann")));
        let stop = with(&house, &secret, "POST", "/api/v1/vms/web1/stop", "").await;
        assert_eq!(
            (stop.status, stop.code().as_deref()),
            (403, Some("scope_missing"))
        );
        let more = with(&house, &secret, "POST", TOKENS, r#"{"name": "more"}"#).await;
        assert_eq!(more.code().as_deref(), Some("scope_missing"));
        let list = house.by_token(Person::Ann, "GET", TOKENS, "").await;
        assert!(list.text.contains(&id) && !list.text.contains(&secret));
        // Noted beside the request.
        eventually("the use of a token is noted", async || {
            let list = house.by_token(Person::Ann, "GET", TOKENS, "").await.json();
            let own = list
                .as_array()
                .unwrap()
                .iter()
                .find(|token| token["id"] == *id);
            own.unwrap()["used_at"].is_i64()
        })
        .await;
        let path = format!("{TOKENS}/{id}");
        let other = house.by_token(Person::Bob, "DELETE", &path, "").await;
        assert_eq!(other.status, 404);
        let gone = house.by_token(Person::Ann, "DELETE", &path, "").await;
        assert_eq!(gone.status, 204);
        let me = with(&house, &secret, "GET", "/api/v1/me", "").await;
        assert_eq!(
            (me.status, me.code().as_deref()),
            (401, Some("token_invalid"))
        );
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_never_has_more_scopes_than_what_made_it() {
    in_each_house(async |house: House| {
        let wanted = r#"{"name": "x", "scopes": ["read", "write", "admin"]}"#;
        let member = house.by_token(Person::Ann, "POST", TOKENS, wanted).await;
        assert_eq!(
            (member.status, member.code().as_deref()),
            (422, Some("scopes_invalid"))
        );
        let (_, secret) = made(&house, Person::Admin, r#"{"name": "x"}"#).await;
        // An admin's token without the scope is a member's.
        let answer = with(&house, &secret, "POST", TOKENS, wanted).await;
        assert_eq!(answer.code().as_deref(), Some("scopes_invalid"));
        let users = with(&house, &secret, "GET", "/api/v1/admin/users", "").await;
        assert_eq!(
            (users.status, users.code().as_deref()),
            (403, Some("scope_missing"))
        );
        let all = house
            .by_token(Person::Admin, "GET", "/api/v1/admin/users", "")
            .await;
        assert_eq!(all.status, 200);
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_list_of_routes_holds_for_tokens() {
    in_each_house(async |house: House| {
        for route in API {
            let what = format!("{} {}", route.method, route.path);
            let at = house.fill(route.at, Person::Ann);
            let body = house.fill(route.body, Person::Ann);
            let ask = async |secret: &str| {
                let answer = with(&house, secret, route.method, &at, &body).await;
                let code = answer.code().unwrap_or_default();
                (answer.status, code)
            };
            let disabled = ask(&house.tokens[&Person::Disabled]).await;
            assert_eq!(disabled, (401, "token_invalid".to_owned()), "{what}");
            let unknown = ask(&format!("mct_{}", "0".repeat(64))).await;
            assert_eq!(unknown, (401, "token_invalid".to_owned()), "{what}");
            let must_change = ask(&house.tokens[&Person::MustChange]).await;
            let wanted = match route.who {
                Who::Admin => (404, "not_found".to_owned()),
                _ => (403, "must_change_password".to_owned()),
            };
            assert_eq!(must_change, wanted, "{what}");
            if route.who != Who::Member {
                let bob = ask(&house.tokens[&Person::Bob]).await;
                assert_eq!(bob, (404, "not_found".to_owned()), "{what}");
            }
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_wants_the_scope_of_its_method_and_admins_routes_that_of_admins() {
    in_each_house(async |house: House| {
        let token = async |scopes: &str| {
            let body = format!(r#"{{"name": "x", "scopes": [{scopes}]}}"#);
            made(&house, Person::Admin, &body).await.1
        };
        let reads = token(r#""read", "admin""#).await;
        let writes = token(r#""write", "admin""#).await;
        let member = token(r#""read", "write""#).await;
        let refused = |what: &str, answer: &Answer| {
            // On pages' sockets and the demo's paths it is words alone.
            let code = answer.code().unwrap_or("scope_missing".into());
            assert_eq!(
                (answer.status, code.as_str()),
                (403, "scope_missing"),
                "{what}"
            );
            assert!(
                answer.text.contains("it needs the scopes"),
                "{what}: {answer:?}"
            );
        };
        for route in API {
            let what = format!("{} {}", route.method, route.path);
            let (at, body) = (
                house.fill(route.at, Person::Admin),
                house.fill(route.body, Person::Admin),
            );
            let lacking = if route.method == "GET" {
                &writes
            } else {
                &reads
            };
            refused(
                &what,
                &with(&house, lacking, route.method, &at, &body).await,
            );
            if route.who == Who::Admin {
                refused(
                    &what,
                    &with(&house, &member, route.method, &at, &body).await,
                );
            }
        }
        for (path, _) in SOCKETS {
            // Who attaches types.
            let types = path.ends_with("/attach");
            let lacking = if types { &reads } else { &writes };
            let at = path.replace("{id}", &house.things["shell"]);
            let at = at.replace("{name}", &house.things["vm"]);
            refused(path, &house.socket_by_token(lacking, &at).await);
            if path.starts_with("/live/") {
                refused(path, &house.socket_by_token(&member, &at).await);
            }
        }
        for path in DEMO {
            let get = *path == "/list_all";
            let (method, lacking) = if get {
                ("GET", &writes)
            } else {
                ("POST", &reads)
            };
            let answer = with(&house, lacking, method, path, "{}").await;
            refused(path, &answer);
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_expired_is_worth_nothing() {
    in_each_house(async |house: House| {
        let body = r#"{"name": "ci", "expires_in_days": 1}"#;
        let (id, secret) = made(&house, Person::Ann, body).await;
        let ask = async || with(&house, &secret, "GET", "/api/v1/me", "").await;
        assert_eq!(ask().await.status, 200);
        let aged = "UPDATE tokens SET expires_at = created_at + 1 WHERE id = $1";
        assert_eq!(house.sql(aged, &[&id]).await, 1);
        let late = ask().await;
        assert_eq!(
            (late.status, late.code().as_deref()),
            (401, Some("token_invalid"))
        );
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_token_is_noted_once_a_minute() {
    let house = House::new().await;
    let (id, secret) = made(&house, Person::Ann, r#"{"name": "ci"}"#).await;
    let used_at = async || {
        let list = house.by_token(Person::Ann, "GET", TOKENS, "").await.json();
        let mut tokens = list.as_array().unwrap().iter();
        let own = tokens.find(|token| token["id"] == *id).unwrap();
        own["used_at"].as_i64()
    };
    let ask = async || with(&house, &secret, "GET", "/api/v1/me", "").await;
    ask().await;
    eventually("the first use is noted", async || used_at().await.is_some()).await;
    let first = used_at().await;
    ask().await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(used_at().await, first, "within a minute nothing is written");
    let aged = "UPDATE tokens SET used_at = used_at - 61000000 WHERE id = $1";
    assert_eq!(house.sql(aged, &[&id]).await, 1);
    ask().await;
    eventually("a minute later it is", async || used_at().await >= first).await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_no_sign_in_for_pages_and_server_functions() {
    let house = House::new().await;
    let page = house.by_token(Person::Ann, "GET", "/account", "").await;
    assert_eq!(
        page.location().map(|to| to.starts_with("/login")),
        Some(true)
    );
    let function = house.by_token(Person::Ann, "GET", "/api/vm_list", "").await;
    assert_eq!(function.code().as_deref(), Some("not_signed_in"));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_password_make_a_first_token_and_nothing_else() {
    let house = House::new().await;
    let ask = async |path: &str, line: &str| {
        let lines = [("authorization", line)];
        house.ask("POST", path, &lines, r#"{"name": "cli"}"#).await
    };
    let good = ask(TOKENS, &basic("ann", PASSWORD)).await;
    assert_eq!(good.status, 201, "{good:?}");
    let wrong = ask(TOKENS, &basic("ann", "violet-kettle")).await;
    assert_eq!(
        (wrong.status, wrong.code().as_deref()),
        (401, Some("wrong_password"))
    );
    assert!(!wrong.headers.contains_key("www-authenticate"));
    let elsewhere = ask("/api/v1/vms", &basic("ann", PASSWORD)).await;
    assert_eq!(elsewhere.code().as_deref(), Some("credential_unreadable"));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_cannot_ask_with_a_cookie() {
    let house = House::new().await;
    let lines = [("origin", "http://evil.example")];
    let answer = house.ask("POST", "/api/v1/vms/web1/stop", &lines, "").await;
    assert_eq!(
        (answer.status, answer.code().as_deref()),
        (403, Some("origin_foreign"))
    );
    let lines = [("host", "evil.example")];
    let answer = house.ask("GET", "/api/v1/vms", &lines, "").await;
    assert_eq!(
        (answer.status, answer.code().as_deref()),
        (421, Some("host_foreign"))
    );
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_calls_at_once_with_the_right_password_are_no_attempts_to_guess_it() {
    let house = House::new().await;
    let right = basic("ann", PASSWORD);
    let lines = [("authorization", right.as_str())];
    let asks = (0..40).map(|_| house.ask("GET", "/list_all", &lines, ""));
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_is_worth_nothing_at_once() {
    let house = House::new().await;
    let old = basic("ann", PASSWORD);
    let lines = [("authorization", old.as_str())];
    assert_eq!(house.ask("GET", "/list_all", &lines, "").await.status, 200);
    let form = [("current", PASSWORD), ("new", "saddle-quarry-otter-91")];
    let changed = house.call(Person::Ann, "password_change", &form).await;
    assert!(changed.status < 400, "{changed:?}");
    assert_eq!(house.ask("GET", "/list_all", &lines, "").await.status, 401);
    house.end().await;
}
