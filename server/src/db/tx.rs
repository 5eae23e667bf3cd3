//! A transaction that writes.

use std::ops::{Deref, DerefMut};

use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use super::{DbError, memo::OnEnd};

/// A writing transaction and its place among the writers. Dropped without [`Tx::commit`], it is
/// undone.
pub struct Tx {
    inner: Transaction<'static, Any>,
    _ended: OnEnd,
    _permit: OwnedSemaphorePermit,
}

impl Tx {
    /// `ended` tells kept answers that they are old, `permit` lets the next writer in: both when this is
    /// dropped.
    pub(super) fn new(
        inner: Transaction<'static, Any>,
        ended: OnEnd,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            inner,
            _ended: ended,
            _permit: permit,
        }
    }

    /// Makes it last: when this answers Ok, what was written survives a power cut.
    pub async fn commit(self) -> Result<(), DbError> {
        Ok(self.inner.commit().await?)
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}
