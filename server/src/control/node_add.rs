//! A node on another host is added once it has answered.

use app::model::{NodePolicy, NodeView, name_check};

use super::{Control, ControlError, node_file};
use crate::{
    actor::Actor,
    balancer::{NodeAddress, NodeCallError, NodeClient},
    clock,
    db::{
        DbError,
        event::{NewEvent, SubjectKind, event_insert},
        node::{NodeRow, node_get, node_insert},
    },
    secret::Secret,
};

impl Control {
    /// Adds a node on another host, once it has answered under its name with that credential (and
    /// that certificate).
    pub async fn node_add(
        &self,
        admin: &Actor,
        name: &str,
        address: &str,
        credential: &str,
        fingerprint: Option<&str>,
    ) -> Result<NodeView, ControlError> {
        let id = uuid::Uuid::now_v7().to_string();
        self.node_add_as(admin, &id, name, address, credential, fingerprint)
            .await
    }

    /// The same under an id that the caller chose (UUIDv7), so that a repeat is harmless: the node that has the
    /// id already is the answer.
    pub async fn node_add_as(
        &self,
        admin: &Actor,
        id: &str,
        name: &str,
        address: &str,
        credential: &str,
        fingerprint: Option<&str>,
    ) -> Result<NodeView, ControlError> {
        let row = NodeRow {
            id: id.to_owned(),
            name: name.trim().to_owned(),
            address: address.trim().trim_end_matches('/').to_owned(),
            local: false,
            policy: NodePolicy::Schedulable,
            fingerprint: fingerprint
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
            created_at: clock::now(),
        };
        let credential = Secret::new(credential.trim());
        check_answers(&row, &credential).await?;
        let mut tx = self.write_as(admin).await?;
        match node_get(&mut tx, &row.name).await? {
            Some(made) if made.id == row.id => {
                drop(tx);
                return self.node_view_by_name(&row.name).await;
            }
            Some(_) => return Err(name_taken(&row)),
            None => {}
        }
        node_insert(&mut tx, &row)
            .await
            .map_err(|error| taken(error, &row))?;
        let event = NewEvent::new(
            "node_add",
            Some(admin),
            SubjectKind::Node,
            &row.id,
            &row.name,
        );
        event_insert(&mut tx, &event.detail(row.address.as_str())).await?;
        // Before the commit: a row without its credential would never be reached.
        node_file::credential_write(&self.0.config.data_dir, &row.name, &credential)?;
        tx.commit().await?;
        tracing::info!(
            node = row.name,
            "{} added {} at {}",
            admin.name,
            row.name,
            row.address
        );
        self.node_register(&row, credential);
        self.node_view_by_name(&row.name).await
    }
}

fn name_taken(row: &NodeRow) -> ControlError {
    let words = format!("There is a node named {} already.", row.name);
    ControlError::invalid("name", "node_name_taken", words)
}

fn taken(error: DbError, row: &NodeRow) -> ControlError {
    if error.is_taken("nodes_address_key", "nodes.address") {
        let words = format!("Another node has the address {} already.", row.address);
        return ControlError::invalid("address", "node_address_taken", words);
    }
    error.into()
}

/// Asks the node how it is, with what was given.
async fn check_answers(row: &NodeRow, credential: &Secret) -> Result<(), ControlError> {
    name_check(&row.name).map_err(|words| ControlError::invalid("name", "name_invalid", words))?;
    let length = credential.expose().len();
    let printable = credential
        .expose()
        .bytes()
        .all(|byte| byte.is_ascii_graphic());
    if !(32..=512).contains(&length) || !printable {
        let words = "A credential has 32 to 512 characters without spaces: the content of the node's credential file.";
        return Err(ControlError::invalid(
            "credential",
            "credential_invalid",
            words,
        ));
    }
    let client = NodeClient::new(NodeAddress {
        url: row.address.clone(),
        credential: credential.clone(),
        fingerprint: row.fingerprint.clone(),
        // By its answer it is told what its name is.
        name: None,
    });
    let client = client.map_err(|error| unusable(&error))?;
    let status = client
        .status()
        .await
        .map_err(|error| no_answer(row, &error))?;
    if status.name != row.name {
        let words = format!(
            "The node at {} is named {}: add it by that name.",
            row.address, status.name
        );
        return Err(ControlError::invalid("name", "node_name_other", words));
    }
    Ok(())
}

fn unusable(error: &NodeCallError) -> ControlError {
    let words = error.to_string();
    let field = if words.contains("fingerprint") {
        "fingerprint"
    } else {
        "address"
    };
    ControlError::invalid(field, "node_address_invalid", sentence(&words))
}

fn no_answer(row: &NodeRow, error: &NodeCallError) -> ControlError {
    if error.code() == Some(node_api::error::NodeErrorCode::Unauthorized) {
        let words = format!(
            "The node at {} does not accept this credential.",
            row.address
        );
        return ControlError::invalid("credential", "credential_refused", words);
    }
    let field = if error.to_string().contains("certificate") {
        "fingerprint"
    } else {
        "address"
    };
    let words = format!(
        "The node at {} did not answer as a node: {error}.",
        row.address
    );
    ControlError::invalid(field, "node_no_answer", words)
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
