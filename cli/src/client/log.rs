//! The live log: server-sent events; for admins.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use reqwest::{Method, header};
use server_api::log::LogRecord;

use super::{Client, segment};
use crate::error::CliError;

/// Bytes of one event at most; a log record is far smaller.
const EVENT_MAX: usize = 1024 * 1024;
/// To the head of the answer; the rest comes as it happens.
const HEAD_DEADLINE: Duration = Duration::from_secs(20);

/// Which records are wanted; all where nothing is said.
#[derive(Debug, Default)]
pub struct LogFilter {
    /// `server`, `balancer`, or a node's name.
    pub source: Option<String>,
    /// This level and worse, as the API writes it.
    pub level: Option<String>,
    /// What a record holds somewhere.
    pub text: Option<String>,
}

impl LogFilter {
    fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("source", &self.source),
            ("level", &self.level),
            ("text", &self.text),
        ];
        all.into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }
}

/// Log records as they come.
pub struct LogStream {
    bytes: std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    parser: Parser,
    server: String,
}

impl Client {
    /// The newest records that the server holds and, when `follow` says so, new ones as they come.
    pub async fn log_list(&self, filter: &LogFilter, follow: bool) -> Result<LogStream, CliError> {
        let mut path = format!("/api/v1/admin/logs?follow={follow}");
        for (key, value) in filter.pairs() {
            path.push_str(&format!("&{key}={}", segment(value)));
        }
        let request = self
            .request(Method::GET, &path)
            .header(header::ACCEPT, "text/event-stream");
        let answer = tokio::time::timeout(HEAD_DEADLINE, self.send(request))
            .await
            .map_err(|_| CliError::TimedOut {
                server: self.server.clone(),
            })??;
        let bytes = answer
            .bytes_stream()
            .map(|part| part.map(|part| part.to_vec()));
        Ok(LogStream {
            bytes: Box::pin(bytes),
            parser: Parser::default(),
            server: self.server.clone(),
        })
    }
}

impl LogStream {
    /// The next record; None when the server ended the stream.
    pub async fn next(&mut self) -> Result<Option<LogRecord>, CliError> {
        loop {
            if let Some(data) = self.parser.event() {
                return serde_json::from_str(&data)
                    .map(Some)
                    .map_err(|error| self.garbled(error));
            }
            match self.bytes.next().await {
                Some(Ok(part)) => self
                    .parser
                    .push(&part)
                    .map_err(|error| self.garbled(error))?,
                // The connection was lost: the same to whoever follows.
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }

    fn garbled(&self, reason: impl ToString) -> CliError {
        CliError::Garbled {
            server: self.server.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Cuts a stream of server-sent events into the data of each.
#[derive(Default)]
struct Parser {
    rest: Vec<u8>,
    data: String,
}

impl Parser {
    fn push(&mut self, part: &[u8]) -> Result<(), &'static str> {
        self.rest.extend_from_slice(part);
        match self.rest.len() + self.data.len() > EVENT_MAX {
            true => Err("an event is too long"),
            false => Ok(()),
        }
    }

    /// The data of the next whole event. Comments and other fields are left out.
    fn event(&mut self) -> Option<String> {
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() && !self.data.is_empty() {
                return Some(std::mem::take(&mut self.data));
            }
            if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_wherever_the_stream_is_cut() {
        let text = ": hello\n\nid: 1\ndata: {\"a\":1}\n\nevent: x\r\ndata: b\r\ndata: c\r\n\r\n";
        for cut in 0..text.len() {
            let mut parser = Parser::default();
            let mut found = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                parser.push(part.as_bytes()).unwrap();
                found.extend(std::iter::from_fn(|| parser.event()));
            }
            assert_eq!(found, ["{\"a\":1}", "b\nc"], "cut at {cut}");
        }
    }
}
