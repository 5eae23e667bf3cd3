//! The only HTTP here: calls of the JSON API, one noun a file below.

mod account;
mod catalogue;
mod event;
mod log;
mod node;
mod shell;
mod shell_share;
mod ssh_key;
mod token;
mod user;
pub mod vm;

use std::{error::Error as _, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use server_api::{
    page::{LIMIT_MAX, Page},
    problem::Problem,
};

pub use log::LogFilter;

use crate::{error::CliError, secret::Secret};

/// To a connection.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// To a whole answer. A command in a VM may take 25 s of it.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// How often something is asked again that can be asked again without harm.
const ATTEMPTS: u32 = 3;
/// The longest that the server's Retry-After is waited for.
const RETRY_AFTER_MAX_S: u64 = 10;
/// Between attempts, where the server does not say.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const USER_AGENT: &str = concat!("minicloud/", env!("CARGO_PKG_VERSION"));
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Everything but what RFC 3986 leaves alone.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A server, and who we are there.
pub struct Client {
    http: reqwest::Client,
    server: String,
    token: Option<Secret>,
}

impl Client {
    /// Connects to nothing yet.
    pub fn new(server: &str, token: Option<Secret>) -> Result<Self, CliError> {
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_DEADLINE)
            // A token is for this server and no other.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| CliError::Failed(format!("HTTP cannot be used here: {error}")))?;
        Ok(Self {
            http,
            server: server.to_owned(),
            token,
        })
    }

    /// The server's address, without a slash at its end.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The secret that signs requests in.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let answer = self.get_whole(path).await?;
        self.read(answer).await
    }

    /// The same with the headers.
    async fn get_whole(&self, path: &str) -> Result<Response, CliError> {
        self.again(|| self.request(Method::GET, path).timeout(ANSWER_DEADLINE))
            .await
    }

    /// All items of a list, page after page; at most `max` of them.
    async fn list<T: DeserializeOwned>(&self, path: &str, max: usize) -> Result<Vec<T>, CliError> {
        let mut items: Vec<T> = Vec::new();
        let mut cursor = String::new();
        loop {
            let limit = LIMIT_MAX.min(u32::try_from(max - items.len()).unwrap_or(LIMIT_MAX));
            let page: Page<T> = self.get(&format!("{path}?limit={limit}{cursor}")).await?;
            items.extend(page.items);
            match page.next {
                Some(next) if items.len() < max => cursor = format!("&cursor={}", segment(&next)),
                _ => return Ok(items),
            }
        }
    }

    /// Makes something. The key lets it be asked again without making two.
    async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, CliError> {
        let key = random_hex()?;
        let answer = self
            .again(|| {
                let request = self
                    .request(Method::POST, path)
                    .timeout(ANSWER_DEADLINE)
                    .header(IDEMPOTENCY_KEY, &key);
                with_body(request, body)
            })
            .await?;
        self.read(answer).await
    }

    /// Asks for a change, once.
    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, CliError> {
        let request = self.request(method, path).timeout(ANSWER_DEADLINE);
        let answer = self.send(with_body(request, body)).await?;
        self.read(answer).await
    }

    /// Asks for something to be removed; what the answer holds is of no interest.
    async fn delete(&self, path: &str) -> Result<(), CliError> {
        let request = self.request(Method::DELETE, path).timeout(ANSWER_DEADLINE);
        self.send(request).await?;
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.server));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// Sends, and again when the connection was lost or the server asked for patience.
    async fn again(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, CliError> {
        let mut attempt = 1;
        loop {
            let sent = request().send().await;
            let pause = pause(&sent).filter(|_| attempt < ATTEMPTS);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return self.check(sent).await,
            }
            attempt += 1;
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, CliError> {
        self.check(request.send().await).await
    }

    async fn check(&self, sent: reqwest::Result<Response>) -> Result<Response, CliError> {
        let answer = sent.map_err(|error| self.lost(&error))?;
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(CliError::Api(Box::new(problem(answer).await))),
        }
    }

    async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T, CliError> {
        let bytes = answer.bytes().await.map_err(|error| self.lost(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| CliError::Garbled {
            server: self.server.clone(),
            reason: error.to_string(),
        })
    }

    fn lost(&self, error: &reqwest::Error) -> CliError {
        let server = self.server.clone();
        if error.is_timeout() && !error.is_connect() {
            return CliError::TimedOut { server };
        }
        CliError::Unreachable {
            server,
            reason: deepest(error),
        }
    }
}

/// An address as it was typed, made whole: `cloud.example` means https, a loopback name http.
pub fn server_url(typed: &str) -> Result<String, CliError> {
    let typed = typed.trim().trim_end_matches('/');
    let whole = match typed.contains("://") {
        true => typed.to_owned(),
        false if is_loopback(typed) => format!("http://{typed}"),
        false => format!("https://{typed}"),
    };
    let url = reqwest::Url::parse(&whole).ok();
    let good = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
    });
    match good {
        true => Ok(whole),
        false => Err(CliError::Usage(format!(
            "{typed} is no address of a MiniCloud. It looks like https://cloud.example or http://127.0.0.1:5555"
        ))),
    }
}

