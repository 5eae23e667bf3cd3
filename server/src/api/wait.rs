//! `?wait=30s`: an answer once what was asked for is so, or with the state reached.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use app::model::VmView;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::ApiError;
use crate::pages::RequestPlane;

/// The longest wait; more is taken for this.
const WAIT_MAX: u64 = 30;

/// How long an answer waits that must have an outcome: 25 s, because no request hangs over 30. A test waits
/// for less.
#[derive(Clone, Debug)]
pub struct Patience(Arc<AtomicU64>);

impl Patience {
    /// As it is now: asked for at each request.
    pub fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// For every request from now on; to the millisecond.
    pub fn set(&self, patience: Duration) {
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.0.store(millis, Ordering::Relaxed);
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(25_000)))
    }
}

/// How long to wait for the outcome of a change.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// Seconds, such as `30s`; at most 30. Without it the answer comes at once.
    #[param(example = "30s", pattern = "^[0-9]{1,9}s?$")]
    pub wait: Option<String>,
}

impl WaitQuery {
    /// None: not at all.
    pub fn read(&self) -> Result<Option<Duration>, ApiError> {
        let Some(text) = &self.wait else {
            return Ok(None);
        };
        let digits = text.strip_suffix('s').unwrap_or(text);
        let good = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let seconds: Option<u64> = digits.parse().ok().filter(|_| good);
        let seconds = seconds.ok_or_else(|| {
            let words = "A wait is a number of seconds, such as 30s.";
            ApiError::invalid("wait", "wait_invalid", words)
        })?;
        Ok((seconds > 0).then(|| Duration::from_secs(seconds.min(WAIT_MAX))))
    }
}

/// The VM once it has settled, or as it is when the time is over. None when it is gone.
pub async fn settled(
    plane: &RequestPlane,
    vm: VmView,
    wait: Option<Duration>,
) -> Result<Option<VmView>, ApiError> {
    let Some(wait) = wait else {
        return Ok(Some(vm));
    };
    let done = plane.state.control.vm_settle(&vm.id, wait).await;
    Ok(plane.control_answer(done)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_and_at_most_thirty() {
        let read = |text: &str| {
            let wait = Some(text.to_owned());
            WaitQuery { wait }.read().ok()
        };
        assert_eq!(read("5s"), Some(Some(Duration::from_secs(5))));
        assert_eq!(read("300"), Some(Some(Duration::from_secs(30))));
        assert_eq!(read("0s"), Some(None));
        for bad in ["", "s", "-1", "1m", "+5", "9999999999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
