//! A WebSocket of `Live` messages that comes back by itself.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::{model::Live, nav};

const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LAST: Duration = Duration::from_secs(5);
const LOST_AFTER: Duration = Duration::from_secs(2);
/// Close codes that no new connection mends: access was taken back.
const REVOKED: u16 = 4003;

/// What ended the access (signing out, deleting the account) leads somewhere by itself in this time.
const REVOKED_PAUSE: Duration = Duration::from_secs(1);

/// One connection, kept until the reactive owner that opened it goes.
#[derive(Clone)]
pub struct LiveSocket(Rc<Inner>);

struct Inner {
    path: RefCell<String>,
    on_message: Box<dyn Fn(Live)>,
    on_lost: Box<dyn Fn(bool)>,
    socket: RefCell<Option<WebSocket>>,
    /// Kept as long as the socket that calls them.
    handlers: RefCell<Option<Handlers>>,
    retry: RefCell<Duration>,
    timers: RefCell<Vec<TimeoutHandle>>,
    closed: RefCell<bool>,
}

struct Handlers {
    _message: Closure<dyn FnMut(MessageEvent)>,
    _open: Closure<dyn FnMut()>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl LiveSocket {
    /// Connects to `path` of this site. `on_lost(true)` is called when the connection has been away
    /// for 2 s, `on_lost(false)` when it is back.
    pub fn open(
        path: &str,
        on_message: impl Fn(Live) + 'static,
        on_lost: impl Fn(bool) + 'static,
    ) -> Self {
        let socket = Self(Rc::new(Inner {
            path: RefCell::new(path.to_owned()),
            on_message: Box::new(on_message),
            on_lost: Box::new(on_lost),
            socket: RefCell::new(None),
            handlers: RefCell::new(None),
            retry: RefCell::new(RETRY_FIRST),
            timers: RefCell::new(Vec::new()),
            closed: RefCell::new(false),
        }));
        socket.connect();
        let closing = StoredValue::new_local(socket.clone());
        on_cleanup(move || {
            closing.try_with_value(Self::close);
        });
        socket
    }

    /// Connects to another address, for what filters on the server.
    pub fn reopen(&self, path: &str) {
        path.clone_into(&mut self.0.path.borrow_mut());
        self.drop_socket();
        self.0.retry.replace(RETRY_FIRST);
        self.connect();
    }

    /// Ends the connection for good.
    pub fn close(&self) {
        self.0.closed.replace(true);
        self.drop_socket();
    }

    fn drop_socket(&self) {
        self.clear_timers();
        if let Some(socket) = self.0.socket.take() {
            for clear in [
                WebSocket::set_onclose,
                WebSocket::set_onmessage,
                WebSocket::set_onopen,
            ] {
                clear(&socket, None);
            }
            // Closing a socket that is closed already is no error worth a word.
            let _ = socket.close();
        }
        self.0.handlers.take();
    }

    fn connect(&self) {
        let Some(address) = self.address() else {
            return;
        };
        let Ok(socket) = WebSocket::new(&address) else {
            return self.retry_later();
        };
        let handlers = self.listen(&socket);
        self.0.socket.replace(Some(socket));
        self.0.handlers.replace(Some(handlers));
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

    fn listen(&self, socket: &WebSocket) -> Handlers {
        let this = self.clone();
        let message = Closure::new(move |event: MessageEvent| this.on_message(&event));
        let this = self.clone();
        let open = Closure::new(move || this.on_open());
        let this = self.clone();
        let close = Closure::new(move |event: CloseEvent| this.on_close(event.code()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Handlers {
            _message: message,
            _open: open,
            _close: close,
        }
    }

    fn on_message(&self, event: &MessageEvent) {
        let Some(text) = event.data().as_string() else {
            return;
        };
        match serde_json::from_str(&text) {
            Ok(message) => (self.0.on_message)(message),
            Err(error) => leptos::logging::warn!("a live message could not be read: {error}"),
        }
    }

    fn on_open(&self) {
        self.clear_timers();
        self.0.retry.replace(RETRY_FIRST);
        (self.0.on_lost)(false);
    }

    fn on_close(&self, code: u16) {
        self.0.socket.take();
        if code == REVOKED {
            return self.after(REVOKED_PAUSE, nav::reload_revoked);
        }
        self.retry_later();
    }

    fn retry_later(&self) {
        if *self.0.closed.borrow() {
            return;
        }
        let wait = *self.0.retry.borrow();
        if wait == RETRY_FIRST {
            let this = self.clone();
            self.after(LOST_AFTER, move || (this.0.on_lost)(true));
        }
        self.0.retry.replace((wait * 2).min(RETRY_LAST));
        let this = self.clone();
        self.after(wait, move || this.connect());
    }

    fn after(&self, wait: Duration, act: impl FnOnce() + 'static) {
        if let Ok(timer) = set_timeout_with_handle(act, wait) {
            self.0.timers.borrow_mut().push(timer);
        }
    }

    fn clear_timers(&self) {
        for timer in self.0.timers.take() {
            timer.clear();
        }
    }
}
