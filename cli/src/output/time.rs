//! Times, in the zone of whoever reads.

use jiff::{Timestamp, tz::TimeZone};

/// To the minute, for tables.
pub fn minute(micros: i64) -> String {
    format(micros, "%Y-%m-%d %H:%M")
}

/// To the second, for events and logs.
pub fn second(micros: i64) -> String {
    format(micros, "%Y-%m-%d %H:%M:%S")
}

fn format(micros: i64, pattern: &str) -> String {
    match Timestamp::from_microsecond(micros) {
        Ok(at) => at
            .to_zoned(TimeZone::system())
            .strftime(pattern)
            .to_string(),
        Err(_) => "-".into(),
    }
}
