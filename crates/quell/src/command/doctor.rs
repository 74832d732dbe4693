//! `quell doctor`: looks for what keeps Quell from working, and says what to do about each.

mod rules;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use store::Store;

use super::{Failure, load, print};
use crate::cli;
use crate::config::Config;
use crate::config::shape::{LogSource, WazuhMode};
use crate::standing::grouped;
use crate::{home, setup};

/// Longest wait for one model.
const PROBE_MAX: Duration = Duration::from_secs(60);

/// Least room on the disk of the data directory: what the store's log of changes may take between two checkpoints.
const FREE_BYTES_MIN: u64 = 64 << 20;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Fine,
    Note,
    Bad,
}

impl Mark {
    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Bad => "BAD",
        }
    }
}

/// One thing that was looked at.
struct Finding {
    what: String,
    mark: Mark,
    said: String,
}

fn finding(what: impl Into<String>, mark: Mark, said: impl Into<String>) -> Finding {
    Finding { what: what.into(), mark, said: said.into() }
}

pub(super) fn run(file: Option<&Path>, options: &cli::Doctor) -> Result<(), Failure> {
    let config = load(file)?.config;
    let mut findings = vec![data_dir(&config), store(&config), key(&config)];
    findings.extend(sources(&config));
    findings.push(wazuh_sink(&config));
    findings.extend(rules::look(&config, options.wazuh.as_deref()));
    findings.extend(outbox(&config));
    findings.extend(models(&config)?);
    findings.push(egress(&config));
    if options.output.json {
        let list: Vec<_> = findings
            .iter()
            .map(|f| json!({"what": f.what, "mark": f.mark.word(), "said": f.said}))
            .collect();
        print(&json!({ "findings": list }).to_string())?;
    } else {
        for found in &findings {
            print(&format!("{:<5} {:<22} {}", found.mark.word(), found.what, found.said))?;
        }
    }
    if findings.iter().any(|found| found.mark == Mark::Bad) { Err(Failure::no()) } else { Ok(()) }
}

fn data_dir(config: &Config) -> Finding {
    let path = &config.general.data_dir;
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => {
            finding("data directory", Mark::Bad, format!("`{}` is no directory", path.display()))
        }
        Ok(metadata) if metadata.permissions().readonly() => finding(
            "data directory",
            Mark::Bad,
            format!(
                "`{}` is read-only; it must be writable for the user that runs quell",
                path.display()
            ),
        ),
        Ok(_) => room(path),
        Err(_) => finding(
            "data directory",
            Mark::Note,
            format!("`{}` is not there yet; `quell run` makes it", path.display()),
        ),
    }
}

/// There is room for what comes next. A full disk is named by nothing else that is looked at here: reading goes on working.
fn room(path: &Path) -> Finding {
    let shown = path.display();
    let free = match nix::sys::statvfs::statvfs(path) {
        Ok(disk) => disk.blocks_available().saturating_mul(disk.fragment_size()),
        Err(error) => {
            return finding(
                "data directory",
                Mark::Note,
                format!("`{shown}`: how much room is left can't be told: {error}"),
            );
        }
    };
    if free >= FREE_BYTES_MIN {
        return finding("data directory", Mark::Fine, shown.to_string());
    }
    let said = format!(
        "`{shown}` has {} kB left: free some space, or no alert can be stored; senders keep them meanwhile",
        grouped(free / 1024)
    );
    finding("data directory", Mark::Bad, said)
}

fn store(config: &Config) -> Finding {
    let path = crate::daemon::store_path(config);
    if !path.exists() {
        return finding("store", Mark::Note, "none yet");
    }
    let looked = Store::open_existing(&config.general.data_dir).and_then(|store| {
        let faults = store.faults()?;
        let audit = store.audit()?.len();
        Ok((faults, audit, store.counts()?))
    });
    match looked {
        Ok((faults, _, _)) if !faults.is_empty() => finding(
            "store",
            Mark::Bad,
            format!(
                "damaged: {}; stop quell, move `{}` aside and start again",
                faults.join("; "),
                path.display()
            ),
        ),
        Ok((_, _, counts)) if !counts.are_conserved(0) => {
            finding("store", Mark::Bad, "the counts of alerts do not add up: please report it")
        }
        Ok((_, audit, counts)) => finding(
            "store",
            Mark::Fine,
            format!(
                "sound; {} alerts accepted, audit chain of {audit} lines holds",
                counts.accepted
            ),
        ),
        Err(error) => finding("store", Mark::Bad, format!("{error}; {}", error.hint())),
    }
}

