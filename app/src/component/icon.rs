//! Icons: lines of 2 in a box of 24 (lucide, ISC), kept once in `public/icon.svg`.

use leptos::prelude::*;

/// Which icon; the name is its id in the sprite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconName {
    Activity,
    ArrowLeft,
    Check,
    ChevronDown,
    ChevronRight,
    CircleAlert,
    CircleCheck,
    Copy,
    Ellipsis,
    ExternalLink,
    Eye,
    Gauge,
    Image,
    List,
    LogOut,
    Monitor,
    Moon,
    Network,
    Pause,
    Play,
    Plus,
    Power,
    Refresh,
    Restart,
    Search,
    Server,
    Settings,
    Shield,
    Sun,
    Terminal,
    Trash,
    User,
    Users,
    Warning,
    WifiOff,
    X,
}

impl IconName {
    fn href(self) -> &'static str {
        match self {
            Self::Activity => "/icon.svg#activity",
            Self::ArrowLeft => "/icon.svg#arrow-left",
            Self::Check => "/icon.svg#check",
            Self::ChevronDown => "/icon.svg#chevron-down",
            Self::ChevronRight => "/icon.svg#chevron-right",
            Self::CircleAlert => "/icon.svg#circle-alert",
            Self::CircleCheck => "/icon.svg#circle-check",
            Self::Copy => "/icon.svg#copy",
            Self::Ellipsis => "/icon.svg#ellipsis",
            Self::ExternalLink => "/icon.svg#external-link",
            Self::Eye => "/icon.svg#eye",
            Self::Gauge => "/icon.svg#gauge",
            Self::Image => "/icon.svg#boxes",
            Self::List => "/icon.svg#scroll-text",
            Self::LogOut => "/icon.svg#log-out",
            Self::Monitor => "/icon.svg#monitor",
            Self::Moon => "/icon.svg#moon",
            Self::Network => "/icon.svg#network",
            Self::Pause => "/icon.svg#pause",
            Self::Play => "/icon.svg#play",
            Self::Plus => "/icon.svg#plus",
            Self::Power => "/icon.svg#power",
            Self::Refresh => "/icon.svg#refresh-cw",
            Self::Restart => "/icon.svg#rotate-cw",
            Self::Search => "/icon.svg#search",
            Self::Server => "/icon.svg#server",
            Self::Settings => "/icon.svg#settings",
            Self::Shield => "/icon.svg#shield",
            Self::Sun => "/icon.svg#sun",
            Self::Terminal => "/icon.svg#terminal",
            Self::Trash => "/icon.svg#trash-2",
            Self::User => "/icon.svg#user",
            Self::Users => "/icon.svg#users",
            Self::Warning => "/icon.svg#triangle-alert",
            Self::WifiOff => "/icon.svg#wifi-off",
            Self::X => "/icon.svg#x",
        }
    }
}

/// An icon beside words that say the same; alone it needs a label on its button.
#[component]
pub fn Icon(name: IconName) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <use_ href=name.href() />
        </svg>
    }
}
