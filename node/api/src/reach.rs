//! What VMs may reach beside the internet, as it is configured.

use std::{fmt, net::Ipv4Addr, str::FromStr};

/// Addresses and networks in one list, at most.
const MOST: usize = 256;

/// Addresses and networks with commas between them, an empty text, or the word `all`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmReach {
    /// The node's host and its private networks, too: nothing but other owners' VMs is kept from VMs.
    All,
    /// These, and of the host and its private networks nothing else; 256 of them at most.
    Only(Vec<Ipv4Network>),
}

impl Default for VmReach {
    /// The internet alone.
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl FromStr for VmReach {
    /// A sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => return Ok(Self::default()),
            "all" => return Ok(Self::All),
            _ => {}
        }
        let networks = text.split(',').map(|word| word.trim().parse());
        let networks = networks.collect::<Result<Vec<Ipv4Network>, String>>()?;
        match networks.len() {
            0..=MOST => Ok(Self::Only(networks)),
            many => Err(format!(
                "What VMs may reach is a list of at most {MOST} addresses and networks, and not of {many}: join some to larger networks."
            )),
        }
    }
}

impl fmt::Display for VmReach {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Only(networks) => {
                let words: Vec<String> = networks.iter().map(Ipv4Network::to_string).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

/// An IPv4 network of 1 to 32 bits; an address alone is one of 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Network {
    first: Ipv4Addr,
    bits: u32,
}

impl FromStr for Ipv4Network {
    /// A sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "What VMs may reach is a list of IPv4 addresses and networks, such as 192.168.1.10,10.2.0.0/16, or the word all alone: {text:?} is neither."
            )
        };
        let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let bits: u32 = bits.parse().map_err(|_| wrong())?;
        if !(1..=32).contains(&bits) {
            return Err(wrong());
        }
        let first = Ipv4Addr::from(u32::from(address) & (u32::MAX << (32 - bits)));
        if first != address {
            return Err(format!(
                "{text} is no network: write {first}/{bits} for all of it, or {address} for the one address."
            ));
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Ipv4Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            32 => write!(f, "{}", self.first),
            bits => write!(f, "{}/{bits}", self.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_alike() {
        for (text, written) in [
            ("", ""),
            (" ", ""),
            ("all", "all"),
            ("192.168.1.10", "192.168.1.10"),
            ("192.168.1.10/32", "192.168.1.10"),
            ("10.2.0.0/16, 192.168.1.10", "10.2.0.0/16,192.168.1.10"),
            ("128.0.0.0/1", "128.0.0.0/1"),
        ] {
            let reach: VmReach = text.parse().unwrap();
            assert_eq!(reach.to_string(), written, "{text:?}");
            assert_eq!(written.parse::<VmReach>().unwrap(), reach, "{text:?}");
        }
        assert_eq!("".parse::<VmReach>().unwrap(), VmReach::default());
    }

    #[test]
    fn what_is_no_list_of_networks_is_refused_with_what_to_write() {
        for bad in [
            "everything",
            "all,10.2.0.0/16",
            "10.2.0.0/16,",
            "10.2.0.0/0",
            "10.2.0.0/33",
            "10.2.0.0/-1",
            "10.2.0/16",
            "fd00::/8",
            "10.2.0.0/16 10.3.0.0/16",
            "10.2.0.1;accept",
        ] {
            let said = bad.parse::<VmReach>().unwrap_err();
            assert!(said.contains("192.168.1.10,10.2.0.0/16"), "{bad}: {said}");
        }
        let said = "192.168.1.5/24".parse::<VmReach>().unwrap_err();
        assert!(said.contains("192.168.1.0/24 for all of it"), "{said}");
        let many = vec!["10.0.0.1"; MOST + 1].join(",");
        let said = many.parse::<VmReach>().unwrap_err();
        assert!(said.contains("at most 256"), "{said}");
    }
}
