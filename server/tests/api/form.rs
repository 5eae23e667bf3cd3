//! Bad input on the pages: what their script is told, and what a plain form comes back with. `input` and
//! `refusal` have the same by the JSON API.

use crate::house::{Answer, House, PASSWORD, Person, in_each_house};

type Fields = [(&'static str, &'static str)];

/// A form that is to be refused.
struct Form<'a> {
    person: Person,
    /// Where it stands.
    page: &'static str,
    endpoint: &'static str,
    fields: &'a [(&'a str, &'a str)],
}

impl Form<'_> {
    /// Sends it as the page's script does, and as a plain form. `field`: beside which it is told.
    async fn is_refused(&self, house: &House, status: u16, code: &str, field: Option<&str>) {
        let answer = house.call(self.person, self.endpoint, self.fields).await;
        let said = answer.code().unwrap_or_default();
        assert_eq!((answer.status, said.as_str()), (status, code), "{answer:?}");
        let error = answer.json();
        assert_eq!(error["field"].as_str(), field, "{answer:?}");
        let message = error["message"].as_str().unwrap();
        assert!(message.len() > 10, "{message}");
        self.comes_back_with(house, message, field).await;
    }

    async fn comes_back_with(&self, house: &House, message: &str, field: Option<&str>) {
        let sent = house.plain(self.person, self.page, self.endpoint, self.fields);
        let sent = sent.await;
        assert_eq!(sent.status, 303, "{}: {sent:?}", self.endpoint);
        let back = sent.location().unwrap();
        let back = back.strip_prefix(house.base.as_str()).unwrap();
        assert!(back.starts_with(&format!("{}?", self.page)), "{back}");
        let shown = house.page(self.person, back).await;
        assert_eq!(shown.status, 200, "{back}: {shown:?}");
        let (begin, end) = match field {
            Some(_) => ("class=\"field-error\"", "</p>"),
            None => ("role=\"alert\"", "</div>"),
        };
        let places = shown.text.split(begin).skip(1);
        let mut places = places.filter_map(|place| place.split(end).next());
        let is_told = places.any(|place| place.contains(message));
        assert!(is_told, "{back} does not tell {message}: {}", shown.text);
    }
}

