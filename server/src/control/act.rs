//! A worker's calls to its node: one step each, and what follows from the answer.

mod ssh;
mod verdict;

use app::model::{VmProgress, VmState};
use node_api::{
    error::NodeErrorCode,
    image::ImageState,
    vm::{VmPut, VmReport, VmSpec},
};
use uuid::Uuid;

use super::{
    ControlError,
    error::chain,
    fail_point::fail_point,
    plan::{Step, arrived, failed},
    reconcile::Worker,
};
use crate::{
    balancer::{
        NodeCallError, NodeClient,
        placement::{is_built_here, same_image},
    },
    clock,
    clock::SECOND,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        network::network_move,
        user::user_purge,
        vm::{VmRow, vm_purge},
    },
};

use verdict::{Verdict, verdict};

/// How often a pull is asked after.
const PULL_POLL: i64 = SECOND / 2;

impl Worker {
    /// Does one step; the row after it, or None when there is nothing more to do now.
    pub(super) async fn act(&self, row: &VmRow, step: Step) -> Option<VmRow> {
        let request_id = Uuid::now_v7().to_string();
        let node = &self.entry.name;
        tracing::debug!(
            vm = row.name,
            node,
            request_id,
            "{step:?} of {}/{}",
            row.owner,
            row.name
        );
        let client = self.entry.client.for_request(&request_id);
        let Ok(id) = row.id.parse::<Uuid>() else {
            return self
                .fail(row, format!("Its id {} is not one.", row.id))
                .await;
        };
        match step {
            Step::Create => self.create(row, &client).await,
            Step::Start => self.came(row, Step::Start, client.vm_start(id).await).await,
            Step::Stop => self.stop(row, client.vm_stop(id).await).await,
            Step::Delete => self.delete(row, client.vm_delete(id).await).await,
            Step::SshServe => self.ssh_serve(row, id, &client).await,
            Step::Rest | Step::Record(_) => None,
        }
    }

    async fn create(&self, row: &VmRow, client: &NodeClient) -> Option<VmRow> {
        if !self.has_image(row) && !self.image_ensure(row, client).await? {
            return None;
        }
        let Some(spec) = self.spec(row) else {
            return self
                .fail(
                    row,
                    "Its owner has no network. Delete it and make it anew.".into(),
                )
                .await;
        };
        if self.is_gone() {
            return None;
        }
        let answer = client.vm_put(&VmPut { spec, start: true }).await;
        if answer.is_ok() {
            fail_point("vm_create:node_acted");
        }
        if answer
            .as_ref()
            .is_err_and(|error| error.code() == Some(NodeErrorCode::ImageMissing))
            && !is_built_here(&row.image_ref)
        {
            // The node's own list was old: ensure it first, at once.
            self.duties()
                .tries_mut(&row.id, row.generation)
                .image_missing = true;
            return Some(row.clone());
        }
        self.came(row, Step::Create, answer).await
    }

    fn has_image(&self, row: &VmRow) -> bool {
        let tries = self.duties().tries(&row.id, row.generation);
        if is_built_here(&row.image_ref) || tries.image_at.is_some() {
            return true;
        }
        !tries.image_missing
            && self.entry.with_state(|state| {
                let images = state.status.as_ref().map(|status| status.images.as_slice());
                images
                    .unwrap_or_default()
                    .iter()
                    .any(|image| same_image(image, &row.image_ref))
            })
    }

    /// Asks for the image and after its pull. Some(true) when it is there; None when the VM has
    /// failed, or is to be looked at later.
    async fn image_ensure(&self, row: &VmRow, client: &NodeClient) -> Option<bool> {
        let state = match client.image_ensure(&row.image_ref).await {
            Ok(report) => report.state,
            Err(error) => {
                self.not_done(row, &Step::Create, error).await;
                return None;
            }
        };
        let now = clock::now();
        let progress = match &state {
            ImageState::Pulling { percent, .. } => Some(VmProgress {
                percent: Some(*percent),
                words: format!("Pulling the image {}", row.image_ref),
            }),
            _ => None,
        };
        if self.control.0.fleet.progress(&row.id, progress) {
            self.control.tell(Some(&row.owner_id));
        }
        let words = {
            let mut duties = self.duties();
            let tries = duties.tries_mut(&row.id, row.generation);
            match state {
                ImageState::Present => {
                    tries.image_at = Some(now);
                    return Some(true);
                }
                ImageState::Pulling { .. } => {
                    tries.pulled_at = Some(now);
                    tries.not_before = now + PULL_POLL;
                    return None;
                }
                ImageState::Failed { reason } => reason,
            }
        };
        let node = &self.entry.name;
        let reason = format!(
            "The image {} could not be pulled on {node}: {words}",
            row.image_ref
        );
        self.fail(row, reason).await;
        None
    }

    fn spec(&self, row: &VmRow) -> Option<VmSpec> {
        Some(VmSpec {
            id: row.id.parse().ok()?,
            name: row.name.clone(),
            owner_id: row.owner_id.parse().ok()?,
            image: row.image_ref.clone(),
            cpu_millis: row.cpu_millis,
            memory_mib: row.memory_mib,
            disk_gib: row.disk_gib,
            network: self
                .control
                .0
                .networks
                .spec(row.network_index?, &row.owner_id),
            ssh_port: row.ssh_port,
        })
    }

