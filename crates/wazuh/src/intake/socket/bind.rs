//! Makes the socket file: removes a dead one, refuses to take over a living one, sets who may write.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use anyhow::bail;
use tokio::net::UnixListener;

/// Owner and group may write, which for a socket means connect. Others may not.
const SOCKET_MODE: u32 = 0o660;

/// Binds the hook's socket.
pub(super) fn bind(path: &Path, group: Option<u32>) -> anyhow::Result<UnixListener> {
    let name = path.display();
    remove_stale(path)?;
    let listener = UnixListener::bind(path).with_context(|| {
        format!(
            "could not listen on `{name}`\nhint: its directory must exist and be writable, and the \
             path must be shorter than 108 bytes"
        )
    })?;
    if let Some(group) = group {
        std::os::unix::fs::chown(path, None, Some(group)).with_context(|| {
            format!(
                "could not give `{name}` to group {group}\nhint: the user that runs quell must be a \
                 member of that group"
            )
        })?;
    }
    // After the change of group, which may clear mode bits.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))
        .with_context(|| format!("could not set the mode of `{name}`"))?;
    Ok(listener)
}

/// Removes the socket of a daemon that is gone. A killed daemon can't clean up after itself.
fn remove_stale(path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("could not look at `{name}`")),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            bail!(
                "`{name}` exists and is not a socket: it is left as it is\nhint: name another path"
            )
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => bail!("another daemon listens on `{name}`\nhint: `quell status` shows which"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
                .with_context(|| format!("could not remove the stale `{name}`"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error)
            .with_context(|| format!("could not tell whether a daemon listens on `{name}`")),
    }
}
