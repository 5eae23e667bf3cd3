//! A range of ports, divided among the local nodes.

use std::{fmt, str::FromStr};

use serde::Deserialize as _;

/// Ports from the first to the last, both included; none below 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl PortRange {
    /// How many they are.
    pub fn count(self) -> usize {
        usize::from(self.last.saturating_sub(self.first)) + 1
    }

    /// The part of one of so many, the first being 0: no two share a port. None where there is too little.
    pub fn part(self, index: usize, of: usize) -> Option<Self> {
        let size = u16::try_from(self.count().checked_div(of)?).ok()?;
        let first = self
            .first
            .checked_add(size.checked_mul(u16::try_from(index).ok()?)?)?;
        let last = first.checked_add(size.checked_sub(1)?)?;
        (last <= self.last).then_some(Self { first, last })
    }
}

impl FromStr for PortRange {
    /// A sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| text.trim().parse::<u16>().ok();
        let range = text
            .split_once('-')
            .and_then(|(first, last)| Some((port(first)?, port(last)?)));
        match range {
            Some((first, last)) if (1024..=last).contains(&first) => Ok(Self { first, last }),
            _ => Err(format!(
                "Ports for SSH are like 22000-22999, all of them 1024 or above: {text:?} is not."
            )),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// A range in the file, or an empty text.
pub(super) fn ports_or_none<'de, D: serde::Deserializer<'de>>(
    reader: D,
) -> Result<Option<PortRange>, D::Error> {
    let text = String::deserialize(reader)?;
    match text.as_str() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_and_divided_without_overlap() {
        let range: PortRange = "22000-22999".parse().unwrap();
        let parts: Vec<String> = (0..3)
            .filter_map(|index| range.part(index, 3))
            .map(|part| part.to_string())
            .collect();
        assert_eq!(parts, ["22000-22332", "22333-22665", "22666-22998"]);
        assert_eq!(range.part(0, 1), Some(range));
        let one: PortRange = "65535-65535".parse().unwrap();
        assert_eq!((one.count(), one.part(0, 1)), (1, Some(one)));
        assert_eq!(one.part(0, 2), None);
        for bad in ["", "22000", "1-2", "23000-22000", "22000-70000", "a-b"] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad}");
        }
    }
}
