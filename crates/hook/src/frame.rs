//! The bytes on the socket between this program and the daemon.
//!
//! One connection carries one alert. We send `QH1\n`, the length of the alert as four bytes, least
//! significant first, and the alert. The daemon answers with one byte: `+` when the alert is in its
//! journal, which means that it survives a crash, and anything else when it is not.
//!
//! The length comes first so that the daemon can refuse a large alert before reading it, and can
//! tell a whole alert from one whose sender died. The version is part of the first four bytes, so a
//! later format can share the socket. The daemon has its own copy of these few constants, because
//! sharing a crate would put that crate on the path of every alert.

/// Opens every frame; the digit is the version of the format.
const MAGIC: [u8; 4] = *b"QH1\n";

/// The only answer that means that the daemon answers for the alert from now on.
pub(crate) const JOURNALED: u8 = b'+';

/// Builds the frame in one piece, so that sending it is one system call.
pub(crate) fn frame(alert: &[u8]) -> Result<Vec<u8>, String> {
    let length = u32::try_from(alert.len())
        .map_err(|_| format!("an alert of {} bytes does not fit a frame", alert.len()))?;
    let mut bytes = Vec::with_capacity(MAGIC.len() + size_of::<u32>() + alert.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(alert);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_magic_length_and_the_unchanged_alert() {
        assert_eq!(frame(b"{\"a\":1}\n").unwrap(), b"QH1\n\x08\x00\x00\x00{\"a\":1}\n");
    }

    #[test]
    fn the_length_is_little_endian() {
        let bytes = frame(&[b'x'; 0x0001_0203]).unwrap();
        assert_eq!(bytes[4..8], [0x03, 0x02, 0x01, 0x00]);
        assert_eq!(bytes.len(), 8 + 0x0001_0203);
    }
}
