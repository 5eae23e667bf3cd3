//! What only admins may; for everybody else nothing of it exists.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::Dated;
#[cfg(feature = "ssr")]
use super::land;
use crate::model::{
    AppError, EventPage, ImageView, LogPage, NodeView, Overview, Role, ShellPage, UserCreated,
    UserMatches, UserView, VmDetail, VmMatches, VmView,
};
#[cfg(feature = "ssr")]
use crate::{
    model::{CHANGED, ErrorKind, EventFilter, LogFilter, LogLevel, QuotaForm, SshServer, VmFilter},
    response::{is_plain_form, once, plane},
};

/// As it is now; what follows comes by the live socket.
#[server(name = OverviewAsk, prefix = "/api", endpoint = "overview", input = GetUrl)]
pub async fn overview() -> Result<Overview, AppError> {
    plane()?.overview().await
}

/// Oldest first.
#[server(prefix = "/api", endpoint = "node_list", input = GetUrl)]
pub async fn node_list() -> Result<Dated<Vec<NodeView>>, AppError> {
    Ok(Dated::now(plane()?.node_list().await?))
}

/// By its name.
#[server(prefix = "/api", endpoint = "node_get", input = GetUrl)]
pub async fn node_get(name: String) -> Result<Dated<NodeView>, AppError> {
    Ok(Dated::now(plane()?.node_get(&name).await?))
}

/// Adds a node that runs already; an empty fingerprint is none. It may have openssl's colons.
#[server(prefix = "/api", endpoint = "node_add")]
pub async fn node_add(
    name: String,
    address: String,
    credential: String,
    #[server(default)] fingerprint: String,
) -> Result<NodeView, AppError> {
    let fingerprint = Some(bare_fingerprint(&fingerprint)).filter(|text| !text.is_empty());
    let plane = plane()?;
    let node = plane
        .node_add(
            name.trim(),
            address.trim(),
            credential.trim(),
            fingerprint.as_deref(),
        )
        .await?;
    land("/admin/nodes");
    Ok(node)
}

/// `cordoned`: no new VMs come to it. Those it has stay, and run on.
#[server(prefix = "/api", endpoint = "node_cordon")]
pub async fn node_cordon(name: String, cordoned: bool) -> Result<NodeView, AppError> {
    plane()?.node_cordon(&name, cordoned).await
}

/// Removes a node; `confirm` is its name while it has VMs. Answers the path to land on.
#[server(prefix = "/api", endpoint = "node_remove")]
pub async fn node_remove(
    name: String,
    #[server(default)] confirm: String,
) -> Result<String, AppError> {
    let confirm = Some(confirm.trim()).filter(|text| !text.is_empty());
    plane()?.node_remove(&name, confirm).await?;
    Ok(land("/admin/nodes"))
}

/// Users whose name holds `text`.
#[server(prefix = "/api", endpoint = "user_list", input = GetUrl)]
pub async fn user_list(#[server(default)] text: String) -> Result<Dated<UserMatches>, AppError> {
    let users = plane()?.user_list().await?;
    Ok(Dated::now(UserMatches::of(users, &text)))
}

/// By name.
#[server(prefix = "/api", endpoint = "user_get", input = GetUrl)]
pub async fn user_get(name: String) -> Result<Dated<UserView>, AppError> {
    let users = plane()?.user_list().await?;
    let user = users.into_iter().find(|user| user.name == name);
    Ok(Dated::now(
        user.ok_or_else(|| AppError::not_found("user", &name))?,
    ))
}

/// Makes an account. The name is taken as it was meant: phones begin with a capital letter. The one-time
/// password is to be shown once; after a plain form the new user's page shows it, by [`once`].
#[server(prefix = "/api", endpoint = "user_create")]
pub async fn user_create(name: String) -> Result<UserCreated, AppError> {
    let made = plane()?.user_create(&name.trim().to_lowercase()).await?;
    if is_plain_form() {
        let path = format!("/admin/users/{}", made.user.name);
        once::keep(&path, &made.password);
        land(&path);
    }
    Ok(made)
}

/// Signs them out and stops their VMs, or lets them in again. `Conflict` for the last admin.
#[server(prefix = "/api", endpoint = "user_disable")]
pub async fn user_disable(name: String, disabled: bool) -> Result<UserView, AppError> {
    plane()?.user_disable(&name, disabled).await
}

