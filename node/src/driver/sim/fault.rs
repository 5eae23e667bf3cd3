//! Failures on demand.

use std::collections::{HashMap, VecDeque};

use crate::driver::DriverError;

/// A call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimCall {
    List,
    Create,
    Start,
    Stop,
    Delete,
    Exec,
    Usage,
    Tty,
}

/// How it fails.
#[derive(Clone, Debug)]
pub enum SimFault {
    /// Nothing was done.
    Before(DriverError),
    /// It was done, but the answer was lost.
    After(DriverError),
}

/// Failures that wait for their calls.
#[derive(Default)]
pub(super) struct Faults(HashMap<SimCall, VecDeque<SimFault>>);

impl Faults {
    pub(super) fn add(&mut self, call: SimCall, times: usize, fault: &SimFault) {
        let queue = self.0.entry(call).or_default();
        queue.extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub(super) fn take(&mut self, call: SimCall) -> Option<SimFault> {
        self.0.get_mut(&call)?.pop_front()
    }
}
