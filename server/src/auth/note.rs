//! What is written down about a request beside it: that a token was used, that somebody is active.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::db::DbError;

/// Notes under way, by what they are about: until one has landed, the next requests need none.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<HashSet<String>>>);

impl Notes {
    /// Writes a note in a task of its own, unless one about the same is under way.
    pub fn note(
        &self,
        about: &str,
        write: impl Future<Output = Result<(), DbError>> + Send + 'static,
    ) {
        if !self.lock().insert(about.to_owned()) {
            return;
        }
        let (notes, about) = (self.clone(), about.to_owned());
        tokio::spawn(async move {
            if let Err(error) = write.await {
                tracing::warn!(%error, "that somebody is active could not be noted");
            }
            notes.lock().remove(&about);
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_hundred_requests_at_once_write_one_note_and_a_later_one_another() {
        let (notes, written) = (Notes::default(), Arc::new(AtomicU32::new(0)));
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let note = || {
            let (go, done, written) = (go.clone(), done.clone(), written.clone());
            notes.note("token", async move {
                go.notified().await;
                written.fetch_add(1, Ordering::SeqCst);
                done.notify_one();
                Ok(())
            });
        };
        (0..100).for_each(|_| note());
        for wanted in 1..=2 {
            go.notify_one();
            done.notified().await;
            tokio::task::yield_now().await;
            assert_eq!(written.load(Ordering::SeqCst), wanted);
            note();
        }
    }
}
