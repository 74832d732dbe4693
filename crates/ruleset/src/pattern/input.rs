//! A pattern's text while it is read.

/// A text, and how far it is read.
pub(super) struct Input<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Input<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The byte that comes next.
    pub(super) fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Steps over a byte.
    pub(super) fn take(&mut self) -> Option<u8> {
        let byte = self.next()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_read(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Steps over a text if it comes next.
    pub(super) fn takes(&mut self, text: &[u8]) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Steps over digits, at least one, and returns what they say.
    pub(super) fn number(&mut self) -> Option<u32> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(self.rest().get(..digits)?).ok()?.parse().ok()?;
        self.at += digits;
        Some(number)
    }
}
