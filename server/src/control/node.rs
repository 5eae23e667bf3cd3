//! Nodes: those this server runs, and those an admin adds.

use std::sync::Arc;

use app::model::{NodePolicy, NodeView};

use super::{Control, ControlError, node_file};
use crate::{
    actor::Actor,
    balancer::{NodeAddress, NodeEntry, NodeState},
    db::{
        Tx,
        event::{NewEvent, SubjectKind, event_insert},
        node::{
            NodeAllocation, NodeRow, node_allocation_list, node_get, node_list, node_local_ensure,
            node_policy_set,
        },
    },
    secret::Secret,
};

impl Control {
    /// Begins to talk to a node of the database. One whose credential is missing stays
    /// unreachable, and says why.
    pub(super) fn node_take_up(&self, row: &NodeRow) {
        let credential = match node_file::credential_read(&self.0.config.data_dir, &row.name) {
            Ok(Some(credential)) => credential,
            Ok(None) => {
                tracing::warn!(
                    node = row.name,
                    "the credential of {} is missing in the data folder",
                    row.name
                );
                Secret::default()
            }
            Err(error) => {
                tracing::error!(node = row.name, "{}", super::error::chain(&error));
                Secret::default()
            }
        };
        self.node_register(row, credential);
    }

    /// All that nobody talks to yet.
    pub(super) async fn node_take_up_all(&self) -> Result<(), ControlError> {
        for row in node_list(&self.0.db).await? {
            if self.0.registry.get(&row.id).is_none() {
                self.node_take_up(&row);
            }
        }
        Ok(())
    }

    /// Talks to the node from now on, and works on its VMs. None, and an error in the log, where its address
    /// or fingerprint cannot be used.
    pub(super) fn node_register(
        &self,
        row: &NodeRow,
        credential: Secret,
    ) -> Option<Arc<NodeEntry>> {
        let address = NodeAddress {
            url: row.address.clone(),
            credential,
            fingerprint: row.fingerprint.clone(),
            name: Some(row.name.clone()),
        };
        match self.0.registry.add(&row.id, &row.name, row.local, address) {
            Ok(entry) => {
                self.work_on(entry.clone());
                Some(entry)
            }
            Err(error) => {
                tracing::error!(node = row.name, "{} cannot be talked to: {error}", row.name);
                None
            }
        }
    }

    /// A node that this server runs: its row made or brought up to date, and talked to from now on. A local
    /// node that has its address changes places with it: ports may be exchanged in the configuration. One that
    /// an admin added is never taken for it: its VMs would be looked for on this host.
    pub async fn node_local_ensure(
        &self,
        name: &str,
        address: &str,
        credential: &str,
    ) -> Result<(), ControlError> {
        let mut tx = self.0.db.write_exclusive().await?;
        if node_get(&mut tx, name).await?.is_some_and(|row| !row.local) {
            return Err(ControlError::Config(name_of_added(name)));
        }
        let (row, moved) = node_local_ensure(&mut tx, name, address)
            .await
            .map_err(
                |error| match error.is_taken("nodes_address_key", "nodes.address") {
                    true => ControlError::Config(address_taken(name, address)),
                    false => error.into(),
                },
            )?;
        tx.commit().await?;
        self.node_register(&row, Secret::new(credential));
        if let Some(moved) = moved {
            self.node_take_up(&moved);
        }
        Ok(())
    }

    /// Oldest first, without asking any of them.
    pub async fn node_list(&self, _admin: &Actor) -> Result<Vec<NodeView>, ControlError> {
        self.node_views().await
    }

    /// Rows, what is promised there, and what each said last.
    pub(super) async fn node_views(&self) -> Result<Vec<NodeView>, ControlError> {
        let rows = node_list(&self.0.db).await?;
        let promised = node_allocation_list(&self.0.db).await?;
        Ok(rows
            .iter()
            .map(|row| self.node_view(row, promised.iter().find(|node| node.node_id == row.id)))
            .collect())
    }

    /// The same of one, by its name.
    pub async fn node_get(&self, _admin: &Actor, name: &str) -> Result<NodeView, ControlError> {
        self.node_view_by_name(name).await
    }

