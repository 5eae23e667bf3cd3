//! State in word, shape and colour: never in colour alone.

use leptos::prelude::*;

use crate::model::VmState;

/// The four tones a state can have; each has a shape of its own in the style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A full dot.
    Ok,
    /// A half dot.
    Busy,
    /// An empty ring.
    Idle,
    /// A cross.
    Bad,
}

impl Tone {
    /// Its class in the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Busy => "busy",
            Self::Idle => "idle",
            Self::Bad => "bad",
        }
    }
}

impl From<VmState> for Tone {
    fn from(state: VmState) -> Self {
        match state {
            VmState::Running => Self::Ok,
            VmState::Creating | VmState::Starting | VmState::Stopping | VmState::Deleting => {
                Self::Busy
            }
            VmState::Stopped => Self::Idle,
            VmState::Failed | VmState::Unknown => Self::Bad,
        }
    }
}

/// A shape and a word.
#[component]
pub fn Badge(
    #[prop(into)] tone: Signal<Tone>,
    #[prop(into)] word: Signal<String>,
) -> impl IntoView {
    view! {
        <span class=move || format!("badge {}", tone.get().class())>
            <svg class="badge-mark" viewBox="0 0 12 12" aria-hidden="true">
                {move || mark(tone.get())}
            </svg>
            {word}
        </span>
    }
}

fn mark(tone: Tone) -> AnyView {
    match tone {
        Tone::Ok => view! { <circle cx="6" cy="6" r="4.5" fill="currentColor" /> }.into_any(),
        Tone::Busy => view! {
            <path d="M6 1.5a4.5 4.5 0 0 0 0 9z" fill="currentColor" stroke="none" />
            <circle cx="6" cy="6" r="4.2" />
        }
        .into_any(),
        Tone::Idle => view! { <circle cx="6" cy="6" r="4" /> }.into_any(),
        Tone::Bad => view! { <path d="M2.5 2.5l7 7M9.5 2.5l-7 7" /> }.into_any(),
    }
}

/// A VM's state.
#[component]
pub fn VmBadge(#[prop(into)] state: Signal<VmState>) -> impl IntoView {
    view! {
        <Badge
            tone=Signal::derive(move || state.get().into())
            word=Signal::derive(move || state.get().word().to_owned())
        />
    }
}
