//! Who may read the files of a store: nobody but their owner, whatever the umask is.

use std::os::unix::fs::PermissionsExt;

use store::Store;

use crate::sample::{batch, incident};

#[test]
fn the_file_its_log_and_its_index_are_made_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    store.commit_batch(&batch(&incident("Q-1", 0), "1.1", 0)).expect("committed");
    let mut modes: Vec<(String, u32)> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("its mode").permissions().mode() & 0o777;
            (entry.file_name().to_string_lossy().into_owned(), mode)
        })
        .collect();
    modes.sort();
    let names = ["quell.db", "quell.db-shm", "quell.db-wal"];
    assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)));
}

#[test]
fn who_gave_the_file_to_a_group_keeps_it_so() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Store::open(folder.path()).expect("a store"));
    let path = Store::path(folder.path());
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("changed");
    drop(Store::open(folder.path()).expect("a store"));
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
}
