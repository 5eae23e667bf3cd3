//! MiniCloud through its front door: the forms, the live socket and the shell socket of a browser.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use app::model::{Live, VmState, VmView};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Client, header};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// Without TLS: the address that is measured is an `http` one.
pub type Socket = WebSocketStream<TcpStream>;

const FORM: &str = "application/x-www-form-urlencoded";
/// How long anything waited for may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Kinds of docs/shell-protocol.md.
const OUTPUT: u8 = 0x01;
const SNAPSHOT: u8 = 0x02;
const INPUT: u8 = 0x81;
const ACK: u8 = 0x83;
const PING: u8 = 0x09;
const PONG: u8 = 0x86;
/// The protocol wants one at least every 64 KiB.
const ACK_EVERY: u64 = 32 * 1024;

/// A signed-in browser without a screen.
pub struct Browser {
    url: String,
    http: Client,
    cookie: String,
}

impl Browser {
    /// Signs in.
    pub async fn sign_in(url: &str, name: &str, password: &str) -> Result<Self> {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(DEADLINE)
            .build()?;
        let answer = http
            .post(format!("{url}/api/login"))
            .header(header::ORIGIN, url)
            .header(header::CONTENT_TYPE, FORM)
            .body(serde_urlencoded::to_string([
                ("name", name),
                ("password", password),
            ])?)
            .send()
            .await?;
        let status = answer.status();
        let cookie = answer
            .headers()
            .get(header::SET_COOKIE)
            .and_then(|value| value.to_str().ok());
        let cookie = cookie
            .and_then(|value| value.split(';').next())
            .map(str::to_owned);
        let Some(cookie) = cookie else {
            bail!(
                "{name} could not sign in ({status}): {}",
                answer.text().await?
            )
        };
        Ok(Self {
            url: url.to_owned(),
            http,
            cookie,
        })
    }

    /// Makes an account and signs in.
    pub async fn sign_up(url: &str, name: &str) -> Result<Self> {
        let password = uuid::Uuid::now_v7().to_string();
        let nobody = Self {
            url: url.to_owned(),
            http: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            cookie: String::new(),
        };
        let form = [("name", name), ("password", &password)];
        nobody.call("account_create", &form).await?;
        Self::sign_in(url, name, &password).await
    }

    /// Calls a server function as the page would.
    pub async fn call(&self, endpoint: &str, form: &[(&str, &str)]) -> Result<String> {
        let answer = self
            .http
            .post(format!("{}/api/{endpoint}", self.url))
            .header(header::ORIGIN, &self.url)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, FORM)
            .body(serde_urlencoded::to_string(form)?)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{endpoint} answered {status}: {text}");
        }
        Ok(text)
    }

    /// Where a page sends on to, as that of a new shell does.
    async fn sent_on(&self, path: &str) -> Result<String> {
        let answer = self.get(path).await?;
        let place = answer.headers().get(header::LOCATION);
        let place = place.with_context(|| format!("{path} sends nowhere"))?;
        Ok(place.to_str()?.to_owned())
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response> {
        let asked = self
            .http
            .get(format!("{}{path}", self.url))
            .header(header::ACCEPT, "text/html")
            // As a browser where the address was typed.
            .header("sec-fetch-site", "none")
            .header(header::COOKIE, &self.cookie);
        Ok(asked.send().await?)
    }

    /// Fetches a page; answers its text and the time to its first byte.
    pub async fn page(&self, path: &str) -> Result<(String, Duration)> {
        let begun = Instant::now();
        let answer = self.get(path).await?;
        let first = begun.elapsed();
        if !answer.status().is_success() {
            bail!("{path} answered {}", answer.status());
        }
        Ok((answer.text().await?, first))
    }

    /// The host, and a GET as it goes over the wire.
    pub fn request(&self, path: &str) -> (String, String) {
        let host = self.url.trim_start_matches("http://").to_owned();
        let cookie = &self.cookie;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n\r\n");
        (host, request)
    }

    /// Opens a WebSocket of the server.
    pub async fn socket(&self, path: &str) -> Result<Socket> {
        let host = self.url.trim_start_matches("http://");
        let mut request = format!("ws://{host}{path}").into_client_request()?;
        request
            .headers_mut()
            .insert(header::COOKIE, self.cookie.parse()?);
        request
            .headers_mut()
            .insert(header::ORIGIN, self.url.parse()?);
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(client_async(request, stream)
            .await
            .with_context(|| format!("{path} was not upgraded"))?
            .0)
    }

    /// Waits on the live socket until the VM is in that state, or has failed.
    pub async fn vm_wait(&self, live: &mut Socket, name: &str, state: VmState) -> Result<VmView> {
        tokio::time::timeout(DEADLINE, async {
            loop {
                let Some(message) = live.next().await else {
                    bail!("the live socket closed")
                };
                let Message::Text(text) = message? else {
                    continue;
                };
                let Live::Vms(list) = serde_json::from_str(&text)? else {
                    continue;
                };
                match list.vms.into_iter().find(|vm| vm.name == name) {
                    Some(vm) if vm.state == state => return Ok(vm),
                    Some(vm) if vm.state == VmState::Failed => {
                        bail!("{name} failed: {:?}", vm.reason)
                    }
                    _ => {}
                }
            }
        })
        .await
        .with_context(|| format!("{name} did not come to {state:?} in time"))?
    }

    /// Waits until the VM is not listed any more.
    pub async fn vm_wait_gone(&self, live: &mut Socket, name: &str) -> Result<()> {
        tokio::time::timeout(DEADLINE, async {
            loop {
                let Some(message) = live.next().await else {
                    bail!("the live socket closed")
                };
                let Message::Text(text) = message? else {
                    continue;
                };
                let Live::Vms(list) = serde_json::from_str(&text)? else {
                    continue;
                };
                if list.vms.iter().all(|vm| vm.name != name) {
                    return Ok(());
                }
            }
        })
        .await
        .with_context(|| format!("{name} was not deleted in time"))?
    }
}