/// True for what never leaves this machine.
pub fn is_loopback(server: &str) -> bool {
    let whole = match server.contains("://") {
        true => server.to_owned(),
        false => format!("http://{server}"),
    };
    let url = reqwest::Url::parse(&whole).ok();
    url.as_ref()
        .and_then(|url| url.host_str())
        .is_some_and(|host| {
            let number = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            host == "localhost" || number.is_ok_and(|address| address.is_loopback())
        })
}

/// A part of a path.
fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// 128 random bits.
fn random_hex() -> Result<String, CliError> {
    let bytes = random_bytes::<16>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bytes that nobody can guess.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], CliError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| CliError::Failed(format!("there is no randomness here: {error}")))?;
    Ok(bytes)
}

fn with_body(request: RequestBuilder, body: Option<&impl Serialize>) -> RequestBuilder {
    match body {
        Some(body) => request.json(body),
        None => request,
    }
}

/// How long to wait before asking once more; None when that would not help.
fn pause(sent: &reqwest::Result<Response>) -> Option<Duration> {
    match sent {
        // A server that is not there is told at once.
        Err(error) => (!error.is_connect() && !error.is_timeout()).then_some(RETRY_PAUSE),
        Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => {
            let said = answer.headers().get(header::RETRY_AFTER)?;
            let seconds: u64 = said.to_str().ok()?.parse().ok()?;
            (seconds <= RETRY_AFTER_MAX_S).then(|| Duration::from_secs(seconds))
        }
        Ok(_) => None,
    }
}

/// What the server says is wrong; whatever stands between may not speak problem+json.
async fn problem(answer: Response) -> Problem {
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_else(|_| Problem {
        code: "http".into(),
        title: status.canonical_reason().unwrap_or_default().into(),
        status: status.as_u16(),
        detail: foreign_detail(status, &text),
        field: None,
        request_id: None,
    })
}

/// A plain sentence is passed on; a page is not.
fn foreign_detail(status: StatusCode, text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.is_empty() || line.starts_with('<') || line.len() > 300 {
        true => format!("the server answered {status} and no reason"),
        false => format!("{line} ({status})"),
    }
}

/// The last cause of an error is the one that says something.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut words = error.to_string();
    while let Some(deeper) = cause {
        words = deeper.to_string();
        cause = deeper.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_made_whole_and_a_wrong_one_refused() {
        let good = |typed| server_url(typed).unwrap();
        assert_eq!(good("cloud.example"), "https://cloud.example");
        assert_eq!(good("127.0.0.1:5555/"), "http://127.0.0.1:5555");
        assert_eq!(good("http://10.0.0.2:5555"), "http://10.0.0.2:5555");
        for wrong in [
            "",
            "ftp://x",
            "https://x/path",
            "https://a@x",
            "https://x?q",
        ] {
            assert!(server_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_cannot_leave_their_part_of_the_path() {
        assert_eq!(segment("web1"), "web1");
        assert_eq!(segment("../a?b#c"), "..%2Fa%3Fb%23c");
    }
}
