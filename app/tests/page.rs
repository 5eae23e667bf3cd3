//! Pages drawn whole on the server, for everybody who may ask, and forms without script.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod fake;

use app::model::{VmProgress, VmState};
use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    location: String,
    policy: String,
    cookies: String,
    body: String,
}

async fn answer(request: Request<Body>) -> Answer {
    answer_of(fake::World::new(), request).await
}

async fn answer_of(world: fake::World, request: Request<Body>) -> Answer {
    let response: Response<Body> = fake::router(world).oneshot(request).await.unwrap();
    let header = |name| {
        let value = response.headers().get(name);
        value
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    let (location, cookies) = (header(header::LOCATION), header(header::SET_COOKIE));
    let policy = header(header::CONTENT_SECURITY_POLICY);
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    Answer {
        status,
        location,
        policy,
        cookies,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Opens a page as a browser does; `who` is nobody when empty.
async fn open(who: &str, path: &str) -> Answer {
    let request = Request::get(path).header(header::ACCEPT, "text/html,*/*");
    answer(as_who(request, who).body(Body::empty()).unwrap()).await
}

/// Sends a plain form, as a browser without script does.
async fn send(who: &str, from: &str, to: &str, form: &str) -> Answer {
    let request = Request::post(to)
        .header(header::ACCEPT, "text/html,*/*")
        .header(header::REFERER, format!("http://localhost:5555{from}"));
    answer(with_form(as_who(request, who), form)).await
}

/// Calls a server function as a program does.
async fn call(who: &str, to: &str, form: &str) -> Answer {
    let request = Request::post(to).header(header::ACCEPT, "application/json");
    answer(with_form(as_who(request, who), form)).await
}

fn as_who(request: axum::http::request::Builder, who: &str) -> axum::http::request::Builder {
    match who {
        "" => request,
        who => request.header(header::COOKIE, format!("as={who}")),
    }
}

fn with_form(request: axum::http::request::Builder, form: &str) -> Request<Body> {
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(form.to_owned())).unwrap()
}

/// The page a failed form leads back to.
async fn back(who: &str, sent: &Answer) -> Answer {
    open(
        who,
        sent.location.strip_prefix("http://localhost:5555").unwrap(),
    )
    .await
}

/// The text of the element with this id.
fn text_of(page: &str, id: &str) -> String {
    let start = page
        .find(&format!("id=\"{id}\""))
        .unwrap_or_else(|| panic!("no #{id} in {page}"));
    let element = &page[start..];
    let text = &element[element.find('>').unwrap() + 1..element.find("</").unwrap()];
    text.replace("<!>", "")
}

/// The value that the select with this id has chosen.
fn chosen<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("id=\"{id}\"")).unwrap();
    let (select, _) = page[start..].split_once("</select>").unwrap();
    let mut options = select.split("<option").skip(1);
    let option = options.find(|option| option.contains(" selected"));
    option.expect("a chosen one").split('"').nth(1).unwrap()
}

const MEMBER_PAGES: [&str; 10] = [
    "/",
    "/vms/new",
    "/vms/web1",
    "/vms/web1/delete",
    "/shell/web1",
    "/invitations/open",
    "/shared/0197c1d4-6a3e-7c31-9f52-0000000grant",
    "/account",
    "/account/password",
    "/logout",
];

const ADMIN_PAGES: [&str; 11] = [
    "/admin",
    "/admin/nodes",
    "/admin/nodes/node-1/remove",
    "/admin/users",
    "/admin/users/ann",
    "/admin/vms",
    "/admin/vms/0197c1d4-6a3e-7c31-9f52-00000annweb1",
    "/admin/vms/0197c1d4-6a3e-7c31-9f52-00000annweb1/delete",
    "/admin/logs",
    "/admin/events",
    "/admin/images",
];

