//! A transaction that writes.

use std::ops::{Deref, DerefMut};

use super::{DbError, lease::Lease, memo::OnEnd};

/// A writing transaction; its place among the writers is with its connection. Dropped without [`Tx::commit`], it
/// is undone. A statement that was not answered in time is the last: then there is no commit either.
pub struct Tx {
    lease: Lease,
    _ended: OnEnd,
}

impl Tx {
    /// Of a connection on which it was begun. `ended` tells kept answers that they are old, when this is dropped.
    pub(super) fn new(lease: Lease, ended: OnEnd) -> Self {
        Self {
            lease,
            _ended: ended,
        }
    }

    /// Makes it last: when this answers Ok, what was written survives a power cut. After an error that says the
    /// database is away, it may be there or not.
    pub async fn commit(mut self) -> Result<(), DbError> {
        Ok(self.lease.commit().await?)
    }
}

impl Deref for Tx {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Lease {
        &mut self.lease
    }
}
