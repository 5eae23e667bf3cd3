//! What russh calls. Nothing here waits for a VM or a node: events go to the channel's task.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Pty, Sig,
    keys::Algorithm,
    server::{Auth, ChannelOpenHandle, Handler as SshHandler, Msg, PublicKeyOffer, Session},
};
use tokio::sync::mpsc;

use super::{
    Gateway, REFUSAL,
    channel::{self, Event, Feed, Size, Start, WINDOW, WINDOW_CLOSED},
    outbox::Outbox,
    session,
    sign_in::{SignIn, Target, sign_in},
};
use crate::auth::Caller;

/// Channels that a connection may have at once.
const CHANNELS: usize = 10;
/// Variables that a session may set, and bytes of a name and its value together.
const ENV_MAX: usize = 32;
const ENV_BYTES: usize = 1_024;
/// Bytes of a terminal's name and of a subsystem's.
const NAME_BYTES: usize = 64;
/// Bytes of a command.
const COMMAND_BYTES: usize = 128 * 1024;
/// A client whose window is closed is read so slowly that the bytes it still gets are few.
const SLOW: Duration = Duration::from_millis(5);

/// What a connection's task hears of signing in.
pub enum Outcome {
    SignedIn(Box<Caller>),
    /// Too many failures: so many seconds to wait.
    Throttled(u64),
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    #[error("the client does not keep to its window")]
    Flood,
}

/// One connection, as russh sees it.
pub struct Handler {
    gateway: Arc<Gateway>,
    address: IpAddr,
    outcome: mpsc::Sender<Outcome>,
    /// The name that keys were refused for, until one fits.
    refused: Option<String>,
    /// Has to wait, and is being told so.
    throttled: bool,
    signed_in: Option<(Caller, Target)>,
    channels: HashMap<ChannelId, Entry>,
}

/// A channel, and what was asked on it so far.
struct Entry {
    feed: Feed,
    started: bool,
    env: usize,
}

impl Handler {
    pub fn new(gateway: Arc<Gateway>, address: IpAddr, outcome: mpsc::Sender<Outcome>) -> Self {
        Self {
            gateway,
            address,
            outcome,
            refused: None,
            throttled: false,
            signed_in: None,
            channels: HashMap::new(),
        }
    }

    /// What a key opens under that name; a fault of ours opens nothing.
    async fn find(&self, name: &str, offer: PublicKeyOffer<'_>) -> Option<SignIn> {
        // SHA-1 is not what it was.
        if *offer.algorithm == (Algorithm::Rsa { hash: None }) {
            return None;
        }
        self.find_key(name, offer.public_key).await
    }

    async fn find_key(&self, name: &str, key: &russh::keys::PublicKey) -> Option<SignIn> {
        match sign_in(&self.gateway.state, name, key).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, address = %self.address, "an SSH key could not be looked at");
                None
            }
        }
    }

    /// Who has signed in.
    fn user(&self) -> Option<&str> {
        let (caller, _) = self.signed_in.as_ref()?;
        caller.actor.as_ref().map(|actor| actor.name.as_str())
    }

    fn tell(&self, outcome: Outcome) {
        // Full or closed only when the connection has been decided upon already.
        let _ = self.outcome.try_send(outcome);
    }

    /// Hands an event to a channel's task.
    fn push(&self, channel: ChannelId, event: Event) -> Result<(), Fault> {
        match self.channels.get(&channel) {
            Some(entry) if !entry.feed.push(event) => Err(Fault::Flood),
            _ => Ok(()),
        }
    }

    /// Hands a request on and answers it: with yes if it may be, and nothing was started before.
    fn request(
        &mut self,
        channel: ChannelId,
        may: bool,
        event: Event,
        session: &mut Session,
    ) -> Result<(), Fault> {
        let entry = self.channels.get_mut(&channel);
        let Some(entry) = entry.filter(|entry| may && !entry.started) else {
            return Ok(session.channel_failure(channel)?);
        };
        entry.started = matches!(event, Event::Start(_));
        session.channel_success(channel)?;
        self.push(channel, event)
    }

    fn is_full(&self) -> bool {
        self.channels.values().any(|entry| entry.feed.is_full())
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        if let Some(name) = &self.refused {
            self.gateway.state.auth.ssh_failed(name, self.address);
        }
        if let Some(user) = self.user() {
            tracing::info!(user, address = %self.address, "an SSH connection has ended");
        }
    }
}

impl SshHandler for Handler {
    type Error = Fault;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Fault> {
        // Who has a key that fits has guessed nothing, and does not wait for those who try.
        if self.find(user, offer).await.is_some() {
            return Ok(Auth::Accept);
        }
        if let Some(seconds) = self.gateway.state.auth.ssh_wait(user, self.address) {
            // A client that is refused leaves without reading on. So it is asked to sign, whatever the
            // key, and finds the words in place of an answer.
            self.throttled = true;
            self.tell(Outcome::Throttled(seconds));
            tokio::time::sleep(REFUSAL).await;
            return Ok(Auth::Accept);
        }
        self.refused = Some(user.to_owned());
        Ok(Auth::reject())
    }

