//! Durations, gathered and told.

use std::time::Duration;

/// Measured durations of one kind, and how many runs failed.
#[derive(Default)]
pub struct Figures {
    millis: Vec<f64>,
    /// Runs that failed, for whatever reason; they are in no percentile.
    pub failures: u32,
}

impl Figures {
    /// Counts a run that went well.
    pub fn add(&mut self, duration: Duration) {
        self.millis.push(duration.as_secs_f64() * 1e3);
    }

    /// Takes in those of another part of the same measurement.
    pub fn merge(&mut self, other: Self) {
        self.millis.extend(other.millis);
        self.failures += other.failures;
    }

    /// The value that `percent` of the runs stay below, in milliseconds; NaN without runs.
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.millis.clone();
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() {
            return f64::NAN;
        }
        let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    /// One line of a table: name, runs, p50, p95, worst, failures.
    pub fn row(&self, name: &str) -> String {
        format!(
            "| {name} | {} | {:.2} | {:.2} | {:.2} | {} |",
            self.millis.len(),
            self.percentile(50.0),
            self.percentile(95.0),
            self.percentile(100.0),
            self.failures
        )
    }
}

/// The head of the table that [`Figures::row`] fills.
pub const HEAD: &str =
    "| what (ms) | runs | p50 | p95 | worst | failed |\n|---|---|---|---|---|---|";

/// Resident memory of a process, MiB; None where it has gone.
pub fn memory(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_value_at_its_rank() {
        let mut figures = Figures::default();
        for n in 1..=100 {
            figures.add(Duration::from_millis(n));
        }
        assert_eq!(figures.percentile(50.0), 50.0);
        assert_eq!(figures.percentile(95.0), 95.0);
        assert_eq!(figures.percentile(100.0), 100.0);
    }
}
