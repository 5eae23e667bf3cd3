//! `admin logs`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use server_api::log::LogRecord;

use crate::{
    client::LogFilter,
    context::Context,
    error::CliError,
    output::{clean, style::Style, time},
};

/// Before a lost stream is followed anew.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub struct Logs {
    /// Go on with what comes
    #[arg(long, short)]
    follow: bool,
    /// Only of this source: server, balancer, or a node's name
    #[arg(long)]
    source: Option<String>,
    /// Only this level and worse
    #[arg(long)]
    level: Option<Level>,
    /// Only what holds this text
    #[arg(long)]
    text: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Logs {
    /// Until the records end; with `-f` until the user ends it, over lost connections.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let filter = LogFilter {
            source: self.source,
            level: self.level.map(|level| format!("{level:?}").to_lowercase()),
            text: self.text,
        };
        let mut last = None;
        loop {
            let pass = pass(context, &filter, self.follow, &mut last).await;
            match pass {
                Ok(()) if !self.follow => return Ok(()),
                Ok(()) => {}
                // What was followed comes back; what never was there does not.
                Err(CliError::Unreachable { .. }) if self.follow && last.is_some() => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// One connection's records.
async fn pass(
    context: &Context,
    filter: &LogFilter,
    follow: bool,
    last: &mut Option<Mark>,
) -> Result<(), CliError> {
    let style = context.out.style;
    let mut stream = context.client.log_list(filter, follow).await?;
    while let Some(record) = stream.next().await? {
        let mark = Mark::of(&record);
        if last.as_ref().is_some_and(|last| mark.is_seen(last)) {
            continue;
        }
        *last = Some(mark);
        context.out.line(&record, |record| line(style, record))?;
    }
    Ok(())
}

/// Where in the log we are. Numbers begin anew with the server, times do not.
struct Mark {
    seq: u64,
    at: i64,
}

impl Mark {
    fn of(record: &LogRecord) -> Self {
        Self {
            seq: record.seq,
            at: record.at,
        }
    }

    /// True for what was printed before the connection was lost.
    fn is_seen(&self, last: &Self) -> bool {
        self.at < last.at || (self.at == last.at && self.seq <= last.seq)
    }
}

fn line(style: Style, record: &LogRecord) -> String {
    format!(
        "{} {} {}: {}",
        time::second(record.at),
        style.level(record.level),
        clean(&record.source),
        clean(&record.message)
    )
}
