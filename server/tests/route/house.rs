//! A whole server on a port of its own, over one simulated node, with six kinds of people.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use app::model::LogLevel;
use node::{
    Credential, Node, NodeConfig,
    driver::{
        Driver,
        sim::{SimConfig, SimDriver, SimEngine},
    },
};
use reqwest::{
    Client, Method,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, ORIGIN, SET_COOKIE},
};
use server::{
    config::{Config, ImageConfig},
    log::LogHub,
    secret::Secret,
    serve::Server,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CREDENTIAL: &str = "0123456789abcdef0123456789abcdef";
pub const PASSWORD: &str = "violet-kettle-harbour";
/// Its private half was thrown away.
pub const SSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIERF/2hogv7RNsw08L+0TZRm0AAHrvJXNdr7sZjvD+Vn ann@laptop";
const SSH_KEY_2: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC7MbK7RiQgEZf+Y2qdChCIJ5j1YMZwKcH7JDK/p3ylG";

/// The kinds of people who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    Anonymous,
    /// Has VMs of her own, but not Ann's.
    Bob,
    /// Was signed in when an admin disabled the account.
    Disabled,
    /// Signed in with a one-time password.
    MustChange,
    Admin,
    /// Whose VMs it is about. Last, because her calls change them.
    Ann,
}

