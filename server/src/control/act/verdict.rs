//! Whether a call that failed is made again, and when. Pure.

use node_api::error::NodeErrorCode;

use crate::{
    balancer::NodeCallError,
    clock::SECOND,
    control::plan::{Step, Tries, WAIT_MAX},
};

/// Refusals by the engine itself before a start is given up: some pass, as after an engine restart.
const REFUSALS: u32 = 6;
/// Failures before the owner is told what it waits for.
const QUIET: u32 = 1;

/// What becomes of a step after its call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It cannot work.
    Never,
    /// After a wait, which is set in the tries; `tell`: say what it waits for.
    Later { tell: bool },
    /// The node knows no such VM: look at its list.
    LookAnew,
}

/// Judges a failed call, and counts it.
pub fn verdict(step: &Step, error: &NodeCallError, tries: &mut Tries, now: i64) -> Verdict {
    let comes_up = matches!(step, Step::Create | Step::Start);
    tries.failures += 1;
    tries.words = Some(error.to_string());
    let wait = SECOND / 2 * (1 << tries.failures.saturating_sub(1).min(5));
    tries.not_before = now + wait.min(WAIT_MAX);
    match error.code() {
        Some(NodeErrorCode::NotFound) => return Verdict::LookAnew,
        Some(NodeErrorCode::Engine | NodeErrorCode::SubnetTaken | NodeErrorCode::PortTaken) => {
            tries.refusals += 1;
        }
        // With what a node that was removed has left on the same engine, and what is being cleared.
        Some(NodeErrorCode::Conflict) if comes_up => tries.refusals += 1,
        Some(
            NodeErrorCode::NoRoom
            | NodeErrorCode::BadRequest
            | NodeErrorCode::TooLarge
            | NodeErrorCode::ImageMissing,
        ) if comes_up => return Verdict::Never,
        _ => {}
    }
    if comes_up && tries.refusals >= REFUSALS {
        return Verdict::Never;
    }
    Verdict::Later {
        tell: tries.failures > QUIET,
    }
}

#[cfg(test)]
mod tests {
    use node_api::error::NodeError;

    use super::*;

    fn refused(code: NodeErrorCode) -> NodeCallError {
        NodeCallError::Refused(NodeError {
            code,
            message: "words".into(),
        })
    }

    #[test]
    fn what_cannot_work_is_not_tried_again_but_a_vm_is_always_stopped_and_deleted() {
        let never = [
            NodeErrorCode::NoRoom,
            NodeErrorCode::BadRequest,
            NodeErrorCode::ImageMissing,
        ];
        for code in never {
            let judge = |step| verdict(&step, &refused(code), &mut Tries::default(), 0);
            assert_eq!(judge(Step::Create), Verdict::Never);
            assert!(matches!(judge(Step::Stop), Verdict::Later { .. }));
            assert!(matches!(judge(Step::Delete), Verdict::Later { .. }));
        }
    }

    #[test]
    fn an_engine_that_refuses_is_tried_for_fifteen_seconds_and_then_given_up() {
        let given_up = |step, code| {
            let (mut tries, mut now) = (Tries::default(), 0);
            while verdict(&step, &refused(code), &mut tries, now) != Verdict::Never {
                now = tries.not_before;
            }
            now
        };
        for now in [
            given_up(Step::Start, NodeErrorCode::Engine),
            // Of a node that was removed, on the same engine: it is cleared meanwhile.
            given_up(Step::Create, NodeErrorCode::Conflict),
        ] {
            assert!((15 * SECOND..=20 * SECOND).contains(&now), "{now}");
        }
        let mut tries = Tries {
            refusals: 100,
            ..Tries::default()
        };
        let stop = verdict(&Step::Stop, &refused(NodeErrorCode::Engine), &mut tries, 0);
        assert!(matches!(stop, Verdict::Later { .. }));
    }

    #[test]
    fn an_absent_node_is_asked_again_and_again_with_growing_waits() {
        let mut tries = Tries::default();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let away = NodeCallError::Unreachable("connection refused".into());
            assert!(matches!(
                verdict(&Step::Create, &away, &mut tries, 0),
                Verdict::Later { .. }
            ));
            waits.push(tries.not_before);
        }
        assert_eq!(waits[0], SECOND / 2);
        assert!(waits.is_sorted());
        assert_eq!(waits[7], WAIT_MAX);
    }
}
