//! Nodes that this installation has. How they are doing is not kept: the registry asks them.

use std::collections::HashMap;

use app::model::NodePolicy;
use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};
use crate::clock;

/// A node without its credential, which is a file in the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    pub id: String,
    pub name: String,
    /// `http://127.0.0.1:PORT` or `https://HOST:PORT`.
    pub address: String,
    /// Started and watched by this server.
    pub local: bool,
    /// Whether new VMs may be placed there.
    pub policy: NodePolicy,
    /// SHA-256 of its certificate, hex.
    pub fingerprint: Option<String>,
    pub created_at: i64,
}

/// By creation, oldest first.
pub async fn node_list(db: &Db) -> Result<Vec<NodeRow>, DbError> {
    let rows = sqlx::query(
        "SELECT id, name, address, local, policy, fingerprint, created_at \
         FROM nodes ORDER BY created_at, name",
    )
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(node_row).collect()
}

/// By its name, as a transaction sees it.
pub async fn node_get(tx: &mut Tx, name: &str) -> Result<Option<NodeRow>, DbError> {
    let row = sqlx::query(
        "SELECT id, name, address, local, policy, fingerprint, created_at \
         FROM nodes WHERE name = $1",
    )
    .bind(name)
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(node_row).transpose()
}

/// False where it was removed.
pub async fn node_is_known(db: &Db, id: &str) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT id FROM nodes WHERE id = $1")
        .bind(id)
        .fetch_optional(db.pool())
        .await?;
    Ok(row.is_some())
}

