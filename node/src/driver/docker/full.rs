//! A VM that has as many processes as it may. The engine puts a program into it all the same; but what does that is
//! a program of some threads, and ends where the VM has no room for them. By then the engine has answered, so that
//! what is said of it (in words of the engine's insides) stands in the place of the program's output.

use std::{sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _, Stream, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use node_api::error::NodeErrorCode;
use tokio::time::sleep;
use uuid::Uuid;

use super::{context::Context, profile::PIDS, stats};
use crate::driver::DriverError;

/// How it begins: the engine's words, or the last ones of what it starts programs with, cut anywhere behind this.
const REFUSALS: [&[u8]; 3] = [b"OCI runtime exec failed: ", b"runtime/cgo: ", b"runtime: "];
/// In the engine's words of a program that the VM does not have.
const NOT_THERE: &[u8] = b": exec: \"";
/// Room that it takes to start a program: the threads of what does that.
const NEEDED: u32 = 12;
/// Pauses before each look: processes of a VM come and go, and it was full a moment ago.
const LOOKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(200),
];

/// Whether a program that printed this first may not have been started. It may also have said so itself: whether the
/// VM is full is asked then.
pub(super) fn is_refusal(said: &[u8]) -> bool {
    let mut windows = said.windows(NOT_THERE.len());
    REFUSALS.iter().any(|words| said.starts_with(words)) && !windows.any(|words| words == NOT_THERE)
}

/// `Conflict`, with what to do, where this is what was printed by a program that was not started because the VM is
/// full.
pub(super) async fn check(context: &Context, id: Uuid, said: &[u8]) -> Result<(), DriverError> {
    match is_refusal(said) {
        true => why(context, id).await.map_or(Ok(()), Err),
        false => Ok(()),
    }
}

/// The same for a program's output as it comes: what `told` makes of the reason stands in the place of all of it.
/// `was_refused` says by the first that it printed, or None where it ended without, whether it may be so.
pub(super) fn explained<T: Send + 'static>(
    context: &Arc<Context>,
    id: Uuid,
    output: impl Stream<Item = Result<T, DriverError>> + Send + 'static,
    was_refused: fn(Option<&T>) -> bool,
    told: fn(DriverError) -> Result<T, DriverError>,
) -> BoxStream<'static, Result<T, DriverError>> {
    let context = context.clone();
    let first = First {
        was_refused,
        told,
        why: move || async move { why(&context, id).await }.boxed(),
    };
    from_the_first(output.boxed(), first)
}

/// What is done with the first that comes.
struct First<T, W> {
    was_refused: fn(Option<&T>) -> bool,
    told: fn(DriverError) -> Result<T, DriverError>,
    why: W,
}

fn from_the_first<T: Send + 'static>(
    output: BoxStream<'static, Result<T, DriverError>>,
    first: First<T, impl FnOnce() -> BoxFuture<'static, Option<DriverError>> + Send + 'static>,
) -> BoxStream<'static, Result<T, DriverError>> {
    let start = (output, Some(first));
    let items = stream::unfold(start, async |(mut output, first)| {
        let next = output.next().await;
        if let Some(first) = first
            && may_be_refused(&next, first.was_refused)
            && let Some(reason) = (first.why)().await
        {
            return Some(((first.told)(reason), (stream::empty().boxed(), None)));
        }
        next.map(|item| (item, (output, None)))
    });
    items.boxed()
}

fn may_be_refused<T>(
    next: &Option<Result<T, DriverError>>,
    was_refused: fn(Option<&T>) -> bool,
) -> bool {
    match next {
        Some(Ok(first)) => was_refused(Some(first)),
        Some(Err(_)) => false,
        None => was_refused(None),
    }
}

/// None where the VM is not full, or the engine does not tell.
async fn why(context: &Context, id: Uuid) -> Option<DriverError> {
    for pause in LOOKS {
        sleep(pause).await;
        let processes = stats::vm_usage(context, id).await.ok()?.processes;
        if is_full(processes) {
            let name = context.look(id).await.ok()?.spec.name;
            return Some(full(&name, processes));
        }
    }
    None
}