    /// After a create or a start.
    async fn came(
        &self,
        row: &VmRow,
        step: Step,
        answer: Result<VmReport, NodeCallError>,
    ) -> Option<VmRow> {
        if step == Step::Start && answer.is_ok() {
            fail_point("vm_start:node_acted");
        }
        let report = match answer {
            Ok(report) => report,
            Err(error) => return self.not_done(row, &step, error).await,
        };
        self.done(row, report);
        match self.look(row, true, |look| arrived(row, look)) {
            Some(found) => self.record(row, found).await,
            None => Some(row.clone()),
        }
    }

    async fn stop(&self, row: &VmRow, answer: Result<VmReport, NodeCallError>) -> Option<VmRow> {
        match answer {
            Ok(report) => {
                fail_point("vm_stop:node_acted");
                self.done(row, report);
                Some(row.clone())
            }
            Err(error) => self.not_done(row, &Step::Stop, error).await,
        }
    }

    async fn delete(&self, row: &VmRow, answer: Result<(), NodeCallError>) -> Option<VmRow> {
        if let Err(error) = answer {
            return self.not_done(row, &Step::Delete, error).await;
        }
        fail_point("vm_delete:node_acted");
        match self.purge(row).await {
            Ok(()) => {
                tracing::info!(
                    vm = row.name,
                    owner = row.owner,
                    vm_id = row.id,
                    "{}/{} is deleted",
                    row.owner,
                    row.name
                );
                self.released(&row.id);
                self.control.tell(Some(&row.owner_id));
            }
            Err(error) => {
                let words = chain(&error);
                tracing::warn!(
                    vm = row.name,
                    "a deleted VM's row could not be removed: {words}"
                );
            }
        }
        None
    }

    /// Removes the row, and the owner's with the last VM of a deleted account.
    async fn purge(&self, row: &VmRow) -> Result<(), ControlError> {
        let mut tx = self.control.0.db.write().await?;
        if vm_purge(&mut tx, &row.id).await? {
            let event = NewEvent::new("vm_deleted", None, SubjectKind::Vm, &row.id, &row.name);
            event_insert(&mut tx, &event.owner(&row.owner_id)).await?;
            user_purge(&mut tx, &row.owner_id).await?;
        }
        Ok(tx.commit().await?)
    }

    fn done(&self, row: &VmRow, report: VmReport) {
        self.control.0.fleet.report(self.node_id(), report);
        self.tries_anew(row);
    }

    /// What failed before does not count any more.
    fn tries_anew(&self, row: &VmRow) {
        let mut duties = self.duties();
        let tries = duties.tries_mut(&row.id, row.generation);
        (tries.failures, tries.refusals, tries.words) = (0, 0, None);
    }

    /// The call did not do it: later again, or never.
    async fn not_done(&self, row: &VmRow, step: &Step, error: NodeCallError) -> Option<VmRow> {
        let words = error.to_string();
        let node = &self.entry.name;
        tracing::warn!(
            vm = row.name,
            node,
            vm_id = row.id,
            "{step:?} of {}/{} on {node}: {words}",
            row.owner,
            row.name
        );
        if error.code() == Some(NodeErrorCode::SubnetTaken) {
            self.network_move(row).await;
        }
        let moved = match error.code() {
            // One that has run keeps its port: its container publishes no other.
            Some(NodeErrorCode::PortTaken) if *step == Step::Create && row.engine_id.is_none() => {
                self.ssh_port_move(row).await
            }
            _ => None,
        };
        let row = moved.as_ref().unwrap_or(row);
        let decided = {
            let mut duties = self.duties();
            verdict(
                step,
                &error,
                duties.tries_mut(&row.id, row.generation),
                clock::now(),
            )
        };
        match decided {
            Verdict::Never => self.fail(row, format!("{node}: {words}.")).await,
            Verdict::Later { tell: false } => None,
            Verdict::Later { tell: true } => {
                let reason = format!("{node}: {words}. It is tried again.");
                self.waiting(row, reason).await;
                None
            }
            Verdict::LookAnew => {
                self.entry.woken.notify_one();
                None
            }
        }
    }

    /// Something that is not ours has the addresses of the owner's network: the next try has others, each time further
    /// away. It may be another MiniCloud with all its users' networks.
    async fn network_move(&self, row: &VmRow) {
        let tried = self.duties().tries_mut(&row.id, row.generation).refusals;
        let further = 4_u32.saturating_pow(tried);
        let moved = async {
            let Some(taken) = row.network_index else {
                return Ok(false);
            };
            let mut tx = self.control.0.db.write().await?;
            let count = self.control.0.networks.count;
            let moved = network_move(&mut tx, &row.owner_id, taken, further, count).await?;
            tx.commit().await.map(|()| moved)
        };
        match moved.await {
            Ok(true) => tracing::info!(
                owner = row.owner,
                "the owner's network gets other addresses"
            ),
            Ok(false) => tracing::warn!(
                owner = row.owner,
                "no other addresses are free in network_range"
            ),
            Err(error) => tracing::warn!("a network got no other addresses: {}", chain(&error)),
        }
    }

    /// Says what it waits for.
    async fn waiting(&self, row: &VmRow, reason: String) {
        if row.state != VmState::Failed && row.reason.as_ref() != Some(&reason) {
            let after = VmRow {
                reason: Some(reason),
                ..row.clone()
            };
            let found = super::plan::Found { after, event: None };
            self.record(row, found).await;
        }
    }

    async fn fail(&self, row: &VmRow, reason: String) -> Option<VmRow> {
        self.record(row, failed(row, reason, clock::now())).await
    }
}