/// `version` is that of the user as the page shows them; empty: whatever is there is changed.
#[server(prefix = "/api", endpoint = "user_role")]
pub async fn user_role(
    name: String,
    role: Role,
    #[server(default)] version: String,
) -> Result<UserView, AppError> {
    let seen = filled(version);
    let done = plane()?.user_role(&name, role, seen.as_deref()).await;
    done.map_err(|error| overtaken(error, &name))
}

/// Sets what a user may have. Text, so that a bad number gets its message beside its field. `version`
/// as in [`user_role`].
#[server(prefix = "/api", endpoint = "user_quota")]
pub async fn user_quota(
    name: String,
    vms: String,
    vcpus: String,
    memory_mib: String,
    disk_gib: String,
    #[server(default)] version: String,
) -> Result<UserView, AppError> {
    let quota = QuotaForm {
        vms: whole("vms", "number of VMs", &vms)?,
        cpu_millis: vcpu_millis(&vcpus)?,
        memory_mib: whole("memory_mib", "memory", &memory_mib)?,
        disk_gib: whole("disk_gib", "disk", &disk_gib)?,
    };
    let seen = filled(version);
    let done = plane()?.user_quota(&name, quota, seen.as_deref()).await;
    done.map_err(|error| overtaken(error, &name))
}

/// Answers the one-time password, to be shown once; a plain form's page gets it by [`once`].
#[server(prefix = "/api", endpoint = "user_password_reset")]
pub async fn user_password_reset(name: String) -> Result<String, AppError> {
    let password = plane()?.user_password_reset(&name).await?;
    if is_plain_form() {
        let path = format!("/admin/users/{name}");
        once::keep(&path, &password);
        land(&path);
    }
    Ok(password)
}

/// Everybody's VMs that match; an empty part matches all.
#[server(prefix = "/api", endpoint = "admin_vm_list", input = GetUrl)]
pub async fn admin_vm_list(
    #[server(default)] text: String,
    #[server(default)] state: String,
    #[server(default)] node: String,
) -> Result<VmMatches, AppError> {
    let list = plane()?.admin_vm_list().await?;
    Ok(VmMatches::of(list, &VmFilter { text, state, node }))
}

/// Anybody's, by its id.
#[server(prefix = "/api", endpoint = "admin_vm_get", input = GetUrl)]
pub async fn admin_vm_get(id: String) -> Result<VmDetail, AppError> {
    plane()?.admin_vm_get(&id).await
}

/// As `vm_start`, of anybody's; an event that the owner sees.
#[server(prefix = "/api", endpoint = "admin_vm_start")]
pub async fn admin_vm_start(id: String) -> Result<VmView, AppError> {
    plane()?.admin_vm_start(&id).await
}

/// As `vm_stop`, of anybody's; an event that the owner sees.
#[server(prefix = "/api", endpoint = "admin_vm_stop")]
pub async fn admin_vm_stop(id: String) -> Result<VmView, AppError> {
    plane()?.admin_vm_stop(&id).await
}

/// Deletes anybody's VM and its disk; answers the path to land on.
#[server(prefix = "/api", endpoint = "admin_vm_delete")]
pub async fn admin_vm_delete(id: String) -> Result<String, AppError> {
    plane()?.admin_vm_delete(&id).await?;
    Ok(land("/admin/vms"))
}

/// Opens a shell of anybody's VM; an event that the owner sees.
#[server(prefix = "/api", endpoint = "admin_shell_open")]
pub async fn admin_shell_open(
    vm_id: String,
    shell: Option<String>,
    #[server(default)] new: bool,
) -> Result<Dated<ShellPage>, AppError> {
    Ok(Dated::now(
        plane()?
            .admin_shell_open(&vm_id, shell.as_deref(), new)
            .await?,
    ))
}

/// The newest records that match; an empty part matches all.
#[server(prefix = "/api", endpoint = "log_list", input = GetUrl)]
pub async fn log_list(
    #[server(default)] source: String,
    #[server(default)] level: String,
    #[server(default)] text: String,
) -> Result<LogPage, AppError> {
    let filter = LogFilter {
        source: filled(source),
        level: LogLevel::from_word(&level),
        text: filled(text),
    };
    plane()?.log_list(&filter).await
}