fn is_full(processes: u32) -> bool {
    processes + NEEDED > PIDS
}

fn full(name: &str, processes: u32) -> DriverError {
    // What the engine puts into it may be more than that.
    let processes = processes.min(PIDS);
    let message = format!(
        "{name} has no room for another process ({processes} of {PIDS}): end programs in it, or restart it"
    );
    DriverError::new(NodeErrorCode::Conflict, message)
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use bytes::Bytes;

    use super::*;

    const REFUSED: &str = "OCI runtime exec failed: exec failed: unable to start container process: read init-p: \
        connection reset by peer: unknown\r\n";
    const MISSING: &str = "OCI runtime exec failed: exec failed: unable to start container process: exec: \"vim\": \
        executable file not found in $PATH: unknown\r\n";

    /// What comes of that output of a command, in a VM of so many processes.
    async fn of(output: &[&'static str], processes: u32) -> Vec<Result<Bytes, String>> {
        let was_refused = |first: Option<&Bytes>| first.is_some_and(|said| is_refusal(said));
        told(output, processes, was_refused).await
    }

    async fn told(
        output: &[&'static str],
        processes: u32,
        was_refused: fn(Option<&Bytes>) -> bool,
    ) -> Vec<Result<Bytes, String>> {
        let items: Vec<Result<Bytes, DriverError>> = output
            .iter()
            .map(|text| Ok(Bytes::from_static(text.as_bytes())))
            .collect();
        let reason = is_full(processes).then(|| full("web1", processes));
        let first = First {
            was_refused,
            told: Err,
            why: move || ready(reason).boxed(),
        };
        let told = from_the_first(stream::iter(items).boxed(), first);
        told.map(|item| item.map_err(|error| error.message))
            .collect()
            .await
    }

    fn as_they_are(output: &[&'static str]) -> Vec<Result<Bytes, String>> {
        let bytes = |text: &&'static str| Ok(Bytes::from_static(text.as_bytes()));
        output.iter().map(bytes).collect()
    }

    fn words(count: u32) -> Vec<Result<Bytes, String>> {
        vec![Err(format!(
            "web1 has no room for another process ({count} of 256): end programs in it, or restart it"
        ))]
    }

    #[tokio::test]
    async fn what_was_not_started_in_a_full_vm_is_explained_with_what_to_do() {
        for (processes, count) in [(250, 250), (256, 256), (261, 256)] {
            assert_eq!(of(&[REFUSED], processes).await, words(count));
        }
        for last_words in [
            &["runtime/cgo: ", "pthread_create failed", "\n", "SIGABRT"][..],
            &[
                "runtime: failed to create new OS thread (have 3",
                " already",
            ],
        ] {
            assert_eq!(of(last_words, 256).await, words(256));
        }
        assert_eq!(full("web1", 256).code, NodeErrorCode::Conflict);
    }

    #[tokio::test]
    async fn where_there_is_room_the_engines_words_stay_what_they_are() {
        let told = of(&[REFUSED, "more"], 4).await;
        assert_eq!(told, as_they_are(&[REFUSED, "more"]));
    }

    #[tokio::test]
    async fn a_programs_own_output_is_left_alone_whatever_it_says_later() {
        for own in [
            &["ok\n", REFUSED, "bye\n"][..],
            &["OCI runtime"],
            &[MISSING],
            &[],
        ] {
            assert_eq!(of(own, 256).await, as_they_are(own));
        }
    }

    #[tokio::test]
    async fn what_has_a_prompt_always_and_ends_without_was_not_started() {
        let was_refused = |first: Option<&Bytes>| first.is_none();
        assert_eq!(told(&[], 256, was_refused).await, words(256));
        assert_eq!(told(&[], 4, was_refused).await, as_they_are(&[]));
    }
}