fn vm_new<'a>(person: Person, fields: &'a [(&'a str, &'a str)]) -> Form<'a> {
    Form {
        person,
        page: "/vms/new",
        endpoint: "vm_create",
        fields,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_name_or_a_password_is_told_beside_it() {
    in_each_house(async |house: House| {
        for (name, password, status, code, field) in [
            ("Not_A_Name", PASSWORD, 422, "name_invalid", "name"),
            ("ann", PASSWORD, 409, "name_taken", "name"),
            ("newcomer", "password12", 422, "password_weak", "password"),
        ] {
            let form = Form {
                person: Person::Anonymous,
                page: "/register",
                endpoint: "account_create",
                fields: &[("name", name), ("password", password)],
            };
            form.is_refused(&house, status, code, Some(field)).await;
        }
        for (name, status, code) in [("1x", 422, "name_invalid"), ("ann", 409, "name_taken")] {
            let form = Form {
                person: Person::Admin,
                page: "/admin/users",
                endpoint: "user_create",
                fields: &[("name", name)],
            };
            form.is_refused(&house, status, code, Some("name")).await;
        }
        let form = Form {
            person: Person::Anonymous,
            page: "/login",
            endpoint: "login",
            fields: &[("name", "ann"), ("password", "not the password")],
        };
        form.is_refused(&house, 401, "wrong_password", Some("password"))
            .await;
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_new_vm_is_told_beside_its_field() {
    in_each_house(async |house: House| {
        for (name, flavor, image, status, code, field) in [
            ("My_VM", "small", "alpine", 422, "name_invalid", "name"),
            ("web1", "small", "alpine", 409, "vm_name_taken", "name"),
            ("web9", "huge", "alpine", 422, "flavor_unknown", "flavor"),
            ("web9", "small", "windows", 422, "image_unknown", "image"),
        ] {
            let fields = [("name", name), ("flavor", flavor), ("image", image)];
            let form = vm_new(Person::Ann, &fields);
            form.is_refused(&house, status, code, Some(field)).await;
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_quota_or_finds_no_room_is_told_beside_the_size() {
    const GOOD: &Fields = &[("name", "web9"), ("flavor", "small"), ("image", "alpine")];
    in_each_house(async |house: House| {
        let admin = async |path: &str, body: &str| {
            let path = format!("/api/v1/admin/{path}");
            let done = house.by_token(Person::Admin, "PUT", &path, body).await;
            assert_eq!(done.status, 200, "{done:?}");
        };
        let quota = r#"{"vms": 0, "cpu_millis": 4000, "memory_mib": 4096, "disk_gib": 20}"#;
        admin("users/bob/quota", quota).await;
        let size = Some("flavor");
        let form = vm_new(Person::Bob, GOOD);
        form.is_refused(&house, 409, "quota_exceeded", size).await;
        admin("nodes/node-1/cordon", r#"{"cordoned": true}"#).await;
        let form = vm_new(Person::Ann, GOOD);
        form.is_refused(&house, 503, "no_room", size).await;
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_no_field_is_told_on_the_page() {
    in_each_house(async |house: House| {
        let large = "x".repeat(70_000);
        let form = vm_new(Person::Ann, &[("nonsense", "1")]);
        form.is_refused(&house, 422, "malformed", None).await;
        let large = [("name", large.as_str())];
        let form = vm_new(Person::Ann, &large);
        form.is_refused(&house, 413, "too_large", None).await;
        // There is none of that name, or it is Ann's.
        for (person, name) in [(Person::Ann, "nothing-here"), (Person::Bob, "web1")] {
            let form = Form {
                person,
                page: "/",
                endpoint: "vm_stop",
                fields: &[("name", name)],
            };
            form.is_refused(&house, 404, "not_found", None).await;
        }
        house.end().await;
    })
    .await;
}

fn is_json(answer: &Answer, status: u16, code: &str, kind: &str) {
    let said = answer.code().unwrap_or_default();
    assert_eq!((answer.status, said.as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.headers["content-type"], kind, "{answer:?}");
}

const SCRIPT: (&str, &str) = ("accept", "application/json");
const BROWSER: (&str, &str) = ("accept", "text/html");

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_is_refused_in_the_form_that_each_caller_reads() {
    let house = House::new().await;
    let foreign = ("origin", "http://evil.example");
    let ask = async |path: &str, lines: &[(&str, &str)], body: &str| {
        house.ask("POST", path, lines, body).await
    };
    let answer = ask("/api/vm_create", &[SCRIPT, foreign], "").await;
    is_json(&answer, 403, "origin_foreign", "application/json");
    let answer = ask("/api/v1/vms", &[foreign], "{}").await;
    is_json(&answer, 403, "origin_foreign", "application/problem+json");
    let answer = ask("/api/vm_create", &[BROWSER, foreign], "").await;
    let words = "by a page of another site";
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains(words), "{answer:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_is_refused_in_the_form_that_each_caller_reads() {
    let house = House::new().await;
    let foreign = ("host", "evil.example");
    let bearer = format!("Bearer {}", house.tokens[&Person::Ann]);
    let ask =
        async |path: &str, line: (&str, &str)| house.ask("GET", path, &[line, foreign], "").await;
    let answer = ask("/api/vm_list", SCRIPT).await;
    is_json(&answer, 421, "host_foreign", "application/json");
    let answer = ask("/api/v1/vms", ("authorization", bearer.as_str())).await;
    is_json(&answer, 421, "host_foreign", "application/problem+json");
    let answer = ask("/", BROWSER).await;
    assert_eq!(answer.status, 421);
    assert!(answer.text.contains("--public-url"), "{answer:?}");
    house.end().await;
}
