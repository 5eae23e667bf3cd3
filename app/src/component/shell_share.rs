//! Sharing a shell: a link for somebody else, with whom it is shared, who of them is there, and taking
//! it back.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    Ago, Alert, AlertKind, CopyFact, Dialog, Failure, Form, FormAlert, Icon, IconName, Left,
    Select, Submit, on_answer, on_gone, on_success, poll,
};
use crate::{
    model::{AppError, ErrorKind, ShellGrantView, ShellInvitationView, ShellMode, ShellShare},
    server_fn::{
        Dated, ShellGrantDelete, ShellInvitationCreate, ShellInvitationDelete, shell_share_get,
    },
};

/// How soon it is seen that somebody has come or gone.
const ASKED_EVERY: Duration = Duration::from_secs(3);

type ShareSignal = RwSignal<Option<Dated<ShellShare>>>;

/// The button on the shell's page, with its dialog. A terminal needs script, so this may, too.
#[component]
pub fn ShellShareButton(shell: String, #[prop(into)] vm: String) -> impl IntoView {
    let open = RwSignal::new(false);
    let share: ShareSignal = RwSignal::new(None);
    let shell = StoredValue::new(shell);
    let vm = StoredValue::new(vm);
    let ask = move || async move {
        match shell_share_get(shell.get_value()).await {
            Ok(newer) => drop(share.try_set(Some(newer))),
            // The shell has ended, or may not be seen any more: there is nothing left to ask for.
            Err(error) if is_over(&error) => drop(share.try_set(None)),
            Err(_) => {}
        }
    };
    let ask_now = Callback::new(move |()| leptos::task::spawn_local(ask()));
    Effect::new(move |_| ask_now.run(()));
    let is_of_interest = move || {
        open.get_untracked() || share.with_untracked(|share| share.as_ref().is_some_and(is_shared))
    };
    poll(ASKED_EVERY, move || async move {
        if is_of_interest() {
            ask().await;
        }
    });
    let on_open = move |_| {
        open.set(true);
        ask_now.run(());
    };
    let present = Memo::new(move |_| share.with(|share| share.as_ref().map_or(0, present)));
    view! {
        <button type="button" class="button small script-only" on:click=on_open>
            <Icon name=IconName::Users />
            <span class="shell-strip-word">"Share"</span>
            {move || (present.get() > 0).then(|| view! { <span class="shell-present">{format!("{} here", present.get())}</span> })}
        </button>
        <Dialog open on_close=Callback::new(move |()| open.set(false)) labelled_by="share-title">
            <ShareBody shell=shell.get_value() vm=vm.get_value() share ask_now />
            <p class="form-actions">
                <button type="button" class="button quiet" on:click=move |_| open.set(false)>"Done"</button>
            </p>
        </Dialog>
    }
}

/// Only then somebody can come or go.
fn is_shared(share: &Dated<ShellShare>) -> bool {
    !share.value.grants.is_empty() || !share.value.invitations.is_empty()
}

fn is_over(error: &AppError) -> bool {
    matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::NotFound)
}

fn present(share: &Dated<ShellShare>) -> usize {
    let grants = share.value.grants.iter();
    grants.filter(|grant| grant.present).count()
}

#[component]
fn ShareBody(
    shell: String,
    vm: String,
    share: ShareSignal,
    ask_now: Callback<()>,
) -> impl IntoView {
    let create = ServerAction::<ShellInvitationCreate>::new();
    on_success(create, move |_| ask_now.run(()));
    let made = create.value();
    let modes = [
        ("watch", "Watch"),
        ("type", "Watch and type: they are root in this VM"),
    ];
    let modes = modes.map(|(value, words)| (value.to_owned(), words.to_owned()));
    view! {
        <div class="shell-share">
            <h2 id="share-title">"Share this shell of " <code>{vm}</code></h2>
            <p class="muted">
                "Somebody with an account here opens the link and accepts it. They see this shell and its last 1,000 lines, nothing else of the VM, until you take it back."
            </p>
            {move || made.get().and_then(Result::ok).map(|made| view! {
                <Alert kind=AlertKind::Good>
                    <p>"The link is shown only now. It is good for one person, for 24 hours."</p>
                    <CopyFact text=made.link what="link" />
                </Alert>
            })}
            <Form action=create class="shell-share-form" label="New link">
                <input type="hidden" name="shell" value=shell />
                <FormAlert fields=&["mode"] />
                <Select name="mode" label="They may" options=modes.into() value="watch" />
                <Submit class="button accent" busy="Making it…">"Make a link"</Submit>
            </Form>
            <Shared share ask_now />
        </div>
    }
}

