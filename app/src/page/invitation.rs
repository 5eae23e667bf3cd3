//! An invitation to a shell of somebody else's VM. To look at it changes nothing.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    component::{
        Access, ErrorView, Form, FormAlert, Guard, Icon, IconName, Left, Submit, on_success,
    },
    model::{AppError, ErrorKind, ShellInvitationView, ShellMode},
    nav::{leave, set_status},
    server_fn::{Dated, ShellGrantCreate, shell_invitation_get},
    visit::Visit,
};

/// `/invitations/:token`, for members. Who sent it sees that it is theirs; accepting leads to the shell.
#[component]
pub fn InvitationPage() -> impl IntoView {
    let params = use_params_map();
    let token = Memo::new(move |_| params.read().get("token").unwrap_or_default());
    let invitation = Resource::new_blocking(move || token.get(), shell_invitation_get);
    let page = move |visit: Visit| view! { <Opened visit token invitation /> }.into_any();
    view! {
        <Title text="Invitation" />
        <Guard access=Access::Member page />
    }
}

#[component]
fn Opened(
    visit: Visit,
    token: Memo<String>,
    invitation: Resource<Result<Dated<ShellInvitationView>, AppError>>,
) -> impl IntoView {
    let own_name = visit.viewer.map(|viewer| viewer.name).unwrap_or_default();
    view! {
        <Transition>
            {move || {
                let own_name = own_name.clone();
                Suspend::new(async move {
                    match invitation.await {
                        Ok(open) if open.value.owner == own_name => view! { <Own invitation=open.value /> }.into_any(),
                        Ok(open) => view! { <Asked token=token.get_untracked() open /> }.into_any(),
                        Err(error) if error.kind == ErrorKind::NotFound => view! { <Closed /> }.into_any(),
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

#[component]
fn Asked(token: String, open: Dated<ShellInvitationView>) -> impl IntoView {
    let action = ServerAction::<ShellGrantCreate>::new();
    // The terminal's script is loaded with its page alone.
    on_success(action, |path| leave(&path));
    let Dated { value, as_of } = open;
    let (heading, may) = match value.mode {
        ShellMode::Watch => (
            format!("{} invites you to watch a shell", value.owner),
            "You see what it shows, live. What you type goes nowhere.",
        ),
        ShellMode::Type => (
            format!("{} invites you into a shell", value.owner),
            "You see what it shows, live, and type in it as root.",
        ),
    };
    view! {
        <section class="narrow">
            <h1>{heading}</h1>
            <p>
                "It is a shell of " {value.owner.clone()} "’s VM " <code>{value.vm.clone()}</code> ". " {may}
                " " {value.owner.clone()} " sees that you are there, and can take this back at any time."
            </p>
            <Form action class="form">
                <input type="hidden" name="token" value=token />
                <FormAlert />
                <Submit class="button accent wide" busy="Accepting…">"Accept"</Submit>
                <a class="button quiet wide" href="/">"Not now"</a>
            </Form>
            <p class="muted">"Open for another " <Left at=value.expires_at as_of /> ", for one person."</p>
        </section>
    }
}

#[component]
fn Own(invitation: ShellInvitationView) -> impl IntoView {
    let vm = invitation.vm;
    let shell = format!("/shell/{vm}?shell={}", invitation.shell_id);
    view! {
        <section class="narrow">
            <h1>"This is your own invitation"</h1>
            <p>"It lets somebody else into a shell of " <code>{vm}</code> ": send them this page’s address. It is good for one person."</p>
            <p><a class="button wide" rel="external" href=shell>"Open the shell"</a></p>
        </section>
    }
}

/// Used, withdrawn, past its end, or never there, or its shell has ended: nobody is told which.
#[component]
fn Closed() -> impl IntoView {
    set_status(404);
    view! {
        <section class="blank">
            <Icon name=IconName::Terminal />
            <h1>"This invitation is not open any more"</h1>
            <p>"An invitation is good for one person, for 24 hours and while its shell lives, and can be withdrawn. Ask whoever sent it to you for a new one."</p>
            <p class="blank-actions"><a class="button quiet" href="/">"Your VMs"</a></p>
        </section>
    }
}
