//! The memory that all connections to a database in WAL mode share, and its locks. On Linux it is a file beside the database that only
//! holds an index of the log, so no restart needs it: a disk forgets it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::ffi;

/// Locks that SQLite uses.
const SLOTS: usize = 8;

/// Shared memory of one database.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Never moved nor freed while this lives: SQLite keeps pointers. Words of eight bytes, because it reads them as such.
    regions: Vec<Box<[u64]>>,
    /// For each connection its shared and its exclusive locks, as bits.
    locks: HashMap<u64, (u8, u8)>,
}

impl Shared {
    /// Gives a region's first byte, making it if `makes_it`.
    pub(crate) fn region(&self, at: usize, bytes: usize, makes_it: bool) -> Option<*mut u8> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while makes_it && inner.regions.len() <= at {
            inner.regions.push(vec![0; bytes.div_ceil(8)].into_boxed_slice());
        }
        inner.regions.get_mut(at).map(|region| region.as_mut_ptr().cast())
    }

    /// Takes or gives back locks, as SQLite's flags say. Gives false if others hold them.
    pub(crate) fn lock(&self, handle: u64, first: usize, count: usize, flags: i32) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (first..(first + count).min(SLOTS)).fold(0_u8, |bits, slot| bits | 1 << slot);
        let is_shared = flags & ffi::SQLITE_SHM_SHARED != 0;
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            let own = inner.locks.entry(handle).or_default();
            own.0 &= !wanted;
            own.1 &= !wanted;
            return true;
        }
        let others = inner.locks.iter().filter(|(other, _)| **other != handle);
        let (shared, exclusive) =
            others.fold((0, 0), |bits, (_, held)| (bits.0 | held.0, bits.1 | held.1));
        let in_the_way = if is_shared { exclusive } else { exclusive | shared };
        if in_the_way & wanted != 0 {
            return false;
        }
        let own = inner.locks.entry(handle).or_default();
        if is_shared {
            own.0 |= wanted;
        } else {
            own.1 |= wanted;
        }
        true
    }

    /// Gives back all locks of a connection.
    pub(crate) fn leave(&self, handle: u64) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).locks.remove(&handle);
    }
}
