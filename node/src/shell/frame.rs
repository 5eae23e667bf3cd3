//! The frames of docs/shell-protocol.md as bytes, both directions. The first byte is the kind,
//! integers are big-endian.

mod body;
mod node;
#[cfg(test)]
mod tests;
mod viewer;

pub use self::{
    node::{Hello, NodeFrame, output_header},
    viewer::ViewerFrame,
};

/// The protocol's version, told in the hello.
pub const VERSION: u32 = 1;

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not even a kind.
    #[error("an empty frame")]
    Empty,
    /// The kind needs more bytes than there are.
    #[error("frame {0:#04x} is too short")]
    TooShort(u8),
    /// How many bytes came.
    #[error("an input frame holds {0} bytes; at most 65536 are taken")]
    InputTooLong(usize),
    #[error("the hello is not the JSON it should be")]
    Hello,
}
