//! Packets as bytes: a length, a kind, then numbers (big-endian) and strings (a length and bytes).

/// Of a packet, its length's own four bytes apart; OpenSSH's limit.
pub const PACKET: usize = 256 * 1024;

/// Why a client is not understood; there is no going on after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The length that was announced, bytes.
    TooLong(usize),
    Short,
    NoInit,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong(len) => write!(
                f,
                "a packet of {len} bytes came; at most {PACKET} are taken"
            ),
            Self::Short => f.write_str("a packet ended too early"),
            Self::NoInit => f.write_str("the client did not begin with SSH_FXP_INIT"),
        }
    }
}

/// What is left of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Short)
    }

    /// Takes the next number, as those below: `Short` where the packet ends before.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A length (u32) and as many bytes, of whatever kind. `Short` where they are not all there.
    pub fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()? as usize;
        self.take(len)
    }
}

/// The first whole packet of what has come, without its length, and how long it is with it. None: more
/// has to come.
pub fn packet(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Malformed> {
    let mut fields = Fields(bytes);
    let Ok(len) = fields.u32() else {
        return Ok(None);
    };
    match len as usize {
        0 => Err(Malformed::Short),
        len if len > PACKET => Err(Malformed::TooLong(len)),
        len => Ok(fields.0.get(..len).map(|packet| (packet, 4 + len))),
    }
}

/// Appends a length (u32) and the bytes.
pub fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Paths, names and words; none is longer than a packet.
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(bytes);
}
