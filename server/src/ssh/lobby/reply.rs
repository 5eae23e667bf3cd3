//! What the lobby answers: tables for people, the API's shapes for programs, and exit codes.

use app::model::{AppError, ErrorKind, VmView};
use http::StatusCode;
use server_api::problem::Problem;

use crate::{
    api::vm_answer,
    ssh::outbox::{Gone, Outbox},
};

/// Exit codes, as docs/cli.md lists them. 0 is success.
pub mod exit {
    /// What has no code of its own: a fault, a node away, too many at once.
    pub const FAILURE: i32 = 1;
    /// The line, or what it names, breaks a rule.
    pub const USAGE: i32 = 2;
    /// There is no such VM, or it is another user's.
    pub const NOT_FOUND: i32 = 3;
    /// Not with this account, or not any more.
    pub const NOT_ALLOWED: i32 = 4;
    /// It clashes with what is there, or with the quota.
    pub const CONFLICT: i32 = 5;
    /// It took longer than was waited for, and goes on.
    pub const TIMEOUT: i32 = 6;
}

/// Says what went wrong; answers the exit code.
pub async fn refused(error: &AppError, json: bool, out: &Outbox) -> Result<i32, Gone> {
    match json {
        true => out.err(format!("{}\n", problem(error))).await?,
        false => out.say(&error.message).await?,
    }
    Ok(code(error))
}

fn problem(error: &AppError) -> String {
    let status = error.kind.status();
    let title = StatusCode::from_u16(status).ok();
    let title = title.and_then(|status| status.canonical_reason());
    let problem = Problem {
        code: error.code.clone(),
        title: title.unwrap_or("Error").into(),
        status,
        detail: error.message.clone(),
        field: error.field.clone(),
        request_id: error.request_id.clone(),
    };
    // Texts and a number cannot fail to be written.
    serde_json::to_string(&problem).unwrap_or_default()
}

fn code(error: &AppError) -> i32 {
    match error.kind {
        _ if error.code.contains("quota") => exit::CONFLICT,
        ErrorKind::Invalid => exit::USAGE,
        ErrorKind::NotFound => exit::NOT_FOUND,
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => exit::NOT_ALLOWED,
        ErrorKind::Conflict => exit::CONFLICT,
        ErrorKind::TooMany | ErrorKind::Unavailable | ErrorKind::Internal => exit::FAILURE,
    }
}

/// One VM: JSON, or a sentence.
pub async fn one(vm: &VmView, words: &str, json: bool, out: &Outbox) -> Result<(), Gone> {
    match json {
        true => out.print(&pretty(&vm_answer(vm.clone()))).await,
        false => out.print(&format!("{words}\n")).await,
    }
}

/// VMs: a JSON array, or a table.
pub async fn list(vms: &[VmView], json: bool, out: &Outbox) -> Result<(), Gone> {
    if json {
        let vms: Vec<_> = vms.iter().cloned().map(vm_answer).collect();
        return out.print(&pretty(&vms)).await;
    }
    if vms.is_empty() {
        return out.say("you have no VMs. Make one: new").await;
    }
    out.print(&table(vms)).await
}

fn pretty(value: &impl serde::Serialize) -> String {
    // Texts and numbers cannot fail to be written.
    format!(
        "{}\n",
        serde_json::to_string_pretty(value).unwrap_or_default()
    )
}

fn table(vms: &[VmView]) -> String {
    let mut rows = vec![["NAME", "STATE", "SIZE", "IMAGE", "REASON"].map(str::to_owned)];
    rows.extend(vms.iter().map(|vm| {
        [
            vm.name.clone(),
            vm.state.word().to_lowercase(),
            vm.flavor.clone(),
            vm.image.clone(),
            clean(vm.reason.as_deref().unwrap_or_default()),
        ]
    }));
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 5] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Nothing that would steer the terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}