    /// [`ControlError::NotFound`] where there is none of that name.
    pub(super) async fn node_view_by_name(&self, name: &str) -> Result<NodeView, ControlError> {
        let views = self.node_views().await?;
        let view = views.into_iter().find(|view| view.name == name);
        view.ok_or_else(|| ControlError::not_found("node", name))
    }

    fn node_view(&self, row: &NodeRow, promised: Option<&NodeAllocation>) -> NodeView {
        let entry = self.0.registry.get(&row.id);
        let state = match entry {
            Some(entry) => entry.state(),
            None => NodeState::new(self.0.began),
        };
        let status = state.status;
        let capacity = status
            .as_ref()
            .map(|status| status.capacity)
            .unwrap_or_default();
        let usage = status
            .as_ref()
            .map(|status| status.usage)
            .unwrap_or_default();
        let of = |read: fn(&NodeAllocation) -> u32| promised.map(read).unwrap_or_default();
        // As on the VMs' own pages: nobody knows what they do.
        let (vms_running, vms_unknown) = match self.node_trouble(&row.id) {
            None => (of(|node| node.vms_running), 0),
            Some(_) => (0, of(|node| node.vms_made)),
        };
        NodeView {
            name: row.name.clone(),
            address: row.address.clone(),
            health: state.health,
            reach_open: status.as_ref().and_then(|status| status.reach_open.clone()),
            policy: self.node_policy(&row.name, row.policy),
            local: row.local,
            pid: status.as_ref().map(|status| status.pid),
            version: status.as_ref().map(|status| status.version.clone()),
            engine: status.as_ref().map(|status| {
                let version = status.engine.version.as_deref().unwrap_or_default();
                format!("{} {version}", status.engine.kind)
                    .trim()
                    .to_owned()
            }),
            vms: of(|node| node.vms),
            vms_running,
            vms_unknown,
            cpu_millis: capacity.cpu_millis,
            cpu_millis_allocated: of(|node| node.cpu_millis),
            memory_mib: capacity.memory_mib,
            memory_mib_allocated: of(|node| node.memory_mib),
            memory_mib_used: usage.memory_used_mib,
            disk_free_percent: usage.disk_free_percent,
            load_1m: usage.load_1m,
            seen_at: state.seen_at,
            images: status.map(|status| status.images).unwrap_or_default(),
        }
    }

    /// Gives it no new VMs, or some again.
    pub async fn node_cordon(
        &self,
        admin: &Actor,
        name: &str,
        cordoned: bool,
    ) -> Result<NodeView, ControlError> {
        let (policy, kind) = match cordoned {
            true => (NodePolicy::Cordoned, "node_cordon"),
            false => (NodePolicy::Schedulable, "node_uncordon"),
        };
        let mut tx = self.write_as(admin).await?;
        let row = found(&mut tx, name).await?;
        if !cordoned {
            self.check_configured(name)?;
        }
        if row.policy != policy {
            node_policy_set(&mut tx, &row.id, policy).await?;
            let event = NewEvent::new(kind, Some(admin), SubjectKind::Node, &row.id, &row.name);
            event_insert(&mut tx, &event).await?;
            tx.commit().await?;
            self.tell(None);
        }
        self.node_view_by_name(name).await
    }
}

fn name_of_added(name: &str) -> String {
    format!(
        "a node that an admin added is named {name}, as the one of another port here would be. Take a port out of \
         --node-ports; or remove that node on /admin/nodes, which loses its VMs, and add it by another name"
    )
}

fn address_taken(name: &str, address: &str) -> String {
    format!(
        "{name} cannot have the address {address}: a node that an admin added, or that this server does not run any \
         more, has it. Choose another port (--node-ports); if that node is not needed, remove it on /admin/nodes"
    )
}

/// The row as this transaction sees it; [`ControlError::NotFound`] where there is none.
pub(super) async fn found(tx: &mut Tx, name: &str) -> Result<NodeRow, ControlError> {
    node_get(tx, name)
        .await?
        .ok_or_else(|| ControlError::not_found("node", name))
}
