//! The live state of one's VMs: one WebSocket a tab, which the whole page reads.

use leptos::prelude::*;

use crate::model::{VmList, VmView};

#[cfg(any(feature = "hydrate", test))]
mod pulse;
#[cfg(feature = "hydrate")]
mod socket;

#[cfg(feature = "hydrate")]
pub use socket::LiveSocket;

/// Why a page hears nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// It does.
    #[default]
    None,
    /// The connection is away.
    Away,
    /// Too many pages of the user's, or of all users', hear already.
    TooMany,
}

impl Loss {
    /// What to tell the person, where there is something.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Away => Some("Connection lost. Reconnecting; what you see may be out of date."),
            Self::TooMany => Some(
                "Too many live pages are open: this one shows what was, and follows once others are closed.",
            ),
        }
    }
}

/// What the live socket told last.
#[derive(Clone, Copy)]
pub struct LiveVms {
    list: RwSignal<Option<VmList>>,
    lost: RwSignal<Loss>,
}

impl LiveVms {
    /// The newest list; None on the server and until the first message.
    pub fn list(self) -> Option<VmList> {
        self.list.get()
    }

    /// The same, once, for a first draw.
    pub fn list_untracked(self) -> Option<VmList> {
        self.list.get_untracked()
    }

    /// Away once it has been so for 2 s, or silent for 20 s, until it tells anew.
    pub fn lost(self) -> Loss {
        self.lost.get()
    }

    /// Takes in what an action answered, ahead of the socket.
    pub fn vm_changed(self, vm: VmView) {
        self.list.update(|list| {
            let Some(list) = list else { return };
            match list.vms.iter_mut().find(|known| known.id == vm.id) {
                Some(known) => *known = vm,
                None => list.vms.push(vm),
            }
        });
    }
}

/// Makes the state; [`live_connect`] fills it.
pub fn provide_live() {
    provide_context(LiveVms {
        list: RwSignal::new(None),
        lost: RwSignal::new(Loss::None),
    });
}

/// The live state of one's VMs.
pub fn use_live() -> LiveVms {
    use_context().unwrap_or_else(|| LiveVms {
        list: RwSignal::new(None),
        lost: RwSignal::new(Loss::None),
    })
}

/// Opens the socket, in the browser and for somebody who is signed in.
pub fn live_connect() {
    #[cfg(feature = "hydrate")]
    {
        use crate::{component::Clock, model::Live};
        let live = use_live();
        let clock = Clock::get();
        let on_message = move |message: Live| {
            if let Live::Vms(list) = message {
                clock.sync(list.as_of);
                live.list.set(Some(list));
            }
        };
        LiveSocket::open("/live", on_message, move |lost| live.lost.set(lost));
    }
}
