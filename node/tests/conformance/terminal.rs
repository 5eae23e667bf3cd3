//! A terminal as a test uses it: types, and waits for what is printed.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use node::driver::Tty;
use tokio::io::AsyncWriteExt;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Terminal {
    pub tty: Tty,
    pub printed: Vec<u8>,
}

impl Terminal {
    pub fn new(tty: Tty) -> Self {
        Self {
            tty,
            printed: Vec::new(),
        }
    }

    pub async fn type_in(&mut self, text: &str) {
        self.tty
            .input
            .write_all(text.as_bytes())
            .await
            .expect("typed");
        self.tty.input.flush().await.expect("flushed");
    }

    /// Reads until the text has been printed.
    pub async fn wait_for(&mut self, text: &str) {
        let read = async {
            while !self.text().contains(text) {
                match self.tty.output.next().await {
                    Some(bytes) => self.printed.extend_from_slice(&bytes.expect("output")),
                    None => panic!("it ended before {text:?}: {:?}", self.text()),
                }
            }
        };
        if tokio::time::timeout(PATIENCE, read).await.is_err() {
            panic!("no {text:?} within {PATIENCE:?}: {:?}", self.text());
        }
    }

    /// Reads to the end of the output.
    pub async fn drain(&mut self) {
        let read = async {
            while let Some(Ok(bytes)) = self.tty.output.next().await {
                self.printed.extend_from_slice(&bytes);
            }
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("the end of the output");
    }

    /// The shell's exit code, once it has ended.
    pub async fn exit_code(&mut self) -> i32 {
        self.drain().await;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(code) = self.tty.control.exit_code().await.expect("known") {
                return code;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no exit code within {PATIENCE:?}");
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.printed).into_owned()
    }
}