impl Person {
    pub fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

pub const PEOPLE: [Person; 6] = [
    Person::Anonymous,
    Person::Bob,
    Person::Disabled,
    Person::MustChange,
    Person::Admin,
    Person::Ann,
];

pub struct House {
    server: Server,
    pub base: String,
    /// Where the JSON API is alone.
    pub api_base: String,
    client: Client,
    cookies: BTreeMap<Person, String>,
    /// An API token of each, with all scopes they can have.
    pub tokens: BTreeMap<Person, String>,
    /// What stands for `{…}` in paths and arguments: Ann's things.
    pub things: BTreeMap<String, String>,
    node_stop: CancellationToken,
    _data: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The stable code of a refusal, if it is one.
    pub fn code(&self) -> Option<String> {
        let error: serde_json::Value = serde_json::from_str(&self.text).ok()?;
        Some(error.get("code")?.as_str()?.to_owned())
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<&str> {
        self.headers.get("location")?.to_str().ok()
    }

    /// The whole of it.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl House {
    pub async fn new() -> Self {
        Self::over(sim_driver(), "alpine").await
    }

    /// Over another node; `image` is what the catalogue's `alpine` is made of.
    pub async fn over(driver: Arc<dyn Driver>, image: &str) -> Self {
        // The nodes' client needs it; another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(config(data.path(), image), LogHub::default())
            .await
            .unwrap();
        let (node_stop, address) = serve_node(driver).await;
        server
            .state
            .control
            .node_local_ensure("node-1", &address, CREDENTIAL)
            .await
            .unwrap();
        let base = format!("http://{}", server.listen);
        let api_base = format!("http://{}", server.api_listen.unwrap());
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.timeout(Duration::from_secs(30)).build().unwrap();
        let mut house = Self {
            server,
            base,
            api_base,
            client,
            cookies: BTreeMap::new(),
            tokens: BTreeMap::new(),
            things: BTreeMap::new(),
            node_stop,
            _data: data,
        };
        house.people_move_in().await;
        house.ann_makes_things().await;
        house
    }

    pub async fn end(self) {
        self.server.end().await;
        self.node_stop.cancel();
    }

    /// Has the server log this, as if it came from that source.
    pub fn log(&self, source: &str, level: LogLevel, message: &str) {
        let logs = &self.server.state.logs;
        logs.push(source, 0, level, message, None);
    }

    /// An answer that goes on, asked for with the person's token.
    pub async fn stream(&self, person: Person, path: &str) -> reqwest::Response {
        let address = format!("{}{path}", self.base);
        let request = self.client.get(address).bearer_auth(&self.tokens[&person]);
        request.send().await.unwrap()
    }

    /// The port of the SSH gateway.
    pub fn ssh_port(&self) -> u16 {
        self.server.ssh_listen.unwrap().port()
    }

    async fn people_move_in(&mut self) {
        for (person, name) in [
            (Person::Ann, "ann"),
            (Person::Bob, "bob"),
            (Person::Disabled, "dora"),
            (Person::MustChange, "mia"),
        ] {
            let form = [("name", name), ("password", PASSWORD)];
            let answer = self.call(Person::Anonymous, "account_create", &form).await;
            self.keep(person, &answer);
            self.token_make(person).await;
        }
        let form = [("name", "admin"), ("password", PASSWORD)];
        let answer = self.call(Person::Anonymous, "login", &form).await;
        self.keep(Person::Admin, &answer);
        self.token_make(Person::Admin).await;
        self.good(
            Person::Admin,
            "user_disable",
            &[("name", "dora"), ("disabled", "true")],
        )
        .await;
        let reset = self
            .good(Person::Admin, "user_password_reset", &[("name", "mia")])
            .await;
        let password = reset.json().as_str().unwrap().to_owned();
        let form = [("name", "mia"), ("password", password.as_str())];
        let answer = self.call(Person::Anonymous, "login", &form).await;
        self.keep(Person::MustChange, &answer);
    }

    /// Two VMs, a shell, and a second place where she is signed in.
    async fn ann_makes_things(&mut self) {
        self.node_ready().await;
        for (key, name) in [
            ("vm", "web1"),
            ("vm2", "web2"),
            ("vm3", "web5"),
            ("vm4", "web6"),
        ] {
            let form = [("name", name), ("flavor", "small"), ("image", "alpine")];
            let made = self.good(Person::Ann, "vm_create", &form).await;
            let id = made.json()["id"].as_str().unwrap().to_owned();
            self.things.insert(key.to_owned(), name.to_owned());
            self.things.insert(format!("{key}_id"), id);
            self.running(name).await;
        }
        let shell = self.shell_made().await;
        self.things.insert("shell".to_owned(), shell);
        let second = self.shell_made().await;
        self.things.insert("shell2".to_owned(), second);
        let third = self.shell_made().await;
        self.things.insert("shell3".to_owned(), third);
        let form = [("name", "ann"), ("password", PASSWORD)];
        self.call(Person::Anonymous, "login", &form).await;
        self.call(Person::Anonymous, "login", &form).await;
        let list = self
            .get_function(Person::Ann, "login_session_list", &[])
            .await
            .json();
        let sessions = find_array(&list).unwrap();
        let others = sessions
            .iter()
            .filter(|session| session["current"] == false);
        for (key, other) in ["session", "session2"].into_iter().zip(others) {
            let id = other["id"].as_str().unwrap().to_owned();
            self.things.insert(key.to_owned(), id);
        }
        for key in ["token_id", "token2_id"] {
            let made = self
                .api(Person::Ann, "POST", "/api/v1/me/tokens", r#"{"name": "t"}"#)
                .await;
            let id = made.json()["token"]["id"].as_str().unwrap().to_owned();
            self.things.insert(key.to_owned(), id);
        }
        self.ann_adds_keys().await;
    }

    /// Keys of hers to sign in with by SSH.
    async fn ann_adds_keys(&mut self) {
        for (name, key) in [("ssh_key_id", SSH_KEY), ("ssh_key2_id", SSH_KEY_2)] {
            let body = serde_json::json!({ "public_key": key }).to_string();
            let made = self
                .api(Person::Ann, "POST", "/api/v1/me/keys", &body)
                .await;
            let id = made.json()["id"].as_str().unwrap().to_owned();
            self.things.insert(name.to_owned(), id);
        }
    }

    /// A new shell of Ann's web1; its id.
    async fn shell_made(&self) -> String {
        let opened = self
            .good(
                Person::Ann,
                "shell_open",
                &[("vm", "web1"), ("new", "true")],
            )
            .await;
        find(&opened.json(), "shell").unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn node_ready(&self) {
        for _ in 0..200 {
            let list = self.get_function(Person::Admin, "node_list", &[]).await;
            if list.text.contains("\"ready\"") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the node is not ready");
    }

    async fn running(&self, name: &str) {
        for _ in 0..200 {
            let vm = self
                .get_function(Person::Ann, "vm_get", &[("name", name)])
                .await;
            if vm.text.contains("\"running\"") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} does not run");
    }

    fn keep(&mut self, person: Person, answer: &Answer) {
        let line = answer
            .headers
            .get(SET_COOKIE)
            .unwrap_or_else(|| panic!("{person:?}: {answer:?}"));
        let pair = line.to_str().unwrap().split(';').next().unwrap();
        self.cookies.insert(person, pair.to_owned());
    }

    /// Calls a server function that must work.
    async fn good(&self, person: Person, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let answer = self.call(person, endpoint, form).await;
        assert_eq!(answer.status, 200, "{endpoint}: {answer:?}");
        answer
    }

    /// Calls a server function by POST, as a program does.
    pub async fn call(&self, person: Person, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(form).unwrap();
        let request = self
            .request(person, Method::POST, &format!("/api/{endpoint}"))
            .header(ORIGIN, &self.base)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        read(request).await
    }

    /// Calls a server function by GET.
    pub async fn get_function(
        &self,
        person: Person,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let query = serde_urlencoded::to_string(form).unwrap();
        let path = format!("/api/{endpoint}?{query}");
        read(
            self.request(person, Method::GET, &path)
                .header(ACCEPT, "application/json"),
        )
        .await
    }

    /// Opens a page.
    pub async fn page(&self, person: Person, path: &str) -> Answer {
        read(
            self.request(person, Method::GET, path)
                .header(ACCEPT, "text/html"),
        )
        .await
    }

    /// Begins a WebSocket; the status says whether it was let through.
    pub async fn socket(&self, person: Person, path: &str) -> Answer {
        let request = self
            .request(person, Method::GET, path)
            .header(ORIGIN, &self.base)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = if status == 101 {
            String::new()
        } else {
            response.text().await.unwrap()
        };
        Answer {
            status,
            headers,
            text,
        }
    }

    async fn token_make(&mut self, person: Person) {
        let body = match person {
            Person::Admin => r#"{"name": "t", "scopes": ["read", "write", "admin"]}"#,
            _ => r#"{"name": "t"}"#,
        };
        let made = self.api(person, "POST", "/api/v1/me/tokens", body).await;
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        self.tokens.insert(person, secret);
    }

    /// Asks the API with the person's cookie, as a page of ours would.
    pub async fn api(&self, person: Person, method: &str, path: &str, body: &str) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self
            .request(person, method, path)
            .header(ORIGIN, &self.base);
        read(with_json(request, body)).await
    }

    /// Asks the API with these header lines, as a program does. Paths may be whole addresses.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        lines: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let address = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.base),
        };
        let mut request = self.client.request(method, address);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        read(with_json(request, body)).await
    }

    /// Asks the API with the person's token.
    pub async fn by_token(&self, person: Person, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.tokens[&person]);
        let lines = [("authorization", bearer.as_str())];
        self.ask(method, path, &lines, body).await
    }

