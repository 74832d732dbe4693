//! Quell's rules in a Wazuh manager on this machine: whether they are whole, up to date, and alone with their numbers.
//!
//! The manager says little of what is wrong with copied files: a number that is there twice is a warning in its log, a rule below a
//! rule that is not there is left out, and the rest works. Who copied the files wants to know before the first attack. What Wazuh
//! would say comes from the same check as `quell rules check`; where its files are, from the configuration or `--wazuh`.

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use alert::sanitize::shown;
use ruleset::{Place, Ruleset, Severity};

use super::{Finding, Mark, finding};
use crate::command::rules::check::{self, Report};
use crate::config::Config;
use crate::config::shape::WazuhMode;
use crate::rulebook;
use crate::standing::count_of;

const WHAT: &str = "rules in Wazuh";

/// The numbers that Quell's rules keep for themselves; a test holds the files to them.
const NUMBERS: RangeInclusive<u32> = 116_100..=117_699;

const RESULTS: &str = "quell_results.xml";
const DECODERS: &str = "quell_web_decoders.xml";
const BASE: &str = "quell_web_base.xml";
const ATTACKS: &str = "quell_web_attacks.xml";

/// From so many shared numbers on, a file is more likely a copy of Quell's than somebody's own.
const COPY_FROM: usize = 10;

/// Wazuh's message about a number that is there twice.
const DUPLICATED: u16 = 7612;

pub(super) fn look(config: &Config, named: Option<&Path>) -> Vec<Finding> {
    let homes = match named {
        Some(home) => vec![home.to_owned()],
        None => likely_homes(config),
    };
    for home in homes {
        match std::fs::read_dir(home.join("etc/rules")) {
            Ok(_) if rulebook::is_home(&home) => return examine(&home, config),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let said = format!(
                    "`{}` can't be read: put the user that runs quell into group wazuh",
                    path(&home.join("etc/rules"))
                );
                return vec![finding(WHAT, Mark::Note, said)];
            }
            _ => {}
        }
    }
    // Without a manager on this machine there is nothing to look at, unless somebody said that there is one.
    let lacks = |home| {
        let said = format!(
            "`{}` is no home of a Wazuh manager: it lacks `ruleset/rules` or `etc/rules`",
            path(home)
        );
        finding(WHAT, Mark::Bad, said)
    };
    named.map(lacks).into_iter().collect()
}

/// Where a manager may live: what its files are named in the configuration for, and the usual place.
fn likely_homes(config: &Config) -> Vec<PathBuf> {
    let above = |file: &Path, tail: &str| {
        file.ends_with(tail).then(|| file.ancestors().nth(3).map(Path::to_owned)).flatten()
    };
    let of_alerts = above(&config.intake.tail.path, "logs/alerts/alerts.json");
    let of_socket = above(&config.publish.wazuh.socket, "queue/sockets/queue");
    of_alerts.into_iter().chain(of_socket).chain([PathBuf::from(rulebook::WAZUH_HOME)]).collect()
}

fn examine(home: &Path, config: &Config) -> Vec<Finding> {
    let report = match check::installation(home) {
        Ok(report) => report,
        Err(error) => {
            let said = format!("`{}` can't be read: {error:#}", path(home));
            return vec![finding(WHAT, Mark::Bad, said.replace("\nhint:", ";"))];
        }
    };
    let site = Site::of(home, &report);
    let mut findings = site.misplaced();
    findings.extend(site.missing(config));
    match &report.ruleset {
        Some(ruleset) => {
            findings.extend(clashes(&report, ruleset));
            findings.extend(borrowed_numbers(&report, ruleset));
        }
        // What is missing or misplaced is why, where there is such.
        None if findings.iter().all(|found| found.mark != Mark::Bad) => {
            findings.extend(refusal(&report));
        }
        None => {}
    }
    findings.extend(site.stale());
    findings.extend(site.not_read_yet());
    if findings.is_empty() {
        let said = format!(
            "{}: {} files of Quell's, as this program carries them",
            path(&home.join("etc")),
            site.installed.len()
        );
        findings.push(finding(WHAT, Mark::Fine, said));
    }
    findings
}

/// A file of Quell's that was found in the manager, and what the program carries under its name.
struct Installed<'r> {
    file: &'r str,
    name: &'static str,
    text: &'r [u8],
    carried: &'static str,
}

