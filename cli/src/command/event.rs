//! Events, of a VM or of everything.

use clap::Args;
use server_api::event::Event;

use crate::output::{clean, table::Table, time};

/// How much of the past.
#[derive(Debug, Args)]
pub struct Past {
    /// How many events at most, the newest
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl Past {
    /// 1..=10000; 50 where nothing was said.
    pub fn max(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

/// One sentence each, in the order they came.
pub fn table(events: &[Event]) -> Table {
    Table::of(&["TIME", "ACTOR", "RESULT", "EVENT"], events, |event| {
        vec![
            time::second(event.at),
            clean(&event.actor),
            if event.ok { "ok" } else { "failed" }.into(),
            clean(&event.sentence),
        ]
    })
}
