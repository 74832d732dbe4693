//! The driver that SQLite calls: C on one side, [`State`] on the other. All `unsafe` of the workspace is here.
//!
//! It is put in front of SQLite's own driver as the default, so that the product needs no switch: names under [`ROOT`] are ours, and
//! every other name goes to the driver that was there before. A file of ours is a [`Handle`] in the memory that SQLite gives to a
//! file; it holds a pointer to an [`Open`] that lives from `xOpen` to `xClose`.
//!
//! No panic may cross into C: what is called here indexes nothing and unwraps nothing.
#![expect(unsafe_code, reason = "SQLite calls a file system through C pointers")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;

use crate::disk::{Inode, State};
use crate::shared::Shared;

/// Where our disks are. No real folder has this name, and SQLite never looks at one.
const ROOT: &str = "/faultdisk/";

/// The driver's name in SQLite's list.
const NAME: &CStr = c"faultdisk";

/// Longest name of a file that SQLite may ask for.
const NAME_BYTES_MAX: c_int = 512;

/// The disks, by folder.
static DISKS: Mutex<Option<HashMap<String, Arc<Mutex<State>>>>> = Mutex::new(None);

/// The number of the next disk.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The driver that was the default before, once ours is registered.
static REAL: OnceLock<Real> = OnceLock::new();

struct Real(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's own drivers are static, and are made to be called from any thread.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

/// What SQLite's memory for a file holds.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// An open file of ours.
struct Open {
    state: Arc<Mutex<State>>,
    inode: Inode,
    generation: u64,
    handle: u64,
    /// A journal, whose first flush also flushes the directory.
    is_journal: bool,
    name: String,
    deletes_itself: bool,
    shared: Option<Arc<Shared>>,
}

impl Open {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave_shared(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.leave(self.handle);
            drop(shared);
            self.state().forget_shared(self.inode);
        }
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(cut),
    xSync: Some(flush),
    xFileSize: Some(length),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shared_region),
    xShmLock: Some(shared_lock),
    xShmBarrier: Some(shared_barrier),
    xShmUnmap: Some(shared_leave),
    xFetch: None,
    xUnfetch: None,
};

/// Registers the driver on first use, and gives a disk a folder.
pub(crate) fn mount(state: State) -> (Arc<Mutex<State>>, String) {
    REAL.get_or_init(register);
    // Never a name again: what a test left open and closes late must not find the disk of the next one.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let (state, folder) = (Arc::new(Mutex::new(state)), format!("{ROOT}{number}"));
    let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.get_or_insert_with(HashMap::new).insert(folder.clone(), Arc::clone(&state));
    drop(disks);
    (state, folder)
}

pub(crate) fn unmount(folder: &str) {
    if let Some(disks) = DISKS.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        disks.remove(folder);
    }
}

fn register() -> Real {
    // SAFETY: SQLite gives its default driver, which is static; the copy is ours for ever and registered once.
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        let own = Box::leak(Box::new(*real));
        own.szOsFile = own.szOsFile.max(c_int::try_from(size_of::<Handle>()).unwrap_or(c_int::MAX));
        own.mxPathname = own.mxPathname.max(NAME_BYTES_MAX);
        own.zName = NAME.as_ptr();
        own.xOpen = Some(open);
        own.xDelete = Some(delete);
        own.xAccess = Some(access);
        own.xFullPathname = Some(full_name);
        // System calls can be replaced only in the driver that makes them.
        own.iVersion = 2;
        ffi::sqlite3_vfs_register(own, 1);
        Real(real)
    }
}

fn real() -> *mut ffi::sqlite3_vfs {
    REAL.get().map_or(std::ptr::null_mut(), |real| real.0)
}

/// Gives a name that is ours, with its disk.
fn ours(name: *const c_char) -> Option<(String, Arc<Mutex<State>>)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite's names end with a NUL.
    let name = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    let inside = name.strip_prefix(ROOT)?;
    let folder = format!("{ROOT}{}", inside.split('/').next().unwrap_or_default());
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    let state = disks.as_ref()?.get(&folder)?;
    Some((name.to_owned(), Arc::clone(state)))
}

/// The open file behind SQLite's pointer.
///
/// # Safety
/// `file` must be one that [`open`] set up and [`close`] did not see yet.
unsafe fn open_file<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: as promised by the caller; SQLite uses a file from one thread at a time.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