struct Site<'r> {
    home: &'r Path,
    installed: Vec<Installed<'r>>,
    /// The numbers of all rules of the manager, whatever their file.
    numbers: HashSet<u32>,
}

impl<'r> Site<'r> {
    fn of(home: &'r Path, report: &'r Report) -> Self {
        let files = report.source.decoder_files().chain(report.source.rule_files());
        let installed = files.filter_map(|(file, text)| {
            let (name, carried) = carried(file)?;
            Some(Installed { file, name, text, carried })
        });
        let texts = report.source.rule_files().map(|(_, text)| text);
        let numbers = texts.flat_map(numbers_in).collect();
        Site { home, installed: installed.collect(), numbers }
    }

    fn has(&self, name: &str) -> bool {
        self.installed.iter().any(|file| file.name == name)
    }

    /// Files in the wrong one of the two folders. Wazuh goes by the folder, and refuses what doesn't belong there.
    fn misplaced(&self) -> Vec<Finding> {
        let misplaced = self.installed.iter().filter_map(|file| {
            let belongs = folder_of(file.name);
            let folder = Path::new(file.file).parent()?.file_name()?;
            (folder != belongs).then(|| {
                let said = format!(
                    "`{}` holds {belongs}, and Wazuh won't start with it in that folder: move it to `{}`",
                    text(file.file),
                    path(&self.home.join("etc").join(belongs))
                );
                finding(WHAT, Mark::Bad, said)
            })
        });
        misplaced.collect()
    }

    /// Files of which others need something, or whose work nobody does.
    fn missing(&self, config: &Config) -> Vec<Finding> {
        let lacks = |name: &str| {
            let carried = rulebook::carried_files().find(|(known, _)| *known == name);
            // Somebody may have put the rules into a file of another name.
            let is_elsewhere = carried.is_some_and(|(_, text)| {
                let numbers = numbers_in(text.as_bytes());
                !numbers.is_empty() && numbers.iter().all(|number| self.numbers.contains(number))
            });
            !self.has(name) && !is_elsewhere
        };
        let etc = path(&self.home.join("etc"));
        let mut findings = Vec::new();
        let mut say = |mark, name: &str, so: &str| {
            let folder = folder_of(name);
            let said = format!("`{name}` is missing: {so}; copy it to `{etc}/{folder}`");
            findings.push(finding(WHAT, mark, said));
        };
        if lacks(RESULTS) && config.publish.wazuh.mode != WazuhMode::Off {
            say(Mark::Bad, RESULTS, "verdicts that are given back to Wazuh make no alert");
        }
        let web: Vec<&str> =
            self.installed.iter().map(|f| f.name).filter(|n| *n != RESULTS).collect();
        if web.is_empty() && lacks(ATTACKS) {
            let said = format!(
                "none of Quell's rules for web servers are in `{etc}`; `rules/README.md` says what they find and how to copy them"
            );
            findings.push(finding(WHAT, Mark::Note, said));
            return findings;
        }
        for (name, _) in rulebook::carried_files() {
            if name == RESULTS || !lacks(name) {
                continue;
            }
            match name {
                DECODERS => {
                    let so = "Wazuh won't start with the rules that ask for its decoders, and many lines of web servers are not read";
                    say(Mark::Bad, name, so);
                }
                BASE => say(
                    Mark::Bad,
                    name,
                    "sequences that build on it are left out, and nobody tells probes and logins",
                ),
                ATTACKS => say(
                    Mark::Bad,
                    name,
                    "attacks are not found, and the rules that build on them are left out",
                ),
                "quell_web_calm.xml" => {
                    say(Mark::Note, name, "stock rules go on crying wolf at ordinary requests");
                }
                _ => say(Mark::Note, name, "what it finds is not found"),
            }
        }
        findings
    }

