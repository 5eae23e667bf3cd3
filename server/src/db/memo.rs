//! What a question was answered last, for as long as nothing was written. Programs ask for the same
//! list again and again; the answer of twenty VMs costs the database more than all the rest of the
//! request.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::DbError;

/// How long an answer holds at most: another program may have written to the same database, and a
/// commit whose caller has gone may be done a moment after its end was noted.
const HOLDS: Duration = Duration::from_secs(1);
/// Answers that are kept; more, and all are asked anew.
const KEPT: usize = 1_000;

/// How many transactions have ended, one way or the other.
#[derive(Clone, Default)]
pub(super) struct Revision(Arc<AtomicU64>);

impl Revision {
    /// To be read before asking: an answer is good while this is still the same.
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// To be held by a transaction: when this is dropped, all answers of before are old.
    pub(super) fn on_end(&self) -> OnEnd {
        OnEnd(self.clone())
    }
}

/// Counts when it is dropped, after a commit as after an undo: who dropped it may not know which it was.
pub(super) struct OnEnd(Revision);

impl Drop for OnEnd {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// The last answers to one kind of question, by what was asked for.
pub(super) struct Memo<T> {
    revision: Revision,
    kept: Mutex<HashMap<String, Kept<T>>>,
}

struct Kept<T> {
    answer: Arc<T>,
    revision: u64,
    at: Instant,
}

impl<T> Memo<T> {
    /// `revision` is the one that every transaction of the same database counts in.
    pub(super) fn new(revision: Revision) -> Self {
        Self {
            revision,
            kept: Mutex::default(),
        }
    }

    /// The kept answer where it still holds, else what `ask` answers.
    pub(super) async fn get(
        &self,
        key: &str,
        ask: impl Future<Output = Result<T, DbError>>,
    ) -> Result<Arc<T>, DbError> {
        // Before asking: what is written meanwhile makes the answer old.
        let (revision, at) = (self.revision.now(), Instant::now());
        if let Some(answer) = self.held(key, revision) {
            return Ok(answer);
        }
        let answer = Arc::new(ask.await?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        let fresh = Kept {
            answer: answer.clone(),
            revision,
            at,
        };
        kept.insert(key.to_owned(), fresh);
        Ok(answer)
    }

    fn held(&self, key: &str, revision: u64) -> Option<Arc<T>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(key)?;
        let holds = found.revision == revision && found.at.elapsed() < HOLDS;
        holds.then(|| found.answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(memo: &Memo<u32>, key: &str, answer: u32) -> u32 {
        *memo.get(key, async { Ok(answer) }).await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_holds_until_a_transaction_has_ended() {
        let revision = Revision::default();
        let memo = Memo::new(revision.clone());
        assert_eq!(ask(&memo, "a", 1).await, 1);
        assert_eq!(ask(&memo, "a", 2).await, 1);
        assert_eq!(ask(&memo, "b", 3).await, 3, "another's answer is another");
        let tx = revision.on_end();
        assert_eq!(ask(&memo, "a", 4).await, 1, "nothing is committed yet");
        drop(tx);
        assert_eq!(ask(&memo, "a", 5).await, 5);
    }

    #[tokio::test]
    async fn what_was_asked_before_a_commit_is_not_kept_beyond_it() {
        let revision = Revision::default();
        let memo = Memo::new(revision.clone());
        let slow = memo.get("a", async {
            drop(revision.on_end());
            Ok(1)
        });
        assert_eq!(*slow.await.unwrap(), 1);
        assert_eq!(ask(&memo, "a", 2).await, 2);
    }
}
