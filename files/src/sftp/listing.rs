//! Folders, and the lines that `ls -l` would print of what is in them.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Metadata, ReadDir},
    io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{attributes::Attributes, reply::Name};
use crate::account::Names;

/// In one answer, as OpenSSH has it: with the longest names it stays far below a packet's limit.
const AT_ONCE: usize = 100;
/// Half a year, as `ls` counts it: what is older is shown with its year.
const RECENT: i64 = 365 * 24 * 60 * 60 / 2;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A folder that is being read.
pub struct Listing {
    folder: PathBuf,
    /// Which std leaves out.
    dots: Vec<&'static str>,
    entries: ReadDir,
}

/// The VM's users and groups.
pub struct People {
    users: Names,
    groups: Names,
}

impl People {
    /// As they are now. Who is added later is shown by number.
    pub fn read() -> Self {
        Self {
            users: Names::read("/etc/passwd"),
            groups: Names::read("/etc/group"),
        }
    }
}

impl Listing {
    /// At its beginning; it is read as [`Listing::next`] is called.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            dots: vec!["..", "."],
            entries: fs::read_dir(folder)?,
        })
    }

    /// Some more; none at the end. What vanishes meanwhile is left out.
    pub fn next(&mut self, people: &People) -> io::Result<Vec<Name>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs() as i64);
        let mut names = Vec::new();
        while names.len() < AT_ONCE {
            let Some((name, found)) = self.entry()? else {
                break;
            };
            let Ok(found) = found else {
                continue;
            };
            names.push(Name {
                long: long(name.as_bytes(), &found, people, now),
                attributes: Attributes::of(&found),
                name: name.into_encoded_bytes(),
            });
        }
        Ok(names)
    }

    fn entry(&mut self) -> io::Result<Option<(OsString, io::Result<Metadata>)>> {
        if let Some(dots) = self.dots.pop() {
            let found = fs::symlink_metadata(self.folder.join(OsStr::new(dots)));
            return Ok(Some((dots.into(), found)));
        }
        let entry = self.entries.next().transpose()?;
        Ok(entry.map(|entry| (entry.file_name(), entry.metadata())))
    }
}

fn long(name: &[u8], found: &Metadata, people: &People, now: i64) -> Vec<u8> {
    let mut line = format!("{}  {:>3} ", mode(found.mode()), found.nlink()).into_bytes();
    for owner in [
        people.users.get(found.uid()),
        people.groups.get(found.gid()),
    ] {
        line.extend(&owner);
        line.resize(line.len() + 8_usize.saturating_sub(owner.len()) + 1, b' ');
    }
    line.extend(format!("{:>8} {} ", found.size(), time(found.mtime(), now)).into_bytes());
    line.extend(name);
    line
}

fn mode(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, with, without) in [
        (6, 0o4000, 's', 'S'),
        (3, 0o2000, 's', 'S'),
        (0, 0o1000, 't', 'T'),
    ] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => with,
            (false, true) => without,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// In UTC, which is what VMs have.
fn time(at: i64, now: i64) -> String {
    let (days, second) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let month = MONTHS[month];
    if (now - RECENT..=now).contains(&at) {
        format!(
            "{month} {day:>2} {:02}:{:02}",
            second / 3600,
            second / 60 % 60
        )
    } else {
        format!("{month} {day:>2}  {year}")
    }
}

/// Year, month from 0 on and day, of a number of days since 1970. Counted in eras of 400 years that begin
/// with a March, so that a leap day is a year's last.
fn date(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let is_next = month >= 10;
    let month = if is_next { month - 10 } else { month + 2 };
    (
        era * 400 + year + i64::from(is_next),
        month as usize,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_ls_prints_them() {
        for (bits, text) in [
            (0o100_644, "-rw-r--r--"),
            (0o040_755, "drwxr-xr-x"),
            (0o120_777, "lrwxrwxrwx"),
            (0o104_755, "-rwsr-xr-x"),
            (0o102_644, "-rw-r-Sr--"),
            (0o041_777, "drwxrwxrwt"),
            (0o041_776, "drwxrwxrwT"),
            (0o010_600, "prw-------"),
        ] {
            assert_eq!(mode(bits), text);
        }
    }

    #[test]
    fn old_times_have_a_year_and_new_ones_an_hour() {
        let now = 1_772_366_400; // 1 March 2026, noon
        assert_eq!(time(now, now), "Mar  1 12:00");
        assert_eq!(time(now - 86_400, now), "Feb 28 12:00");
        assert_eq!(time(now + 1, now), "Mar  1  2026");
        assert_eq!(time(951_782_400, now), "Feb 29  2000");
        assert_eq!(time(0, now), "Jan  1  1970");
        assert_eq!(time(-1, now), "Dec 31  1969");
    }
}