fn code(result: Result<(), c_int>) -> c_int {
    result.err().unwrap_or(ffi::SQLITE_OK)
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let Some((name, state)) = ours(name) else {
        // SAFETY: the memory is large enough for either driver's files, and the real one sets its own methods.
        return unsafe {
            (*real())
                .xOpen
                .map_or(ffi::SQLITE_CANTOPEN, |open| open(real(), name, file, flags, flags_out))
        };
    };
    // SAFETY: SQLite gives memory of at least `szOsFile` bytes; without methods it won't be closed.
    unsafe { (*file).pMethods = std::ptr::null() };
    let mut disk = state.lock().unwrap_or_else(PoisonError::into_inner);
    if disk.is_stopped {
        return ffi::SQLITE_CANTOPEN;
    }
    let generation = disk.generation;
    let inode = match disk.find(&name) {
        Some(inode) => inode,
        None if flags & ffi::SQLITE_OPEN_CREATE == 0 => return ffi::SQLITE_CANTOPEN,
        None => match disk.make(&name, generation) {
            Ok(inode) => inode,
            Err(code) => return code,
        },
    };
    let handle = disk.next_handle();
    drop(disk);
    let journals =
        ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
    let open = Open {
        state,
        inode,
        generation,
        handle,
        is_journal: flags & journals != 0,
        name,
        deletes_itself: flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0,
        shared: None,
    };
    // SAFETY: as above; the box is freed in `close`.
    unsafe {
        (*file.cast::<Handle>()).open = Box::into_raw(Box::new(open));
        (*file).pMethods = &raw const METHODS;
        if !flags_out.is_null() {
            *flags_out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flushed: c_int,
) -> c_int {
    let Some((name, state)) = ours(name) else {
        // SAFETY: SQLite's arguments go on unchanged to its own driver.
        return unsafe {
            (*real())
                .xDelete
                .map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(real(), name, flushed))
        };
    };
    let mut disk = state.lock().unwrap_or_else(PoisonError::into_inner);
    let generation = disk.generation;
    code(disk.remove(&name, flushed != 0, generation))
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some((name, state)) = ours(name) else {
        // SAFETY: as in `delete`.
        return unsafe {
            (*real())
                .xAccess
                .map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(real(), name, flags, out))
        };
    };
    let disk = state.lock().unwrap_or_else(PoisonError::into_inner);
    // An empty journal counts as none, as in SQLite's own driver.
    let is_there = disk
        .find(&name)
        .is_some_and(|inode| flags != ffi::SQLITE_ACCESS_EXISTS || disk.length(inode) > 0);
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = c_int::from(is_there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_name(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    if ours(name).is_none() {
        // SAFETY: as in `delete`.
        return unsafe {
            (*real())
                .xFullPathname
                .map_or(ffi::SQLITE_CANTOPEN, |full| full(real(), name, room, out))
        };
    }
    // SAFETY: `ours` read the name to its NUL; the copy is made only if it fits with that NUL.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > usize::try_from(room).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; the box came from `open`.
    let mut open = unsafe { Box::from_raw((*file.cast::<Handle>()).open) };
    open.leave_shared();
    let mut disk = open.state();
    if open.generation == disk.generation {
        disk.unlock(open.inode, open.handle, ffi::SQLITE_LOCK_NONE);
        if open.deletes_itself {
            return code(disk.remove(&open.name, false, open.generation));
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite gives an open file and a buffer of that length.
    let (open, buffer) = unsafe {
        (open_file(file), std::slice::from_raw_parts_mut(buffer.cast::<u8>(), size(length.into())))
    };
    match open.state().read(open.inode, size(offset), buffer, open.generation) {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(code) => code,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: as in `read`.
    let (open, bytes) = unsafe {
        (open_file(file), std::slice::from_raw_parts(buffer.cast::<u8>(), size(length.into())))
    };
    code(open.state().write(open.inode, size(offset), bytes, open.generation))
}

unsafe extern "C" fn cut(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    let open = unsafe { open_file(file) };
    code(open.state().cut(open.inode, size(length), open.generation))
}

unsafe extern "C" fn flush(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: as in `cut`.
    let open = unsafe { open_file(file) };
    code(open.state().flush(open.inode, open.is_journal, open.generation))
}

unsafe extern "C" fn length(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: as in `cut`, with a place for the answer.
    unsafe {
        let open = open_file(file);
        *out = i64::try_from(open.state().length(open.inode)).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: as in `cut`.
    let open = unsafe { open_file(file) };
    let mut disk = open.state();
    if disk.is_stopped || disk.generation != open.generation {
        return ffi::SQLITE_IOERR_LOCK;
    }
    if disk.lock(open.inode, open.handle, level) { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: as in `cut`.
    let open = unsafe { open_file(file) };
    let mut disk = open.state();
    if disk.generation == open.generation {
        disk.unlock(open.inode, open.handle, level);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn is_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: as in `length`.
    unsafe {
        let open = open_file(file);
        *out = c_int::from(open.state().is_reserved(open.inode));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector(_: *mut ffi::sqlite3_file) -> c_int {
    // What SQLite's own driver says on Linux, whatever the disk has.
    4096
}

unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    // As SQLite's own driver: a write that is cut short by a power failure harms nothing beside it.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shared_region(
    file: *mut ffi::sqlite3_file,
    at: c_int,
    bytes: c_int,
    makes_it: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: as in `length`.
    let open = unsafe { open_file(file) };
    let mut disk = open.state();
    if disk.is_stopped || disk.generation != open.generation {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    let shared = disk.shared(open.inode, true);
    let (at, bytes) = (size(at.into()), size(bytes.into()));
    let mut region = shared.as_ref().and_then(|shared| shared.region(at, bytes, false));
    if region.is_none() && makes_it != 0 {
        if !disk.has_room() {
            return ffi::SQLITE_IOERR_SHMSIZE;
        }
        region = shared.as_ref().and_then(|shared| shared.region(at, bytes, true));
    }
    drop(disk);
    open.shared = shared;
    // SAFETY: as above.
    unsafe { *out = region.map_or(std::ptr::null_mut(), <*mut u8>::cast) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shared_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: as in `cut`.
    let open = unsafe { open_file(file) };
    let is_dead = {
        let disk = open.state();
        disk.is_stopped || disk.generation != open.generation
    };
    if is_dead && flags & ffi::SQLITE_SHM_UNLOCK == 0 {
        return ffi::SQLITE_IOERR_SHMLOCK;
    }
    let Some(shared) = &open.shared else { return ffi::SQLITE_IOERR_SHMLOCK };
    let is_held = shared.lock(open.handle, size(first.into()), size(count.into()), flags);
    if is_held { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn shared_barrier(_: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shared_leave(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: as in `cut`.
    unsafe { open_file(file) }.leave_shared();
    ffi::SQLITE_OK
}
