/// Where one message of the driver ends and the next one begins.
#[derive(Debug)]
pub(super) struct Framing {
    header: [u8; 5],
    /// Bytes of the header that are there.
    filled: usize,
    /// Bytes of the body that are not.
    rest: usize,
}

impl Framing {
    /// The start-up packet has no kind.
    pub(super) fn start() -> Self {
        Self { header: [0; 5], filled: 1, rest: 0 }
    }

    pub(super) fn is_between(&self) -> bool {
        self.filled == 0 && self.rest == 0
    }

    /// The kind of the message that begins here, if one does.
    pub(super) fn kind(&self, bytes: &[u8]) -> Option<u8> {
        if self.is_between() { bytes.first().copied() } else { None }
    }

    /// Goes on to the end of the header or of the message, or of `bytes`, and says how far that is.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        if self.rest > 0 {
            let count = self.rest.min(bytes.len());
            self.rest -= count;
            return count;
        }
        let count = (5 - self.filled).min(bytes.len());
        self.header[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        if self.filled == 5 {
            let [_, length @ ..] = self.header;
            // The length counts itself.
            self.rest = (u32::from_be_bytes(length) as usize).saturating_sub(4);
            self.filled = 0;
        }
        count
    }
}
