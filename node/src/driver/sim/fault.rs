//! Failures on demand.

use std::collections::{HashMap, VecDeque};

use crate::driver::DriverError;

/// A call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimCall {
    /// Also looks at one VM, and ensuring an image.
    List,
    Create,
    Start,
    Stop,
    Delete,
    /// Commands with and without streams, and connections to ports.
    Exec,
    /// Readings, and looks at disks.
    Usage,
    Tty,
    Ssh,
}

/// How it fails.
#[derive(Clone, Debug)]
pub enum SimFault {
    /// Nothing was done.
    Before(DriverError),
    /// It was done, but the answer was lost.
    After(DriverError),
}

/// Failures that wait for their calls, and how many calls there were.
#[derive(Default)]
pub(super) struct Faults {
    waiting: HashMap<SimCall, VecDeque<SimFault>>,
    calls: HashMap<SimCall, usize>,
}

impl Faults {
    /// Lets the next `times` calls fail, after those that are to fail already.
    pub(super) fn add(&mut self, call: SimCall, times: usize, fault: &SimFault) {
        let queue = self.waiting.entry(call).or_default();
        queue.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// Counts a call; how it is to fail, if it is.
    pub(super) fn take(&mut self, call: SimCall) -> Option<SimFault> {
        *self.calls.entry(call).or_default() += 1;
        self.waiting.get_mut(&call)?.pop_front()
    }

    /// How many were counted.
    pub(super) fn calls(&self, call: SimCall) -> usize {
        self.calls.get(&call).copied().unwrap_or_default()
    }
}
