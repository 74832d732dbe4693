//! A daemon in a directory of its own: configured, started, asked, killed, started again.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, assert_conserved, eventually, number, quell, run};
use crate::http::{self, Answer};

/// The token of every test daemon.
pub(crate) const TOKEN: &str = "a-token-for-tests-0123456789";

/// How long a daemon may take to start on a loaded machine.
const START_MAX: Duration = Duration::from_secs(30);

/// How long the stages may take for what a test feeds them.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// A daemon, running or not.
pub(crate) struct Daemon {
    pub(crate) dir: TempDir,
    pub(crate) alerts: SocketAddr,
    pub(crate) pages: SocketAddr,
    /// Variables that its process is given from the next start on.
    pub(crate) environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Daemon {
    /// Writes the configuration; `more` is added to it. Nothing is started yet.
    pub(crate) fn configured(more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let (alerts, pages) = (free_address(), free_address());
        let daemon = Self { alerts, pages, dir, environment: Vec::new(), child: None };
        std::fs::write(daemon.path("token"), TOKEN).unwrap();
        std::fs::write(daemon.path("alerts.json"), "").unwrap();
        daemon.configure(more);
        daemon
    }

    /// Configures and starts one.
    pub(crate) fn started(more: &str) -> Self {
        let mut daemon = Self::configured(more);
        daemon.start();
        daemon
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, more: &str) {
        let path = |name: &str| self.path(name).display().to_string();
        let text = format!(
            "[general]\ndata_dir = \"{}\"\nuser_group = \"\"\n\
             [intake.hook]\nsocket = \"{}\"\nspool_dir = \"{}\"\n\
             [intake.tail]\npath = \"{}\"\nstart_at = \"beginning\"\n\
             [intake.http]\nenabled = true\nlisten = \"{}\"\ntoken_file = \"{}\"\n\
             [publish.wazuh]\nmode = \"file\"\nfile = \"{}\"\n\
             [publish.file]\nenabled = true\npath = \"{}\"\n\
             [http]\nlisten = \"{}\"\n{more}\n",
            path("data"),
            path("hook.sock"),
            path("spool"),
            path("alerts.json"),
            self.alerts,
            path("token"),
            path("wazuh.json"),
            path("verdicts.ndjson"),
            self.pages,
        );
        std::fs::write(self.config(), text).unwrap();
    }

    /// Names a file in the daemon's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Names the configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.path("quell.toml")
    }

    /// Starts it and waits until it takes alerts.
    #[track_caller]
    pub(crate) fn start(&mut self) {
        self.spawn();
        let deadline = Instant::now() + START_MAX;
        while !self.is_ready() {
            if let Some(ended) = self.child.as_mut().and_then(|child| child.try_wait().unwrap()) {
                panic!("the daemon ended at its start: {ended}\n{}", self.log());
            }
            assert!(
                Instant::now() < deadline,
                "the daemon is not ready after {} s\n{}",
                START_MAX.as_secs(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child = quell()
            .arg("--config")
            .arg(self.config())
            .arg("run")
            .envs(self.environment.iter().cloned())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn is_ready(&self) -> bool {
        UnixStream::connect(self.path("hook.sock")).is_ok()
            && std::net::TcpStream::connect(self.alerts).is_ok()
            && http::send(self.pages, "GET", "/readyz", None, b"")
                .is_ok_and(|answer| answer.status == 200)
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to end, as systemd does, and gives how it ended and how long that took.
    pub(crate) fn terminate(&mut self) -> (ExitStatus, Duration) {
        self.signal("TERM");
        let begun = Instant::now();
        let mut child = self.child.take().unwrap();
        let ended = eventually("the daemon ends after SIGTERM", Duration::from_secs(30), || {
            child.try_wait().unwrap()
        });
        (ended, begun.elapsed())
    }

    /// Tells whether the process is still there.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Gives what it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs a command with its configuration.
    pub(crate) fn quell(&self, arguments: &[&str]) -> Said {
        let config = self.config();
        let mut all: Vec<&std::ffi::OsStr> = vec!["--config".as_ref(), config.as_os_str()];
        all.extend(arguments.iter().map(std::ffi::OsStr::new));
        run(all)
    }

    /// Posts alerts.
    pub(crate) fn post(&self, body: impl AsRef<[u8]>) -> io::Result<Answer> {
        http::send(self.alerts, "POST", "/api/v1/alerts", Some(TOKEN), body.as_ref())
    }

    /// Posts alerts that must be taken.
    #[track_caller]
    pub(crate) fn accept(&self, body: impl AsRef<[u8]>) {
        let answer = self.post(body).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
    }

    /// Fetches one of its own pages.
    pub(crate) fn page(&self, path: &str) -> Answer {
        http::send(self.pages, "GET", path, None, b"").unwrap()
    }

    /// Hands an alert over as the hook does. Gives true if the daemon answers for it now.
    pub(crate) fn hand_over(socket: &Path, alert: &[u8]) -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut frame = b"QH1\n".to_vec();
        frame.extend_from_slice(&u32::try_from(alert.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(alert);
        stream.write_all(&frame)?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"+")
    }

    /// Asks how it stands.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let said = self.quell(&["status", "--json"]);
        serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err))
    }

    /// Waits until `alerts` were accepted, every incident is judged and every message is sent. Gives the last status.
    #[track_caller]
    pub(crate) fn settled(&self, alerts: u64) -> Value {
        eventually("the daemon has done everything", SETTLE_MAX, || {
            let status = self.status();
            let waits = status["outbox"]
                .as_array()
                .unwrap()
                .iter()
                .map(|sink| number(sink, "/waiting"))
                .sum::<u64>();
            let is_done = number(&status, "/alerts/accepted") >= alerts
                && number(&status, "/queue/jobs") == 0
                && waits == 0;
            is_done.then_some(status)
        })
    }

    /// Lists all incidents.
    #[track_caller]
    pub(crate) fn incidents(&self) -> Vec<Value> {
        self.quell(&["incidents", "list", "--limit", "100000", "--json"]).expect_code(0).lines()
    }

    /// Shows one incident.
    #[track_caller]
    pub(crate) fn incident(&self, id: &str) -> Value {
        serde_json::from_str(&self.quell(&["incidents", "show", id, "--json"]).expect_code(0).out)
            .unwrap()
    }

    /// Reads a sink's file: whole lines of JSON, or the test fails.
    #[track_caller]
    pub(crate) fn published(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(file)).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line of {file} is torn");
        text.lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("torn: {error}: {line}"))
            })
            .collect()
    }

    /// Requires that every alert is accounted for.
    #[track_caller]
    pub(crate) fn assert_conserved(&self) {
        assert_conserved(&self.status()["alerts"], 0);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Finds a free port below those that the system gives to outgoing connections: otherwise a client that knocks while the daemon is down could be
/// given the daemon's own port, connect to itself, and keep the daemon out.
fn free_address() -> SocketAddr {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + (std::process::id() * 37 + step) % 18_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
