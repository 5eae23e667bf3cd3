//! Server-sent events, as far as nodes use them: `id:`, `data:`, comments.

/// A line longer than this is no event of ours.
const LINE_MAX: usize = 256 * 1024;

/// An event of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// Where to go on from after a break, as `Last-Event-ID`.
    pub id: Option<String>,
    /// All its `data:` lines, apart by line ends; JSON, of our nodes.
    pub data: String,
}

/// Takes bytes as they come and gives whole events.
#[derive(Default)]
pub struct SseParser {
    line: Vec<u8>,
    id: Option<String>,
    data: String,
}

/// The stream is not one of server-sent events.
#[derive(Debug, thiserror::Error)]
#[error("an event is longer than 256 KiB")]
pub struct TooLong;

impl SseParser {
    /// The events that these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => events.extend(self.end_line()),
                b'\r' => {}
                _ if self.line.len() + self.data.len() >= LINE_MAX => return Err(TooLong),
                _ => self.line.push(*byte),
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_event();
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<SseEvent> {
        let id = self.id.take();
        let data = std::mem::take(&mut self.data);
        (!data.is_empty()).then_some(SseEvent { id, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_the_bytes_are_cut() {
        let stream = ": missed 3\n\nid: b-1\ndata: {\"a\":1}\n\ndata: x\r\ndata: y\r\n\r\n";
        let event = |id: Option<&str>, data: &str| SseEvent {
            id: id.map(str::to_owned),
            data: data.into(),
        };
        let expected = [event(Some("b-1"), "{\"a\":1}"), event(None, "x\ny")];
        for cut in 1..stream.len() {
            let mut parser = SseParser::default();
            let events: Vec<_> = stream
                .as_bytes()
                .chunks(cut)
                .flat_map(|chunk| parser.push(chunk).unwrap())
                .collect();
            assert_eq!(events, expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_stream_without_end_of_line_is_refused_and_not_kept() {
        let mut parser = SseParser::default();
        assert!(parser.push(&vec![b'x'; LINE_MAX + 1]).is_err());
    }
}
