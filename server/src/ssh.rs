//! The SSH gateway: one port, signing in by key, nothing needed in the image. `ssh VM@host` is in that
//! VM, `ssh USER@host` in the lobby (docs/ssh.md). Behind it are the same shells and commands as
//! behind the pages.
//!
//! - `serve` takes connections, within `places`, and tells of `refusals`; `connection` is one of them, to its end,
//!   and `hello` its beginning;
//! - `handler` is what russh calls: it only forwards to one task a `channel`;
//! - `door` decides who may come in, and `sign_in` where the user name leads;
//! - `session` is such a task: `exec`, `terminal`, or the `lobby`; `port` is another: a connection to a
//!   port of the VM.

mod ahead;
mod channel;
mod channels;
mod connection;
mod door;
mod exec;
mod files;
mod frame;
mod handler;
mod hello;
mod host_key;
mod input;
mod lobby;
mod outbox;
mod places;
mod port;
mod pump;
mod ready;
mod refusals;
mod session;
mod sign_in;
mod tally;
mod terminal;
mod user_name;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use russh::{
    MethodKind, MethodSet, Preferred, SshId, cipher,
    keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey},
    server::Config as SshConfig,
};
use server_api::ssh::SshHost;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

pub use host_key::{HostKey, HostKeyError};

use crate::{config::Config, state::AppState};
use channel::WINDOW;
use places::Places;
use refusals::Refusals;

/// Who this is, to clients.
const ID: &str = "SSH-2.0-MiniCloud";
const AES_GCM: [cipher::Name; 2] = [cipher::AES_256_GCM, cipher::AES_128_GCM];
/// Keys that one connection may offer: agents offer all they have. As many as OpenSSH's server takes,
/// and the question which ways there are.
const OFFERS_MAX: usize = 7;
/// From the first byte to a sign-in.
const SIGN_IN: Duration = Duration::from_secs(20);
/// A refusal takes so long, whatever it is refused for.
const REFUSAL: Duration = Duration::from_millis(200);
/// How often a client that says nothing is asked whether it is there, and how often it may fail to
/// answer.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_MAX: usize = 5;
/// A connection on which nothing moves at all, not even answers to that, is over.
const INACTIVITY: Duration = Duration::from_secs(2 * 3600);
/// How long connections may take to end with the server.
const STOP: Duration = Duration::from_secs(5);

/// What people need to know to connect. `listen` is where the gateway listens, with the true port.
pub fn ssh_host(config: &Config, listen: SocketAddr, key: &HostKey) -> SshHost {
    SshHost {
        host: host(config, listen),
        port: listen.port(),
        fingerprint: key.fingerprint.clone(),
        host_key: key.public.clone(),
    }
}

/// The host of the address that people use for the pages, or where the gateway listens.
fn host(config: &Config, listen: SocketAddr) -> String {
    let url = config.public_urls.first();
    let host = url.and_then(|url| url.parse::<http::Uri>().ok()?.host().map(str::to_owned));
    let host = host.unwrap_or_else(|| listen.ip().to_string());
    // `ssh` takes an IPv6 address as it is.
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

/// What every connection needs.
struct Gateway {
    state: AppState,
    places: Places,
    refusals: Refusals,
    ssh: Offers,
}

/// What clients are offered.
struct Offers {
    everything: Arc<SshConfig>,
    /// Of ciphers AES-GCM alone.
    aes_gcm: Arc<SshConfig>,
}

impl Offers {
    fn new(key: HostKey) -> Self {
        let config = |ciphers| Arc::new(ssh_config(key.private.clone(), ciphers));
        Self {
            everything: config(&Preferred::DEFAULT.cipher),
            aes_gcm: config(&AES_GCM),
        }
    }

    /// AES-GCM alone where that is several times as fast as what the client would choose.
    fn offer(&self, knows_aes_gcm: bool) -> Arc<SshConfig> {
        match knows_aes_gcm && has_fast_aes() {
            true => self.aes_gcm.clone(),
            false => self.everything.clone(),
        }
    }
}

fn has_fast_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Takes connections until the server stops, then waits a while for them to end.
pub async fn serve(listener: TcpListener, key: HostKey, state: AppState) {
    let stop = state.stop.clone();
    let gateway = Arc::new(Gateway {
        state,
        places: Places::default(),
        refusals: Refusals::default(),
        ssh: Offers::new(key),
    });
    let connections = TaskTracker::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        let address = peer.ip().to_canonical();
        let Some(waiting) = gateway.places.waiting(address) else {
            let why = "too many of that address, or of all, wait to sign in";
            gateway.refusals.note(address, why);
            continue;
        };
        let gateway = gateway.clone();
        connections.spawn(connection::connection(gateway, stream, address, waiting));
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(STOP, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!("some SSH connections were still open when the server stopped");
    }
}

/// The next connection; a full file table or a reset must not end the loop.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "an SSH connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn ssh_config(key: PrivateKey, ciphers: &[cipher::Name]) -> SshConfig {
    SshConfig {
        server_id: SshId::Standard(ID.into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: REFUSAL,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        window_size: WINDOW,
        max_auth_attempts: OFFERS_MAX,
        inactivity_timeout: Some(INACTIVITY),
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVE_MAX,
        nodelay: true,
        preferred: Preferred {
            kex: key_exchanges().into(),
            key: key_algorithms().into(),
            cipher: ciphers.to_vec().into(),
            ..Preferred::DEFAULT
        },
        ..SshConfig::default()
    }
}

/// All that russh has but the classic ones: a single exchange in a large group is half a second of a
/// core, and anybody may ask for one after the other.
fn key_exchanges() -> Vec<russh::kex::Name> {
    let all = Preferred::DEFAULT.kex.iter();
    all.filter(|name| !name.as_ref().starts_with("diffie-hellman"))
        .copied()
        .collect()
}

/// Signatures that clients may make. RSA with SHA-1 is not among them.
fn key_algorithms() -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    vec![
        Algorithm::Ed25519,
        Algorithm::SkEd25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        Algorithm::SkEcdsaSha2NistP256,
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ]
}