/// A shell's socket, as a terminal uses it.
pub struct Shell {
    socket: Socket,
    sent: u64,
    /// Where the output goes on, and how far it was acknowledged.
    at: u64,
    acknowledged: u64,
    /// Bytes of output that snapshots stood in for, because this end was too slow.
    skipped: u64,
}

impl Shell {
    /// Opens a new shell of the VM by its page, and attaches.
    pub async fn open(browser: &Browser, vm: &str) -> Result<Self> {
        let page = browser.sent_on(&format!("/shell/{vm}?new=1")).await?;
        let (html, _) = browser.page(&page).await?;
        let attach = html
            .split("attach=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .context("the shell page names no socket")?;
        let socket = browser
            .socket(&format!("{attach}?client=00112233445566aa&cols=80&rows=24"))
            .await?;
        Ok(Self {
            socket,
            sent: 0,
            at: 0,
            acknowledged: 0,
            skipped: 0,
        })
    }

    /// The next bytes for the terminal: output, or the picture that a terminal begins with.
    pub async fn output(&mut self) -> Result<Bytes> {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.socket.next())
                .await
                .context("the shell says nothing")?;
            match message.context("the shell's socket closed")?? {
                Message::Binary(frame) => {
                    if frame.first() == Some(&PING) {
                        let pong = [&[PONG], &frame[1..]].concat();
                        self.socket.send(Message::binary(pong)).await?;
                    }
                    if let Some(bytes) = self.take(&frame) {
                        self.acknowledge().await?;
                        return Ok(bytes);
                    }
                }
                Message::Close(frame) => bail!("the shell's socket closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// What a frame holds for the terminal, if anything.
    fn take(&mut self, frame: &Bytes) -> Option<Bytes> {
        let head = match frame.first() {
            Some(&OUTPUT) => 9,
            Some(&SNAPSHOT) => 13,
            _ => return None,
        };
        let offset = u64::from_be_bytes(frame.get(1..9)?.try_into().ok()?);
        let bytes = frame.slice(head.min(frame.len())..);
        if head == 9 {
            self.at = offset + bytes.len() as u64;
        } else {
            self.skipped += offset.saturating_sub(self.at);
            self.at = offset;
        }
        (!bytes.is_empty()).then_some(bytes)
    }

    async fn acknowledge(&mut self) -> Result<()> {
        if self.at < self.acknowledged + ACK_EVERY {
            return Ok(());
        }
        self.acknowledged = self.at;
        let mut frame = vec![ACK];
        frame.extend_from_slice(&self.at.to_be_bytes());
        Ok(self.socket.send(Message::binary(frame)).await?)
    }

    /// Waits until the output has held `mark`.
    pub async fn wait_for(&mut self, mark: &[u8]) -> Result<()> {
        let mut seen = Vec::new();
        while !seen.windows(mark.len()).any(|window| window == mark) {
            seen.extend_from_slice(&self.output().await?);
        }
        Ok(())
    }

    /// Reads until the output is `bytes` further; how many of them came (the others were skipped,
    /// because this end was too slow).
    pub async fn flow(&mut self, bytes: u64) -> Result<u64> {
        let (end, skipped) = (self.at + bytes, self.skipped);
        while self.at < end {
            self.output().await?;
        }
        Ok(bytes.saturating_sub(self.skipped - skipped))
    }

    /// Types. Waits for no echo.
    pub async fn input(&mut self, bytes: &[u8]) -> Result<()> {
        let mut frame = Vec::with_capacity(9 + bytes.len());
        frame.push(INPUT);
        frame.extend_from_slice(&self.sent.to_be_bytes());
        frame.extend_from_slice(bytes);
        self.sent += bytes.len() as u64;
        Ok(self.socket.send(Message::binary(frame)).await?)
    }
}
