//! The helper for files: run in a VM, and brought there where it is not (docs/decisions/0008).
//!
//! All of it is commands of the VM. The engine's archive calls would reach into the VM from outside, where
//! its owner can lead them astray and hold them up.

mod bring;
mod direct;
mod helper;
mod said;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use node_api::error::NodeErrorCode;
use tokio::time::timeout;
use uuid::Uuid;

use self::{
    direct::direct,
    said::{Heard, heard},
};
use super::{context::Context, process};
use crate::driver::{DriverError, Piece, Process};

pub(super) use bring::give;
pub(super) use helper::Helper;

/// Has the helper say so first when it runs, as `files/src/main.rs` does: nothing of a session may go to
/// what else runs in its place, or to nobody.
const GREET: &str = "--greet";
const GREETING: &[u8] = b"minicloud-files 1\n";
/// For a VM that is busy to begin it.
const ANSWER: Duration = Duration::from_secs(8);

/// Runs the helper with these words; brings it first, where it is not in the VM or does not run there.
pub(super) async fn open(
    context: &Arc<Context>,
    id: Uuid,
    words: &[String],
    env: &[(String, String)],
) -> Result<Process, DriverError> {
    let helper = context.helper.packed().await?;
    let argv = [&[helper.path.clone(), GREET.to_owned()][..], words].concat();
    let bringing = context.helper.bringing.get(id);
    // Whoever brings it now is waited for.
    let brought = *bringing.lock().await;
    if let Ok(process) = run(context, id, &argv, env).await? {
        return Ok(process);
    }
    let mut times = bringing.lock().await;
    // Once for all who found it missing.
    if *times == brought {
        bring::bring(context, id, helper).await?;
        *times += 1;
        tracing::info!(%id, "the helper for files was put into a VM");
    }
    drop(times);
    let run = run(context, id, &argv, env).await?;
    run.map_err(|said| {
        broken(&format!(
            "its helper {} does not run there: {said}",
            helper.path
        ))
    })
}

/// Err is what was said in place of its greeting, up to the end: by the engine, mostly, of why it cannot
/// be run.
async fn run(
    context: &Arc<Context>,
    id: Uuid,
    argv: &[String],
    env: &[(String, String)],
) -> Result<Result<Process, String>, DriverError> {
    let mut begun = process::begin(context, id, argv, env).await?;
    let Ok(heard) = timeout(ANSWER, heard(&mut begun.output, GREETING)).await else {
        let seconds = ANSWER.as_secs();
        let message = in_the_way(&format!("the helper does not answer within {seconds} s"));
        return Err(DriverError::new(NodeErrorCode::Timeout, message));
    };
    match heard? {
        Heard::Greeting(rest) => Ok(Ok(continued(direct(begun).await.claim(), rest))),
        Heard::End(said) => {
            begun.control.claim();
            Ok(Err(said))
        }
        Heard::Noise => Err(DriverError::new(
            NodeErrorCode::Conflict,
            in_the_way("something else runs in place of the helper"),
        )),
    }
}

/// With what came right after the greeting.
fn continued(mut process: Process, rest: Bytes) -> Process {
    if !rest.is_empty() {
        let rest = stream::iter([Ok(Piece::Stdout(rest))]);
        process.output = Box::pin(rest.chain(process.output));
    }
    process
}

/// Something about the VM, which its owner can mend.
fn broken(why: &str) -> DriverError {
    let message = format!("files cannot be copied to or from this VM: {why}");
    DriverError::new(NodeErrorCode::Conflict, message)
}

fn in_the_way(what: &str) -> String {
    let folder = helper::folder();
    format!(
        "files cannot be copied to or from this VM: {what}. Remove it there (rm -r {folder}) and try again"
    )
}
