//! Users whom an admin adds.

use crate::house::{Answer, House, PASSWORD, Person, in_each_house};

const USERS: &str = "/api/v1/admin/users";

fn is(answer: &Answer, status: u16, code: &str) {
    let said = answer.code().unwrap_or_default();
    assert_eq!((answer.status, said.as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.json()["field"], "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_added_gets_a_password_that_is_told_once_and_leads_to_another() {
    in_each_house(async |house: House| {
        let add = async |body: &str| house.by_token(Person::Admin, "POST", USERS, body).await;
        let added = add(r#"{"name": "zoe"}"#).await;
        assert_eq!(added.status, 201, "{added:?}");
        let added = added.json();
        let password = added["password"].as_str().unwrap();
        let known = house
            .by_token(Person::Admin, "GET", &format!("{USERS}/zoe"), "")
            .await;
        assert_eq!(known.json(), added["user"], "as the list has them");
        assert_eq!(added["user"]["must_change_password"], true);
        for path in ["users", "events", "logs?follow=false"] {
            let path = format!("/api/v1/admin/{path}");
            let answer = house.by_token(Person::Admin, "GET", &path, "").await;
            assert!(answer.text.contains("zoe"), "{path}: {answer:?}");
            assert!(!answer.text.contains(password), "{path}: {answer:?}");
        }
        let login = async |password: &str| {
            let form = [("name", "zoe"), ("password", password)];
            house.call(Person::Anonymous, "login", &form).await.status
        };
        assert_eq!(login(PASSWORD).await, 401);
        assert_eq!(login(password).await, 200);
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_or_breaks_the_rule_is_told_at_its_field() {
    in_each_house(async |house: House| {
        for (name, status, code) in [
            ("ann", 409, "name_taken"),
            ("root", 409, "name_taken"),
            ("Zoe", 422, "name_invalid"),
            ("", 422, "name_invalid"),
        ] {
            let body = serde_json::json!({ "name": name }).to_string();
            let refused = house.by_token(Person::Admin, "POST", USERS, &body).await;
            is(&refused, status, code);
        }
        let nameless = house.by_token(Person::Admin, "POST", USERS, "{}").await;
        is(&nameless, 422, "field_missing");
        house.end().await;
    })
    .await;
}
