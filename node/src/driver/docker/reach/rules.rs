//! The rules, as `nft -f` reads them.

use std::net::Ipv4Addr;

use node_api::reach::{Ipv4Network, VmReach};

use super::ReachConfig;

/// What is no internet: this network, private ones, those of providers, loopback, link-local (where clouds tell a
/// machine its secrets), special ones, multicast, reserved. (IANA's registry of special-purpose addresses; those
/// for documentation lead nowhere.)
const PRIVATE: &str = "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, \
    192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4";
const PRIVATE_6: &str = "::1, fc00::/7, fe80::/10";
/// Answered, so that programs in VMs need not wait in vain.
const REJECT: &str = "reject with icmpx type admin-prohibited";
/// Before the engine's own chains. An accept here ends this chain alone, and theirs have their say; a reject is
/// the end of the packet.
const PRIORITY: &str = "filter - 10";

/// One transaction: the table is replaced. Only what is there can be deleted.
pub(super) fn rules(config: &ReachConfig, resolvers: &[Ipv4Addr]) -> String {
    let table = &config.table;
    let removed = format!("table inet {table}\ndelete table inet {table}\n");
    let chains = match &config.allowed {
        VmReach::All => apart_alone(&config.bridges),
        VmReach::Only(allowed) => within(&config.bridges, allowed, resolvers),
    };
    format!("{removed}table inet {table} {{\n{chains}}}\n")
}

/// What comes from VMs and is no answer of theirs, such as to who came by a published port.
fn of_vms(bridges: &str) -> [String; 2] {
    [
        format!("iifname != \"{bridges}\" accept"),
        "ct state established,related accept".to_owned(),
    ]
}

/// The engine keeps networks of VMs apart, too. But it takes its rules out and in again for some milliseconds each
/// time that a network is made, and whoever tries all the time gets through then. Packets within a network are seen
/// here where the host filters what bridges carry: their way is by the bridge that they came from.
fn apart(bridges: &str) -> String {
    format!("oifname \"{bridges}\" fib daddr . iif oif missing {REJECT}")
}

/// The host and its networks may be reached, a port that a VM publishes there, too.
fn apart_alone(bridges: &str) -> String {
    let published = "ct status dnat accept".to_owned();
    let forward = [&of_vms(bridges)[..], &[published, apart(bridges)]].concat();
    chain("forward", &forward)
}

fn within(bridges: &str, allowed: &[Ipv4Network], resolvers: &[Ipv4Addr]) -> String {
    let of_vms = of_vms(bridges);
    let mut allow: Vec<String> = allowed
        .iter()
        .map(|network| format!("ip daddr {network} accept"))
        .collect();
    for resolver in resolvers {
        allow.push(format!("ip daddr {resolver} udp dport 53 accept"));
        allow.push(format!("ip daddr {resolver} tcp dport 53 accept"));
    }
    let between = [
        // A port that a VM publishes is the host's.
        format!("oifname \"{bridges}\" ct status dnat {REJECT}"),
        apart(bridges),
        format!("oifname \"{bridges}\" accept"),
    ];
    let private = [
        format!("ip daddr {{ {PRIVATE} }} {REJECT}"),
        format!("ip6 daddr {{ {PRIVATE_6} }} {REJECT}"),
    ];
    let forward = [&of_vms[..], &between, &allow, &private].concat();
    let input = [&of_vms[..], &allow, &[REJECT.to_owned()]].concat();
    chain("forward", &forward) + &chain("input", &input)
}

/// A chain at the hook of its name.
fn chain(hook: &str, rules: &[String]) -> String {
    let begins = format!("type filter hook {hook} priority {PRIORITY}; policy accept;");
    let lines: String = rules.iter().map(|rule| format!("\t\t{rule}\n")).collect();
    format!("\tchain {hook} {{\n\t\t{begins}\n{lines}\t}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(allowed: &str, resolvers: &[Ipv4Addr]) -> String {
        let allowed = allowed.parse().expect("a list");
        rules(&ReachConfig::new("c1", allowed), resolvers)
    }

    #[test]
    fn what_is_private_or_the_hosts_is_refused_and_what_is_allowed_and_names_are_not() {
        let resolvers = [Ipv4Addr::new(10, 0, 0, 2)];
        let expected = r#"table inet minicloud_reach_c1
delete table inet minicloud_reach_c1
table inet minicloud_reach_c1 {
	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		iifname != "mc*" accept
		ct state established,related accept
		oifname "mc*" ct status dnat reject with icmpx type admin-prohibited
		oifname "mc*" fib daddr . iif oif missing reject with icmpx type admin-prohibited
		oifname "mc*" accept
		ip daddr 192.168.1.10 accept
		ip daddr 10.2.0.0/16 accept
		ip daddr 10.0.0.2 udp dport 53 accept
		ip daddr 10.0.0.2 tcp dport 53 accept
		ip daddr { 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4 } reject with icmpx type admin-prohibited
		ip6 daddr { ::1, fc00::/7, fe80::/10 } reject with icmpx type admin-prohibited
	}
	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname != "mc*" accept
		ct state established,related accept
		ip daddr 192.168.1.10 accept
		ip daddr 10.2.0.0/16 accept
		ip daddr 10.0.0.2 udp dport 53 accept
		ip daddr 10.0.0.2 tcp dport 53 accept
		reject with icmpx type admin-prohibited
	}
}
"#;
        assert_eq!(of("192.168.1.10,10.2.0.0/16", &resolvers), expected);
    }

    #[test]
    fn where_nothing_is_allowed_two_chains_refuse_all_the_same() {
        let rules = of("", &[]);
        assert_eq!(rules.matches("priority filter - 10").count(), 2, "{rules}");
        assert!(!rules.contains("dport"), "{rules}");
        assert_eq!(rules.matches(REJECT).count(), 5, "{rules}");
    }

    #[test]
    fn where_all_may_be_reached_owners_are_kept_apart_all_the_same() {
        let expected = r#"table inet minicloud_reach_c1
delete table inet minicloud_reach_c1
table inet minicloud_reach_c1 {
	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		iifname != "mc*" accept
		ct state established,related accept
		ct status dnat accept
		oifname "mc*" fib daddr . iif oif missing reject with icmpx type admin-prohibited
	}
}
"#;
        assert_eq!(of("all", &[Ipv4Addr::new(10, 0, 0, 2)]), expected);
    }
}
