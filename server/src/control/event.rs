//! Events, as pages show them.

use std::collections::HashMap;

use app::model::{EventFilter, EventPage, EventView};

use super::{Control, ControlError, event_sentence::sentence};
use crate::{
    actor::Actor,
    clock,
    db::{
        event::{EventQuery, EventRow, SubjectKind, event_list},
        vm::{vm_get, vm_list_any},
    },
};

/// Events a page.
const PAGE: u32 = 50;

impl Control {
    /// What happened to one of the user's VMs, newest first.
    pub async fn vm_event_list(
        &self,
        actor: &Actor,
        name: &str,
        before: Option<i64>,
    ) -> Result<EventPage, ControlError> {
        let row = vm_get(&self.0.db, &actor.user_id, name)
            .await?
            .ok_or_else(|| ControlError::not_found("VM", name))?;
        let query = EventQuery {
            owner_id: Some(&actor.user_id),
            subject_id: Some(&row.id),
            before,
            limit: PAGE,
            ..EventQuery::default()
        };
        let rows = event_list(&self.0.db, &query).await?;
        Ok(page(&rows, |_| None))
    }

    /// Everything that happened, newest first; for admins.
    pub async fn event_list(
        &self,
        _admin: &Actor,
        filter: &EventFilter,
    ) -> Result<EventPage, ControlError> {
        let query = EventQuery {
            actor: filled(&filter.actor),
            subject: filled(&filter.subject),
            subject_id: filled(&filter.subject_id),
            kind: filled(&filter.kind),
            before: filter.before,
            limit: PAGE,
            ..EventQuery::default()
        };
        let rows = event_list(&self.0.db, &query).await?;
        let vms: HashMap<String, String> = match rows.iter().any(is_of_vm) {
            true => vm_list_any(&self.0.db)
                .await?
                .into_iter()
                .map(|vm| (vm.id, vm.name))
                .collect(),
            false => HashMap::new(),
        };
        Ok(page(&rows, |event| match event.subject_kind {
            SubjectKind::Vm => vms
                .contains_key(&event.subject_id)
                .then(|| format!("/admin/vms/{}", event.subject_id)),
            SubjectKind::User => Some("/admin/users".into()),
            SubjectKind::Node => Some("/admin/nodes".into()),
            SubjectKind::Image => None,
        }))
    }
}

fn is_of_vm(event: &EventRow) -> bool {
    event.subject_kind == SubjectKind::Vm
}

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn page(rows: &[EventRow], link: impl Fn(&EventRow) -> Option<String>) -> EventPage {
    let full = u32::try_from(rows.len()).is_ok_and(|len| len >= PAGE);
    EventPage {
        events: rows.iter().map(|row| view(row, link(row))).collect(),
        next: rows.last().filter(|_| full).map(|row| row.id),
        as_of: clock::now(),
    }
}

fn view(row: &EventRow, link: Option<String>) -> EventView {
    EventView {
        id: row.id,
        at: row.at,
        actor: row.actor.clone(),
        kind: row.kind.clone(),
        subject: row.subject.clone(),
        link,
        sentence: sentence(row),
        ok: row.ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        control::tests::cloud::{Cloud, admin},
        db::{
            event::{NewEvent, event_insert},
            testing::each_db,
        },
    };

    #[tokio::test]
    async fn what_happened_to_a_vm_is_found_however_much_happened_to_others_of_its_name() {
        each_db(async |db| {
            let cloud = Cloud::new(db, 0).await;
            let mut tx = cloud.db.write().await.unwrap();
            for vm in 0..=PAGE {
                let id = format!("vm-{vm}");
                let event = NewEvent::new("vm_create", None, SubjectKind::Vm, &id, "web1");
                event_insert(&mut tx, &event).await.unwrap();
            }
            tx.commit().await.unwrap();
            let filter = EventFilter {
                subject_id: Some("vm-0".into()),
                ..EventFilter::default()
            };
            let found = cloud.control.event_list(&admin(), &filter).await.unwrap();
            assert_eq!(found.events.len(), 1);
            assert_eq!(found.events[0].subject, "web1");
            assert_eq!(found.next, None);
            cloud.end().await;
        })
        .await;
    }
}
