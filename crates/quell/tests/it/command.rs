//! Runs the program to its end and gives what it said.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How often something awaited is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a run of the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Gives the lines of stdout as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Requires an exit code, and shows everything if it is another.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// Makes a command without what the caller's environment says about Quell.
pub(crate) fn quell() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quell"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("QUELL_")) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program.
pub(crate) fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
    said(&quell().args(arguments).output().unwrap())
}

/// Runs the program with something on its standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Said {
    let mut child = quell()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that ended early closed its input, and may.
    feeding.join().unwrap().ok();
    said(&output)
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().expect("the program was killed by a signal"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Looks until there is an answer, for so long.
#[track_caller]
pub(crate) fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain: {what}", within.as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Names a file of the repository.
pub(crate) fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Reads a whole number out of JSON.
#[track_caller]
pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number at {pointer} in {value}"))
}

/// Requires the conservation law of a set of counts.
#[track_caller]
pub(crate) fn assert_conserved(counts: &Value, waiting: u64) {
    let parts = ["folded", "own_output", "below_policy", "duplicate", "malformed"];
    let sum: u64 = parts.iter().map(|part| number(counts, &format!("/{part}"))).sum();
    assert_eq!(number(counts, "/accepted"), sum + waiting, "{counts}");
}
