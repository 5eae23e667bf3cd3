//! The HTTP client of one node. Every call carries the node's credential and has a deadline.

use std::{sync::Arc, time::Duration};

use node_api::{
    NODE_HEADER,
    error::{NodeError, NodeErrorCode},
    exec::{ExecOutput, ExecRequest},
    image::ImageReport,
    path,
    shell::{ShellCreate, ShellReport},
    ssh::SshServe,
    status::NodeStatus,
    usage::UsageSample,
    vm::{VmPut, VmReport},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{NodeCallError, tls};
use crate::secret::Secret;

/// The poll: as often as it is asked.
const STATUS: Duration = Duration::from_secs(2);
/// Whatever only reads; the head of a stream, too.
const LIST: Duration = Duration::from_secs(10);
/// Create, and start where that is asked as well. Reconcilers alone wait for this and the next three.
const PUT: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(30);
/// 10 s for the VM, 10 s for the engine, and a margin.
const STOP: Duration = Duration::from_secs(25);
const DELETE: Duration = Duration::from_secs(30);
/// 20 s for the VM's part, 10 for the engine's.
const SSH: Duration = Duration::from_secs(30);
/// A shell made or ended.
const SHELL: Duration = Duration::from_secs(10);
/// Asks for a pull, which goes on behind the answer.
const IMAGE: Duration = Duration::from_secs(10);
/// What an exec may take beyond its own limit, which is 25 s at most: no user waits over 30 s.
const EXEC_MARGIN: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(2);
/// Shorter than the 10 s after which a node closes an idle connection: then no call meets one that
/// is just being closed.
const IDLE: Duration = Duration::from_secs(8);
/// More than any honest answer; a node that sends more is not understood.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Where a node is, and what it takes to be let in.
#[derive(Clone, Debug)]
pub struct NodeAddress {
    /// `http://127.0.0.1:PORT` or `https://HOST:PORT`, without a path.
    pub url: String,
    /// Goes with every call as `Authorization: Bearer`.
    pub credential: Secret,
    /// SHA-256 of the node's certificate, hex; needed with https.
    pub fingerprint: Option<String>,
    /// Whom every call is meant for: another one there refuses it. None: whoever is there.
    pub name: Option<String>,
}

/// A client of one node; cheap to clone, clones share connections.
#[derive(Clone)]
pub struct NodeClient {
    pub(super) inner: Arc<Inner>,
    /// Passed on, so that the node's log can be found from the server's.
    pub(super) request_id: Option<Arc<str>>,
}

/// What clones share: connections, and where they lead.
pub(super) struct Inner {
    http: reqwest::Client,
    pub(super) address: NodeAddress,
}

impl NodeClient {
    /// [`NodeCallError::Unusable`] when the address, or the fingerprint, is not one.
    pub fn new(address: NodeAddress) -> Result<Self, NodeCallError> {
        check(&address)?;
        let tls = tls::client_config(address.fingerprint.as_deref())?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| NodeCallError::Unusable(super::error::innermost(&error)))?;
        let inner = Arc::new(Inner { http, address });
        Ok(Self {
            inner,
            request_id: None,
        })
    }

    /// The same client on behalf of a request.
    pub fn for_request(&self, request_id: &str) -> Self {
        Self {
            inner: self.inner.clone(),
            request_id: Some(request_id.into()),
        }
    }

    /// Its URL as it was configured, without a path.
    pub fn address(&self) -> &str {
        &self.inner.address.url
    }

    /// The poll, within 2 s: what it can promise, uses and has, and how its engine is.
    pub async fn status(&self) -> Result<NodeStatus, NodeCallError> {
        self.ask(self.request(Method::GET, path::STATUS), STATUS)
            .await
    }

    /// Every container that carries its label, wanted or not, within 10 s.
    pub async fn vm_list(&self) -> Result<Vec<VmReport>, NodeCallError> {
        self.ask(self.request(Method::GET, path::VMS), LIST).await
    }

    /// Refused with `NotFound` where the node has no such container.
    pub async fn vm_get(&self, id: Uuid) -> Result<VmReport, NodeCallError> {
        self.ask(self.for_vm(Method::GET, path::VM, id), LIST).await
    }

    /// Creates it where it is missing, and starts it when asked.
    pub async fn vm_put(&self, put: &VmPut) -> Result<VmReport, NodeCallError> {
        let request = self.for_vm(Method::PUT, path::VM, put.spec.id).json(put);
        self.ask(request, PUT).await
    }

    /// Fine when it is not there.
    pub async fn vm_delete(&self, id: Uuid) -> Result<(), NodeCallError> {
        self.tell(self.for_vm(Method::DELETE, path::VM, id), DELETE)
            .await
    }

    /// Within 30 s; fine when it runs already. `NotFound` where its container is gone.
    pub async fn vm_start(&self, id: Uuid) -> Result<VmReport, NodeCallError> {
        self.ask(self.for_vm(Method::POST, path::VM_START, id), START)
            .await
    }

    /// Graceful; answers when it has ended.
    pub async fn vm_stop(&self, id: Uuid) -> Result<VmReport, NodeCallError> {
        self.ask(self.for_vm(Method::POST, path::VM_STOP, id), STOP)
            .await
    }

    /// Sets the keys and starts the SSH server of a VM that runs.
    pub async fn vm_ssh_serve(&self, id: Uuid, serve: &SshServe) -> Result<(), NodeCallError> {
        let request = self.for_vm(Method::PUT, path::VM_SSH, id).json(serve);
        self.tell(request, SSH).await
    }

    /// Runs one command and answers what it printed and its exit code. Refused with `Timeout` where it takes
    /// longer than `exec` allows.
    pub async fn vm_exec(&self, id: Uuid, exec: &ExecRequest) -> Result<ExecOutput, NodeCallError> {
        let deadline = Duration::from_secs(exec.timeout_s.into()) + EXEC_MARGIN;
        let request = self.for_vm(Method::POST, path::VM_EXEC, id).json(exec);
        self.ask(request, deadline).await
    }

    /// The last 15 minutes, oldest first.
    pub async fn vm_usage(&self, id: Uuid) -> Result<Vec<UsageSample>, NodeCallError> {
        self.ask(self.for_vm(Method::GET, path::VM_USAGE, id), LIST)
            .await
    }

    /// The VM's shells, oldest first; those that have exited a moment ago too, with their codes.
    pub async fn shell_list(&self, vm_id: Uuid) -> Result<Vec<ShellReport>, NodeCallError> {
        self.ask(self.for_vm(Method::GET, path::VM_SHELLS, vm_id), LIST)
            .await
    }

    /// Makes a shell under the id in `shell`, within 10 s; one that has the id already is made no second
    /// time. `TooMany` where the VM or the node has as many as may be.
    pub async fn shell_create(
        &self,
        vm_id: Uuid,
        shell: &ShellCreate,
    ) -> Result<ShellReport, NodeCallError> {
        let request = self
            .for_vm(Method::POST, path::VM_SHELLS, vm_id)
            .json(shell);
        self.ask(request, SHELL).await
    }

    /// Ends its processes; fine when it is not there.
    pub async fn shell_close(&self, id: Uuid) -> Result<(), NodeCallError> {
        self.tell(self.for_vm(Method::DELETE, path::SHELL, id), SHELL)
            .await
    }

    /// Makes the image present in the background; answers at once with where that stands.
    pub async fn image_ensure(&self, name: &str) -> Result<ImageReport, NodeCallError> {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        let path = path::IMAGE.replace("{name}", &name);
        self.ask(self.request(Method::PUT, &path), IMAGE).await
    }

    /// A stream of server-sent events, from after `last_id` where one is given.
    pub(super) async fn stream(
        &self,
        path: &str,
        last_id: Option<&str>,
    ) -> Result<Response, NodeCallError> {
        let mut request = self.request(Method::GET, path);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let answer = tokio::time::timeout(LIST, request.send())
            .await
            .map_err(|_| NodeCallError::Timeout(LIST))?
            .map_err(|error| NodeCallError::from_reqwest(&error, LIST))?;
        good(answer, LIST).await
    }

    fn for_vm(&self, method: Method, pattern: &str, id: Uuid) -> RequestBuilder {
        self.request(method, &path::with_id(pattern, id))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = &self.inner.address;
        let request = self
            .inner
            .http
            .request(method, format!("{}{path}", address.url))
            .bearer_auth(address.credential.expose());
        let request = match &address.name {
            Some(name) => request.header(NODE_HEADER, name),
            None => request,
        };
        match &self.request_id {
            Some(id) => request.header("x-request-id", &**id),
            None => request,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        deadline: Duration,
    ) -> Result<T, NodeCallError> {
        let answer = send(request, deadline).await?;
        let body = body(answer, deadline).await?;
        serde_json::from_slice(&body).map_err(|error| NodeCallError::Malformed(error.to_string()))
    }

    async fn tell(&self, request: RequestBuilder, deadline: Duration) -> Result<(), NodeCallError> {
        send(request, deadline).await.map(drop)
    }
}

/// http to this machine only, https only with a fingerprint; nothing behind host and port.
fn check(address: &NodeAddress) -> Result<(), NodeCallError> {
    let unusable = |words: &str| Err(NodeCallError::Unusable(words.into()));
    let Ok(url) = reqwest::Url::parse(&address.url) else {
        return unusable("the address is not like http://127.0.0.1:5000 or https://HOST:5000");
    };
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() || address.url.ends_with('/')
    {
        return unusable("the address has nothing behind the port, such as http://127.0.0.1:5000");
    }
    match url.scheme() {
        "http" if is_loopback(&url) => Ok(()),
        "http" => unusable("beyond this machine a node needs https and its fingerprint"),
        "https" if address.fingerprint.is_some() => Ok(()),
        "https" => unusable("https needs the fingerprint of the node's certificate"),
        _ => unusable("the address begins with http:// or https://"),
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|at| at.is_loopback())
}

async fn send(request: RequestBuilder, deadline: Duration) -> Result<Response, NodeCallError> {
    let answer = request
        .timeout(deadline)
        .send()
        .await
        .map_err(|error| NodeCallError::from_reqwest(&error, deadline))?;
    good(answer, deadline).await
}

/// The answer, or the node's refusal.
async fn good(answer: Response, deadline: Duration) -> Result<Response, NodeCallError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = body(answer, deadline).await?;
    match serde_json::from_slice::<NodeError>(&body) {
        Ok(error) => Err(NodeCallError::Refused(error)),
        Err(_) if status.as_u16() == 401 => Err(NodeCallError::Refused(NodeError {
            code: NodeErrorCode::Unauthorized,
            message: "it does not accept the credential".into(),
        })),
        Err(_) => Err(NodeCallError::Malformed(format!("status {status}"))),
    }
}

