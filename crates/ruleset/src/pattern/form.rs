//! What a subject encodes.
//!
//! A pattern that allows for every encoding is long, and most subjects encode nothing, or only signs and those once. Whoever asks
//! many patterns about one subject finds its form first; each pattern then has a shorter text for subjects of that form, see
//! [`narrow`](super::tree::narrow).

/// What may follow a percent sign in [`Form::Once`]: the first digits of most signs.
pub(super) const FIRST_DIGITS: &[u8] = b"2357";

/// What a subject encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// No percent sign and no backslash.
    Plain,
    /// No backslash, and each percent sign is followed by one of [`FIRST_DIGITS`], but never by `25`: that would be a percent sign
    /// encoded.
    Once,
    /// Nothing is known.
    Any,
}

impl Form {
    /// Finds a subject's form.
    pub(crate) fn of(subject: &[u8]) -> Form {
        let mut form = Form::Plain;
        for at in memchr::memchr2_iter(b'%', b'\\', subject) {
            let rest = subject.get(at..).unwrap_or_default();
            match rest {
                [b'%', b'2', b'5', ..] => return Form::Any,
                [b'%', first, ..] if FIRST_DIGITS.contains(first) => form = Form::Once,
                _ => return Form::Any,
            }
        }
        form
    }

    /// Bytes that such a subject lacks.
    pub(super) fn lacks(self) -> &'static [u8] {
        match self {
            Form::Plain => b"%\\",
            Form::Once => b"\\",
            Form::Any => b"",
        }
    }
}
