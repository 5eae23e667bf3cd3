//! Users' networks: number to /27 of the configured range, and its name. Pure.

use std::net::Ipv4Addr;

use node_api::vm::NetworkSpec;

use super::ControlError;

/// Bits of a user's network: 32 addresses.
const PREFIX: u32 = 27;

/// The configured range, cut into /27.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks {
    base: u32,
    /// How many /27 there are: as many users can have VMs.
    pub count: u32,
}

impl Networks {
    /// Reads a range such as `10.64.0.0/12`.
    pub fn parse(range: &str) -> Result<Self, ControlError> {
        let wrong = || {
            ControlError::Config(format!(
                "network_range {range} is not an IPv4 range such as 10.64.0.0/12, at most a /27"
            ))
        };
        let (address, prefix) = range.split_once('/').ok_or_else(wrong)?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let prefix: u32 = prefix.parse().map_err(|_| wrong())?;
        if !(1..=PREFIX).contains(&prefix) || u32::from(address) << prefix != 0 {
            return Err(wrong());
        }
        Ok(Self {
            base: address.into(),
            count: 1 << (PREFIX - prefix),
        })
    }

    /// The network of a user: named by the last digits of the user's id, which are random.
    pub fn spec(self, index: u32, user_id: &str) -> NetworkSpec {
        let digits: Vec<char> = user_id.chars().filter(char::is_ascii_hexdigit).collect();
        let tail: String = digits
            .iter()
            .skip(digits.len().saturating_sub(10))
            .collect();
        let subnet = Ipv4Addr::from(self.base + (index << (32 - PREFIX)));
        NetworkSpec {
            name: format!("mc{tail}"),
            subnet: format!("{subnet}/{PREFIX}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_cut_into_networks_of_32_addresses() {
        let networks = Networks::parse("10.64.0.0/12").unwrap();
        assert_eq!(networks.count, 32_768);
        let user = "01890000-0000-7000-8000-00ab12cd34ef";
        let spec = |index| networks.spec(index, user);
        assert_eq!(spec(0).subnet, "10.64.0.0/27");
        assert_eq!(spec(9).subnet, "10.64.1.32/27");
        assert_eq!(spec(32_767).subnet, "10.79.255.224/27");
        assert_eq!(spec(0).name, "mcab12cd34ef");
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for wrong in [
            "",
            "10.0.0.0",
            "10.0.0.1/12",
            "10.0.0.0/28",
            "10.0.0.0/0",
            "::/64",
            "x/8",
        ] {
            assert!(Networks::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Networks::parse("10.9.8.32/27").unwrap().count, 1);
    }
}
