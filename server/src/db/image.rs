//! The catalogue of images that VMs can be made from.

use app::model::SshServer;
use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};
use crate::clock;

/// An entry of the catalogue, hidden or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRow {
    /// Name in the catalogue: `alpine`.
    pub name: String,
    /// Reference for the engine: `alpine:3`.
    pub reference: String,
    /// One line about it, perhaps empty.
    pub summary: String,
    /// How its SSH server is started; None: it carries none.
    pub ssh_server: Option<SshServer>,
    /// Taken where none is named, unless it is on no node and another stands in for it.
    pub is_default: bool,
    /// Removed by an admin.
    pub hidden: bool,
    /// Also the order of the catalogue.
    pub created_at: i64,
}

impl ImageRow {
    /// A new entry that is not the default.
    pub fn new(name: &str, reference: &str, summary: &str, ssh_server: Option<SshServer>) -> Self {
        Self {
            name: name.to_owned(),
            reference: reference.to_owned(),
            summary: summary.to_owned(),
            ssh_server,
            is_default: false,
            hidden: false,
            created_at: clock::now(),
        }
    }
}

/// All of them, hidden ones too, oldest first.
pub async fn image_list(db: &Db) -> Result<Vec<ImageRow>, DbError> {
    let rows = sqlx::query(
        "SELECT name, reference, summary, ssh_server, is_default, hidden, created_at \
         FROM images ORDER BY created_at, name",
    )
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(image_row).collect()
}

/// Adds an entry; one of that name that was hidden comes back with the new words. False when there
/// is one already.
pub async fn image_insert(tx: &mut Tx, image: &ImageRow) -> Result<bool, DbError> {
    let done = sqlx::query(
        "INSERT INTO images (name, reference, summary, ssh_server, is_default, hidden, created_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $6) \
         ON CONFLICT (name) DO UPDATE \
            SET reference = excluded.reference, summary = excluded.summary, \
                ssh_server = excluded.ssh_server, hidden = 0 \
          WHERE images.hidden = 1",
    )
    .bind(image.name.as_str())
    .bind(image.reference.as_str())
    .bind(image.summary.as_str())
    .bind(image.ssh_server.map(SshServer::word))
    .bind(i64::from(image.is_default))
    .bind(image.created_at)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes it out of the catalogue; VMs made from it stay. False when there is none.
pub async fn image_hide(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let done =
        sqlx::query("UPDATE images SET hidden = 1, is_default = 0 WHERE name = $1 AND hidden = 0")
            .bind(name)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes it the one default. False when there is none of that name.
pub async fn image_default_set(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE images SET is_default = 1 WHERE name = $1 AND hidden = 0")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("UPDATE images SET is_default = 0 WHERE name <> $1")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(true)
}

fn image_row(row: &AnyRow) -> Result<ImageRow, DbError> {
    Ok(ImageRow {
        name: column::text(row, "name")?,
        reference: column::text(row, "reference")?,
        summary: column::text(row, "summary")?,
        ssh_server: column::word_or(row, "ssh_server", SshServer::read)?,
        is_default: column::flag(row, "is_default")?,
        hidden: column::flag(row, "hidden")?,
        created_at: column::int(row, "created_at")?,
    })
}
