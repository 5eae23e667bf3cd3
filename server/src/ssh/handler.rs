//! What russh calls. Nothing here waits for a VM or a node: events go to the channel's task.

use std::{net::IpAddr, sync::Arc, time::Duration};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Pty, Sig,
    server::{
        Auth, ChannelOpenHandle, Handler as SshHandler, Msg, PublicKeyOffer, Session,
        VerifiedPublicKey,
    },
};
use tokio::sync::mpsc;

use super::{
    Gateway,
    channel::{Event, Size, Start, WINDOW, WINDOW_CLOSED},
    channels::{Channels, Flood, Kind, TooMany, signal_name},
    door::{Door, Outcome},
    outbox::Outbox,
    port::{self, Forward},
    session::{self, Guest},
    sign_in::Target,
    tally::Tally,
};
use crate::auth::Caller;

/// Bytes of a terminal's name and of a subsystem's.
const NAME_BYTES: usize = 64;
/// Bytes of a command.
const COMMAND_BYTES: usize = 128 * 1024;
/// A client whose window is closed is read so slowly that the bytes it still gets are few.
const SLOW: Duration = Duration::from_millis(5);

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    #[error(transparent)]
    Flood(#[from] Flood),
}

/// One connection, as russh sees it.
pub struct Handler {
    gateway: Arc<Gateway>,
    door: Door,
    signed_in: Option<(Caller, Target)>,
    channels: Channels,
    tally: Arc<Tally>,
}

impl Handler {
    /// `outcome` is told how the sign-in went; `tally` counts what the connection is used for.
    pub fn new(
        gateway: Arc<Gateway>,
        address: IpAddr,
        outcome: mpsc::Sender<Outcome>,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            door: Door::new(gateway.clone(), address, outcome),
            gateway,
            signed_in: None,
            channels: Channels::default(),
            tally,
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
        if !may || !self.channels.request(channel, &event) {
            return Ok(session.channel_failure(channel)?);
        }
        session.channel_success(channel)?;
        Ok(self.channels.push(channel, event)?)
    }

    /// Leads a client to a port of its VM; Err is why not.
    fn forward(
        &mut self,
        channel: Channel<Msg>,
        (host, number): (&str, u32),
    ) -> Result<Forward, ChannelOpenFailure> {
        let prohibited = ChannelOpenFailure::AdministrativelyProhibited;
        let Some((caller, target)) = self.signed_in.clone() else {
            return Err(prohibited);
        };
        let to = port::destination(&target, host, number).map_err(|refusal| {
            if refusal.leads_out {
                self.tally.refuse(host, number);
            }
            let (code, reason) = (prohibited.code(), refusal.words);
            ChannelOpenFailure::Other { code, reason }
        })?;
        let opened = self.channels.open(channel.id(), Kind::Port);
        let (inbox, closed) = opened.map_err(shortage)?;
        let state = self.gateway.state.clone();
        let guest = Guest::new(state, caller, closed.clone());
        let guest = guest.ok_or(ChannelOpenFailure::AdministrativelyProhibited)?;
        self.tally.port();
        let (_, half) = channel.split();
        Ok(Forward {
            guest,
            noted: self.channels.is_new_port(to.port),
            to,
            inbox,
            out: Outbox::new(half, closed),
        })
    }
}

fn shortage(too_many: TooMany) -> ChannelOpenFailure {
    ChannelOpenFailure::Other {
        code: ChannelOpenFailure::ResourceShortage.code(),
        reason: too_many.to_string(),
    }
}

impl SshHandler for Handler {
    type Error = Fault;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Fault> {
        Ok(match self.door.offered(user, offer).await {
            true => Auth::Accept,
            false => Auth::reject(),
        })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Fault> {
        self.signed_in = self.door.signed(user, key.public_key).await;
        Ok(match self.signed_in {
            Some(_) => Auth::Accept,
            None => Auth::reject(),
        })
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Fault> {
        if let Some((caller, target)) = &self.signed_in {
            self.door.opened(caller, target);
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        let Some((caller, target)) = self.signed_in.clone() else {
            return Ok(());
        };
        let (inbox, closed) = match self.channels.open(channel.id(), Kind::Session) {
            Ok(opened) => opened,
            Err(too_many) => {
                reply.reject(shortage(too_many)).await;
                return Ok(());
            }
        };
        self.tally.session();
        // The reading half goes: events come by the functions below, which never wait.
        let (_, half) = channel.split();
        reply.accept().await;
        let out = Outbox::new(half, closed.clone());
        let state = self.gateway.state.clone();
        tokio::spawn(session::serve(state, caller, target, inbox, out, closed));
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        match self.forward(channel, (host, port)) {
            Ok(forward) => drop(tokio::spawn(forward.serve(reply))),
            Err(refusal) => reply.reject(refusal).await,
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Fault> {
        self.channels.close(channel);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Fault> {
        Ok(self.channels.push(channel, Event::Eof)?)
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), Fault> {
        self.channels.data(channel, data)?;
        if self.channels.is_full() {
            // No longer: on its other channels there may be somebody to answer.
            let _ = tokio::time::timeout(SLOW, self.channels.room()).await;
        }
        Ok(())
    }

    fn adjust_window(&mut self, _: ChannelId, _: u32) -> u32 {
        match self.channels.is_full() {
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

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Fault> {
        let may = self.channels.may_set(channel, name, value);
        let event = Event::Env(name.to_owned(), value.to_owned());
        self.request(channel, may, event, session)
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
        let event = Event::Resize(Size::new(cols, rows));
        Ok(self.channels.push(channel, event)?)
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
                let event = Event::Signal(name.to_owned());
                Ok(self.channels.push(channel, event)?)
            }
            None => Ok(session.channel_failure(channel)?),
        }
    }
}