async fn body(mut answer: Response, deadline: Duration) -> Result<Vec<u8>, NodeCallError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| NodeCallError::from_reqwest(&error, deadline))?
    {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(NodeCallError::Malformed("over 64 MiB".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str, fingerprint: Option<String>) -> NodeAddress {
        NodeAddress {
            url: url.into(),
            credential: Secret::new("0123456789abcdef0123456789abcdef"),
            fingerprint,
            name: None,
        }
    }

    #[test]
    fn addresses_are_of_this_machine_or_have_a_fingerprint() {
        let print = Some("ab".repeat(32));
        for good in [
            "http://127.0.0.1:5000",
            "http://localhost:5000",
            "http://[::1]:5000",
        ] {
            assert!(NodeClient::new(address(good, None)).is_ok(), "{good}");
        }
        assert!(NodeClient::new(address("https://10.0.0.2:5000", print.clone())).is_ok());
        for bad in [
            "http://10.0.0.2:5000",
            "https://10.0.0.2:5000",
            "http://127.0.0.1:5000/",
            "http://127.0.0.1:5000/v1",
            "http://a:b@127.0.0.1:5000",
            "ftp://127.0.0.1",
            "node-1",
            "",
        ] {
            assert!(NodeClient::new(address(bad, None)).is_err(), "{bad}");
        }
        assert!(NodeClient::new(address("https://10.0.0.2", Some("12".into()))).is_err());
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_unreachable_and_no_secret_is_told() {
        let client = NodeClient::new(address("http://127.0.0.1:9", None)).unwrap();
        let error = client.status().await.unwrap_err();
        assert!(matches!(error, NodeCallError::Unreachable(_)), "{error:?}");
        assert!(error.is_passing());
        assert!(!format!("{error:?} {error}").contains("0123"));
    }
}
