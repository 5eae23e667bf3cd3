//! VMs: what should be, and what was last seen. Users' reads take the owner; functions named
//! `…_any` and `…_by_node` are for admins and reconcilers.

mod owner;
mod reserve;
mod row;

pub use owner::{vm_count_by_owner, vm_delete_by_owner, vm_owner_known, vm_stop_by_owner};
pub use reserve::{
    ReserveError, VmPlace, VmRequest, vm_place_anew, vm_quota, vm_quota_list, vm_reserve,
};
pub use row::{DesiredState, VmRow};

use std::sync::Arc;

use row::{state_word, vm_row};

use super::{Db, DbError, Tx};

/// `SELECT` of everything a [`VmRow`] holds, with the rest of the statement.
macro_rules! vm_select {
    ($rest:literal) => {
        concat!(
            "SELECT v.id, v.owner_id, u.name AS owner, u.network_index, v.name, v.flavor, ",
            "v.cpu_millis, v.memory_mib, v.disk_gib, v.image, v.image_ref, v.node_id, ",
            "n.name AS node, v.placement_reason, v.desired, v.state, v.reason, v.generation, ",
            "v.restarts, v.retry_at, v.created_once, v.restart_wanted, v.engine_id, v.address, ",
            "v.created_at, v.changed_at, v.started_at, v.ssh_port, v.ssh_server, v.ssh_ready_at, ",
            "v.ssh_reason ",
            "FROM vms v JOIN users u ON u.id = v.owner_id LEFT JOIN nodes n ON n.id = v.node_id ",
            $rest
        )
    };
}
use vm_select;

/// The owner's VMs, oldest first. As of the last commit: the answer before holds until there is one.
pub async fn vm_list(db: &Db, owner_id: &str) -> Result<Arc<Vec<VmRow>>, DbError> {
    let ask = async {
        let rows = sqlx::query(vm_select!("WHERE v.owner_id = $1 ORDER BY v.id"))
            .bind(owner_id)
            .fetch_all(db.pool())
            .await?;
        rows.iter().map(vm_row).collect()
    };
    db.vm_lists.get(owner_id, ask).await
}

/// The owner's VM of that name.
pub async fn vm_get(db: &Db, owner_id: &str, name: &str) -> Result<Option<VmRow>, DbError> {
    let row = sqlx::query(vm_select!("WHERE v.owner_id = $1 AND v.name = $2"))
        .bind(owner_id)
        .bind(name)
        .fetch_optional(db.pool())
        .await?;
    row.as_ref().map(vm_row).transpose()
}

/// Everybody's VMs, oldest first.
pub async fn vm_list_any(db: &Db) -> Result<Vec<VmRow>, DbError> {
    let rows = sqlx::query(vm_select!("ORDER BY v.id"))
        .fetch_all(db.pool())
        .await?;
    rows.iter().map(vm_row).collect()
}

/// A VM by its id, whoever's it is.
pub async fn vm_get_any(db: &Db, id: &str) -> Result<Option<VmRow>, DbError> {
    let row = sqlx::query(vm_select!("WHERE v.id = $1"))
        .bind(id)
        .fetch_optional(db.pool())
        .await?;
    row.as_ref().map(vm_row).transpose()
}

/// The VMs placed on a node, those being deleted too.
pub async fn vm_list_by_node(db: &Db, node_id: &str) -> Result<Vec<VmRow>, DbError> {
    let rows = sqlx::query(vm_select!("WHERE v.node_id = $1 ORDER BY v.id"))
        .bind(node_id)
        .fetch_all(db.pool())
        .await?;
    rows.iter().map(vm_row).collect()
}

/// The same, locked until the transaction ends: on PostgreSQL somebody else may change one between the reading and
/// the writing.
pub async fn vm_list_by_node_locked(tx: &mut Tx, node_id: &str) -> Result<Vec<VmRow>, DbError> {
    sqlx::query("UPDATE vms SET changed_at = changed_at WHERE node_id = $1")
        .bind(node_id)
        .execute(&mut **tx)
        .await?;
    let rows = sqlx::query(vm_select!("WHERE v.node_id = $1 ORDER BY v.id"))
        .bind(node_id)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(vm_row).collect()
}

/// Writes `after` over `before`. False, and nothing written, when what is desired has changed since
/// `before` was read: then the writer's knowledge is old.
pub async fn vm_write(tx: &mut Tx, before: &VmRow, after: &VmRow) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE vms SET node_id = $1, placement_reason = $2, desired = $3, state = $4, \
                        reason = $5, generation = $6, restarts = $7, retry_at = $8, \
                        created_once = $9, restart_wanted = $10, engine_id = $11, address = $12, \
                        changed_at = $13, started_at = $14, ssh_port = $15, ssh_ready_at = $16, \
                        ssh_reason = $17 \
         WHERE id = $18 AND generation = $19",
    )
    .bind(after.node_id.as_deref())
    .bind(after.placement_reason.as_str())
    .bind(after.desired.word())
    .bind(state_word(after.state))
    .bind(after.reason.as_deref())
    .bind(after.generation)
    .bind(i64::from(after.restarts))
    .bind(after.retry_at)
    .bind(i64::from(after.created_once))
    .bind(i64::from(after.restart_wanted))
    .bind(after.engine_id.as_deref())
    .bind(after.address.as_deref())
    .bind(after.changed_at)
    .bind(after.started_at)
    .bind(after.ssh_port.map(i64::from))
    .bind(after.ssh_ready_at)
    .bind(after.ssh_reason.as_deref())
    .bind(before.id.as_str())
    .bind(before.generation)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes the row of a VM that is wanted deleted and is gone, shells included. False when it is
/// gone already, or not wanted deleted.
pub async fn vm_purge(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query("DELETE FROM vms WHERE id = $1 AND desired = 'deleted'")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}