fn key(config: &Config) -> Finding {
    match home::read_key(&config.general.data_dir) {
        Ok(Some(_)) => finding("loop guard", Mark::Fine, "the key of Quell's own mark is there"),
        Ok(None) => finding("loop guard", Mark::Note, "no key yet; `quell run` draws one"),
        Err(error) => finding("loop guard", Mark::Bad, format!("{error:#}")),
    }
}

/// A raw log can be read, and its rules would run.
fn log_source(source: &LogSource) -> Finding {
    let path = source.path.display();
    let rules = crate::rulebook::load(&source.ruleset).and_then(|rules| rules.usable());
    match (rules, std::fs::File::open(&source.path)) {
        (Err(error), _) => {
            finding("source log", Mark::Bad, format!("`{path}`: the rules can't run: {error:#}"))
        }
        (Ok(rules), Ok(_)) => {
            finding("source log", Mark::Fine, format!("{path}, {} rules", rules.rule_count()))
        }
        (_, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => finding(
            "source log",
            Mark::Note,
            format!("`{path}`: {error}; it is read when it appears"),
        ),
        (_, Err(error)) => finding("source log", Mark::Bad, format!("`{path}`: {error}")),
    }
}

fn sources(config: &Config) -> Vec<Finding> {
    let intake = &config.intake;
    let mut findings = Vec::new();
    if intake.tail.enabled {
        let path = &intake.tail.path;
        findings.push(match std::fs::File::open(path) {
            Ok(_) => finding("source alerts.json", Mark::Fine, path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => finding(
                "source alerts.json",
                Mark::Bad,
                format!(
                    "`{}` can't be read: put the user that runs quell into group wazuh",
                    path.display()
                ),
            ),
            Err(error) => finding(
                "source alerts.json",
                Mark::Note,
                format!("`{}`: {error}; it is read when it appears", path.display()),
            ),
        });
    }
    findings.extend(config.sources.iter().map(log_source));
    if intake.hook.enabled {
        let socket = &intake.hook.socket;
        let answers = std::os::unix::net::UnixStream::connect(socket).is_ok();
        let said = if answers {
            "answers"
        } else {
            "nobody listens: the hook spools until `quell run` does"
        };
        findings.push(finding(
            "source hook",
            if answers { Mark::Fine } else { Mark::Note },
            format!("`{}` {said}", socket.display()),
        ));
    }
    if intake.http.enabled {
        findings.push(match &intake.http.token {
            Some(_) => {
                finding("source http", Mark::Fine, format!("{}, with a token", intake.http.listen))
            }
            None => finding(
                "source http",
                Mark::Bad,
                "no token is set, so it takes nothing; set `intake.http.token_file`",
            ),
        });
    }
    if findings.is_empty() {
        findings.push(finding("sources", Mark::Bad, "none is enabled: nothing will come in"));
    }
    findings
}

fn wazuh_sink(config: &Config) -> Finding {
    let wazuh = &config.publish.wazuh;
    match wazuh.mode {
        WazuhMode::Off => {
            finding("sink wazuh", Mark::Note, "off: verdicts are not given back to Wazuh")
        }
        WazuhMode::File => {
            finding("sink wazuh", Mark::Fine, format!("writes `{}`", wazuh.file.display()))
        }
        WazuhMode::Socket => {
            let reached = std::os::unix::net::UnixDatagram::unbound()
                .and_then(|socket| socket.connect(&wazuh.socket));
            match reached {
                Ok(()) => finding(
                    "sink wazuh",
                    Mark::Fine,
                    format!("`{}` can be reached", wazuh.socket.display()),
                ),
                Err(error) => finding(
                    "sink wazuh",
                    Mark::Bad,
                    format!(
                        "`{}`: {error}; is wazuh-analysisd running, and is this user in group wazuh? Without a Wazuh manager set `publish.wazuh.mode = \"off\"`",
                        wazuh.socket.display()
                    ),
                ),
            }
        }
    }
}

/// Sinks that are behind, or that something waits for and that are not there any more.
fn outbox(config: &Config) -> Vec<Finding> {
    // What is wrong with the store was said above.
    let Ok(store) = Store::open_existing(&config.general.data_dir) else { return Vec::new() };
    let Ok(totals) = store.outbox_totals() else { return Vec::new() };
    let configured = setup::desk(config).sinks;
    let mut findings = Vec::new();
    for sink in totals.iter().filter(|sink| sink.waiting > 0) {
        let what = format!("outbox {}", sink.sink);
        let waiting = grouped(sink.waiting);
        findings.push(if !configured.iter().any(|known| known.name == sink.sink) {
            let said = format!("{waiting} messages wait, and it is not configured any more: they are given up after `general.retention`");
            finding(what, Mark::Note, said)
        } else if sink.by_name > 0 {
            let said = format!("{waiting} messages wait: it has taken none for long; the log of `quell run` says why (`journalctl -u quell | grep sink`)");
            finding(what, Mark::Bad, said)
        } else {
            finding(what, Mark::Note, format!("{waiting} messages wait"))
        });
    }
    findings
}

fn models(config: &Config) -> Result<Vec<Finding>, Failure> {
    let panel = setup::panel(config)?;
    if panel.is_empty() {
        return Ok(vec![finding(
            "models",
            Mark::Note,
            "none configured: the playbook judges everything",
        )]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow::anyhow!("could not start the runtime: {error}"))?;
    let mut findings = Vec::new();
    for seat in panel {
        let what = format!("model {}", seat.name());
        let probed = runtime
            .block_on(async { tokio::time::timeout(PROBE_MAX, model::probe(&seat.backend)).await });
        findings.push(match probed {
            Err(_) => finding(
                what,
                Mark::Bad,
                format!(
                    "no answer within {} s; if `quell status` shows it judging, it is busy: try again when it is not. If not, its server's log says why",
                    PROBE_MAX.as_secs()
                ),
            ),
            Ok(probe) => match probe.error {
                Some(error) => finding(what, Mark::Bad, format!("{error}; {}", error.hint())),
                None => {
                    let model = probe.model.unwrap_or_else(|| "?".to_owned());
                    let obeys = format!("{:?}", probe.schema).to_lowercase();
                    let mark = if probe.schema == model::SchemaObedience::Obeyed {
                        Mark::Fine
                    } else {
                        Mark::Note
                    };
                    finding(
                        what,
                        mark,
                        format!("`{model}` answers in {} ms, schema {obeys}", probe.elapsed_ms),
                    )
                }
            },
        });
    }
    Ok(findings)
}

/// Proves the egress guard on addresses that it must refuse and must let through.
fn egress(config: &Config) -> Finding {
    let outside = [
        "8.8.8.8",
        "1.1.1.1",
        "2001:4860:4860::8888",
        "169.254.169.254",
        "::ffff:8.8.8.8",
        "0.0.0.0",
    ];
    let inside = ["127.0.0.1", "10.0.0.5", "192.168.1.9", "172.16.0.1", "100.64.0.1", "fd00::1"];
    let is_inside = |address: &&str| address.parse::<IpAddr>().is_ok_and(model::egress::is_inside);
    let holds = !outside.iter().any(is_inside) && inside.iter().all(is_inside);
    let allowed = &config.egress.allowed_hosts;
    match (holds, allowed.is_empty()) {
        (false, _) => {
            finding("egress guard", Mark::Bad, "it lets a public address through: please report it")
        }
        (true, true) => finding(
            "egress guard",
            Mark::Fine,
            "prompts go to loopback, private and overlay addresses only",
        ),
        (true, false) => finding(
            "egress guard",
            Mark::Note,
            format!("prompts may also leave to: {}", allowed.join(", ")),
        ),
    }
}
