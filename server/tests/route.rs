//! Who may use which address (promises P9 and P10): every address × six kinds of people, against a
//! whole server. And no address escapes: the lists are compared with what the server really has.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "route/house.rs"]
#[allow(dead_code, unused_imports)] // shared with api.rs, which uses the rest
mod house;
#[path = "route/list.rs"]
mod list;

use std::{collections::BTreeSet, fs, path::Path};

use house::{Answer, House, PEOPLE, Person, in_each_house};
use list::{API, DEMO, FUNCTIONS, OPEN, PAGES, SOCKETS, WHOLE, Who};

/// The code of the refusal that this person is to get; None: let through.
fn refusal(who: Who, person: Person) -> Option<(u16, &'static str)> {
    const NOBODY: Option<(u16, &str)> = Some((401, "not_signed_in"));
    const FIRST: Option<(u16, &str)> = Some((403, "must_change_password"));
    const HIDDEN: Option<(u16, &str)> = Some((404, "not_found"));
    match (who, person) {
        (Who::Anyone, _) | (Who::Admin | Who::OwnerOrAdmin, Person::Admin) => None,
        (Who::Admin, _) => HIDDEN,
        (_, Person::Anonymous | Person::Disabled) => NOBODY,
        (Who::SignedIn, _) => None,
        (_, Person::MustChange) => FIRST,
        (Who::Owner | Who::OwnerOrAdmin, Person::Bob | Person::Admin) => HIDDEN,
        (Who::Member | Who::Owner | Who::OwnerOrAdmin, _) => None,
    }
}

