//! The working copy: its files as git lists them, and its crates as cargo sees them.
//!
//! It promises the files that are tracked or about to be (not ignored), so a check fails before a
//! commit and not after it. It starts git and cargo, and is the only place that does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

/// Bytes at the start of a file that are searched for a zero byte, which is how git itself tells a
/// binary file from text.
const BINARY_PROBE_BYTES: usize = 8_000;

/// The platforms that we ship for: crates that only others need are no concern of ours, and are
/// often not on the disk.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The folder that holds the workspace.
pub(crate) struct Checkout {
    root: PathBuf,
}

/// A file of the working copy with its path from the root, `/` between the parts.
#[derive(Debug)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What the working copy holds.
pub(crate) struct Files {
    /// Every path, binary files too.
    pub(crate) paths: Vec<String>,
    /// Those that are UTF-8 text, with their text.
    pub(crate) texts: Vec<TextFile>,
}

impl Checkout {
    /// Finds the workspace that the current folder is in.
    pub(crate) fn find() -> anyhow::Result<Checkout> {
        let here = std::env::current_dir().context("can't tell the current folder")?;
        let root = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
        let root = root.context("no workspace here, run xtask from inside the repository")?;
        Ok(Checkout { root: root.to_path_buf() })
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Reads all files that git tracks or would track. A file that was deleted but not yet
    /// committed is skipped.
    pub(crate) fn files(&self) -> anyhow::Result<Files> {
        let listing = self.output_of(
            "git",
            &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        )?;
        let mut files = Files { paths: Vec::new(), texts: Vec::new() };
        for path in String::from_utf8_lossy(&listing).split('\0') {
            let on_disk = self.root.join(path);
            if path.is_empty() || !on_disk.is_file() {
                continue;
            }
            let bytes = std::fs::read(&on_disk).with_context(|| format!("can't read `{path}`"))?;
            files.paths.push(path.to_owned());
            if let Some(text) = as_text(bytes) {
                files.texts.push(TextFile { path: path.to_owned(), text });
            }
        }
        Ok(files)
    }

    /// Asks cargo for the workspace's own crates and what they say they need.
    pub(crate) fn own_crates(&self) -> anyhow::Result<Value> {
        self.metadata(&["--no-deps", "--offline"])
    }

    /// Asks cargo for the whole graph of the lock file, with all features, on our platforms.
    pub(crate) fn whole_graph(&self) -> anyhow::Result<Value> {
        let mut options = vec!["--offline", "--locked", "--all-features"];
        for platform in PLATFORMS {
            options.extend(["--filter-platform", platform]);
        }
        self.metadata(&options).context("hint: run `cargo fetch` once, and commit Cargo.lock")
    }

    fn metadata(&self, options: &[&str]) -> anyhow::Result<Value> {
        let mut words = vec!["metadata", "--format-version", "1"];
        words.extend(options);
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let output = self.output_of(&cargo, &words)?;
        serde_json::from_slice(&output).context("can't read the answer of `cargo metadata`")
    }

    fn output_of(&self, program: &str, words: &[&str]) -> anyhow::Result<Vec<u8>> {
        let shown = || format!("`{program} {}`", words.join(" "));
        let output = command(program, &self.root)
            .args(words)
            .output()
            .with_context(|| format!("can't run {}", shown()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed with {}: {}", shown(), output.status, said.trim());
        }
        Ok(output.stdout)
    }

    /// Makes a path from cargo relative, so that a finding can be clicked.
    pub(crate) fn relative(&self, path: &str) -> String {
        let path = Path::new(path);
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Prepares a program to be run, with nothing on its standard input.
#[expect(clippy::disallowed_methods, reason = "xtask is a script: it runs git, cargo and the hook")]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn as_text(bytes: Vec<u8>) -> Option<String> {
    if bytes.iter().take(BINARY_PROBE_BYTES).any(|byte| *byte == 0) {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// Names what cargo built, by its place below the folder that this program was built into, wherever that is.
///
/// # Errors
/// If the system does not say where this program lies.
pub(crate) fn built(place: &str) -> anyhow::Result<PathBuf> {
    let xtask = std::env::current_exe().context("can't tell where xtask lies")?;
    let target = xtask.parent().and_then(Path::parent).context("xtask lies in no build folder")?;
    Ok(target.join(place))
}
