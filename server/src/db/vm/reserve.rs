//! A place for a VM, promised in the same transaction as its row: the user's quota, the node's
//! capacity, the user's network. Callers begin the transaction with `write_exclusive`.

use app::model::{QuotaUsage, SshServer, VmState};
use sqlx::any::AnyRow;

use super::{DesiredState, VmRow, row::state_word, vm_row, vm_select};
use crate::{
    clock,
    db::{
        Db, DbError, Tx, column,
        network::network_ensure,
        node::{NodeAllocation, node_allocations, node_placed},
    },
};

/// What a user asks for, already checked against catalogue and sizes.
#[derive(Clone, Debug)]
pub struct VmRequest {
    /// The id that it gets.
    pub id: String,
    pub owner_id: String,
    pub name: String,
    /// The size's name; its figures below are the VM's own from then on.
    pub flavor: String,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
    /// Name in the catalogue.
    pub image: String,
    /// Reference for the engine.
    pub image_ref: String,
    /// How its SSH server is started, where its port is to be published.
    pub ssh_server: Option<SshServer>,
    /// Networks there are in the configured range.
    pub networks: u32,
}

/// Where a VM goes, and why there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmPlace {
    pub node_id: String,
    /// A sentence.
    pub reason: String,
    /// The node's port for its SSH, where that is to be published.
    pub ssh_port: Option<u16>,
}

/// Why there is no place. `R` is the placement's own refusal.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError<R> {
    /// The state of the VM that has it.
    #[error("the owner has a VM of that name, {}", state_word(*.0))]
    NameTaken(VmState),
    /// What the owner may have, and has without the new VM.
    #[error("over quota")]
    Quota(QuotaUsage),
    /// What `place` said.
    #[error("no node fits")]
    NoNode(R),
    /// The owner has none yet, and every one of the configured range is somebody's.
    #[error("all networks are taken")]
    NoNetwork,
    #[error("the account is disabled or gone")]
    NoOwner,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Writes the row of a new VM, `creating`, on the node that `place` picks from all nodes and what
/// is promised on each. The caller adds the event and commits.
pub async fn vm_reserve<R>(
    tx: &mut Tx,
    request: &VmRequest,
    place: impl FnOnce(&[NodeAllocation]) -> Result<VmPlace, R>,
) -> Result<VmRow, ReserveError<R>> {
    name_free(tx, request).await?;
    let quota = quota_in(tx, &request.owner_id)
        .await?
        .ok_or(ReserveError::NoOwner)?;
    if !fits(&quota, request) {
        return Err(ReserveError::Quota(quota));
    }
    let place = place(&node_allocations(tx).await?).map_err(ReserveError::NoNode)?;
    network_ensure(tx, &request.owner_id, request.networks)
        .await?
        .ok_or(ReserveError::NoNetwork)?;
    insert(tx, request, &place).await?;
    node_placed(tx, &place.node_id).await?;
    Ok(get_in(tx, &request.id).await?)
}

/// Picks a node for a VM that has none, or never came to be on the one it had. The VM's own promise
/// does not count against itself.
pub async fn vm_place_anew<R>(
    tx: &mut Tx,
    row: &VmRow,
    place: impl FnOnce(&[NodeAllocation]) -> Result<VmPlace, R>,
) -> Result<VmPlace, ReserveError<R>> {
    let mut nodes = node_allocations(tx).await?;
    for node in &mut nodes {
        if row.node_id.as_deref() == Some(&node.node_id) {
            node.vms = node.vms.saturating_sub(1);
            node.cpu_millis = node.cpu_millis.saturating_sub(row.cpu_millis);
            node.memory_mib = node.memory_mib.saturating_sub(row.memory_mib);
            node.disk_gib = node.disk_gib.saturating_sub(row.disk_gib);
            node.ssh_ports.retain(|port| Some(*port) != row.ssh_port);
        }
    }
    let place = place(&nodes).map_err(ReserveError::NoNode)?;
    node_placed(tx, &place.node_id).await?;
    Ok(place)
}

async fn name_free<R>(tx: &mut Tx, request: &VmRequest) -> Result<(), ReserveError<R>> {
    let row = sqlx::query(vm_select!("WHERE v.owner_id = $1 AND v.name = $2"))
        .bind(request.owner_id.as_str())
        .bind(request.name.as_str())
        .fetch_optional(&mut **tx)
        .await
        .map_err(DbError::from)?;
    match row {
        Some(row) => Err(ReserveError::NameTaken(vm_row(&row)?.state)),
        None => Ok(()),
    }
}