    /// Files that are not what the program carries. Line ends don't count: an editor may have changed them.
    fn stale(&self) -> Vec<Finding> {
        let stale = self.installed.iter().filter_map(|file| {
            let line = first_difference(file.text, file.carried.as_bytes())?;
            let (here, carried) = (numbers_in(file.text), numbers_in(file.carried.as_bytes()));
            let less = carried.difference(&here).count();
            let more = here.difference(&carried).count();
            let place = format!("`{}:{line}`", text(file.file));
            let said = match (less, more) {
                (1.., _) => format!(
                    "{place} differs from what this program carries, which has {} that it lacks: copy the file again",
                    count_of(less as u64, "rule")
                ),
                (0, 1..) => format!(
                    "{place} differs from what this program carries, which lacks {} of it: is the program older than the file?",
                    count_of(more as u64, "rule")
                ),
                _ => format!(
                    "{place} differs from what this program carries: copy the file again, and keep changes of your own in a file of yours (`overwrite=\"yes\"`)"
                ),
            };
            Some(finding(WHAT, Mark::Note, said))
        });
        stale.collect()
    }

    /// The manager reads rules when it starts, and runs on with what it read then.
    fn not_read_yet(&self) -> Option<Finding> {
        let started = started_at(self.home)?;
        let is_newer = |file: &&Installed<'_>| {
            std::fs::metadata(file.file).is_ok_and(|metadata| metadata.ctime() > started)
        };
        let newer = self.installed.iter().find(is_newer)?;
        let said = format!(
            "`{}` came after the manager had started, which reads rules then only: `sudo systemctl restart wazuh-manager`",
            text(newer.file)
        );
        Some(finding(WHAT, Mark::Note, said))
    }
}

/// What makes Wazuh refuse to start, whoever's file it is in: Quell gets no alert from a manager that doesn't run.
fn refusal(report: &Report) -> Option<Finding> {
    let first = report.findings.iter().find(|found| found.severity >= Severity::Error)?;
    let said = format!(
        "Wazuh would refuse to start: `{}:{}`: {}; `quell rules check` says more",
        text(&first.place.file),
        first.place.line,
        text(&first.message)
    );
    Some(finding(WHAT, Mark::Bad, said))
}

/// The numbers that are there twice, each with the place of the rule that Wazuh leaves out.
fn duplicated(report: &Report) -> impl Iterator<Item = (u32, &Place)> {
    let found = report.findings.iter().filter(|found| found.code == Some(DUPLICATED));
    found.filter_map(|found| {
        let id = found.subject.as_deref()?.rsplit(' ').next()?.parse().ok()?;
        Some((id, &found.place))
    })
}

/// Two rules with one of Quell's numbers. Wazuh takes the first that it reads and leaves out the other.
fn clashes(report: &Report, ruleset: &Ruleset) -> Vec<Finding> {
    // By the file that is taken and the one that is not: the number, and the line in each.
    type Pairs = Vec<(u32, usize, usize)>;
    let mut groups: BTreeMap<(String, String), Pairs> = BTreeMap::new();
    for (id, left_out) in duplicated(report) {
        let Some(taken) = ruleset.rule(id) else { continue };
        if carried(taken.file).is_some() || carried(&left_out.file).is_some() {
            let files = (taken.file.to_owned(), left_out.file.clone());
            groups.entry(files).or_default().push((taken.id, taken.line, left_out.line));
        }
    }
    let said = groups.into_iter().filter_map(|((taken, left_out), rules)| {
        let (id, taken_line, left_line) = rules.first()?;
        let more = match rules.len() {
            1 => String::new(),
            count => format!(" (and {} more numbers)", count - 1),
        };
        let theirs = if carried(&taken).is_some() { &left_out } else { &taken };
        let what_to_do = match (carried(theirs).is_some(), rules.len() >= COPY_FROM) {
            (true, _) => "keep one of the two files".to_owned(),
            (false, true) => format!("if `{}` is a copy of Quell's, remove it", text(theirs)),
            (false, false) => format!("give yours {}", other_number()),
        };
        let said = format!(
            "`{}:{left_line}` is left out, because `{}:{taken_line}` has its number {id} too and is read first{more}: {what_to_do}",
            text(&left_out),
            text(&taken)
        );
        Some(finding(WHAT, Mark::Bad, said))
    });
    said.collect()
}

