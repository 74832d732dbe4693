//! What a subject encodes.
//!
//! A pattern that allows for every encoding is long, and most subjects encode nothing, or a few signs and those once. Whoever asks
//! many patterns about one subject finds its form first; each pattern then has a shorter text for subjects of that form, see
//! [`narrow`](super::tree::narrow).

/// What a subject encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing, or visible signs, once and in the usual way: there is no backslash, and no percent sign is followed by `0`, `u`
    /// or `25`, which is a percent sign encoded.
    Once,
    /// Nothing is known.
    Any,
}

impl Form {
    /// Finds a subject's form.
    pub(crate) fn of(subject: &[u8]) -> Form {
        for at in memchr::memchr2_iter(b'%', b'\\', subject) {
            match subject.get(at..).unwrap_or_default() {
                [b'\\', ..] | [b'%', b'0' | b'u' | b'U', ..] | [b'%', b'2', b'5', ..] => {
                    return Form::Any;
                }
                _ => {}
            }
        }
        Form::Once
    }
}
