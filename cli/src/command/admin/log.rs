//! `admin logs`.

use std::{collections::VecDeque, time::Duration};

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
/// Records that are known again; a stream begins with 500 at most.
const PRINTED_KEPT: usize = 1024;

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
        let mut printed = Printed::default();
        loop {
            let pass = pass(context, &filter, self.follow, &mut printed).await;
            match pass {
                Ok(()) if !self.follow => return Ok(()),
                Ok(()) => {}
                // What was followed comes back; what never was there does not.
                Err(CliError::Unreachable { .. }) if self.follow && printed.is_any() => {}
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
    printed: &mut Printed,
) -> Result<(), CliError> {
    let style = context.out.style;
    let mut stream = context.client.log_list(filter, follow).await?;
    while let Some(record) = stream.next().await? {
        if printed.is_new(&record) {
            context.out.line(&record, |record| line(style, record))?;
        }
    }
    Ok(())
}

/// What was printed last, by number and time: a stream that is followed anew begins with the newest records
/// once more. Numbers begin anew with the server, and times go back where a node's clock is late.
#[derive(Default)]
struct Printed(VecDeque<(u64, i64)>);

impl Printed {
    fn is_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// True the first time.
    fn is_new(&mut self, record: &LogRecord) -> bool {
        let mark = (record.seq, record.at);
        let is_new = !self.0.contains(&mark);
        if is_new {
            if self.0.len() == PRINTED_KEPT {
                self.0.pop_front();
            }
            self.0.push_back(mark);
        }
        is_new
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