/// [`DbError::Taken`] by `nodes_name_key` or `nodes_address_key` when there is one like it.
pub async fn node_insert(tx: &mut Tx, node: &NodeRow) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO nodes (id, name, address, local, policy, fingerprint, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(node.id.as_str())
    .bind(node.name.as_str())
    .bind(node.address.as_str())
    .bind(i64::from(node.local))
    .bind(policy_word(node.policy))
    .bind(node.fingerprint.as_deref())
    .bind(node.created_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The row of a node that this server runs, made or moved to its present address; and that of the local node
/// which had this address, and has the first one's in its place. [`DbError::Taken`] by `nodes_address_key`
/// where the two cannot change places.
pub async fn node_local_ensure(
    tx: &mut Tx,
    name: &str,
    address: &str,
) -> Result<(NodeRow, Option<NodeRow>), DbError> {
    let Some(mut row) = node_get(tx, name).await? else {
        let row = local_row(name, address);
        node_insert(tx, &row).await?;
        return Ok((row, None));
    };
    let there = node_local_at(tx, address).await?;
    let mut other = there.filter(|there| row.local && there.id != row.id);
    if let Some(other) = &other {
        // No address is there twice, not even for a moment.
        node_move(tx, &other.id, &format!("from {address}")).await?;
    }
    node_move(tx, &row.id, address).await?;
    if let Some(other) = &mut other {
        node_move(tx, &other.id, &row.address).await?;
        other.address.clone_from(&row.address);
    }
    (row.address, row.local, row.fingerprint) = (address.to_owned(), true, None);
    Ok((row, other))
}

fn local_row(name: &str, address: &str) -> NodeRow {
    NodeRow {
        id: uuid::Uuid::now_v7().to_string(),
        name: name.to_owned(),
        address: address.to_owned(),
        local: true,
        policy: NodePolicy::Schedulable,
        fingerprint: None,
        created_at: clock::now(),
    }
}

async fn node_local_at(tx: &mut Tx, address: &str) -> Result<Option<NodeRow>, DbError> {
    let row = sqlx::query(
        "SELECT id, name, address, local, policy, fingerprint, created_at \
         FROM nodes WHERE address = $1 AND local = 1",
    )
    .bind(address)
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(node_row).transpose()
}

/// A local node has no certificate.
async fn node_move(tx: &mut Tx, id: &str, address: &str) -> Result<(), DbError> {
    sqlx::query("UPDATE nodes SET address = $1, local = 1, fingerprint = NULL WHERE id = $2")
        .bind(address)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Nothing happens where it is gone.
pub async fn node_policy_set(tx: &mut Tx, id: &str, policy: NodePolicy) -> Result<(), DbError> {
    sqlx::query("UPDATE nodes SET policy = $1 WHERE id = $2")
        .bind(policy_word(policy))
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Refused by the schema while a VM still names it.
pub async fn node_delete(tx: &mut Tx, id: &str) -> Result<(), DbError> {
    sqlx::query("DELETE FROM nodes WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What is promised on a node, summed over the VMs placed there (those being deleted too).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAllocation {
    pub node_id: String,
    pub name: String,
    pub policy: NodePolicy,
    /// Grows with every placement; the lowest was placed on longest ago.
    pub placed_seq: i64,
    /// Placed there, whatever they do.
    pub vms: u32,
    /// Of these, those that were last seen running.
    pub vms_running: u32,
    /// Of these, those of which only the node can tell what they do: all but what is being made or removed,
    /// or has failed.
    pub vms_made: u32,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
    /// Ports of its host that VMs' SSH is published on.
    pub ssh_ports: Vec<u16>,
}

macro_rules! allocations {
    () => {
        "SELECT n.id, n.name, n.policy, n.placed_seq, \
                CAST(COUNT(v.id) AS BIGINT) AS vms, \
                CAST(COALESCE(SUM(CASE WHEN v.state = 'running' THEN 1 ELSE 0 END), 0) AS BIGINT) \
                    AS vms_running, \
                CAST(COALESCE(SUM(CASE WHEN v.state IN ('starting', 'running', 'stopping', 'stopped') \
                    THEN 1 ELSE 0 END), 0) AS BIGINT) AS vms_made, \
                CAST(COALESCE(SUM(v.cpu_millis), 0) AS BIGINT) AS cpu_millis, \
                CAST(COALESCE(SUM(v.memory_mib), 0) AS BIGINT) AS memory_mib, \
                CAST(COALESCE(SUM(v.disk_gib), 0) AS BIGINT) AS disk_gib \
         FROM nodes n LEFT JOIN vms v ON v.node_id = n.id \
         GROUP BY n.id, n.name, n.policy, n.placed_seq, n.created_at \
         ORDER BY n.placed_seq, n.created_at, n.name"
    };
}

/// Local nodes are of one host: a port of the one is taken for all, for their parts change with their number.
macro_rules! ssh_ports {
    () => {
        "SELECT n.id AS node_id, v.ssh_port FROM vms v JOIN nodes o ON o.id = v.node_id \
         JOIN nodes n ON n.id = o.id OR (n.local = 1 AND o.local = 1) WHERE v.ssh_port IS NOT NULL"
    };
}

/// Every node with what is promised there, as this transaction sees it; least recently placed on
/// first.
pub async fn node_allocations(tx: &mut Tx) -> Result<Vec<NodeAllocation>, DbError> {
    let rows = sqlx::query(allocations!()).fetch_all(&mut **tx).await?;
    let ports = sqlx::query(ssh_ports!()).fetch_all(&mut **tx).await?;
    allocation_rows(&rows, &ports)
}

/// The same outside a transaction, for showing.
pub async fn node_allocation_list(db: &Db) -> Result<Vec<NodeAllocation>, DbError> {
    let rows = sqlx::query(allocations!()).fetch_all(db.pool()).await?;
    let ports = sqlx::query(ssh_ports!()).fetch_all(db.pool()).await?;
    allocation_rows(&rows, &ports)
}

/// Remembers that a VM was just placed there. Runs in an exclusive transaction, whose number it is.
pub async fn node_placed(tx: &mut Tx, id: &str) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE nodes SET placed_seq = (SELECT lock_seq FROM cluster WHERE id = 1) WHERE id = $1",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn allocation_rows(rows: &[AnyRow], ports: &[AnyRow]) -> Result<Vec<NodeAllocation>, DbError> {
    let mut by_node: HashMap<String, Vec<u16>> = HashMap::new();
    for row in ports {
        let ports = by_node.entry(column::text(row, "node_id")?).or_default();
        ports.extend(column::port_or(row, "ssh_port")?);
    }
    let allocations = rows.iter().map(|row| {
        let mut node = allocation_row(row)?;
        node.ssh_ports = by_node.remove(&node.node_id).unwrap_or_default();
        Ok(node)
    });
    allocations.collect()
}

fn allocation_row(row: &AnyRow) -> Result<NodeAllocation, DbError> {
    Ok(NodeAllocation {
        node_id: column::text(row, "id")?,
        name: column::text(row, "name")?,
        policy: column::word(row, "policy", policy_read)?,
        placed_seq: column::int(row, "placed_seq")?,
        vms: column::amount(row, "vms")?,
        vms_running: column::amount(row, "vms_running")?,
        vms_made: column::amount(row, "vms_made")?,
        cpu_millis: column::amount(row, "cpu_millis")?,
        memory_mib: column::amount(row, "memory_mib")?,
        disk_gib: column::amount(row, "disk_gib")?,
        ssh_ports: Vec::new(),
    })
}

fn node_row(row: &AnyRow) -> Result<NodeRow, DbError> {
    Ok(NodeRow {
        id: column::text(row, "id")?,
        name: column::text(row, "name")?,
        address: column::text(row, "address")?,
        local: column::flag(row, "local")?,
        policy: column::word(row, "policy", policy_read)?,
        fingerprint: column::text_or(row, "fingerprint")?,
        created_at: column::int(row, "created_at")?,
    })
}

fn policy_word(policy: NodePolicy) -> &'static str {
    match policy {
        NodePolicy::Schedulable => "schedulable",
        NodePolicy::Cordoned => "cordoned",
    }
}

fn policy_read(word: &str) -> Option<NodePolicy> {
    [NodePolicy::Schedulable, NodePolicy::Cordoned]
        .into_iter()
        .find(|policy| policy_word(*policy) == word)
}
