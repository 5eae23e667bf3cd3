//! The admin pages as the server sends them, over a fake control plane.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod fake;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    response::IntoResponse,
};
use tower::ServiceExt;

const PAGES: &[(&str, &str)] = &[
    ("/admin", "1 thing is wrong"),
    ("/admin/nodes", "could not find bridge docker0"),
    (
        "/admin/nodes",
        "VMs reach its host and the private networks there: nft is not installed. Install",
    ),
    (
        "/admin/nodes/node-1/remove",
        "Remove node-1 and lose 4 VMs?",
    ),
    ("/admin/users", "carl"),
    ("/admin/users", "Add a user"),
    ("/admin/users/ann", "Reset password"),
    ("/admin/vms", "lab-7"),
    ("/admin/images", "minicloud/debian"),
    ("/admin/logs", "round robin: node-"),
    ("/admin/events", "ann opened a shell of web1"),
];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn cookies(&self) -> String {
        let cookies = self.headers.get_all(header::SET_COOKIE).iter();
        cookies
            .filter_map(|cookie| cookie.to_str().ok())
            .collect::<Vec<_>>()
            .join("\n")
    }

    async fn read(response: impl IntoResponse) -> Self {
        let (parts, body) = response.into_response().into_parts();
        let body = to_bytes(body, 4 << 20).await.unwrap();
        let body = String::from_utf8(body.into()).unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

/// Opens a page; `cookies` says who asks.
async fn get(path: &str, cookies: &str) -> Answer {
    let request = Request::get(path)
        .header(header::COOKIE, cookies)
        .header(header::ACCEPT, "text/html");
    let request = request.body(Body::empty()).unwrap();
    Answer::read(
        fake::router(fake::World::new())
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await
}

/// Sends a form to a server function, from `page`.
async fn post(call: &str, form: &str, page: &str, accept: &str) -> Answer {
    let request = Request::post(format!("/api/{call}"))
        .header(header::COOKIE, "as=admin")
        .header(header::ACCEPT, accept)
        .header(header::REFERER, format!("http://localhost{page}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    Answer::read(
        fake::router(fake::World::new())
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await
}

/// An id of one of the fake world's VMs.
async fn vm_id() -> String {
    let list = get("/admin/vms?text=web1", "as=admin").await.body;
    let start = list.find("/admin/vms/").unwrap() + "/admin/vms/".len();
    list[start..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_is_whole_without_script_for_an_admin() {
    for (path, words) in PAGES {
        let page = get(path, "as=admin").await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains(words), "{path} lacks {words:?}");
        assert_eq!(
            page.body.matches("<h1").count(),
            1,
            "{path} has one heading"
        );
        assert!(
            page.body.contains(r#"aria-label="Admin""#),
            "{path} has the tabs"
        );
        assert!(
            !page.body.contains(" style="),
            "{path} has a style attribute"
        );
    }
}

#[tokio::test]
async fn for_a_member_an_admin_page_is_as_one_that_does_not_exist() {
    let nothing = get("/no-such-page", "as=ann").await;
    for (path, words) in PAGES {
        let page = get(path, "as=ann").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.body.contains(words), "{path}");
        let heading = "There is nothing here";
        assert!(
            page.body.contains(heading) && nothing.body.contains(heading),
            "{path}"
        );
        assert!(
            !page.body.contains(r#"aria-label="Admin""#),
            "{path} has the tabs"
        );
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let page = get("/admin/nodes", "").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.header(header::LOCATION), "/login?next=/admin/nodes");
}

#[tokio::test]
async fn what_does_not_exist_is_404_for_an_admin_too() {
    for path in [
        "/admin/users/nobody",
        "/admin/vms/none",
        "/admin/nodes/none/remove",
        "/admin/vms/none/delete",
    ] {
        assert_eq!(
            get(path, "as=admin").await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_logged_stays_text() {
    let page = get("/admin/logs", "as=admin").await.body;
    assert!(page.contains("no such user &lt;b&gt;here&lt;/b&gt;"));
    assert!(!page.contains("<b>here</b>"));
}

#[tokio::test]
async fn a_filter_in_the_address_is_applied_and_shown() {
    let page = get("/admin/vms?text=web1&state=running&node=node-1", "as=admin")
        .await
        .body;
    let table = page
        .split("<table")
        .nth(1)
        .unwrap()
        .split("</table>")
        .next()
        .unwrap();
    assert!(table.contains("web1") && !table.contains("lab-7"));
    assert!(page.contains("2 of 7 VMs"));
    assert!(page.contains(r#"value="web1""#));
    assert!(page.contains(r#"<option value="running" selected"#));
    let none = get("/admin/vms?text=nothing", "as=admin").await.body;
    assert!(none.contains("None of 7 VMs matches."));
    let logs = get("/admin/logs?source=node-1&level=info&text=took", "as=admin")
        .await
        .body;
    assert!(logs.contains(">node-1</b>") && !logs.contains(">balancer</b>"));
}

#[tokio::test]
async fn removing_a_node_with_vms_names_them_and_asks_for_its_name() {
    let page = get("/admin/nodes/node-2/remove", "as=admin").await.body;
    assert!(page.contains("lose 2 VMs") && page.contains("lab-7") && page.contains("mirror"));
    assert!(page.contains(r#"name="confirm""#));
}

#[tokio::test]
async fn each_count_of_the_overview_shows_and_tells_its_last_hour() {
    let page = get("/admin", "as=admin").await.body;
    let begin = page.find(r#"aria-label="Counts""#).unwrap();
    let counts = page[begin..].split("</section>").next().unwrap();
    for words in [
        "VMs over the last hour: from 3 to 7, at most 9",
        "Nodes over the last hour: steady at 2",
        "Users over the last hour: steady at 3",
        "Shells over the last hour: from 0 to 2, at most 3",
        "Sign-ins over the last hour: steady at 4",
    ] {
        assert!(counts.contains(words), "{words:?} is not in {counts}");
    }
    let lines: Vec<&str> = counts.split(r#"class="sparkline""#).skip(1).collect();
    assert_eq!(lines.len(), 5, "{counts}");
    for line in lines {
        let path = line.split('"').find(|part| part.starts_with('M'));
        assert_eq!(path.unwrap().matches('M').count(), 24, "{line}");
    }
}

#[tokio::test]
async fn another_users_vm_says_that_its_owner_sees_who_opens_a_shell() {
    let page = get(&format!("/admin/vms/{}", vm_id().await), "as=admin").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body
            .contains("ann sees it in the events of the VM when you open or join a shell.")
    );
    assert!(page.body.contains("ann started web1"), "its events");
}

#[tokio::test]
async fn a_vms_events_are_its_own_and_not_those_of_anothers_vm_of_its_name() {
    let list = get("/admin/vms?text=carl", "as=admin").await.body;
    let id = list
        .split("/admin/vms/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let page = get(&format!("/admin/vms/{id}"), "as=admin").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(r#"<h1 class="code">web1"#));
    assert!(!page.body.contains("ann started web1"));
}

#[tokio::test]
async fn a_plain_forms_one_time_password_is_shown_once_and_never_in_an_address() {
    for (call, page) in [
        ("user_password_reset", "/admin/users/ann"),
        ("user_create", "/admin/users"),
    ] {
        let sent = post(call, "name=ann", page, "text/html").await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{call}");
        assert_eq!(sent.header(header::LOCATION), "/admin/users/ann", "{call}");
        let kept = sent.cookies();
        assert!(
            kept.contains("Path=/admin/users/ann; HttpOnly; SameSite=Strict"),
            "{kept}"
        );
        let cookie = kept.split(';').next().unwrap();
        let shown = get("/admin/users/ann", &format!("as=admin; {cookie}")).await;
        assert!(shown.body.contains("calm-otter-sails-north"), "{call}");
        assert!(
            shown.cookies().contains("once=; Max-Age=0"),
            "{}",
            shown.cookies()
        );
        let again = get("/admin/users/ann", "as=admin").await;
        assert!(!again.body.contains("calm-otter-sails-north"), "{call}");
    }
}

#[tokio::test]
async fn a_user_name_that_is_taken_comes_back_beside_its_field_where_the_browser_goes() {
    let fresh = get("/admin/users", "as=admin").await;
    assert!(!fresh.body.contains("autofocus"));
    let sent = post("user_create", "name=Bob", "/admin/users", "text/html").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let back = sent.header(header::LOCATION);
    let back = back.trim_start_matches("http://localhost").to_owned();
    let page = get(&back, "as=admin").await.body;
    let told = page.split(r#"id="field-name-error""#).nth(1).unwrap();
    let told = told.split("</p>").next().unwrap();
    assert!(told.contains("The name bob is taken."), "{told}");
    assert!(page.contains(r#"value="Bob""#) && page.contains("autofocus"));
    let program = post(
        "user_create",
        "name=bob",
        "/admin/users",
        "application/json",
    )
    .await;
    assert_eq!(program.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_form_that_another_admin_overtook_comes_back_with_what_is_set_now() {
    let page = get("/admin/users/ann", "as=admin").await.body;
    let version = r#"name="version" value="v-now""#;
    assert_eq!(page.matches(version).count(), 2, "quota and role have it");
    let figures = "name=ann&vms=77&vcpus=7&memory_mib=7777&disk_gib=77";
    for (call, fields) in [
        ("user_quota", figures),
        ("user_role", "name=ann&role=admin"),
    ] {
        let late = format!("{fields}&version=v-before");
        let sent = post(call, &late, "/admin/users/ann", "text/html").await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{call}");
        let back = sent
            .header(header::LOCATION)
            .trim_start_matches("http://localhost")
            .to_owned();
        let page = get(&back, "as=admin").await.body;
        assert_eq!(
            page.matches("Somebody else has changed ann meanwhile; nothing was saved.")
                .count(),
            1,
            "{call}"
        );
        assert_eq!(page.matches(version).count(), 2, "{call}");
        assert!(
            !page.contains(r#"value="77""#),
            "what was typed is not what is set"
        );
        assert!(
            page.contains(r#"<option value="member" selected"#),
            "{call}"
        );
        let program = post(call, &late, "/admin/users/ann", "application/json").await;
        assert_eq!(program.status, StatusCode::CONFLICT, "{call}");
        for fine in [fields.to_owned(), format!("{fields}&version=v-now")] {
            let sent = post(call, &fine, "/admin/users/ann", "application/json").await;
            assert_eq!(sent.status, StatusCode::OK, "{call} {fine}");
        }
    }
}

#[tokio::test]
async fn a_bad_quota_comes_back_beside_its_field_with_what_was_typed() {
    let form = "name=ann&vms=5&vcpus=lots&memory_mib=4096&disk_gib=20";
    let sent = post("user_quota", form, "/admin/users/ann", "text/html").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let back = sent
        .header(header::LOCATION)
        .trim_start_matches("http://localhost")
        .to_owned();
    let page = get(&back, "as=admin").await.body;
    assert!(page.contains("The number of vCPUs must be a number"));
    assert!(page.contains(r#"value="lots""#));
    let program = post("user_quota", form, "/admin/users/ann", "application/json").await;
    assert_eq!(program.status, StatusCode::UNPROCESSABLE_ENTITY);
}
