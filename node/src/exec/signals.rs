//! A caller's signals on their way to its command.
//!
//! Each costs a look at the VM's processes, and a caller may send as many as it likes: one that comes too soon
//! after others waits, and is sent once for all of its name that have come meanwhile. (So does the kernel, for
//! a process that is slow to take them.)

use std::{future::pending, mem, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use crate::driver::{ProcessControl, ProcessSignal};

/// From one signal that was sent to the next.
pub const REST: Duration = Duration::from_millis(50);
/// How long a signal may take.
const SIGNAL: Duration = Duration::from_secs(15);

/// Those of one caller.
pub struct Signals<'a> {
    control: &'a dyn ProcessControl,
    rest: Duration,
    /// Each once, in the order they came.
    waiting: Vec<ProcessSignal>,
    not_before: Instant,
}

impl<'a> Signals<'a> {
    /// `rest` is the pause after each signal, [`REST`] but in tests.
    pub fn new(control: &'a dyn ProcessControl, rest: Duration) -> Self {
        Self {
            control,
            rest,
            waiting: Vec::new(),
            not_before: Instant::now(),
        }
    }

    /// Sends the signal of that name, now or later; Err where commands are not sent it.
    pub async fn take(&mut self, name: &str) -> Result<(), String> {
        let signal = ProcessSignal::parse(name).ok_or("a signal that commands are not sent")?;
        if !self.waiting.contains(&signal) {
            self.waiting.push(signal);
        }
        if Instant::now() >= self.not_before {
            self.send().await;
        }
        Ok(())
    }

    /// Resolves when what waits is to be sent.
    pub async fn due(&self) {
        match self.waiting.is_empty() {
            true => pending().await,
            false => sleep_until(self.not_before).await,
        }
    }

    /// Sends what waits.
    pub async fn send(&mut self) {
        for signal in mem::take(&mut self.waiting) {
            match timeout(SIGNAL, self.control.signal(signal)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("a command was not signalled: {error}"),
                Err(_) => tracing::warn!("a command was not signalled in time"),
            }
        }
        self.not_before = Instant::now() + self.rest;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)] // a test that fails may panic

    use std::sync::{Mutex, PoisonError};

    use async_trait::async_trait;

    use super::*;
    use crate::driver::DriverError;

    #[derive(Default)]
    struct Command(Mutex<Vec<ProcessSignal>>);

    impl Command {
        fn got(&self) -> Vec<ProcessSignal> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        }
    }

    #[async_trait]
    impl ProcessControl for Command {
        async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
            Ok(None)
        }

        async fn signal(&self, signal: ProcessSignal) -> Result<(), DriverError> {
            let mut got = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            got.push(signal);
            Ok(())
        }

        async fn kill(&self) -> Result<(), DriverError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_flood_of_signals_is_the_first_at_once_and_then_one_of_each_name() {
        let command = Command::default();
        let mut signals = Signals::new(&command, Duration::from_secs(600));
        for _ in 0..100 {
            for name in ["INT", "TERM"] {
                signals.take(name).await.expect("known");
            }
        }
        assert_eq!(command.got(), [ProcessSignal::Int]);
        signals.send().await;
        // TERM was the first that waited.
        let all = [ProcessSignal::Int, ProcessSignal::Term, ProcessSignal::Int];
        assert_eq!(command.got(), all);
        assert!(signals.take("STOP").await.is_err());
    }

    #[tokio::test]
    async fn what_waits_is_due_after_a_rest_and_nothing_else_is() {
        let command = Command::default();
        let mut signals = Signals::new(&command, Duration::from_millis(20));
        let long = Duration::from_secs(60);
        let nothing = timeout(Duration::from_millis(50), signals.due()).await;
        assert!(nothing.is_err());
        while signals.waiting.is_empty() {
            signals.take("HUP").await.expect("known");
        }
        let before = command.got().len();
        timeout(long, signals.due()).await.expect("due");
        signals.send().await;
        assert_eq!(command.got().len(), before + 1);
    }
}
