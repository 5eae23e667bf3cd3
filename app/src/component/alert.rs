//! A message across the width of what it is about.

use leptos::prelude::*;

use super::{Icon, IconName};

/// How a message looks, and whether it is read out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// Something went wrong; read out at once.
    Bad,
    /// Something to know before going on.
    Note,
    /// Something went well; read out when there is a pause.
    Good,
}

/// What happened, to what, and what to do next.
#[component]
pub fn Alert(kind: AlertKind, children: Children) -> impl IntoView {
    let (class, role, icon) = match kind {
        AlertKind::Bad => ("alert bad", Some("alert"), IconName::CircleAlert),
        AlertKind::Note => ("alert note", None, IconName::CircleAlert),
        AlertKind::Good => ("alert ok", Some("status"), IconName::CircleCheck),
    };
    view! {
        <div class=class role=role>
            <Icon name=icon />
            <div class="alert-words">{children()}</div>
        </div>
    }
}
