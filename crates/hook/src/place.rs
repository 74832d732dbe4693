//! Where the daemon's socket and the spool directory are.
//!
//! The environment wins, which tests and containers use; then `/etc/quell/hook.conf`, which
//! `quell wazuh install` writes when the daemon's own paths differ from the usual ones; then the
//! usual paths. integratord gives us no setting that could carry a path safely: its arguments are
//! split at spaces.
//!
//! It promises paths for any environment and any file: what it does not understand it skips,
//! because a typing error in a configuration file must not cost alerts. It leaves telling the
//! operator about such errors to `quell doctor`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const SOCKET_VARIABLE: &str = "QUELL_HOOK_SOCKET";
const SPOOL_VARIABLE: &str = "QUELL_SPOOL_DIR";
const SETTINGS_FILE: &str = "/etc/quell/hook.conf";
const SOCKET_USUAL: &str = "/run/quell/hook.sock";
const SPOOL_USUAL: &str = "/var/lib/quell/spool";

/// Most that is read of the settings file. Two paths of 4,096 bytes, the kernel's limit, and some
/// comments fit; it is read for every alert, so more would be felt.
const SETTINGS_BYTES_MAX: u64 = 16 * 1024;

/// The two places an alert can go to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// The daemon's listening socket.
    pub(crate) socket: PathBuf,
    /// The directory for alerts that the daemon has not taken.
    pub(crate) spool: PathBuf,
}

impl Places {
    /// Looks in the environment, the settings file and the usual places, in this order.
    pub(crate) fn find() -> Places {
        let socket = std::env::var_os(SOCKET_VARIABLE);
        let spool = std::env::var_os(SPOOL_VARIABLE);
        Places::choose(socket, spool, || read_settings(Path::new(SETTINGS_FILE)))
    }

    /// Decides; the settings are read only if the environment leaves a question open.
    fn choose(
        socket: Option<OsString>,
        spool: Option<OsString>,
        settings: impl FnOnce() -> String,
    ) -> Places {
        let given = |value: Option<OsString>| value.filter(|text| !text.is_empty());
        let (socket, spool) = match (given(socket), given(spool)) {
            (Some(socket), Some(spool)) => (Some(socket), Some(spool)),
            (socket, spool) => {
                let settings = settings();
                (
                    socket.or_else(|| setting(&settings, "socket")),
                    spool.or_else(|| setting(&settings, "spool")),
                )
            }
        };
        Places {
            socket: socket.map_or_else(|| SOCKET_USUAL.into(), PathBuf::from),
            spool: spool.map_or_else(|| SPOOL_USUAL.into(), PathBuf::from),
        }
    }
}

/// Reads what it can of the settings; no file is the same as an empty one.
fn read_settings(path: &Path) -> String {
    let mut bytes = Vec::new();
    match File::open(path) {
        // What was read before an error is still worth having.
        Ok(file) => drop(file.take(SETTINGS_BYTES_MAX).read_to_end(&mut bytes)),
        Err(_) => return String::new(),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Finds the last `name = PATH` line; quotes around the path are allowed and `#` starts a comment
/// line. A `#` further on belongs to the path, since it may.
fn setting(settings: &str, name: &str) -> Option<OsString> {
    let mut found = None;
    for line in settings.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        if key.trim() == name && !bare.is_empty() {
            found = Some(bare.into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(socket: Option<&str>, spool: Option<&str>, settings: &str) -> (String, String) {
        let places =
            Places::choose(socket.map(Into::into), spool.map(Into::into), || settings.to_owned());
        (places.socket.display().to_string(), places.spool.display().to_string())
    }

    fn pair(socket: &str, spool: &str) -> (String, String) {
        (socket.to_owned(), spool.to_owned())
    }

    #[test]
    fn with_nothing_said_the_usual_places_are_used() {
        assert_eq!(chosen(None, None, ""), pair(SOCKET_USUAL, SPOOL_USUAL));
    }

    #[test]
    fn the_environment_wins_over_the_settings_file() {
        let settings = "socket = /f/hook.sock\nspool = /f/spool\n";
        assert_eq!(chosen(Some("/e/s"), None, settings), pair("/e/s", "/f/spool"));
        assert_eq!(chosen(None, Some("/e/d"), settings), pair("/f/hook.sock", "/e/d"));
    }

    #[test]
    fn an_empty_variable_is_no_variable() {
        assert_eq!(chosen(Some(""), Some(""), ""), pair(SOCKET_USUAL, SPOOL_USUAL));
    }

    #[test]
    fn the_settings_file_is_not_read_when_the_environment_says_it_all() {
        let places = Places::choose(Some("/e/s".into()), Some("/e/d".into()), || unreachable!());
        assert_eq!(places, Places { socket: "/e/s".into(), spool: "/e/d".into() });
    }

    #[test]
    fn the_settings_file_is_read_with_tolerance() {
        let settings = "# where the daemon listens\n\n  socket=\"/f/with space.sock\"\r\n\
                        nonsense\nspool =\nspool= /f/#1 \nunknown = 1\n# spool = /old\n";
        assert_eq!(chosen(None, None, settings), pair("/f/with space.sock", "/f/#1"));
    }
}
