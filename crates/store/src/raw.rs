//! Alerts as they came, packed into blocks.
//!
//! Alerts resemble their neighbours, so some hundred of them together take a tenth of their bytes, and a flood writes a tenth to disk. A block
//! holds the alerts of one stretch of numbers, each with its length in front, compressed at the fastest level: the time of a flood is
//! worth more than another tenth of disk. Nothing is left out, and what comes out is what came in, byte by byte.

use crate::StoreError;
use crate::error::{StoreFault, broken};

/// Alerts of a batch that were packed before they came to the store: from the alert at `first` on so many, in their order.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The place of the first of them among the alerts of the batch.
    pub first: usize,
    /// How many they are.
    pub count: usize,
    /// The block.
    pub body: Vec<u8>,
}

/// Most alerts of a block. To read one alert its block is unpacked: 256 of 1.5 kB take a millisecond.
pub(crate) const BLOCK_ALERTS_MAX: usize = 256;

/// Most bytes of a block before it is packed, apart from its last alert, which may reach past it. Alerts are at most 1 MiB each.
pub(crate) const BLOCK_BYTES_MAX: usize = 1024 * 1024;

/// Room that is made for a block at once: what most take.
const PLAIN_BYTES_USUAL: usize = 512 * 1024;

/// The level of compression: the fastest of the usual ones.
const LEVEL: i32 = 1;

/// The most that is unpacked: the largest block that is made, with room for the largest alert that is taken (1 MiB) and some.
const UNPACKED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Cuts alerts into the stretches that make a block each.
pub(crate) fn stretches<'a, T>(
    mut alerts: &'a [T],
    bytes_of: impl Fn(&T) -> usize + 'a,
) -> impl Iterator<Item = &'a [T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0_usize;
        let fits = |alert: &&T| {
            let has_room = bytes < BLOCK_BYTES_MAX;
            bytes = bytes.saturating_add(bytes_of(alert));
            has_room
        };
        let count = alerts.iter().take(BLOCK_ALERTS_MAX).take_while(fits).count();
        let (stretch, rest) = alerts.split_at_checked(count)?;
        alerts = rest;
        (!stretch.is_empty()).then_some(stretch)
    })
}

/// Packs alerts. It keeps what the compressor needs from block to block: making that anew costs as much as packing some dozens of alerts.
///
/// Packing needs no store, so it can be done on any thread, while the bytes are still at hand.
#[derive(Default)]
pub struct Packer {
    compressor: Option<zstd::bulk::Compressor<'static>>,
    plain: Vec<u8>,
}

impl Packer {
    /// Packs alerts into as many blocks as they fill.
    ///
    /// # Errors
    /// If there is no memory to compress in.
    pub fn blocks(&mut self, alerts: &[&[u8]]) -> std::io::Result<Vec<Packed>> {
        let mut first = 0_usize;
        stretches(alerts, |alert| alert.len())
            .map(|stretch| {
                let block = Packed {
                    first,
                    count: stretch.len(),
                    body: self.pack(stretch.iter().copied())?,
                };
                first = first.saturating_add(stretch.len());
                Ok(block)
            })
            .collect()
    }

    /// Packs alerts into a block.
    pub(crate) fn pack<'a>(
        &mut self,
        alerts: impl Iterator<Item = &'a [u8]>,
    ) -> std::io::Result<Vec<u8>> {
        self.plain.clear();
        self.plain.reserve(PLAIN_BYTES_USUAL);
        for alert in alerts {
            let length = u32::try_from(alert.len()).map_err(std::io::Error::other)?;
            self.plain.extend_from_slice(&length.to_le_bytes());
            self.plain.extend_from_slice(alert);
        }
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(zstd::bulk::Compressor::new(LEVEL)?),
        };
        compressor.compress(&self.plain)
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Packer").finish_non_exhaustive()
    }
}

/// Takes the alert at `place` out of a block.
pub(crate) fn unpack(body: &[u8], place: usize) -> Result<Vec<u8>, StoreError> {
    let plain = opened(body)?;
    let alert = alerts(&plain).nth(place);
    alert.map(<[u8]>::to_vec).ok_or_else(|| damaged("the block is too short".to_owned()))
}

/// Undoes the compression of a block.
pub(crate) fn opened(body: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::decompress(body, UNPACKED_BYTES_MAX).map_err(|error| damaged(error.to_string()))
}

/// Gives the alerts of an opened block, as far as it is sound.
pub(crate) fn alerts(plain: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (alert, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some(alert)
    })
}

/// Says that a block is damaged.
pub(crate) fn damaged(cause: String) -> StoreError {
    broken("unpack an alert", cause, StoreFault::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_what_came_in() {
        let alerts: [&[u8]; 4] = [b"{\"a\":1}", b"", b"\xff\x00\n", &[b'x'; 5_000]];
        let mut packer = Packer::default();
        let body = packer.pack(alerts.into_iter()).expect("packed");
        assert!(body.len() < 100, "{}", body.len());
        for (place, alert) in alerts.into_iter().enumerate() {
            assert_eq!(unpack(&body, place).expect("unpacked"), alert);
        }
        let other = packer.pack(std::iter::once(&b"other"[..])).expect("packed");
        assert_eq!(unpack(&other, 0).expect("unpacked"), b"other");
        assert!(unpack(&body, 4).is_err());
        assert!(unpack(b"no block", 0).is_err());
    }

    #[test]
    fn a_block_ends_where_it_is_full() {
        let lengths = |sizes: &[usize]| {
            stretches(sizes, |size| *size).map(<[usize]>::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[]), [0_usize; 0]);
        assert_eq!(lengths(&[1; 600]), [256, 256, 88]);
        assert_eq!(lengths(&[BLOCK_BYTES_MAX, 1, BLOCK_BYTES_MAX - 2, 7, 9]), [1, 3, 1]);
    }
}