    fn request(&self, person: Person, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match self.cookies.get(&person) {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }
}

fn with_json(request: reqwest::RequestBuilder, body: &str) -> reqwest::RequestBuilder {
    match body {
        "" => request,
        body => request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_owned()),
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

/// The value of that key, however deep.
fn find<'a>(value: &'a serde_json::Value, key: &str) -> Option<&'a serde_json::Value> {
    let fields = value.as_object()?;
    fields
        .get(key)
        .or_else(|| fields.values().find_map(|value| find(value, key)))
}

/// The first list, however deep.
fn find_array(value: &serde_json::Value) -> Option<&Vec<serde_json::Value>> {
    value
        .as_array()
        .or_else(|| value.as_object()?.values().find_map(find_array))
}

fn config(data_dir: &std::path::Path, image: &str) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        api_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ssh_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        data_dir: data_dir.to_owned(),
        node_ports: Vec::new(),
        // Not that of a MiniCloud beside this one.
        network_range: "10.96.0.0/12".into(),
        admin_password: Some(Secret::new(PASSWORD)),
        images: vec![ImageConfig {
            name: "alpine".into(),
            reference: image.into(),
            summary: "Alpine".into(),
        }],
        ..Config::default()
    }
}

fn sim_driver() -> Arc<dyn Driver> {
    let engine: Arc<SimEngine> = SimEngine::new(SimConfig::default());
    Arc::new(SimDriver::new(engine, "node-1"))
}

async fn serve_node(driver: Arc<dyn Driver>) -> (CancellationToken, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = NodeConfig {
        name: "node-1".into(),
        credential: Credential::new(CREDENTIAL).unwrap(),
    };
    let node = Node::new(config, driver);
    let stop = node.shutdown_token();
    tokio::spawn(node.serve(listener));
    (stop, address)
}
