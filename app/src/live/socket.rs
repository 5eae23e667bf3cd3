//! A WebSocket of `Live` messages that comes back by itself, also where it falls silent and nothing closes it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::{
    Loss,
    pulse::{LOOK, Pulse},
};
use crate::{
    model::{LIVE_REVOKED, LIVE_TOO_MANY, Live},
    nav,
};

const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LAST: Duration = Duration::from_secs(5);
const LOST_AFTER: Duration = Duration::from_secs(2);
/// Somebody closes other pages, or the server finds that they have gone.
const RETRY_TOO_MANY: Duration = Duration::from_secs(30);

/// What ended the access (signing out, deleting the account) leads somewhere by itself in this time.
const REVOKED_PAUSE: Duration = Duration::from_secs(1);

/// One connection, kept until the reactive owner that opened it goes.
#[derive(Clone)]
pub struct LiveSocket(Rc<Inner>);

struct Inner {
    path: RefCell<String>,
    on_message: Box<dyn Fn(Live)>,
    on_lost: Box<dyn Fn(Loss)>,
    socket: RefCell<Option<Socket>>,
    retry: Cell<Duration>,
    /// It was said to be lost, or will be unless it comes back in time.
    away: Cell<bool>,
    timers: RefCell<Vec<TimeoutHandle>>,
    closed: Cell<bool>,
}

/// A socket with what hears it: of one that is dropped nothing more is heard.
struct Socket {
    socket: WebSocket,
    pulse: Pulse,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Has the server say something soon. False where it has said nothing yet.
    fn ask(&mut self) -> bool {
        self.pulse.hurry() && self.socket.send_with_str("").is_ok()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Closing a socket that is closed already is no error worth a word.
        let _ = self.socket.close();
    }
}

impl LiveSocket {
    /// Connects to `path` of this site. `on_lost` is told [`Loss::Away`] when the connection has been away
    /// for 2 s, or silent for 20 s, [`Loss::None`] with the first message of each connection.
    pub fn open(
        path: &str,
        on_message: impl Fn(Live) + 'static,
        on_lost: impl Fn(Loss) + 'static,
    ) -> Self {
        let socket = Self(Rc::new(Inner {
            path: RefCell::new(path.to_owned()),
            on_message: Box::new(on_message),
            on_lost: Box::new(on_lost),
            socket: RefCell::new(None),
            retry: Cell::new(RETRY_FIRST),
            away: Cell::new(false),
            timers: RefCell::new(Vec::new()),
            closed: Cell::new(false),
        }));
        socket.connect();
        socket.watch();
        socket
    }

    /// Connects to another address, for what filters on the server.
    pub fn reopen(&self, path: &str) {
        path.clone_into(&mut self.0.path.borrow_mut());
        self.0.socket.take();
        self.begin_anew();
        self.connect();
    }

    /// Ends the connection for good.
    pub fn close(&self) {
        self.0.closed.set(true);
        self.0.socket.take();
        self.begin_anew();
    }

    /// Looks whether the connection lives, and looks at once when the network is back or somebody looks at the page.
    fn watch(&self) {
        let this = self.clone();
        let look = set_interval_with_handle(move || this.look(), LOOK).ok();
        let this = self.clone();
        let online = window_event_listener_untyped("online", move |_| this.wake());
        let this = self.clone();
        let seen = window_event_listener_untyped("visibilitychange", move |_| {
            if !document().hidden() {
                this.wake();
            }
        });
        let closing = StoredValue::new_local(self.clone());
        on_cleanup(move || {
            closing.try_with_value(Self::close);
            if let Some(look) = look {
                look.clear();
            }
            online.remove();
            seen.remove();
        });
    }

    fn look(&self) {
        let mut socket = self.0.socket.borrow_mut();
        let is_silent = socket.as_mut().is_some_and(|it| it.pulse.is_silent());
        drop(socket);
        if is_silent {
            self.give_up();
        }
    }

    /// Asks for a sign of life. An attempt that has brought nothing yet may hang: a new one is better.
    fn wake(&self) {
        let mut socket = self.0.socket.borrow_mut();
        let is_asked = socket.as_mut().is_some_and(Socket::ask);
        drop(socket);
        if !is_asked {
            self.0.socket.take();
            self.connect();
        }
    }

    /// It is lost, though nobody says so.
    fn give_up(&self) {
        self.0.socket.take();
        if !self.0.away.replace(true) {
            (self.0.on_lost)(Loss::Away);
        }
        self.retry_later();
    }

    /// Opens a socket, unless there is one.
    fn connect(&self) {
        if self.0.closed.get() || self.0.socket.borrow().is_some() {
            return;
        }
        let Some(address) = self.address() else {
            return;
        };
        let Ok(socket) = WebSocket::new(&address) else {
            return self.retry_later();
        };
        let socket = self.listen(socket);
        self.0.socket.replace(Some(socket));
    }

    fn address(&self) -> Option<String> {
        let location = window().location();
        let scheme = if location.protocol().ok()? == "https:" {
            "wss"
        } else {
            "ws"
        };
        Some(format!(
            "{scheme}://{}{}",
            location.host().ok()?,
            self.0.path.borrow()
        ))
    }

    fn listen(&self, socket: WebSocket) -> Socket {
        let this = self.clone();
        let message = Closure::new(move |event: MessageEvent| this.on_message(&event));
        let this = self.clone();
        let close = Closure::new(move |event: CloseEvent| this.on_close(event.code()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Socket {
            socket,
            pulse: Pulse::default(),
            _message: message,
            _close: close,
        }
    }

    fn on_message(&self, event: &MessageEvent) {
        let mut socket = self.0.socket.borrow_mut();
        let is_first = socket.as_mut().is_some_and(|it| it.pulse.heard());
        drop(socket);
        // Not when it opens: until something comes, the page shows what was.
        if is_first {
            self.begin_anew();
            (self.0.on_lost)(Loss::None);
        }
        let Some(text) = event.data().as_string() else {
            return;
        };
        match serde_json::from_str(&text) {
            Ok(message) => (self.0.on_message)(message),
            Err(error) => leptos::logging::warn!("a live message could not be read: {error}"),
        }
    }

    fn on_close(&self, code: u16) {
        self.0.socket.take();
        match code {
            LIVE_REVOKED => {
                self.0.closed.set(true);
                self.after(REVOKED_PAUSE, nav::reload_revoked);
            }
            LIVE_TOO_MANY => self.wait_for_others(),
            _ => self.retry_later(),
        }
    }

    fn wait_for_others(&self) {
        self.begin_anew();
        (self.0.on_lost)(Loss::TooMany);
        let this = self.clone();
        self.after(RETRY_TOO_MANY, move || this.connect());
    }

    fn retry_later(&self) {
        if !self.0.away.replace(true) {
            let this = self.clone();
            self.after(LOST_AFTER, move || (this.0.on_lost)(Loss::Away));
        }
        let wait = self.0.retry.get();
        self.0.retry.set((wait * 2).min(RETRY_LAST));
        let this = self.clone();
        self.after(wait, move || this.connect());
    }

    /// Forgets that it was away: the next loss is a first one.
    fn begin_anew(&self) {
        for timer in self.0.timers.take() {
            timer.clear();
        }
        self.0.retry.set(RETRY_FIRST);
        self.0.away.set(false);
    }

    fn after(&self, wait: Duration, act: impl FnOnce() + 'static) {
        if let Ok(timer) = set_timeout_with_handle(act, wait) {
            self.0.timers.borrow_mut().push(timer);
        }
    }
}
