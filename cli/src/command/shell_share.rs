//! `shell share` and what comes of it.

use server_api::shell_share::{
    ShellGrant, ShellInvitation, ShellInvitationCreated, ShellMode, ShellShare,
};

use crate::{
    context::Context,
    error::CliError,
    output::{table::Table, time},
    prompt,
    secret::Secret,
};

/// Makes a link. It stands alone on standard output, so that it can be piped on.
pub async fn share(context: &Context, id: &str, types: bool) -> Result<(), CliError> {
    let mode = if types {
        ShellMode::Type
    } else {
        ShellMode::Watch
    };
    let made = context.client.shell_invitation_create(id, mode).await?;
    context.out.one(&made, link)
}

fn link(made: &ShellInvitationCreated) -> String {
    eprintln!("This is shown once. It is good for one user, for 24 hours:");
    made.link.clone()
}

/// With whom a shell is shared.
pub async fn grants(context: &Context, id: &str) -> Result<(), CliError> {
    let share = context.client.shell_share_get(id).await?;
    context.out.one(&share, |share| table(share).to_string())
}

fn table(share: &ShellShare) -> Table {
    let grants = share.grants.iter().map(grant_row);
    let links = share.invitations.iter().map(link_row);
    let rows: Vec<Vec<String>> = grants.chain(links).collect();
    let head = ["ID", "WHO", "MAY", "SINCE", "HERE"];
    Table::of(&head, &rows, Clone::clone)
}

fn grant_row(grant: &ShellGrant) -> Vec<String> {
    vec![
        grant.id.clone(),
        grant.user.clone(),
        mode_word(grant.mode).into(),
        time::minute(grant.created_at),
        if grant.present { "yes" } else { "no" }.into(),
    ]
}

fn link_row(link: &ShellInvitation) -> Vec<String> {
    vec![
        link.id.clone(),
        "(link, not accepted)".into(),
        mode_word(link.mode).into(),
        time::minute(link.created_at),
        "-".into(),
    ]
}

/// Takes grants back, or leaves, or withdraws links.
pub async fn unshare(context: &Context, ids: &[String]) -> Result<(), CliError> {
    for id in ids {
        match context.client.shell_grant_delete(id).await {
            Err(error) if error.is_not_found() => {
                context.client.shell_invitation_delete(id).await?;
            }
            done => done?,
        }
        context.out.say(&format!("{id} has ended"))?;
    }
    Ok(())
}

/// Accepts an invitation. Until then its link is a secret.
pub async fn accept(context: &Context, link: Option<String>) -> Result<(), CliError> {
    let link = match link {
        Some(link) if link != "-" => Secret::new(link),
        _ => prompt::secret("Link")?,
    };
    let link = link.expose().trim();
    let grant = context.client.shell_grant_create(link).await?;
    context.out.one(&grant, |grant| {
        let (may, owner, vm) = (mode_word(grant.mode), &grant.owner, &grant.vm);
        format!("You may {may} in a shell of {owner}'s {vm}. It stands on your first page, under Shared with you.")
    })
}

/// What others share.
pub async fn shared(context: &Context) -> Result<(), CliError> {
    let grants = context.client.shell_shared_list().await?;
    let head = ["ID", "OWNER", "VM", "MAY", "SINCE"];
    context
        .out
        .list(&grants, "Nobody shares a shell with you.", |grants| {
            Table::of(&head, grants, shared_row)
        })
}

fn shared_row(grant: &ShellGrant) -> Vec<String> {
    vec![
        grant.id.clone(),
        grant.owner.clone(),
        grant.vm.clone(),
        mode_word(grant.mode).into(),
        time::minute(grant.created_at),
    ]
}

fn mode_word(mode: ShellMode) -> &'static str {
    match mode {
        ShellMode::Watch => "watch",
        ShellMode::Type => "type",
    }
}