#[tokio::test]
async fn a_member_gets_each_page_whole() {
    for page in MEMBER_PAGES {
        let answer = open("ann", page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        assert!(
            answer.body.contains("<h1") || page.starts_with("/sh") || page.ends_with("delete"),
            "{page}"
        );
        assert!(!answer.body.contains("skeleton"), "{page} is not whole");
    }
}

#[tokio::test]
async fn an_admin_gets_each_admin_page_whole() {
    for page in ADMIN_PAGES {
        let answer = open("admin", page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        assert!(!answer.body.contains("skeleton"), "{page} is not whole");
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_sign_in_and_back() {
    for page in MEMBER_PAGES.iter().chain(&ADMIN_PAGES) {
        let answer = open("", page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
        assert!(
            answer.location.starts_with("/login"),
            "{page} led to {}",
            answer.location
        );
    }
    assert_eq!(
        open("", "/vms/web1").await.location,
        "/login?next=/vms/web1"
    );
}

#[tokio::test]
async fn where_one_wanted_to_go_is_kept_from_one_way_in_to_the_other() {
    for (page, other) in [("/login", "/register"), ("/register", "/login")] {
        let body = open("", &format!("{page}?next=/vms/web1")).await.body;
        let link = format!("href=\"{other}?next=/vms/web1\"");
        for kept in [link.as_str(), "value=\"/vms/web1\""] {
            assert!(body.contains(kept), "{page}: {kept}: {body}");
        }
        let plain = open("", page).await.body;
        assert!(plain.contains(&format!("href=\"{other}\"")), "{plain}");
    }
}

#[tokio::test]
async fn the_ways_in_are_open_to_who_is_not_signed_in_alone() {
    for page in ["/login", "/register"] {
        assert_eq!(open("", page).await.status, StatusCode::OK);
        assert_eq!(open("ann", page).await.location, "/");
        assert_eq!(open("admin", page).await.location, "/admin");
    }
}

#[tokio::test]
async fn who_must_change_the_password_is_led_to_it_from_everywhere() {
    for page in [
        "/",
        "/vms/new",
        "/account",
        "/admin",
        "/admin/logs",
        "/login",
    ] {
        assert_eq!(
            open("fresh", page).await.location,
            "/account/password",
            "{page}"
        );
    }
    assert_eq!(
        open("fresh", "/account/password").await.status,
        StatusCode::OK
    );
}

/// What differs between two answers that must not: nonces, and the name that was asked for.
fn masked(answer: &Answer, path: &str) -> String {
    let nonce = answer
        .policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    let name = path.rsplit('/').next().unwrap();
    answer.body.replace(nonce, "NONCE").replace(name, "NAME")
}

#[tokio::test]
async fn for_a_member_an_admin_page_is_like_an_address_that_does_not_exist() {
    let unknown = open("ann", "/no-such-page").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for page in ADMIN_PAGES {
        let answer = open("ann", page).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        assert!(answer.body.contains("There is nothing here"), "{page}");
        assert!(!answer.body.contains("node-2"), "{page} tells something");
    }
}

#[tokio::test]
async fn anothers_vm_is_like_one_that_does_not_exist() {
    for (page, theirs, unknown) in [
        ("VM", "/vms/theirs", "/vms/absent"),
        ("shell", "/shell/theirs", "/shell/absent"),
    ] {
        let (a, b) = (open("bob", theirs).await, open("bob", unknown).await);
        assert_eq!(a.status, StatusCode::NOT_FOUND, "{page}");
        assert_eq!(masked(&a, theirs), masked(&b, unknown), "{page}");
    }
    assert_eq!(open("bob", "/vms/web1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_runs_but_what_the_server_sent() {
    let answer = open("ann", "/").await;
    assert!(
        answer.policy.contains("default-src 'none'"),
        "{}",
        answer.policy
    );
    assert!(
        answer.policy.contains("'wasm-unsafe-eval'") && !answer.policy.contains("'unsafe-inline'")
    );
    assert!(
        !answer.body.contains(" style=\""),
        "a style attribute would be refused"
    );
    for script in answer.body.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains("nonce="), "a script without nonce: {tag}");
    }
}

#[tokio::test]
async fn what_people_type_is_shown_as_text() {
    let sent = send("", "/login", "/api/login", "name=%3Cscript%3Ex&password=y").await;
    let page = back("", &sent).await;
    assert!(!page.body.contains("<script>x"));
    assert!(
        page.body.contains("value=\"&lt;script"),
        "the typed name is kept"
    );
}

#[tokio::test]
async fn a_failed_form_comes_back_with_its_message_beside_the_field() {
    let sent = send("", "/login", "/api/login", "name=ann&password=wrong").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let page = back("", &sent).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        text_of(&page.body, "field-password-error"),
        "User name and password do not match. Check both and try again."
    );
    assert!(
        page.body.contains("value=\"ann\""),
        "the typed name is kept"
    );
    assert!(!page.location.contains("wrong") && !page.body.contains("value=\"wrong\""));
}

#[tokio::test]
async fn a_second_failure_speaks_for_itself() {
    let first = send(
        "",
        "/register",
        "/api/account_create",
        "name=zoe&password=short&invite=x",
    )
    .await;
    let page = back("", &first).await;
    assert!(text_of(&page.body, "field-password-error").contains("shorter than 10"));
    let from = first
        .location
        .strip_prefix("http://localhost:5555")
        .unwrap();
    let form = "name=ann&password=long-enough-words&invite=x";
    let second = send("", from, "/api/account_create", form).await;
    let page = back("", &second).await;
    assert!(text_of(&page.body, "field-name-error").contains("ann is taken"));
    assert_eq!(text_of(&page.body, "field-password-error"), "");
}

#[tokio::test]
async fn a_failure_of_no_field_is_told_on_the_page() {
    let sent = send("ann", "/", "/api/vm_retry", "name=big").await;
    let page = back("ann", &sent).await;
    let alert = page.body.split("role=\"alert\"").nth(1).expect("an alert");
    assert!(
        alert.contains("big could not start: no node has 2 GiB free"),
        "{alert}"
    );
}

#[tokio::test]
async fn what_was_chosen_is_chosen_still_when_a_form_comes_back() {
    let form = "name=+&scopes=read&days=";
    let sent = send("ann", "/account", "/api/token_create", form).await;
    let page = back("ann", &sent).await.body;
    assert!(text_of(&page, "field-name-error").contains("needs a name"));
    assert_eq!(chosen(&page, "field-scopes"), "read");
    assert_eq!(chosen(&page, "field-days"), "", "no end, and not 90 days");
    let fresh = open("ann", "/account").await.body;
    assert_eq!(chosen(&fresh, "field-days"), "90");
}

#[tokio::test]
async fn a_row_that_failed_is_told_of_once_and_one_that_is_gone_as_done() {
    let lists = [
        (
            "/account",
            "login_session_delete",
            "That browser was signed out already.",
        ),
        (
            "/account",
            "token_delete",
            "That token was revoked already.",
        ),
        (
            "/account",
            "ssh_key_delete",
            "That key was removed already.",
        ),
        ("/vms/web1", "shell_close", "That shell has ended already."),
        (
            "/",
            "shell_grant_delete",
            "That shell is not shared with you any more.",
        ),
    ];
    for (from, call, gone) in lists {
        for (id, words) in [("gone", gone), ("away", "It does not answer now.")] {
            let sent = send("ann", from, &format!("/api/{call}"), &format!("id={id}")).await;
            let page = back("ann", &sent).await;
            assert_eq!(page.body.matches(words).count(), 1, "{call} {id}");
            assert!(!page.body.contains("no thing named"), "{call} {id}");
        }
    }
}

#[tokio::test]
async fn a_form_that_succeeds_leads_on() {
    let landings = [
        (
            "",
            "/login?next=/vms/web1",
            "/api/login",
            "name=ann&password=x&next=/vms/web1",
            "/vms/web1",
        ),
        (
            "",
            "/login",
            "/api/login",
            "name=ann&password=x&next=//evil.example",
            "/",
        ),
        (
            "",
            "/login",
            "/api/login",
            "name=admin&password=x&next=",
            "/admin",
        ),
        (
            "",
            "/register?next=/invitations/open",
            "/api/account_create",
            "name=zoe&password=long-enough-words&invite=x&next=/invitations/open",
            "/invitations/open",
        ),
        (
            "",
            "/register",
            "/api/account_create",
            "name=zoe&password=long-enough-words&invite=x&next=//evil.example",
            "/",
        ),
        ("ann", "/", "/api/logout", "", "/login?done=logout"),
        (
            "ann",
            "/vms/new",
            "/api/vm_create",
            "name=new&flavor=small&image=alpine",
            "/",
        ),
        (
            "ann",
            "/vms/new",
            "/api/vm_create",
            "name=new2&flavor=small&image=debian&ssh_publish=true",
            "/",
        ),
        ("ann", "/vms/db/delete", "/api/vm_delete", "name=db", "/"),
        (
            "ann",
            "/account",
            "/api/account_delete",
            "confirm=YES",
            "/login?done=account",
        ),
        (
            "fresh",
            "/account/password",
            "/api/password_change",
            "current=x&new=y",
            "/admin",
        ),
        (
            "ann",
            "/account/password",
            "/api/password_change",
            "current=x&new=y",
            "/account?done=password",
        ),
        (
            "ann",
            "/vms/web1",
            "/api/vm_stop",
            "name=web1",
            "http://localhost:5555/vms/web1",
        ),
    ];
    for (who, from, to, form, landing) in landings {
        let sent = send(who, from, to, form).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{to}");
        assert_eq!(sent.location, landing, "{to}");
    }
}

#[tokio::test]
async fn a_program_gets_the_true_status_and_the_error_as_json() {
    let cases = [
        (
            "ann",
            "/api/vm_stop",
            "name=absent",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            "ann",
            "/api/vm_create",
            "name=Big&flavor=s&image=a",
            StatusCode::UNPROCESSABLE_ENTITY,
            "vm_name",
        ),
        (
            "ann",
            "/api/vm_create",
            "name=web1&flavor=s&image=a",
            StatusCode::CONFLICT,
            "vm_name_taken",
        ),
        (
            "ann",
            "/api/vm_create",
            "name=web5&flavor=s&image=alpine&ssh_publish=true",
            StatusCode::UNPROCESSABLE_ENTITY,
            "image_without_ssh",
        ),
        (
            "ann",
            "/api/vm_create",
            "nonsense=1",
            StatusCode::UNPROCESSABLE_ENTITY,
            "malformed",
        ),
        (
            "",
            "/api/vm_stop",
            "name=web1",
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
        ),
        (
            "",
            "/api/login",
            "name=ann&password=wrong",
            StatusCode::UNAUTHORIZED,
            "wrong_password",
        ),
        (
            "ann",
            "/api/node_cordon",
            "name=node-1&cordoned=true",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
    ];
    for (who, to, form, status, code) in cases {
        let answer = call(who, to, form).await;
        assert_eq!(answer.status, status, "{to} {form}: {}", answer.body);
        assert!(
            answer.body.contains(&format!("\"code\":\"{code}\"")),
            "{to}: {}",
            answer.body
        );
        assert_eq!(answer.location, "", "{to}: a program is not sent anywhere");
    }
}

#[tokio::test]
async fn a_body_too_large_is_refused_before_it_is_read_whole() {
    let answer = call("ann", "/api/vm_create", &"x".repeat(70_000)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_plain_form_too_large_comes_back_to_its_page_which_says_so() {
    let form = format!("name={}", "x".repeat(70_000));
    let sent = send("ann", "/vms/new", "/api/vm_create", &form).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let page = back("ann", &sent).await;
    assert_eq!(page.status, StatusCode::OK);
    let alert = page.body.split("role=\"alert\"").nth(1).expect("an alert");
    assert!(alert.contains("larger than 64 KiB"), "{alert}");
    // What has no page to go back to is told by its status.
    let form = Request::post("/api/vm_create").header(header::ACCEPT, "text/html");
    let form = with_form(as_who(form, "ann"), &"x".repeat(70_000));
    assert_eq!(answer(form).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn opening_the_sign_out_page_signs_nobody_out() {
    let page = open("ann", "/logout").await;
    assert_eq!(page.cookies, "");
    assert!(page.body.contains("action=\"/api/logout\""));
    let get = open("ann", "/api/logout").await;
    assert_eq!(get.cookies, "", "a GET of the server function does nothing");
}

#[tokio::test]
async fn the_chosen_theme_is_in_the_document_before_any_script() {
    let request = Request::get("/login").header(header::COOKIE, "theme=dark");
    let page = answer(request.body(Body::empty()).unwrap()).await;
    assert!(page.body.contains("data-theme=\"dark\""));
    let set = send("", "/login", "/api/theme_set", "theme=light").await;
    assert!(set.cookies.starts_with("theme=light"), "{}", set.cookies);
}

#[tokio::test]
async fn a_new_shell_gets_an_address_to_come_back_to() {
    let answer = open("ann", "/shell/web1?new=1").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer.location.starts_with("/shell/web1?shell="),
        "{}",
        answer.location
    );
    let page = open("ann", &answer.location).await;
    assert!(page.body.contains("<mc-terminal"), "{}", page.body);
    assert!(page.body.contains("/pkg/mc-terminal.js"));
    assert!(!open("ann", "/vms/web1").await.body.contains("mc-terminal"));
}

#[tokio::test]
async fn the_terminal_is_loaded_where_a_shell_is_shown_and_nowhere_else() {
    let members = MEMBER_PAGES.iter().map(|page| ("ann", *page));
    let admins = ADMIN_PAGES.iter().map(|page| ("admin", *page));
    for (who, path) in members.chain(admins) {
        let body = open(who, path).await.body;
        if path.starts_with("/sh") {
            assert!(body.contains("/pkg/mc-terminal.js"), "{path}: {body}");
        } else {
            assert!(!body.contains("mc-terminal"), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn a_stopped_vms_shell_page_offers_to_start_it() {
    let page = open("ann", "/shell/db").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("db is not running") && page.body.contains("Start db"));
}

#[tokio::test]
async fn a_shell_that_has_ended_is_followed_by_a_new_one_and_not_by_a_start() {
    let admins = "/admin/vms/0197c1d4-6a3e-7c31-9f52-00000annweb1/shell";
    for (who, address) in [("ann", "/shell/web1"), ("admin", admins)] {
        let page = open(who, &format!("{address}?shell=ended")).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        let new = format!("href=\"{address}?new=1\"");
        for words in ["This shell has ended", new.as_str(), "Details"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert!(!page.body.contains("vm-start-form"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_start_is_offered_only_where_it_helps_to_a_shell() {
    let page = open("ann", "/shell/mirror").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("mirror cannot be reached now"));
    assert!(page.body.contains("href=\"/vms/mirror\""), "{}", page.body);
    assert!(!page.body.contains("vm-start-form"), "{}", page.body);
}

#[tokio::test]
async fn every_state_of_a_vm_is_told_in_words() {
    let page = open("ann", "/").await.body;
    for words in [
        "Running",
        "Creating",
        "Pulling image",
        "Stopped",
        "Failed",
        "no node has",
        "Unknown",
    ] {
        assert!(
            page.to_lowercase().contains(&words.to_lowercase()),
            "{words}"
        );
    }
    assert!(open("bob", "/").await.body.contains("No VMs yet"));
}

/// The row of a VM on the first page.
fn row_of(page: &str, vm: &str) -> String {
    let link = format!("href=\"/vms/{vm}\"");
    let mut rows = page.split("class=\"vm-row\"").skip(1);
    let row = rows.find(|row| row.contains(&link));
    let row = row.unwrap_or_else(|| panic!("no row of {vm} in {page}"));
    row.split("</li>").next().unwrap().replace("<!>", "")
}

#[tokio::test]
async fn a_row_tells_why_a_vm_is_as_it_is_and_what_to_mind() {
    let world = fake::World::new();
    world.change("sandbox", |vm| {
        vm.state = VmState::Starting;
        vm.progress = Some(VmProgress {
            percent: None,
            words: "Starting".into(),
        });
    });
    let told = [
        (
            "web1",
            "up ",
            "It uses 2.4 GiB of its disk of 2 GiB: delete files that you do not need.",
        ),
        (
            "db",
            "stopped ",
            "Stopped VMs are kept for 30 days: start it within 5 days to keep it.",
        ),
        (
            "lab-7",
            "Pulling image",
            "node-2: the engine does not answer. It is tried again.",
        ),
        (
            "sandbox",
            "Starting",
            "It ran out of memory and starts again (restart 2 of 3).",
        ),
    ];
    for (name, _, reason) in told {
        world.change(name, |vm| vm.reason = Some(reason.to_owned()));
    }
    let request = as_who(Request::get("/"), "ann").header(header::ACCEPT, "text/html,*/*");
    let page = answer_of(world, request.body(Body::empty()).unwrap()).await;
    for (name, phase, reason) in told {
        let row = row_of(&page.body, name);
        assert!(row.contains(phase), "{name}: {row}");
        assert!(row.contains(&format!(">{reason}</span>")), "{name}: {row}");
    }
    let row = row_of(&page.body, "sandbox");
    assert!(
        !row.contains("<progress"),
        "nothing goes on while it waits: {row}"
    );
}

#[tokio::test]
async fn the_menu_of_a_vm_copies_its_ssh_command_where_there_is_script() {
    for page in ["/", "/vms/web1"] {
        let body = open("ann", page).await.body;
        let mut items = body.split("class=\"menu-item script-only\"").skip(1);
        let item = items.next().unwrap_or_else(|| panic!("{page}: {body}"));
        assert!(item.contains("Copy SSH command"), "{page}: {item}");
    }
}

#[tokio::test]
async fn an_invitation_is_looked_at_and_accepted_by_a_form() {
    let page = open("ann", "/invitations/open").await.body;
    for words in [
        "bob invites you to watch a shell",
        "lab",
        "Accept",
        "Not now",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("action=\"/api/shell_grant_create\""),
        "{page}"
    );
    let own = open("bob", "/invitations/open").await.body;
    assert!(own.contains("This is your own invitation"), "{own}");
    let closed = open("ann", "/invitations/used").await;
    assert_eq!(closed.status, StatusCode::NOT_FOUND);
    assert!(closed.body.contains("not open any more"), "{}", closed.body);
    let to = open("", "/invitations/open").await.location;
    assert_eq!(to, "/login?next=/invitations/open");
}

#[tokio::test]
async fn a_shell_that_is_shared_stands_on_the_first_page_and_offers_nothing_of_its_owners() {
    let page = open("ann", "/").await.body;
    assert!(page.contains("Shared with you"), "{page}");
    assert!(!open("bob", "/").await.body.contains("Shared with you"));
    let grant = "/shared/0197c1d4-6a3e-7c31-9f52-0000000grant";
    assert!(page.contains(grant), "{page}");
    let shell = open("ann", grant).await.body;
    assert!(
        shell.contains("guest-of=\"bob\"") && shell.contains("watch"),
        "{shell}"
    );
    assert!(
        !shell.contains("New shell") && !shell.contains("vm-start-form"),
        "{shell}"
    );
    assert_eq!(open("bob", grant).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_admin_who_was_invited_to_watch_is_told_so_on_the_admins_page() {
    let page = "/admin/vms/0197c1d4-6a3e-7c31-9f52-00000annweb1/shell";
    let told = "You were invited to watch this shell";
    let shell = open("admin", page).await.body;
    assert!(!shell.contains(told), "{shell}");
    let shell = open("admin", &format!("{page}?shell=invited")).await.body;
    assert!(
        shell.contains(told) && shell.contains(" watch=\"\""),
        "{shell}"
    );
}

#[tokio::test]
async fn a_page_asks_for_each_thing_once() {
    let pages: [(&str, &[&str]); 7] = [
        ("/", &["shell_shared_list", "viewer", "vm_list"]),
        ("/invitations/open", &["shell_invitation_get", "viewer"]),
        ("/vms/new", &["viewer", "vm_offer"]),
        ("/vms/web1", &["viewer", "vm_event_list", "vm_get"]),
        ("/vms/web1/delete", &["viewer", "vm_get"]),
        ("/account", &["login_session_list", "token_list", "viewer"]),
        // Above all this: it would open several shells.
        ("/shell/web1?new=1", &["shell_open", "viewer"]),
    ];
    for (page, expected) in pages {
        let world = fake::World::new();
        let request = as_who(Request::get(page), "ann").header(header::ACCEPT, "text/html");
        answer_of(world.clone(), request.body(Body::empty()).unwrap()).await;
        let mut asked = world.asked();
        asked.sort_unstable();
        assert_eq!(asked, expected, "{page}");
    }
}

#[tokio::test]
async fn ssh_that_is_published_is_offered_asked_for_by_a_plain_form_and_its_command_shown() {
    let page = open("ann", "/vms/new").await.body;
    assert!(page.contains("Publish SSH (port 22)"), "{page}");
    let field = &page[page.find("id=\"field-ssh_publish\"").unwrap()..];
    let field = &field[..field.find('>').unwrap()];
    // Without script nobody knows which image is chosen.
    assert!(!field.contains("disabled"), "{field}");
    // Put away, until a form comes back with it chosen.
    let opened = "<details open class=\"more\"";
    assert!(page.contains("<details class=\"more\"") && !page.contains(opened));
    let form = "name=new&flavor=small&image=alpine&ssh_publish=true";
    let sent = send("ann", "/vms/new", "/api/vm_create", form).await;
    let again = back("ann", &sent).await.body;
    assert!(again.contains(opened), "{again}");
    let wrong = text_of(&again, "field-ssh_publish-error");
    assert_eq!(wrong, "The image alpine carries no SSH server.");
    let field = &again[again.find("id=\"field-ssh_publish\"").unwrap()..];
    assert!(
        field[..field.find('>').unwrap()].contains("checked"),
        "it is kept"
    );
    let shown = open("ann", "/vms/web1").await.body;
    assert!(shown.contains("ssh -p 22017 root@cloud.example"), "{shown}");
}
