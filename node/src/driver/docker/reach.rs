//! What VMs may reach, held by the host's firewall: the internet, and not other owners' VMs, the host, its private
//! networks and what else a network knows as special, but for what is allowed (docs/decisions/0015).
//!
//! The rules stand in a table of nftables that is ours alone, so that they are the same with every engine and
//! whatever else has rules. They name no VM and no network, but all bridges of VMs at once. They are set anew
//! every minute, because others flush what they did not make. Where they cannot be set, VMs go on, and the node
//! says so.

mod nft;
mod resolver;
mod rules;

use std::{path::PathBuf, sync::Weak, time::Duration};

use node_api::reach::VmReach;

use super::context::Context;
use nft::NftError;

/// Rules that another program removed are missing for so long.
const EVERY: Duration = Duration::from_secs(60);
/// Where the program is, also for a node without the system's folders in its PATH.
const PROGRAMS: [&str; 2] = ["nft", "/usr/sbin/nft"];
/// Longest wait for it; it takes some milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);

/// Which rules are kept in the host's firewall.
#[derive(Clone, Debug)]
pub struct ReachConfig {
    /// What VMs may reach beside the internet; with [`VmReach::All`] only owners are kept apart.
    pub allowed: VmReach,
    /// The table that they stand in, of the family `inet`. One of this name is ours: it is replaced.
    pub table: String,
    /// The bridges that VMs are on: a name, or how names begin and a `*`.
    pub bridges: String,
    /// Files that name the host's resolvers, which VMs may ask, as resolv.conf(5) tells it.
    pub resolv_conf: Vec<PathBuf>,
}

impl ReachConfig {
    /// For the networks of VMs as the server names them. `whose` tells tables apart where several MiniClouds are on
    /// one host: letters, digits and hyphens.
    pub fn new(whose: &str, allowed: VmReach) -> Self {
        Self {
            allowed,
            table: format!("minicloud_reach_{whose}"),
            bridges: "mc*".into(),
            resolv_conf: resolver::FILES.map(PathBuf::from).into(),
        }
    }

    fn is_all(&self) -> bool {
        self.allowed == VmReach::All
    }
}

/// Sets the rules now and again, until the driver is dropped.
pub(super) async fn keep(context: Weak<Context>, config: ReachConfig) {
    let mut last = None;
    loop {
        let outcome = set(&config).await;
        let Some(context) = context.upgrade() else {
            return;
        };
        // What nobody asked for is missed by nobody.
        let error = outcome.as_ref().err().filter(|_| !config.is_all());
        // Where the program was late once, the rules of the last time hold.
        let held = last == Some(Ok(())) && matches!(error, Some(NftError::Late(_)));
        if !held {
            context.state().reach_open = error.map(NftError::with_way_out);
        }
        drop(context);
        if last.as_ref() != Some(&outcome) {
            tell(&config, &outcome);
        }
        last = Some(outcome);
        tokio::time::sleep(EVERY).await;
    }
}

/// Makes the host's firewall hold these rules and no earlier ones of ours.
async fn set(config: &ReachConfig) -> Result<(), NftError> {
    let resolvers = resolver::list(&config.resolv_conf).await;
    let rules = rules::rules(config, &resolvers);
    for program in PROGRAMS {
        match nft::run(program, &rules, DEADLINE).await {
            Err(NftError::Missing) => {}
            outcome => return outcome,
        }
    }
    Err(NftError::Missing)
}

/// Once for each change.
fn tell(config: &ReachConfig, outcome: &Result<(), NftError>) {
    match (outcome, config.is_all()) {
        (Ok(()), true) => {
            tracing::info!("VMs may reach the host and its private networks: vm_reach is all");
        }
        (Ok(()), false) => tracing::info!(
            table = config.table,
            "VMs are kept from the host and its private networks"
        ),
        (Err(error), true) => {
            tracing::warn!(
                "owners' VMs are kept apart by the engine alone, and rules of an earlier start may still hold: {error}"
            );
        }
        (Err(error), false) => {
            let why = error.with_way_out();
            tracing::error!("VMs reach the host and its private networks: {why}");
        }
    }
}