/// Holds an answer against what this person is to get; `done`: the status for who is let through, where that
/// is known.
fn check(what: &str, (who, done): (Who, Option<u16>), person: Person, answer: &Answer) {
    let code = answer.code().unwrap_or_default();
    match refusal(who, person) {
        Some((status, wanted)) => {
            assert_eq!(
                (answer.status, code.as_str()),
                (status, wanted),
                "{what} by {person:?}: {answer:?}"
            );
        }
        None => {
            let refused =
                ["not_signed_in", "must_change_password", "not_found"].contains(&code.as_str());
            let broken = answer.status >= 500;
            assert!(!refused && !broken, "{what} by {person:?}: {answer:?}");
            let good = done.is_none_or(|done| answer.status == done);
            assert!(good, "{what} by {person:?}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_lets_through_whom_it_should_and_nobody_else() {
    in_each_house(async |house: House| {
        pages(&house).await;
        sockets(&house).await;
        api(&house).await;
        demo(&house).await;
        functions(&house).await;
        house.end().await;
    })
    .await;
}

async fn functions(house: &House) {
    let gets = functions_by_get();
    for function in FUNCTIONS {
        for person in PEOPLE {
            let form: Vec<(&str, String)> = function
                .form
                .iter()
                .map(|(key, value)| (*key, house.fill(value, person)))
                .collect();
            let answer = ask(house, &gets, person, function.endpoint, &form).await;
            check(function.endpoint, (function.who, None), person, &answer);
            if refusal(function.who, person).is_some_and(|(status, _)| status == 404) {
                let made_up: Vec<(&str, String)> = function
                    .form
                    .iter()
                    .map(|(key, value)| (*key, pretend(value)))
                    .collect();
                let other = ask(house, &gets, person, function.endpoint, &made_up).await;
                same(
                    function.endpoint,
                    person,
                    (&answer, &form),
                    (&other, &made_up),
                );
            }
        }
    }
}

/// The JSON API, by cookie; api.rs has the same list by token.
async fn api(house: &House) {
    vm3_fails(house).await;
    for route in API {
        let what = format!("{} {}", route.method, route.path);
        for person in PEOPLE {
            let at = house.fill(route.at, person);
            let body = house.fill(route.body, person);
            let answer = house.api(person, route.method, &at, &body).await;
            check(&what, (route.who, Some(route.done)), person, &answer);
            if refusal(route.who, person).is_some_and(|(status, _)| status == 404) {
                let made_up = api_pretend(route.at);
                let other = house.api(person, route.method, &made_up, &body).await;
                assert_eq!(other.status, 404, "{what} by {person:?}");
                let masked = (
                    api_mask(house, &answer, &at),
                    api_mask(house, &other, &made_up),
                );
                assert_eq!(masked.0, masked.1, "{what} by {person:?}");
            }
        }
    }
}

/// Its container is taken away, so that there is something to try again.
async fn vm3_fails(house: &House) {
    let id = house.things["vm3_id"].parse().unwrap();
    house.engine().vm_vanishes(id);
    let path = format!("/api/v1/vms/{}", house.things["vm3"]);
    for _ in 0..400 {
        let vm = house.api(Person::Ann, "GET", &path, "").await;
        if vm.json()["state"] == "failed" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("a VM without its container does not fail");
}

/// Puts things in that nobody has.
fn api_pretend(at: &str) -> String {
    let (path, query) = at.split_once('?').unwrap_or((at, ""));
    let parts = path.split('/').map(|part| match part {
        "{vm}" | "{vm3}" => "zzz1".to_owned(),
        part if part.starts_with('{') => "00000000-0000-7000-8000-000000000000".to_owned(),
        part => part.to_owned(),
    });
    let path = parts.collect::<Vec<_>>().join("/");
    match query {
        "" => path,
        query => format!("{path}?{query}"),
    }
}

/// Without the request's id and the names that were asked for.
fn api_mask(house: &House, answer: &Answer, at: &str) -> String {
    let id = answer.headers["x-request-id"].to_str().unwrap();
    let text = answer.text.replace(id, "…");
    let made_up = ["zzz1", "00000000-0000-7000-8000-000000000000"];
    let things = house.things.values().map(String::as_str).chain(made_up);
    let asked = things.filter(|thing| at.contains(thing));
    asked.fold(text, |text, thing| text.replace(thing, "…"))
}

async fn demo(house: &House) {
    for path in DEMO {
        for person in [
            Person::Anonymous,
            Person::Disabled,
            Person::MustChange,
            Person::Bob,
        ] {
            let method = if *path == "/list_all" { "GET" } else { "POST" };
            let answer = house.api(person, method, path, "[]").await;
            let wanted = match refusal(Who::Member, person) {
                Some((status, _)) => status,
                None if method == "GET" => 200,
                None => 400,
            };
            assert_eq!(answer.status, wanted, "{path} by {person:?}: {answer:?}");
            let challenge = answer.headers.contains_key("www-authenticate");
            assert_eq!(challenge, wanted == 401, "{path} by {person:?}");
        }
    }
}

async fn ask(
    house: &House,
    gets: &BTreeSet<String>,
    person: Person,
    endpoint: &str,
    form: &[(&str, String)],
) -> Answer {
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    if gets.contains(endpoint) {
        house.get_function(person, endpoint, &form).await
    } else {
        house.call(person, endpoint, &form).await
    }
}

/// What is another's and what does not exist get the same answer, but for the name that was asked.
fn same(
    what: &str,
    person: Person,
    real: (&Answer, &[(&str, String)]),
    fake: (&Answer, &[(&str, String)]),
) {
    let mask = |(answer, form): (&Answer, &[(&str, String)])| {
        form.iter().fold(answer.text.clone(), |text, (_, value)| {
            text.replace(value, "…")
        })
    };
    assert_eq!(real.0.status, fake.0.status, "{what} by {person:?}");
    assert_eq!(mask(real), mask(fake), "{what} by {person:?}");
}

async fn sockets(house: &House) {
    for (path, who) in SOCKETS {
        for person in PEOPLE {
            let real = match path.contains("{name}") {
                true => house.things["vm"].as_str(),
                false => house.things["shell"].as_str(),
            };
            let at = |thing: &str| path.replace("{id}", thing).replace("{name}", thing);
            let answer = house.socket(person, &at(real)).await;
            match refusal(*who, person) {
                None => assert_eq!(answer.status, 101, "{path} by {person:?}: {answer:?}"),
                Some(_) => check(path, (*who, None), person, &answer),
            }
            if refusal(*who, person).is_some_and(|(status, _)| status == 404) {
                let made_up = match path.contains("{name}") {
                    true => "made-up",
                    false => "00000000-0000-7000-8000-000000000000",
                };
                let other = house.socket(person, &at(made_up)).await;
                let mask = |answer: &Answer, id: &str| {
                    let request = answer.headers["x-request-id"].to_str().unwrap();
                    answer.text.replace(id, "…").replace(request, "…")
                };
                assert_eq!(mask(&answer, real), mask(&other, made_up), "{path}");
            }
        }
    }
}

async fn pages(house: &House) {
    for (pattern, who) in PAGES {
        for person in PEOPLE {
            let real = page_path(house, pattern, false);
            let answer = house.page(person, &real).await;
            page_check(&real, *who, person, &answer);
            if answer.status == 404 && real != *pattern {
                let made_up = page_path(house, pattern, true);
                let other = house.page(person, &made_up).await;
                assert_eq!(other.status, 404, "{made_up} by {person:?}");
                let (a, b) = (mask_page(&answer, &real), mask_page(&other, &made_up));
                assert_eq!(a, b, "{real} by {person:?}");
            }
        }
    }
}

fn page_check(path: &str, who: Who, person: Person, answer: &Answer) {
    let to = answer.location().unwrap_or_default();
    let wanted = match refusal(who, person) {
        None => answer.status < 400 && !(to.starts_with("/login") && who != Who::Anyone),
        Some((401, _)) => (300..400).contains(&answer.status) && to.starts_with("/login"),
        Some((403, _)) => (300..400).contains(&answer.status) && to == "/account/password",
        // Who is not signed in, or not yet, may be sent to that first.
        Some(_) => match person {
            Person::Anonymous | Person::Disabled => {
                answer.status == 404 || to.starts_with("/login")
            }
            Person::MustChange => answer.status == 404 || to == "/account/password",
            _ => answer.status == 404,
        },
    };
    assert!(wanted, "{path} by {person:?}: {} to {to:?}", answer.status);
}

fn page_path(house: &House, pattern: &str, made_up: bool) -> String {
    let (name, id) = if made_up {
        (
            "zzz1".to_owned(),
            "00000000-0000-7000-8000-000000000000".to_owned(),
        )
    } else if pattern.starts_with("/admin/nodes") {
        ("node-1".to_owned(), String::new())
    } else if pattern.starts_with("/admin/users") {
        ("ann".to_owned(), String::new())
    } else if pattern.starts_with("/shared") {
        (String::new(), house.things["grant"].clone())
    } else {
        (house.things["vm"].clone(), house.things["vm2_id"].clone())
    };
    pattern
        .replace(":name", &name)
        .replace(":id", &id)
        .replace(":token", &house.things["invitation"])
}

/// Without what differs from one answer to the next: the nonce, times, and the address asked for.
fn mask_page(answer: &Answer, path: &str) -> String {
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let nonce = between(policy, "'nonce-", "'")[0];
    let text = answer.text.replace(nonce, "…");
    let parts = path.split('/').filter(|part| part.len() > 3);
    mask_digits(&parts.fold(text, |text, part| text.replace(part, "…")))
}

/// Long runs of digits are times.
fn mask_digits(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        out.push_str(if run.len() >= 10 { "#" } else { &run });
        run.clear();
        out.push(character);
    }
    out
}

/// Puts things in that nobody has.
fn pretend(value: &str) -> String {
    match value {
        "{vm}" => "zzz1".into(),
        value if value.starts_with('{') => "00000000-0000-7000-8000-000000000000".into(),
        value => value.into(),
    }
}

/// Endpoints that are asked by GET, as the server has them.
fn functions_by_get() -> BTreeSet<String> {
    registered()
        .into_iter()
        .filter(|(_, get)| *get)
        .map(|(endpoint, _)| endpoint)
        .collect()
}

/// Every server function the program has, and whether it is asked by GET.
fn registered() -> Vec<(String, bool)> {
    leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| {
            let endpoint = path.strip_prefix("/api/").unwrap_or(path).to_owned();
            (endpoint, method == http::Method::GET)
        })
        .collect()
}

#[test]
fn every_server_function_is_in_the_list() {
    let there: BTreeSet<String> = registered()
        .into_iter()
        .map(|(endpoint, _)| endpoint)
        .collect();
    let listed: BTreeSet<String> = FUNCTIONS
        .iter()
        .map(|function| function.endpoint.to_owned())
        .collect();
    assert!(
        there.len() > 40,
        "the server functions are found: {there:?}"
    );
    assert_eq!(listed, there);
}

#[test]
fn every_json_route_is_in_the_list_and_in_the_document() {
    let document = serde_json::to_value(server::api::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut there = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            there.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let listed = API
        .iter()
        .map(|route| format!("{} {}", route.method, route.path));
    assert_eq!(listed.collect::<BTreeSet<_>>(), there);
}

/// What is not put there by `routes!` would be served and not be in the document.
#[test]
fn no_json_route_goes_round_the_document() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for text in sources(&folder) {
        for path in between(&text, ".route(\"", "\"") {
            let is_socket = SOCKETS.iter().any(|(socket, _)| *socket == path);
            let is_known = is_socket || path == "/api/v1/{*rest}";
            assert!(!path.starts_with("/api/v1/") || is_known, "{path}");
        }
    }
}

#[test]
fn every_page_is_in_the_list() {
    let text = read("../app/src/app.rs");
    let there: BTreeSet<&str> = between(&text, "path=path!(\"", "\"").into_iter().collect();
    let listed: BTreeSet<&str> = PAGES.iter().map(|(path, _)| *path).collect();
    assert!(there.len() > 20, "the pages are found: {there:?}");
    assert_eq!(listed, there);
}

#[test]
fn every_other_address_is_in_a_list() {
    let mut there = BTreeSet::new();
    for text in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        for call in [
            ".route(\"",
            ".route_service(\"",
            ".nest(\"",
            ".nest_service(\"",
        ] {
            there.extend(between(&text, call, "\"").into_iter().map(str::to_owned));
        }
    }
    let sockets = SOCKETS.iter().map(|(path, _)| *path);
    let listed = sockets
        .chain(OPEN.iter().copied())
        .chain(DEMO.iter().copied())
        .chain(WHOLE.iter().copied());
    assert_eq!(there, listed.map(str::to_owned).collect());
}

#[test]
fn what_changes_something_is_asked_by_post_only() {
    const READING: &[&str] = &["_get", "_list", "_check", "vm_offer", "overview"];
    for (endpoint, get) in registered() {
        let reads = READING.iter().any(|ending| endpoint.ends_with(ending));
        assert!(reads || !get, "{endpoint} is asked by GET");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between `begin` and `end`, everywhere.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin)
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .collect()
}

/// Every source file but those of tests.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
    found
}
