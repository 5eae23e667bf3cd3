//! The catalogue: what VMs can be made from, where it is, and what is offered in its stead where no
//! registry can be reached.

use app::model::{IMAGE_REFERENCE_MAX, IMAGE_SUMMARY_MAX, ImageView, SshServer, image_name_check};

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    balancer::placement::same_image,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        image::{ImageRow, image_default_set, image_hide, image_insert, image_list},
    },
};

/// Images that `script/image` builds on a host: offered as soon as a node has them.
const BUILT: [(&str, &str, &str, SshServer); 3] = [
    (
        "base",
        "minicloud/base",
        "BusyBox and Dropbear from this host's packages: starts in a moment",
        SshServer::Dropbear,
    ),
    (
        "debian",
        "minicloud/debian",
        "Debian from this host's packages: apt, vim, less, ping, SSH server",
        SshServer::Sshd,
    ),
    (
        "ubuntu",
        "minicloud/ubuntu",
        "Ubuntu from this host's packages: apt, vim, less, ping, SSH server",
        SshServer::Sshd,
    ),
];

impl Control {
    /// Fills an empty catalogue from the configuration; its first image is the default.
    pub(super) async fn image_seed(&self) -> Result<(), ControlError> {
        if !image_list(&self.0.db).await?.is_empty() {
            return Ok(());
        }
        let mut tx = self.0.db.write().await?;
        for (index, image) in self.0.config.images.iter().enumerate() {
            let mut row = ImageRow::new(
                &image.name,
                &image.reference,
                &image.summary,
                image.ssh_server.or_else(|| built_ssh(&image.reference)),
            );
            row.is_default = index == 0;
            // Keeps the order of the configuration.
            row.created_at += i64::try_from(index).unwrap_or_default();
            image_insert(&mut tx, &row).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Adds images built on a host to the catalogue once a node has them, each once: one that an
    /// admin removed stays away.
    pub(super) async fn image_offer(&self) -> Result<(), ControlError> {
        let rows = image_list(&self.0.db).await?;
        for (name, reference, summary, ssh) in BUILT {
            let known = rows.iter().any(|row| same_image(&row.reference, reference));
            if known || self.present_on(reference) == 0 {
                continue;
            }
            let taken = rows.iter().any(|row| row.name == name);
            let name = if taken { reference } else { name };
            let row = ImageRow::new(name, reference, summary, Some(ssh));
            let mut tx = self.0.db.write().await?;
            if image_insert(&mut tx, &row).await? {
                event_insert(&mut tx, &event("image_offer", None, &row)).await?;
                tx.commit().await?;
                tracing::info!(
                    image = reference,
                    "the image {reference} was found on a node and is offered"
                );
            }
        }
        Ok(())
    }

    /// The catalogue as people see it, the default marked.
    pub(super) async fn image_views(&self) -> Result<Vec<ImageView>, ControlError> {
        let rows = self.image_rows().await?;
        let present: Vec<u32> = rows
            .iter()
            .map(|row| self.present_on(&row.reference))
            .collect();
        let configured = self
            .0
            .config
            .images
            .first()
            .map(|image| image.name.as_str());
        let default = default_of(&rows, &present, configured);
        let views = rows.into_iter().zip(present).enumerate();
        Ok(views
            .map(|(index, (row, present_on))| ImageView {
                name: row.name,
                reference: row.reference,
                summary: row.summary,
                default: Some(index) == default,
                present_on,
                ssh_server: row.ssh_server,
            })
            .collect())
    }

    /// The catalogue, oldest first, without what admins removed.
    pub(super) async fn image_rows(&self) -> Result<Vec<ImageRow>, ControlError> {
        let rows = image_list(&self.0.db).await?;
        Ok(rows.into_iter().filter(|row| !row.hidden).collect())
    }

    /// The entry of that name; the default where none is named.
    pub(super) async fn image_row(&self, name: &str) -> Result<ImageRow, ControlError> {
        let wanted = match name.trim() {
            "" => self
                .image_views()
                .await?
                .into_iter()
                .find(|view| view.default)
                .map(|view| view.name),
            name => Some(name.to_owned()),
        };
        let rows = self.image_rows().await?;
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        rows.into_iter()
            .find(|row| Some(&row.name) == wanted.as_ref())
            .ok_or_else(|| {
                let words = format!(
                    "There is no image named {name}. Choose one of: {}.",
                    names.join(", ")
                );
                ControlError::invalid("image", "image_unknown", words)
            })
    }

    /// On how many ready nodes the image is.
    fn present_on(&self, reference: &str) -> u32 {
        let nodes = self.0.registry.list();
        let has = nodes.iter().filter(|entry| {
            entry.with_state(|state| {
                let images = state.status.as_ref().map(|status| status.images.as_slice());
                let has = images
                    .unwrap_or_default()
                    .iter()
                    .any(|image| same_image(image, reference));
                state.is_ready() && has
            })
        });
        u32::try_from(has.count()).unwrap_or(u32::MAX)
    }

    /// The catalogue, oldest first.
    pub async fn image_list(&self, _admin: &Actor) -> Result<Vec<ImageView>, ControlError> {
        self.image_views().await
    }

    /// Adds an entry; nothing is pulled yet, nor is the reference looked for. [`ControlError::Invalid`]
    /// where an input breaks its rule or the name is taken.
    pub async fn image_add(
        &self,
        admin: &Actor,
        name: &str,
        reference: &str,
        summary: &str,
        ssh_server: Option<SshServer>,
    ) -> Result<ImageView, ControlError> {
        let row = ImageRow::new(name.trim(), reference.trim(), summary.trim(), ssh_server);
        check(&row)?;
        let mut tx = self.write_as(admin).await?;
        if !image_insert(&mut tx, &row).await? {
            let words = format!("There is an image named {name} already.");
            return Err(ControlError::invalid("name", "image_name_taken", words));
        }
        event_insert(&mut tx, &event("image_add", Some(admin), &row)).await?;
        tx.commit().await?;
        self.image_view(&row.name).await
    }

    /// Takes it out of the catalogue; VMs made from it stay.
    pub async fn image_remove(&self, admin: &Actor, name: &str) -> Result<(), ControlError> {
        let mut tx = self.write_as(admin).await?;
        // One after the other: of two who remove the last two, the second is refused.
        let rows = self.image_rows().await?;
        let row = rows.iter().find(|row| row.name == name);
        let row = row.ok_or_else(|| ControlError::not_found("image", name))?;
        if rows.len() == 1 {
            let words = format!("{name} is the only image. Add another first.");
            return Err(ControlError::conflict("image_last", words));
        }
        if image_hide(&mut tx, name).await? {
            event_insert(&mut tx, &event("image_remove", Some(admin), row)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Makes it the one that is taken where none is named; [`ControlError::NotFound`] where the catalogue
    /// has none of that name.
    pub async fn image_default(
        &self,
        admin: &Actor,
        name: &str,
    ) -> Result<ImageView, ControlError> {
        let mut tx = self.write_as(admin).await?;
        if !image_default_set(&mut tx, name).await? {
            return Err(ControlError::not_found("image", name));
        }
        let subject = NewEvent::new("image_default", Some(admin), SubjectKind::Image, name, name);
        event_insert(&mut tx, &subject).await?;
        tx.commit().await?;
        self.image_view(name).await
    }

    async fn image_view(&self, name: &str) -> Result<ImageView, ControlError> {
        let views = self.image_views().await?;
        let view = views.into_iter().find(|view| view.name == name);
        view.ok_or_else(|| ControlError::not_found("image", name))
    }
}

/// The SSH server of an image that `script/image` builds: its recipe is ours.
fn built_ssh(reference: &str) -> Option<SshServer> {
    let built = BUILT
        .iter()
        .find(|(_, built, ..)| same_image(built, reference));
    built.map(|(_, _, _, ssh)| *ssh)
}

/// The default of the catalogue. While the configured one is on no node, the first image built on a
/// host stands in for it; a default that an admin chose holds, and so does one without a stand-in.
fn default_of(rows: &[ImageRow], present: &[u32], configured: Option<&str>) -> Option<usize> {
    let marked = rows.iter().position(|row| row.is_default);
    let is_there = |index: &usize| present.get(*index).is_some_and(|count| *count > 0);
    let chosen =
        marked.filter(|index| is_there(index) || Some(rows[*index].name.as_str()) != configured);
    let stand_in = || {
        let built = |row: &ImageRow| {
            BUILT
                .iter()
                .any(|(_, built, ..)| same_image(built, &row.reference))
        };
        (0..rows.len()).find(|index| is_there(index) && built(&rows[*index]))
    };
    chosen
        .or_else(stand_in)
        .or(marked)
        .or((!rows.is_empty()).then_some(0))
}

fn check(row: &ImageRow) -> Result<(), ControlError> {
    let invalid = |field, words: &str| Err(ControlError::invalid(field, "image_invalid", words));
    if let Err(words) = image_name_check(&row.name) {
        return invalid("name", &words);
    }
    if !is_reference(&row.reference) {
        return invalid(
            "reference",
            "A reference is like alpine:3 or registry.example:5000/team/image:tag",
        );
    }
    if row.summary.chars().count() > IMAGE_SUMMARY_MAX as usize
        || row.summary.chars().any(char::is_control)
    {
        return invalid("summary", "A summary is one line of at most 120 characters");
    }
    Ok(())
}

/// The characters of an image reference; the engine judges the rest.
fn is_reference(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:@".contains(&byte);
    let begins = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    begins && text.len() <= IMAGE_REFERENCE_MAX as usize && text.bytes().all(fits)
}

fn event(kind: &'static str, actor: Option<&Actor>, row: &ImageRow) -> NewEvent {
    NewEvent::new(kind, actor, SubjectKind::Image, &row.name, &row.name)
        .detail(row.reference.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(default: &str) -> Vec<ImageRow> {
        let row = |name: &str, reference: &str| ImageRow {
            is_default: name == default,
            ..ImageRow::new(name, reference, "", None)
        };
        vec![
            row("alpine", "alpine:3"),
            row("fedora", "fedora:40"),
            row("base", "minicloud/base"),
        ]
    }

    #[test]
    fn an_image_of_ours_has_its_ssh_server_without_being_told() {
        assert_eq!(
            built_ssh("minicloud/base:latest"),
            Some(SshServer::Dropbear)
        );
        assert_eq!(built_ssh("minicloud/debian"), Some(SshServer::Sshd));
        assert_eq!(built_ssh("example.org/base"), None);
    }

    #[test]
    fn an_image_built_here_stands_in_only_while_the_configured_default_is_nowhere() {
        let alpine = Some("alpine");
        assert_eq!(default_of(&rows("alpine"), &[0, 0, 2], alpine), Some(2));
        assert_eq!(default_of(&rows("alpine"), &[1, 0, 2], alpine), Some(0));
        assert_eq!(default_of(&rows("alpine"), &[0, 0, 0], alpine), Some(0));
        assert_eq!(default_of(&rows("fedora"), &[0, 0, 2], alpine), Some(1));
        assert_eq!(default_of(&rows("base"), &[1, 0, 2], alpine), Some(2));
        assert_eq!(default_of(&[], &[], alpine), None);
    }

    #[test]
    fn references_that_no_engine_takes_are_refused() {
        for good in ["alpine", "alpine:3", "host:5000/team/image@sha256:00"] {
            assert!(is_reference(good), "{good}");
        }
        for bad in ["", "-x", "a b", "a;b", "a\n", "$(x)", &"a".repeat(201)] {
            assert!(!is_reference(bad), "{bad}");
        }
    }
}