/// Who may be in the shell, and links that can be accepted yet.
#[component]
fn Shared(share: ShareSignal, ask_now: Callback<()>) -> impl IntoView {
    let withdraw = ServerAction::<ShellInvitationDelete>::new();
    let take_back = ServerAction::<ShellGrantDelete>::new();
    on_gone(withdraw, move || ask_now.run(()));
    let asked = RwSignal::new(None::<String>);
    on_gone(take_back, move || {
        asked.set(None);
        ask_now.run(());
    });
    // What one said is over once the other has been answered.
    on_answer(withdraw, move |_| take_back.clear());
    on_answer(take_back, move |_| withdraw.clear());
    let list = Memo::new(move |_| share.get().map(|share| share.value));
    let shown = move || {
        let list = list.get()?;
        let as_of = share.with_untracked(|share| share.as_ref().map_or(0, |share| share.as_of));
        let grants = list.grants.into_iter();
        let grants = grants.map(|grant| view! { <Grant grant as_of asked take_back /> });
        let invitations = list.invitations.into_iter();
        let invitations =
            invitations.map(|invitation| view! { <Invitation invitation as_of withdraw /> });
        Some(view! {
            <ul class="shell-list" role="list" aria-label="Shared with">
                {grants.collect_view()} {invitations.collect_view()}
            </ul>
        })
    };
    view! {
        <Failure action=take_back gone="That access has ended already." />
        <Failure action=withdraw gone="That link is not open any more." />
        {shown}
    }
}

#[component]
fn Grant(
    grant: ShellGrantView,
    as_of: i64,
    /// The grant whose end is asked about.
    asked: RwSignal<Option<String>>,
    take_back: ServerAction<ShellGrantDelete>,
) -> impl IntoView {
    let id = StoredValue::new(grant.id);
    let user = StoredValue::new(grant.user.clone());
    let label = format!("Take back from {}", grant.user);
    let is_asked = move || asked.with(|asked| asked.as_ref() == Some(&id.get_value()));
    view! {
        <li class="shell-item">
            <Icon name=IconName::User />
            <span class="shell-facts">
                <strong>{grant.user}</strong>
                <span class="muted">
                    {mode_words(grant.mode)} " · since " <Ago at=grant.created_at as_of />
                    {if grant.present { " · here now" } else { " · not here" }}
                </span>
            </span>
            <Show
                when=is_asked
                fallback=move || view! {
                    <button type="button" class="button small quiet" aria-label=label.clone() on:click=move |_| asked.set(Some(id.get_value()))>
                        "Take back"
                    </button>
                }
            >
                <Form action=take_back class="inline" label=format!("Take back from {}?", user.get_value())>
                    <input type="hidden" name="id" value=id.get_value() />
                    <Submit class="button small danger" busy="Taking it back…">"Take it back"</Submit>
                    <button type="button" class="button small quiet" on:click=move |_| asked.set(None)>"Keep"</button>
                </Form>
            </Show>
        </li>
    }
}

#[component]
fn Invitation(
    invitation: ShellInvitationView,
    as_of: i64,
    withdraw: ServerAction<ShellInvitationDelete>,
) -> impl IntoView {
    view! {
        <li class="shell-item">
            <Icon name=IconName::ExternalLink />
            <span class="shell-facts">
                <strong>"A link"</strong>
                <span class="muted">
                    {mode_words(invitation.mode)} " · not accepted yet · open for another "
                    <Left at=invitation.expires_at as_of />
                </span>
            </span>
            <Form action=withdraw class="inline" label="Withdraw the link">
                <input type="hidden" name="id" value=invitation.id />
                <Submit class="button small quiet">"Withdraw"</Submit>
            </Form>
        </li>
    }
}

fn mode_words(mode: ShellMode) -> &'static str {
    match mode {
        ShellMode::Watch => "may watch",
        ShellMode::Type => "may watch and type",
    }
}
