//! How much a shell, and all shells of a node together, may use.

use std::time::Duration;

use node_api::shell::SHELLS_PER_VM;

/// Smallest and largest number of columns or rows; everything is clamped before it allocates.
pub const SIZE_RANGE: std::ops::RangeInclusive<u16> = 1..=500;
/// Most bytes of input in one frame.
pub const INPUT_FRAME_BYTES: usize = 64 * 1024;
/// Most bytes of output in one frame.
pub const OUTPUT_FRAME_BYTES: usize = 64 * 1024;
/// The same for viewers that want what is long in parts: at 4 kB/s it takes 8 s, and after 10 s without a word a viewer
/// takes the line for lost.
pub const OUTPUT_PART_BYTES: usize = 32 * 1024;
/// Bytes of a snapshot in one frame, for those: at 4 kB/s it takes 2 s, and who comes back to a page gives it 3 s.
pub const SNAPSHOT_PART_BYTES: usize = 8 * 1024;

/// The limits of a node's shells; [`ShellLimits::default`] is what docs/shell-protocol.md says.
#[derive(Clone, Debug)]
pub struct ShellLimits {
    /// Output kept for each shell, for viewers that come back or lag. Bytes.
    pub ring_bytes: usize,
    /// Output kept for all shells together; rings shrink when there are many. Bytes.
    pub rings_total_bytes: usize,
    /// Cells of all screens together; past it large windows get fewer rows. Bytes.
    pub screens_total_bytes: usize,
    /// Lines kept above the screen.
    pub scrollback_lines: usize,
    /// Bytes those lines may take, styles included.
    pub scrollback_bytes: usize,
    /// Shells that may live in one VM.
    pub shells_per_vm: usize,
    /// Shells that may live on the node.
    pub shells: usize,
    /// Viewers of one shell.
    pub viewers: usize,
    /// Output a viewer may have unacknowledged before it gets no more. Bytes: so much a browser
    /// may still have to draw after Ctrl+C, and where there and back take 200 ms it gets 1.3 MB a second.
    pub unacked_output_bytes: u64,
    /// Input of one client that waits for the PTY. Bytes.
    pub unwritten_input_bytes: u64,
    /// Input of all clients of a shell that waits for the PTY. Bytes.
    pub unwritten_total_bytes: usize,
    /// Clients whose input offsets a shell remembers.
    pub clients: usize,
    /// A shell without viewers into which nobody has typed for so long is closed.
    pub idle: Duration,
    /// A new shell that waits for its first viewer's size begins without one after so long.
    pub first_viewer: Duration,
    /// An ended shell is kept so long, for viewers to learn how it ended.
    pub ended_kept: Duration,
    /// Ended shells of one VM that are kept, the newest.
    pub ended_per_vm: usize,
    /// A viewer of an ended shell is awaited so long to acknowledge what it got, then told the end.
    pub end_patience: Duration,
    /// A viewer that says nothing for a third of this is pinged; for all of it, closed.
    pub silence: Duration,
}

impl Default for ShellLimits {
    fn default() -> Self {
        Self {
            ring_bytes: 256 * 1024,
            rings_total_bytes: 128 * 1024 * 1024,
            screens_total_bytes: 256 * 1024 * 1024,
            scrollback_lines: 1_000,
            scrollback_bytes: 256 * 1024,
            shells_per_vm: SHELLS_PER_VM,
            shells: 2_000,
            viewers: 32,
            unacked_output_bytes: 256 * 1024,
            unwritten_input_bytes: 1024 * 1024,
            unwritten_total_bytes: 4 * 1024 * 1024,
            clients: 64,
            idle: Duration::from_secs(24 * 60 * 60),
            first_viewer: Duration::from_secs(1),
            ended_kept: Duration::from_secs(10 * 60),
            ended_per_vm: 8,
            end_patience: Duration::from_secs(30),
            silence: Duration::from_secs(45),
        }
    }
}

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// In 1..=500, where it was clamped.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
}

impl Size {
    /// The size nearest to what was asked for, both numbers in 1..=500.
    pub fn clamped(cols: u16, rows: u16) -> Self {
        let clamp = |value: u16| value.clamp(*SIZE_RANGE.start(), *SIZE_RANGE.end());
        Self {
            cols: clamp(cols),
            rows: clamp(rows),
        }
    }
}