    /// The signature was good. Whose key it is, is looked at again: the offer may be long ago.
    async fn auth_publickey(
        &mut self,
        user: &str,
        key: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Fault> {
        if self.throttled {
            return Ok(Auth::reject());
        }
        let Some(found) = self.find_key(user, key.public_key).await else {
            self.refused = Some(user.to_owned());
            return Ok(Auth::reject());
        };
        let auth = &self.gateway.state.auth;
        match auth
            .ssh_signed_in(user, self.address, &found.user, user.contains('+'))
            .await
        {
            Ok(caller) => {
                self.refused = None;
                self.signed_in = Some((caller, found.target));
                Ok(Auth::Accept)
            }
            Err(error) => {
                tracing::warn!(%error, address = %self.address, "an SSH sign-in could not be noted, and was refused");
                Ok(Auth::reject())
            }
        }
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Fault> {
        if let Some((caller, _)) = &self.signed_in {
            self.tell(Outcome::SignedIn(Box::new(caller.clone())));
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        self.channels.retain(|_, entry| !entry.feed.is_over());
        let Some((caller, target)) = self.signed_in.clone() else {
            return Ok(());
        };
        if self.channels.len() >= CHANNELS {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let (feed, inbox, closed) = channel::channel();
        let id = channel.id();
        // The reading half goes: events come by the functions below, which never wait.
        let (_, half) = channel.split();
        let entry = Entry {
            feed,
            started: false,
            env: 0,
        };
        self.channels.insert(id, entry);
        reply.accept().await;
        let state = self.gateway.state.clone();
        let serving = session::serve(
            state,
            caller,
            target,
            inbox,
            Outbox::new(half, closed.clone()),
            closed,
        );
        tokio::spawn(serving);
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        let user = self.user().unwrap_or_default();
        tracing::info!(user, address = %self.address, to = ?(host, port), "a port was not forwarded");
        let refusal = ChannelOpenFailure::Other {
            code: ChannelOpenFailure::AdministrativelyProhibited.code(),
            reason: "MiniCloud does not forward ports yet".into(),
        };
        reply.reject(refusal).await;
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Fault> {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Fault> {
        self.push(channel, Event::Eof)
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), Fault> {
        self.push(channel, Event::Data(bytes::Bytes::copy_from_slice(data)))?;
        if self.is_full() {
            tokio::time::sleep(SLOW).await;
        }
        Ok(())
    }

    fn adjust_window(&mut self, _: ChannelId, _: u32) -> u32 {
        match self.is_full() {
            true => WINDOW_CLOSED,
            false => WINDOW,
        }
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        cols: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Fault> {
        let event = Event::Pty {
            term: term.to_owned(),
            size: Size::new(cols, rows),
        };
        let may = term.len() <= NAME_BYTES && term.bytes().all(|byte| byte.is_ascii_graphic());
        self.request(channel, may, event, session)
    }

    /// Only what tells of language: everything else could change what programs in the VM do.
    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Fault> {
        let fits = name.len() + value.len() <= ENV_BYTES && !value.contains('\0');
        let is_locale = name == "LANG" || name.starts_with("LC_");
        let is_word = name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let entry = self.channels.get_mut(&channel);
        let room = entry.is_some_and(|entry| {
            entry.env += 1;
            entry.env <= ENV_MAX
        });
        let event = Event::Env(name.to_owned(), value.to_owned());
        self.request(
            channel,
            fits && is_locale && is_word && room,
            event,
            session,
        )
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Fault> {
        self.request(channel, true, Event::Start(Start::Shell), session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Fault> {
        let may = command.len() <= COMMAND_BYTES;
        let event = Event::Start(Start::Exec(command.to_vec()));
        self.request(channel, may, event, session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Fault> {
        let may = name.len() <= NAME_BYTES;
        let event = Event::Start(Start::Subsystem(name.to_owned()));
        self.request(channel, may, event, session)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(session.channel_failure(channel)?)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        cols: u32,
        rows: u32,
        _: u32,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Fault> {
        session.channel_success(channel)?;
        self.push(channel, Event::Resize(Size::new(cols, rows)))
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        session: &mut Session,
    ) -> Result<(), Fault> {
        match signal_name(&signal) {
            Some(name) => {
                session.channel_success(channel)?;
                self.push(channel, Event::Signal(name.to_owned()))
            }
            None => Ok(session.channel_failure(channel)?),
        }
    }
}

/// Those that commands are sent (docs/exec-protocol.md); others mean nothing here.
fn signal_name(signal: &Sig) -> Option<&'static str> {
    Some(match signal {
        Sig::ALRM => "ALRM",
        Sig::HUP => "HUP",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::QUIT => "QUIT",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) if name == "USR2" => "USR2",
        _ => return None,
    })
}
