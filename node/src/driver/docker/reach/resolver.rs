//! Whom this host asks for names. The engine's resolver, which VMs ask, passes questions on from the VM's own network:
//! they cross the bridge like everything else of the VM's.

use std::{net::Ipv4Addr, path::PathBuf};

/// The second one stands behind systemd-resolved, whose own address in the first is loopback.
pub(super) const FILES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Those of all files, each once; what is not there names none.
pub(super) async fn list(files: &[PathBuf]) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    for file in files {
        let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
        found.extend(text.lines().filter_map(nameserver));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// An address that a VM could reach.
fn nameserver(line: &str) -> Option<Ipv4Addr> {
    let mut words = line.split_whitespace();
    let address = words.next().filter(|word| *word == "nameserver");
    let address: Ipv4Addr = address.and(words.next())?.parse().ok()?;
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn resolvers_are_those_of_all_files_without_what_is_this_hosts_loopback() {
        let folder = tempfile::tempdir().expect("a folder");
        let texts = [
            "# nameserver 10.0.0.9\nsearch example.org\nnameserver 127.0.0.53\nnameserver 10.0.0.2 \n",
            "nameserver\t10.0.0.1\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver\nnameservers 10.0.0.8\n",
        ];
        let mut files = vec![folder.path().join("missing")];
        for (at, text) in texts.into_iter().enumerate() {
            let file = folder.path().join(at.to_string());
            std::fs::write(&file, text).expect("written");
            files.push(file);
        }
        let expected = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
        assert_eq!(list(&files).await, expected);
    }
}
