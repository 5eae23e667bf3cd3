//! All VMs of one user at once: when the account is disabled or deleted.

use app::model::VmState;

use super::{DesiredState, VmRow, vm_purge, vm_row, vm_select, vm_write};
use crate::{
    actor::Actor,
    clock,
    db::{
        Db, DbError, Tx,
        event::{NewEvent, SubjectKind, event_insert},
    },
};

/// Wants every VM of the user gone, with an event for each. Those without a node go at once.
/// Answers the nodes that have work now: wake their reconcilers after the commit.
pub async fn vm_delete_by_owner(
    tx: &mut Tx,
    owner_id: &str,
    actor: Option<&Actor>,
) -> Result<Vec<String>, DbError> {
    desire(
        tx,
        owner_id,
        actor,
        "vm_delete",
        DesiredState::Deleted,
        VmState::Deleting,
    )
    .await
}

/// Wants every running VM of the user stopped, with an event for each.
pub async fn vm_stop_by_owner(
    tx: &mut Tx,
    owner_id: &str,
    actor: Option<&Actor>,
) -> Result<Vec<String>, DbError> {
    desire(
        tx,
        owner_id,
        actor,
        "vm_stop",
        DesiredState::Stopped,
        VmState::Stopping,
    )
    .await
}

/// Rows the user still has, those being deleted too.
pub async fn vm_count_by_owner(tx: &mut Tx, owner_id: &str) -> Result<usize, DbError> {
    Ok(list(tx, owner_id).await?.len())
}

/// True when the user is, or ever was, one of this database.
pub async fn vm_owner_known(db: &Db, owner_id: &str) -> Result<bool, DbError> {
    let row = sqlx::query(
        "SELECT id FROM users WHERE id = $1 \
         UNION ALL SELECT subject_id FROM events WHERE subject_id = $1 LIMIT 1",
    )
    .bind(owner_id)
    .fetch_optional(db.pool())
    .await?;
    Ok(row.is_some())
}

/// Locks those VMs of the user that can still change until the transaction ends: on PostgreSQL somebody else may
/// change one between the reading and the writing, and it would be left out.
async fn lock(tx: &mut Tx, owner_id: &str) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE vms SET changed_at = changed_at WHERE owner_id = $1 AND desired <> 'deleted'",
    )
    .bind(owner_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn list(tx: &mut Tx, owner_id: &str) -> Result<Vec<VmRow>, DbError> {
    let rows = sqlx::query(vm_select!("WHERE v.owner_id = $1 ORDER BY v.id"))
        .bind(owner_id)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(vm_row).collect()
}

async fn desire(
    tx: &mut Tx,
    owner_id: &str,
    actor: Option<&Actor>,
    kind: &'static str,
    desired: DesiredState,
    state: VmState,
) -> Result<Vec<String>, DbError> {
    let mut nodes = Vec::new();
    lock(tx, owner_id).await?;
    for row in list(tx, owner_id).await? {
        let done = row.desired == desired || row.desired == DesiredState::Deleted;
        if done {
            continue;
        }
        // One that failed stays so, with its reason, and is not started any more.
        let keeps = desired == DesiredState::Stopped && row.state == VmState::Failed;
        let after = VmRow {
            desired,
            state: if keeps { row.state } else { state },
            reason: row.reason.clone().filter(|_| keeps),
            generation: row.generation + 1,
            retry_at: None,
            restart_wanted: false,
            changed_at: clock::now(),
            ..row.clone()
        };
        if !vm_write(tx, &row, &after).await? {
            let words = format!("VM {} at another generation, though it is locked", row.id);
            return Err(DbError::Unexpected(words));
        }
        let event = NewEvent::new(kind, actor, SubjectKind::Vm, &row.id, &row.name);
        event_insert(tx, &event.owner(owner_id)).await?;
        match row.node_id {
            Some(node) => nodes.push(node),
            None if desired == DesiredState::Deleted => drop(vm_purge(tx, &row.id).await?),
            None => {}
        }
    }
    nodes.sort_unstable();
    nodes.dedup();
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::db::{
        testing::{each_db, user},
        vm::vm_get_any,
    };

    #[tokio::test]
    async fn a_vm_that_changes_while_its_account_is_deleted_goes_all_the_same() {
        each_db(async |db| {
            let ann = user(&db, "ann", 1).await;
            let mut tx = db.write().await.unwrap();
            sqlx::query(
                "INSERT INTO vms (id, owner_id, name, flavor, cpu_millis, memory_mib, disk_gib, \
                                  image, image_ref, placement_reason, desired, state, \
                                  created_at, changed_at) \
                 VALUES ('v-1', $1, 'web1', 'small', 500, 256, 2, 'alpine', 'alpine:3', '', \
                         'running', 'running', 0, 0)",
            )
            .bind(ann.user_id.as_str())
            .execute(&mut *tx)
            .await
            .unwrap();
            tx.commit().await.unwrap();
            let row = vm_get_any(&db, "v-1").await.unwrap().unwrap();
            let mut changing = db.write().await.unwrap();
            let after = VmRow {
                generation: row.generation + 1,
                ..row.clone()
            };
            assert!(vm_write(&mut changing, &row, &after).await.unwrap());
            // It waits: on PostgreSQL for the row, on SQLite for its turn.
            let deleting = async {
                let mut tx = db.write().await.unwrap();
                let nodes = vm_delete_by_owner(&mut tx, &ann.user_id, Some(&ann)).await;
                assert!(nodes.unwrap().is_empty());
                tx.commit().await.unwrap();
            };
            let change = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                changing.commit().await.unwrap();
            };
            tokio::join!(deleting, change);
            assert!(vm_get_any(&db, "v-1").await.unwrap().is_none());
        })
        .await;
    }
}
