//! Bad input: the right refusal, the field named, always problem+json.

use crate::{
    house::{Answer, House, Person, in_each_house},
    list::API,
};

fn check(answer: &Answer, status: u16, code: &str, field: Option<&str>) {
    assert_eq!(answer.status, status, "{answer:?}");
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert_eq!(kind, "application/problem+json", "{answer:?}");
    let problem: server_api::problem::Problem = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (status, code),
        "{answer:?}"
    );
    assert_eq!(problem.field.as_deref(), field, "{answer:?}");
    assert_eq!(
        problem.request_id.as_deref(),
        answer.headers["x-request-id"].to_str().ok()
    );
    assert!(!problem.title.is_empty() && problem.detail.len() > 10);
}

/// Method, path, body; and the status, code and field of the refusal.
type Case<'a> = (&'a str, &'a str, &'a str, u16, &'a str, Option<&'a str>);

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_by_status_code_and_field() {
    in_each_house(async |house: House| {
        let cases: &[Case] = &[
            ("POST", "/api/v1/vms", "{", 400, "malformed", None),
            (
                "POST",
                "/api/v1/vms",
                "[]",
                422,
                "field_invalid",
                Some("body"),
            ),
            (
                "POST",
                "/api/v1/vms",
                r#"{"name": 1}"#,
                422,
                "field_invalid",
                Some("name"),
            ),
            (
                "POST",
                "/api/v1/vms",
                r#"{"nmae": "a"}"#,
                422,
                "field_unknown",
                Some("nmae"),
            ),
            (
                "POST",
                "/api/v1/vms",
                r#"{"name": "My_VM"}"#,
                422,
                "name_invalid",
                Some("name"),
            ),
            (
                "POST",
                "/api/v1/vms",
                r#"{"name": "web1"}"#,
                409,
                "vm_name_taken",
                Some("name"),
            ),
            (
                "POST",
                "/api/v1/vms",
                r#"{"flavor": "x"}"#,
                422,
                "flavor_unknown",
                Some("flavor"),
            ),
            (
                "POST",
                "/api/v1/vms",
                r#"{"image": "x"}"#,
                422,
                "image_unknown",
                Some("image"),
            ),
            (
                "POST",
                "/api/v1/vms/web1/exec",
                "{}",
                422,
                "field_missing",
                Some("argv"),
            ),
            (
                "POST",
                "/api/v1/vms/web1/exec",
                r#"{"argv": []}"#,
                422,
                "argv_invalid",
                Some("argv"),
            ),
            (
                "POST",
                "/api/v1/vms/web1/exec",
                r#"{"argv": ["a"], "timeout_s": 99}"#,
                422,
                "timeout_invalid",
                Some("timeout_s"),
            ),
            (
                "POST",
                "/api/v1/vms/web1/exec",
                r#"{"argv": ["a"], "timeout_s": -1}"#,
                422,
                "field_invalid",
                Some("timeout_s"),
            ),
            (
                "GET",
                "/api/v1/vms?limit=0",
                "",
                422,
                "limit_invalid",
                Some("limit"),
            ),
            (
                "GET",
                "/api/v1/vms?limit=x",
                "",
                422,
                "field_invalid",
                Some("limit"),
            ),
            (
                "GET",
                "/api/v1/vms?cursor=%01",
                "",
                422,
                "cursor_invalid",
                Some("cursor"),
            ),
            (
                "GET",
                "/api/v1/vms/web1/events?cursor=x",
                "",
                422,
                "cursor_invalid",
                Some("cursor"),
            ),
            (
                "GET",
                "/api/v1/vms?page=2",
                "",
                422,
                "field_unknown",
                Some("page"),
            ),
            (
                "POST",
                "/api/v1/vms/web1/start?wait=soon",
                "",
                422,
                "wait_invalid",
                Some("wait"),
            ),
            ("GET", "/api/v1/vms/%FF", "", 400, "malformed", None),
            ("GET", "/api/v1/vms/none", "", 404, "not_found", None),
            ("GET", "/api/v1/nothing", "", 404, "not_found", None),
            ("PATCH", "/api/v1/vms", "", 405, "method_not_allowed", None),
            (
                "POST",
                "/api/v1/me/tokens",
                r#"{"name": ""}"#,
                422,
                "name_invalid",
                Some("name"),
            ),
            (
                "POST",
                "/api/v1/me/tokens",
                r#"{"name": "x", "scopes": []}"#,
                422,
                "scopes_invalid",
                Some("scopes"),
            ),
            (
                "POST",
                "/api/v1/me/tokens",
                r#"{"name": "x", "scopes": ["root"]}"#,
                422,
                "field_invalid",
                Some("scopes[0]"),
            ),
            (
                "POST",
                "/api/v1/me/tokens",
                r#"{"name": "x", "expires_in_days": 0}"#,
                422,
                "days_invalid",
                Some("expires_in_days"),
            ),
            ("POST", "/api/v1/me/tokens", "", 415, "not_json", None),
        ];
        for (method, path, body, status, code, field) in cases {
            let answer = house.by_token(Person::Ann, method, path, body).await;
            check(&answer, *status, code, *field);
        }
        let large = format!(r#"{{"name": "{}"}}"#, "a".repeat(70_000));
        let answer = house
            .by_token(Person::Ann, "POST", "/api/v1/vms", &large)
            .await;
        check(&answer, 413, "too_large", None);
        let nobody = house.ask("GET", "/api/v1/vms", &[], "").await;
        check(&nobody, 401, "not_signed_in", None);
        for line in ["Bearer", "Bearer x", "Digest x", "Basic !"] {
            let lines = [("authorization", line)];
            let answer = house.ask("GET", "/api/v1/vms", &lines, "").await;
            assert_eq!(answer.status, 401, "{line}: {answer:?}");
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_unknown_size_or_image_api_and_page_say_the_same_and_which_there_are() {
    in_each_house(async |house: House| {
        let flavors = house.by_token(Person::Ann, "GET", "/api/v1/flavors", "");
        let flavors = names(&flavors.await.json());
        let images = house.by_token(Person::Ann, "GET", "/api/v1/images", "");
        let images = names(&images.await.json()["items"]);
        for (field, code, there, flavor, image) in [
            ("flavor", "flavor_unknown", flavors, "huge", "alpine"),
            ("image", "image_unknown", images, "small", "windows"),
        ] {
            let wish = serde_json::json!({ "name": "web9", "flavor": flavor, "image": image });
            let wish = wish.to_string();
            let answer = house.by_token(Person::Ann, "POST", "/api/v1/vms", &wish);
            let answer = answer.await;
            check(&answer, 422, code, Some(field));
            let form = [("name", "web9"), ("flavor", flavor), ("image", image)];
            let page = house.call(Person::Ann, "vm_create", &form).await;
            assert_eq!((page.status, page.code().as_deref()), (422, Some(code)));
            assert_eq!(page.json()["field"], field);
            for words in [&answer.json()["detail"], &page.json()["message"]] {
                let (_, known) = words.as_str().unwrap().split_once("one of: ").unwrap();
                let known: Vec<&str> = known.trim_end_matches('.').split(", ").collect();
                let told = there.iter().filter(|name| known.contains(&name.as_str()));
                assert!(!there.is_empty() && told.count() == there.len(), "{words}");
            }
        }
        house.end().await;
    })
    .await;
}

fn names(list: &serde_json::Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    let name = |thing: &serde_json::Value| thing["name"].as_str().unwrap().to_owned();
    list.map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_character_is_refused_wherever_it_stands() {
    in_each_house(async |house: House| {
        for route in API.iter().filter(|route| route.path.contains('{')) {
            let at = house.fill(route.at, Person::Admin);
            let body = house.fill(route.body, Person::Admin);
            // The part of the path that names something.
            let named = route.path.split('/').position(|part| part.starts_with('{'));
            let parts = at.split('/').enumerate();
            let parts = parts.map(|(at, part)| if Some(at) == named { "%00" } else { part });
            let at = parts.collect::<Vec<_>>().join("/");
            let answer = house
                .by_token(Person::Admin, route.method, &at, &body)
                .await;
            check(&answer, 404, "not_found", None);
        }
        for (path, field) in [
            ("/api/v1/admin/events?actor=%00", "actor"),
            ("/api/v1/admin/events?subject=a%00b", "subject"),
            ("/api/v1/admin/users?cursor=%00", "cursor"),
            ("/api/v1/admin/logs?follow=false&text=%00", "text"),
        ] {
            let answer = house.by_token(Person::Admin, "GET", path, "").await;
            check(&answer, 422, "malformed", Some(field));
        }
        for (path, body, field) in [
            ("/api/v1/vms", r#"{"name": "a\u0000"}"#, "name"),
            ("/api/v1/vms", r#"{"image": "\u0000"}"#, "image"),
            (
                "/api/v1/vms/web1/exec",
                r#"{"argv": ["a", "\u0000"]}"#,
                "argv[1]",
            ),
            ("/api/v1/me/tokens", r#"{"name": "\u0000"}"#, "name"),
        ] {
            let answer = house.by_token(Person::Ann, "POST", path, body).await;
            check(&answer, 422, "malformed", Some(field));
        }
        // Where neither address nor JSON carries it.
        let form = [("name", "a\0b"), ("password", "x")];
        for (person, function) in [(Person::Anonymous, "login"), (Person::Ann, "vm_restart")] {
            let answer = house.call(person, function, &form).await;
            assert!(answer.status < 500, "{function}: {answer:?}");
        }
        let old = house
            .by_token(
                Person::Ann,
                "POST",
                "/delete_vm",
                r#"{"server": "x", "name": "\u0000"}"#,
            )
            .await;
        assert_eq!(old.status, 400, "{old:?}");
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_does_not_know_is_refused_by_its_name() {
    let house = House::new().await;
    for route in API {
        let at = house.fill(route.at, Person::Admin);
        let body = house.fill(route.body, Person::Admin);
        // Whose thing it is does not matter: neither gets so far.
        let mark = if at.contains('?') { '&' } else { '?' };
        let answer = house
            .by_token(
                Person::Admin,
                route.method,
                &format!("{at}{mark}zzz=1"),
                &body,
            )
            .await;
        check(&answer, 422, "field_unknown", Some("zzz"));
        if let Ok(mut fields) = serde_json::from_str::<serde_json::Value>(&body) {
            fields["zzz"] = 1.into();
            let answer = house
                .by_token(Person::Admin, route.method, &at, &fields.to_string())
                .await;
            check(&answer, 422, "field_unknown", Some("zzz"));
        }
    }
    house.end().await;
}