fn fits(quota: &QuotaUsage, request: &VmRequest) -> bool {
    quota.vms < quota.vms_max
        && quota.cpu_millis.saturating_add(request.cpu_millis) <= quota.cpu_millis_max
        && quota.memory_mib.saturating_add(request.memory_mib) <= quota.memory_mib_max
        && quota.disk_gib.saturating_add(request.disk_gib) <= quota.disk_gib_max
}

async fn insert(tx: &mut Tx, request: &VmRequest, place: &VmPlace) -> Result<(), DbError> {
    let now = clock::now();
    sqlx::query(
        "INSERT INTO vms (id, owner_id, name, flavor, cpu_millis, memory_mib, disk_gib, image, \
                          image_ref, node_id, placement_reason, desired, state, created_at, \
                          changed_at, ssh_port, ssh_server) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(request.id.as_str())
    .bind(request.owner_id.as_str())
    .bind(request.name.as_str())
    .bind(request.flavor.as_str())
    .bind(i64::from(request.cpu_millis))
    .bind(i64::from(request.memory_mib))
    .bind(i64::from(request.disk_gib))
    .bind(request.image.as_str())
    .bind(request.image_ref.as_str())
    .bind(place.node_id.as_str())
    .bind(place.reason.as_str())
    .bind(DesiredState::Running.word())
    .bind(state_word(VmState::Creating))
    .bind(now)
    .bind(now)
    .bind(place.ssh_port.map(i64::from))
    .bind(request.ssh_server.map(SshServer::word))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn get_in(tx: &mut Tx, id: &str) -> Result<VmRow, DbError> {
    let row = sqlx::query(vm_select!("WHERE v.id = $1"))
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    vm_row(&row)
}

/// Quota and use of users; VMs being deleted do not count.
macro_rules! quota_select {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.vms_max, u.cpu_millis_max, u.memory_mib_max, u.disk_gib_max, ",
            "CAST(COUNT(v.id) AS BIGINT) AS vms, ",
            "CAST(COALESCE(SUM(v.cpu_millis), 0) AS BIGINT) AS cpu_millis, ",
            "CAST(COALESCE(SUM(v.memory_mib), 0) AS BIGINT) AS memory_mib, ",
            "CAST(COALESCE(SUM(v.disk_gib), 0) AS BIGINT) AS disk_gib ",
            "FROM users u LEFT JOIN vms v ON v.owner_id = u.id AND v.desired <> 'deleted' ",
            $rest,
            " GROUP BY u.id, u.vms_max, u.cpu_millis_max, u.memory_mib_max, u.disk_gib_max"
        )
    };
}

async fn quota_in(tx: &mut Tx, user_id: &str) -> Result<Option<QuotaUsage>, DbError> {
    let row = sqlx::query(quota_select!(
        "WHERE u.id = $1 AND u.disabled = 0 AND u.deleted_at IS NULL"
    ))
    .bind(user_id)
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(quota_row).transpose()
}

/// What a user may have, and has. None when there is no such user.
pub async fn vm_quota(db: &Db, user_id: &str) -> Result<Option<QuotaUsage>, DbError> {
    let row = sqlx::query(quota_select!("WHERE u.id = $1"))
        .bind(user_id)
        .fetch_optional(db.pool())
        .await?;
    row.as_ref().map(quota_row).transpose()
}

/// The same for every user, by user id.
pub async fn vm_quota_list(db: &Db) -> Result<Vec<(String, QuotaUsage)>, DbError> {
    let rows = sqlx::query(quota_select!("")).fetch_all(db.pool()).await?;
    rows.iter()
        .map(|row| Ok((column::text(row, "id")?, quota_row(row)?)))
        .collect()
}

fn quota_row(row: &AnyRow) -> Result<QuotaUsage, DbError> {
    Ok(QuotaUsage {
        vms: column::amount(row, "vms")?,
        vms_max: column::amount(row, "vms_max")?,
        cpu_millis: column::amount(row, "cpu_millis")?,
        cpu_millis_max: column::amount(row, "cpu_millis_max")?,
        memory_mib: column::amount(row, "memory_mib")?,
        memory_mib_max: column::amount(row, "memory_mib_max")?,
        disk_gib: column::amount(row, "disk_gib")?,
        disk_gib_max: column::amount(row, "disk_gib_max")?,
    })
}
