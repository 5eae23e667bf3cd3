//! Nodes; for admins.

use reqwest::Method;
use server_api::node::{Node, NodeAdd, NodeCordon};

use super::{Client, segment};
use crate::error::CliError;

const NODES: &str = "/api/v1/admin/nodes";

impl Client {
    /// All of them, by name.
    pub async fn node_list(&self) -> Result<Vec<Node>, CliError> {
        self.list(NODES, usize::MAX).await
    }

    /// Refused unless the node answers the server with that credential.
    pub async fn node_add(&self, node: &NodeAdd) -> Result<Node, CliError> {
        self.create(NODES, Some(node)).await
    }

    /// Gives it no new VMs, or some again; those it has stay.
    pub async fn node_cordon(&self, name: &str, cordoned: bool) -> Result<Node, CliError> {
        let path = format!("{NODES}/{}/cordon", segment(name));
        self.change(Method::PUT, &path, Some(&NodeCordon { cordoned }))
            .await
    }

    /// `confirm` is the node's name where it still has VMs.
    pub async fn node_remove(&self, name: &str, confirm: bool) -> Result<(), CliError> {
        let segment = segment(name);
        let confirm = match confirm {
            true => format!("?confirm={segment}"),
            false => String::new(),
        };
        self.delete(&format!("{NODES}/{segment}{confirm}")).await
    }
}