/// Events that match, newest first; `before` is the `next` of the page before.
#[server(prefix = "/api", endpoint = "event_list", input = GetUrl)]
pub async fn event_list(
    #[server(default)] actor: String,
    #[server(default)] subject: String,
    #[server(default)] kind: String,
    before: Option<i64>,
    #[server(default)] subject_id: String,
) -> Result<EventPage, AppError> {
    let filter = EventFilter {
        actor: filled(actor),
        subject: filled(subject),
        subject_id: filled(subject_id),
        kind: filled(kind),
        before,
    };
    plane()?.event_list(&filter).await
}

/// The catalogue, oldest first.
#[server(prefix = "/api", endpoint = "image_list", input = GetUrl)]
pub async fn image_list() -> Result<Vec<ImageView>, AppError> {
    plane()?.image_list().await
}

/// `reference` is what the nodes' engines pull; `ssh_server` the word for the one in it, any other for none.
#[server(prefix = "/api", endpoint = "image_add")]
pub async fn image_add(
    name: String,
    reference: String,
    #[server(default)] summary: String,
    #[server(default)] ssh_server: String,
) -> Result<ImageView, AppError> {
    plane()?
        .image_add(
            name.trim(),
            reference.trim(),
            summary.trim(),
            SshServer::read(&ssh_server),
        )
        .await
}

/// VMs that were made from it stay. `Conflict` for the last one.
#[server(prefix = "/api", endpoint = "image_remove")]
pub async fn image_remove(name: String) -> Result<(), AppError> {
    plane()?.image_remove(&name).await
}

/// Makes it the one that is chosen already in the form for a new VM.
#[server(prefix = "/api", endpoint = "image_default")]
pub async fn image_default(name: String) -> Result<ImageView, AppError> {
    plane()?.image_default(&name).await
}

/// What was typed, unless it is nothing.
#[cfg(feature = "ssr")]
fn filled(text: String) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// On a page, where what is there now stands beside the message.
#[cfg(feature = "ssr")]
fn overtaken(error: AppError, name: &str) -> AppError {
    if error.code != CHANGED {
        return error;
    }
    let message = format!(
        "Somebody else has changed {name} meanwhile; nothing was saved. Look at what is set now, and save again what you want."
    );
    AppError { message, ..error }
}

/// The hex digits of `sha256 Fingerprint=AB:CD:…` or of the bare digest.
#[cfg(feature = "ssr")]
fn bare_fingerprint(text: &str) -> String {
    let digits = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
    digits
        .chars()
        .filter(|c| *c != ':' && !c.is_whitespace())
        .collect::<String>()
        .to_lowercase()
}

#[cfg(feature = "ssr")]
fn whole(field: &str, what: &str, text: &str) -> Result<u32, AppError> {
    text.trim().parse().map_err(|_| {
        let message = format!("The {what} must be a whole number, 0 or more.");
        AppError::new(ErrorKind::Invalid, "not_a_number", message).at(field)
    })
}

/// "0.5" is 500.
#[cfg(feature = "ssr")]
fn vcpu_millis(text: &str) -> Result<u32, AppError> {
    let vcpus = text.trim().replace(',', ".").parse::<f64>().ok();
    let millis = vcpus.map(|vcpus| (vcpus * 1000.0).round());
    match millis.filter(|millis| (0.0..=1_000_000.0).contains(millis)) {
        Some(millis) => Ok(millis as u32),
        None => {
            let message = "The number of vCPUs must be a number from 0 to 1000, such as 0.5 or 4.";
            Err(AppError::new(ErrorKind::Invalid, "not_a_number", message).at("vcpus"))
        }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_taken_as_openssl_prints_it() {
        assert_eq!(bare_fingerprint("sha256 Fingerprint=AB:0C:\n9f "), "ab0c9f");
        assert_eq!(bare_fingerprint("ab0c9f"), "ab0c9f");
        assert_eq!(bare_fingerprint(" "), "");
    }

    #[test]
    fn a_bad_number_is_told_at_its_field() {
        assert_eq!(vcpu_millis("0.5"), Ok(500));
        assert_eq!(vcpu_millis("1,25"), Ok(1250));
        for bad in ["", "x", "-1", "NaN", "inf", "1e9"] {
            assert_eq!(
                vcpu_millis(bad).unwrap_err().field.as_deref(),
                Some("vcpus"),
                "{bad}"
            );
        }
        assert_eq!(whole("vms", "number of VMs", " 3 "), Ok(3));
        for bad in ["", "-1", "1.5", "99999999999"] {
            assert_eq!(
                whole("vms", "number of VMs", bad)
                    .unwrap_err()
                    .field
                    .as_deref(),
                Some("vms")
            );
        }
    }
}
