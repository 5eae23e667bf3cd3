//! Numbers and times as people read them. Pure, so that server and browser agree.

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// What is not older than this happened "just now".
const JUST: i64 = 5 * SECOND;

/// A length of time, in its one or two largest units: "41 s", "5 min", "2 h 5 min", "3 days".
pub fn span(micros: i64) -> String {
    let micros = micros.max(0);
    match micros {
        ..MINUTE => format!("{} s", micros / SECOND),
        MINUTE..HOUR => format!("{} min", micros / MINUTE),
        HOUR..DAY if micros % HOUR < MINUTE => format!("{} h", micros / HOUR),
        HOUR..DAY => format!("{} h {} min", micros / HOUR, micros % HOUR / MINUTE),
        _ if micros < 2 * DAY => "1 day".to_owned(),
        _ => format!("{} days", micros / DAY),
    }
}

/// How long ago `at` was, seen from `now`: "just now", "12 s ago", "yesterday", "2 Mar 2026".
pub fn ago(at: i64, now: i64) -> String {
    let past = (now - at).max(0);
    match past {
        ..JUST => "just now".to_owned(),
        JUST..HOUR => format!("{} ago", span(past)),
        HOUR..DAY => format!("{} h ago", past / HOUR),
        _ if past < 2 * DAY => "yesterday".to_owned(),
        _ if past < 30 * DAY => format!("{} days ago", past / DAY),
        _ => day(at),
    }
}

/// The day of a moment, in UTC: "2 Mar 2026".
pub fn day(at: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day) = civil(at.div_euclid(DAY));
    format!("{day} {} {year}", MONTHS[month as usize - 1])
}

/// The exact moment, for machines: `2026-07-05T14:02:09Z`.
pub fn iso(at: i64) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(at))
}

/// The exact moment, for people: `2026-07-05 14:02:09 UTC`.
pub fn exact(at: i64) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02} {} UTC", clock(at))
}

/// Time of day in UTC: `14:02:09`.
pub fn clock(at: i64) -> String {
    let seconds = at.rem_euclid(DAY) / SECOND;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Year, month and day of a count of days since 1970-01-01 (Hinnant's algorithm).
fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Memory: "41 MiB", "1.5 GiB".
pub fn mib(mib: f32) -> String {
    if mib < 1000.0 {
        format!("{mib:.0} MiB")
    } else {
        format!("{} GiB", short(mib / 1024.0))
    }
}

/// Processor share: "0.5 vCPU".
pub fn vcpu(millis: u32) -> String {
    format!("{} vCPU", vcpus(millis))
}

/// The number alone: "0.5".
pub fn vcpus(millis: u32) -> String {
    short(millis as f32 / 1000.0)
}

/// Bytes on disk: "12 KiB", "1.5 GiB".
pub fn bytes(bytes: f32) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes.max(0.0);
    let mut unit = 0;
    while amount >= 1000.0 && unit < UNITS.len() - 1 {
        amount /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{amount:.0} B"),
        _ => format!("{} {}", short(amount), UNITS[unit]),
    }
}

/// Bytes a second: "1.5 KiB/s".
pub fn rate(rate: f32) -> String {
    format!("{}/s", bytes(rate))
}

/// At most one decimal, and none where it says nothing: "2", "0.5", "14".
fn short(number: f32) -> String {
    if number >= 10.0 || (number - number.round()).abs() < 0.05 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

/// A count with its noun: "1 VM", "3 VMs".
pub fn count(count: u32, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_units() {
        let cases = [
            (41 * SECOND, "41 s"),
            (5 * MINUTE + 3 * SECOND, "5 min"),
            (2 * HOUR, "2 h"),
            (2 * HOUR + 5 * MINUTE, "2 h 5 min"),
            (25 * HOUR, "1 day"),
            (73 * HOUR, "3 days"),
            (-5, "0 s"),
        ];
        for (micros, words) in cases {
            assert_eq!(span(micros), words);
        }
    }

    #[test]
    fn a_moment_is_told_by_its_distance_and_at_last_by_its_date() {
        let now = 1_783_260_129 * SECOND;
        assert_eq!(ago(now - SECOND, now), "just now");
        assert_eq!(ago(now + HOUR, now), "just now");
        assert_eq!(ago(now - 12 * SECOND, now), "12 s ago");
        assert_eq!(ago(now - 30 * HOUR, now), "yesterday");
        assert_eq!(ago(now - 40 * DAY, now), "26 May 2026");
        assert_eq!(iso(now), "2026-07-05T14:02:09Z");
        assert_eq!(exact(-SECOND), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn amounts_carry_their_unit() {
        assert_eq!(mib(41.4), "41 MiB");
        assert_eq!(mib(1536.0), "1.5 GiB");
        assert_eq!(vcpu(500), "0.5 vCPU");
        assert_eq!(vcpu(2000), "2 vCPU");
        assert_eq!(rate(1536.0), "1.5 KiB/s");
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(count(1, "VM"), "1 VM");
    }
}
