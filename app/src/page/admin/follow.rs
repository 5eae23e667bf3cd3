//! Keeping a page's picture fresh: by the live socket where it has it, else by asking again.

use std::{future::Future, time::Duration};

use leptos::prelude::*;

use crate::{
    component::{Alert, AlertKind, poll_or_tell},
    live::{Loss, use_live},
    model::{AppError, Overview},
};

/// How often lists without a live socket are asked for again.
const ASK_EVERY: Duration = Duration::from_secs(3);

/// The overview, kept fresh by the live socket. The second signal says why not, while that is away.
pub fn follow_overview(first: Overview) -> (RwSignal<Overview>, RwSignal<Loss>) {
    let overview = RwSignal::new(first);
    let lost = RwSignal::new(Loss::None);
    #[cfg(feature = "hydrate")]
    {
        use crate::{component::Clock, live::LiveSocket, model::Live};
        let clock = Clock::get();
        let on_message = move |message: Live| {
            if let Live::Overview(newer) = message {
                clock.sync(newer.as_of);
                overview.try_set(newer);
            }
        };
        LiveSocket::open("/live/admin", on_message, move |loss| {
            lost.try_set(loss);
        });
    }
    (overview, lost)
}

/// The answer of `ask`, asked again every few seconds. The second signal is true while that fails.
pub fn follow_answer<T, F>(
    first: T,
    ask: impl Fn() -> F + Copy + 'static,
) -> (RwSignal<T>, Signal<bool>)
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, AppError>> + 'static,
{
    let answer = RwSignal::new(first);
    let old = poll_or_tell(ASK_EVERY, move || ask_again(answer, ask));
    (answer, old)
}

/// Asks now. A failure keeps what was known: the next try is seconds away.
pub async fn refresh<T, F>(answer: RwSignal<T>, ask: impl Fn() -> F)
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, AppError>>,
{
    ask_again(answer, ask).await;
}

/// True where an answer came.
async fn ask_again<T, F>(answer: RwSignal<T>, ask: impl Fn() -> F) -> bool
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, AppError>>,
{
    let newer = ask().await;
    let is_answered = newer.is_ok();
    if let Ok(newer) = newer {
        answer.try_set(newer);
    }
    is_answered
}

/// One of a list, by what identifies it; as it was last once it has gone.
pub fn one_of<L, T>(
    list: RwSignal<L>,
    items: fn(&L) -> &[T],
    first: T,
    is_it: impl Fn(&T) -> bool + Send + Sync + 'static,
) -> Memo<T>
where
    L: Send + Sync + 'static,
    T: Clone + PartialEq + Send + Sync + 'static,
{
    Memo::new(move |previous: Option<&T>| {
        let found = list.with(|list| items(list).iter().find(|item| is_it(item)).cloned());
        found.unwrap_or_else(|| previous.unwrap_or(&first).clone())
    })
}

/// Says so while the live socket is away; not once more where the frame around the page says it of its own.
#[component]
pub fn Lost(#[prop(into)] lost: Signal<Loss>) -> impl IntoView {
    let live = use_live();
    move || {
        let lost = lost.get();
        let words = lost.words().filter(|_| live.lost() != lost);
        words.map(|words| {
            view! {
                <Alert kind=AlertKind::Note>{words}</Alert>
            }
        })
    }
}