/// Rules of others with numbers that Quell's may need: before Quell's are copied, and in a later version.
fn borrowed_numbers(report: &Report, ruleset: &Ruleset) -> Vec<Finding> {
    let twice: HashSet<u32> = duplicated(report).map(|(id, _)| id).collect();
    let mut files: BTreeMap<&str, Vec<(u32, usize)>> = BTreeMap::new();
    for rule in ruleset.rules().filter(|rule| NUMBERS.contains(&rule.id)) {
        if carried(rule.file).is_none() && !twice.contains(&rule.id) {
            files.entry(rule.file).or_default().push((rule.id, rule.line));
        }
    }
    let said = files.into_iter().filter_map(|(file, rules)| {
        let (id, line) = rules.first()?;
        let more = match rules.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let what_to_do = match rules.len() >= COPY_FROM {
            true => "if they are Quell's own, keep them in files of their own names".to_owned(),
            false => format!("give it {}, before Quell's rules need it", other_number()),
        };
        let said = format!(
            "`{}:{line}` has the number {id}{more}, which Quell keeps for its rules: {what_to_do}",
            text(file)
        );
        Some(finding(WHAT, Mark::Note, said))
    });
    said.collect()
}

/// The folder of `etc` for a file of Quell's.
fn folder_of(name: &str) -> &'static str {
    if name == DECODERS { "decoders" } else { "rules" }
}

fn other_number() -> String {
    format!("a number outside {} to {}", NUMBERS.start(), NUMBERS.end())
}

/// Gives what the program carries under a file's name.
fn carried(file: &str) -> Option<(&'static str, &'static str)> {
    let name = Path::new(file).file_name()?;
    rulebook::carried_files().find(|(known, _)| name == *known)
}

/// The numbers of the rules of a file.
fn numbers_in(text: &[u8]) -> HashSet<u32> {
    let starts = memchr::memmem::find_iter(text, "<rule id=\"");
    let number = |at: usize| {
        let rest = text.get(at + "<rule id=\"".len()..)?;
        let digits: Vec<u8> =
            rest.iter().copied().take_while(u8::is_ascii_digit).take(10).collect();
        String::from_utf8(digits).ok()?.parse().ok()
    };
    starts.filter_map(number).collect()
}

/// Gives the first line, counted from 1, in which two texts differ.
fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    let lines = |text: &'_ [u8]| -> Vec<Vec<u8>> {
        text.trim_ascii_end()
            .split(|byte| *byte == b'\n')
            .map(|line| line.trim_ascii_end().to_vec())
            .collect()
    };
    let (left, right) = (lines(left), lines(right));
    let differs = left.iter().zip(&right).position(|(left, right)| left != right);
    let same = left.len().min(right.len());
    differs.or_else(|| (left.len() != right.len()).then_some(same)).map(|at| at + 1)
}

/// When the part of the manager that reads rules began to run, in seconds: it leaves a file with its process id then.
fn started_at(home: &Path) -> Option<i64> {
    let files = std::fs::read_dir(home.join("var/run")).ok()?;
    let of_analysis = files.filter_map(|file| {
        let file = file.ok()?;
        let name = file.file_name();
        let name = name.to_str()?;
        let is_it = name.starts_with("wazuh-analysisd-") && name.ends_with(".pid");
        is_it.then(|| file.metadata().ok().map(|metadata| metadata.mtime())).flatten()
    });
    of_analysis.max()
}

/// A path as it may be printed.
fn path(path: &Path) -> String {
    text(&path.display().to_string())
}

fn text(text: &str) -> String {
    shown(text, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_the_program_carries_has_one_of_the_numbers_that_are_kept_for_it() {
        for (name, text) in rulebook::carried_files() {
            let numbers = numbers_in(text.as_bytes());
            assert_eq!(numbers.is_empty(), name == DECODERS, "{name}");
            assert!(numbers.iter().all(|number| NUMBERS.contains(number)), "{name}");
        }
    }

    #[test]
    fn every_file_that_is_asked_for_by_name_is_carried() {
        for name in [RESULTS, DECODERS, BASE, ATTACKS, "quell_web_calm.xml"] {
            assert!(carried(name).is_some(), "{name}");
        }
    }

    #[test]
    fn texts_are_the_same_whatever_their_line_ends_and_differ_from_a_line_on() {
        assert_eq!(first_difference(b"a\r\nb\r\n\n", b"a\nb"), None);
        assert_eq!(first_difference(b"a\nb\nc", b"a\nx\nc"), Some(2));
        assert_eq!(first_difference(b"a\nb", b"a"), Some(2));
    }
}
