//! The needles: what is hidden in a stream, by somebody who knows.
//!
//! Three forms are read (`form.rs`). A table with a header, or a list in JSON, with `actor`, `class`, `first`, `last`, and if known `name`,
//! `url` and `alerts` (ids with commas between); the lab's table without a header (log time, source, class, status, URL); and phases of an
//! attack as JSON (ids of alerts, first and last). Where a truth names the alerts it is exact; where it names only who and when, an alert belongs to a needle by
//! its actor, its time, and, if any of them does, by looking like the class; what else that actor did then can't be told from it.
//!
//! A truth that is wrong looks like a needle that was missed. What can't be meant is refused with its line; what may be meant and yet finds
//! nothing, or is called by a word that stands for no class, is said.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use alert::{Class, Timestamp};
use anyhow::Context as _;

use super::super::{Failure, Talk};
use super::stream::Stream;
use form::{parse, written};

mod form;

/// Most bytes of a truth file: the largest known names 20,000 alerts.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most doubts that are said one by one. Whoever got one column wrong has as many as needles.
const DOUBTS_MAX: usize = 12;

/// How sure the truth is about which alerts are the needle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It names them, or their requests.
    Exact,
    /// It names who and when.
    ActorAndTime,
    /// It names everything that any machine reported during a phase of an attack, what is ordinary among it.
    Phase,
}

/// Something that must be found.
#[derive(Debug, Clone)]
pub(super) struct Needle {
    pub(super) name: String,
    pub(super) actor: String,
    pub(super) class: String,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) kind: Kind,
    /// Where its alerts are in the stream.
    pub(super) alerts: Vec<usize>,
    /// How many alerts it names that are not in the stream.
    pub(super) gone: usize,
}

impl Needle {
    /// Tells whether a class is right for it. A truth may use the words of Quell, the lab's, or those of people; a phase says none, and of a
    /// word that nobody knows nothing can be said.
    pub(super) fn fits(&self, class: Class) -> Option<bool> {
        if self.kind == Kind::Phase {
            return None;
        }
        meant(&self.class).map(|classes| classes.contains(&class))
    }
}

/// What people call things, with what Quell calls them: any of these is right.
const WORDS: &[(&[&str], &[Class])] = &[
    (&["sqli"], &[Class::SqlInjection]),
    (&["cmdi", "os_command_injection"], &[Class::CommandInjection]),
    (&["rce"], &[Class::CommandInjection, Class::CodeInjection, Class::Ssti]),
    (&["lfi", "traversal", "directory_traversal"], &[Class::PathTraversal, Class::FileInclusion]),
    (
        &["scan", "recon", "reconnaissance", "port_scan"],
        &[Class::Scanner, Class::ForcedBrowsing, Class::NetworkScan],
    ),
    (&["bruteforce", "password_guessing", "password_spraying"], &[Class::BruteForce]),
    (&["initial_access", "valid_accounts", "successful_login"], &[Class::Login, Class::BruteForce]),
    (
        &["ransomware", "trojan", "virus", "c2", "command_and_control", "beacon", "cryptominer"],
        &[Class::Malware],
    ),
    (&["web_shell"], &[Class::Webshell]),
    (&["exfil", "data_exfiltration"], &[Class::Exfiltration]),
    (&["privesc"], &[Class::PrivilegeEscalation]),
    (&["execution", "reverse_shell"], &[Class::CommandExecution]),
    (&["account_creation", "user_creation", "account_manipulation"], &[Class::AccountChange]),
    (&["defence_evasion", "log_clearing", "log_tampering"], &[Class::DefenseEvasion]),
    (&["fim", "file_change"], &[Class::FileIntegrity]),
    (&["dos", "ddos"], &[Class::DenialOfService]),
];

/// Says which classes a truth means by a word, if anybody knows it.
fn meant(word: &str) -> Option<Vec<Class>> {
    let word = word.trim().to_lowercase().replace(['-', ' '], "_");
    let known = WORDS.iter().find(|(words, _)| words.contains(&word.as_str()));
    known.map(|(_, classes)| classes.to_vec()).or_else(|| Some(vec![Class::parse(&word)?]))
}

/// Reads a truth, and marks the alerts of the stream that belong to it.
pub(super) fn read(path: &Path, stream: &mut Stream) -> Result<Vec<Needle>, Failure> {
    let name = alert::sanitize::shown(&path.display().to_string(), 200);
    let size = std::fs::metadata(path)
        .with_context(|| format!("could not open the truth `{name}`"))?
        .len();
    if size > BYTES_MAX {
        return Err(Failure::usage(format!("the truth `{name}` has more than {BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read the truth `{name}`"))?;
    let needles = parse(&text, stream).map_err(|why| {
        Failure::usage(format!("the truth `{name}` can't be used: {why}\nhint: give a table with the columns actor, class, first, last (tabs or commas between), or a list in JSON, and if known name, url and alerts"))
    })?;
    mark(&needles, stream);
    let doubts = doubts(&needles, stream);
    for doubt in doubts.iter().take(DOUBTS_MAX) {
        Talk::say(&format!("the truth `{name}`: {doubt}"));
    }
    if let more @ 1.. = doubts.len().saturating_sub(DOUBTS_MAX) {
        Talk::say(&format!("the truth `{name}`: {more} more of that kind"));
    }
    Ok(needles)
}

/// Says what of a truth can't be right, or can't be used, though it can be read.
fn doubts(needles: &[Needle], stream: &Stream) -> Vec<String> {
    let actors: HashSet<&str> = stream.events.iter().map(|event| event.actor.as_str()).collect();
    let mut owner: HashMap<usize, &str> = HashMap::new();
    let mut doubts = Vec::new();
    for needle in needles {
        let shown = |text: &str| alert::sanitize::shown(text, 60);
        let name = shown(&needle.name);
        let mut doubt = |what: String| doubts.push(format!("{name}: {what}"));
        if needle.kind != Kind::Phase && meant(&needle.class).is_none() {
            doubt(format!(
                "no class is called `{}`, so whether it was taken for the right thing is not told",
                shown(&needle.class)
            ));
        }
        let is_somebody =
            needle.kind == Kind::Phase || actors.contains(written(&needle.actor).as_str());
        match (needle.alerts.is_empty(), needle.gone) {
            (true, 0) if !is_somebody => doubt(format!(
                "nobody in the stream is called `{}`, so it has no alert and can't be found",
                shown(&needle.actor)
            )),
            (true, 0) => doubt(format!(
                "no alert of `{}` is in the stream from {} to {}: it can't be found",
                shown(&needle.actor),
                needle.first,
                needle.last
            )),
            (true, _) => doubt("none of its alerts is in the stream: it can't be found".to_owned()),
            (false, gone @ 1..) => doubt(format!("{gone} of its alerts are not in the stream")),
            (false, 0) => {}
        }
        let shared = needle.alerts.iter().find_map(|at| owner.get(at));
        if let Some(other) = shared.filter(|_| needle.kind != Kind::Phase) {
            doubt(format!("it has alerts that are those of `{}` too", shown(other)));
        }
        owner.extend(needle.alerts.iter().map(|at| (*at, needle.name.as_str())));
    }
    doubts
}

/// Writes a truth as it is read.
pub(super) fn as_table(needles: &[Needle], stream: &Stream) -> String {
    let mut text = "name\tactor\tclass\tfirst\tlast\talerts\n".to_owned();
    for needle in needles {
        let ids: Vec<&str> = needle
            .alerts
            .iter()
            .filter_map(|at| stream.events.get(*at).map(|event| event.id.as_str()))
            .collect();
        text.push_str(&format!(
            "{}\t{}\t{}\t{}\t{}\t{}\n",
            needle.name,
            needle.actor,
            needle.class,
            needle.first,
            needle.last,
            ids.join(",")
        ));
    }
    text
}

/// Marks in the stream what belongs to which needle.
pub(super) fn mark(needles: &[Needle], stream: &mut Stream) {
    for (number, needle) in needles.iter().enumerate() {
        for at in &needle.alerts {
            if let Some(event) = stream.events.get_mut(*at) {
                event.needle = Some(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn stream() -> Stream {
        let alert = |id: &str, second: u32, source: &str, url: &str| {
            json!({
                "timestamp": format!("2026-11-24T14:26:{second:02}.000+0000"), "id": id,
                "rule": {"id": "31101", "level": 5, "description": "x", "groups": ["web"]},
                "agent": {"id": "1", "name": "a"}, "data": {"srcip": source, "url": url, "id": "404"},
            })
        };
        Stream::of([
            alert("a", 0, "192.0.2.1", "/x"),
            alert("b", 10, "192.0.2.1", "/?q=%27%20OR%201=1"),
            alert("c", 11, "192.0.2.2", "/x"),
            alert("d", 20, "192.0.2.1", "/x"),
        ])
        .expect("a stream")
    }

    #[test]
    fn a_table_names_its_alerts_or_who_and_when() {
        let table = "actor\tclass\tfirst\tlast\talerts\n\
            192.0.2.1\tsql_injection\t2026-11-24T14:26:10Z\t2026-11-24T14:26:10Z\tb\n\
            192.0.2.1\tscan\t1795530368\t1795530372000\t\n";
        let needles = parse(table, &stream()).expect("a truth");
        assert_eq!(needles[0].alerts, [1]);
        assert_eq!((needles[0].kind, needles[1].kind), (Kind::Exact, Kind::ActorAndTime));
        assert_eq!(needles[1].alerts, [1]);
        assert_eq!(needles[0].fits(Class::SqlInjection), Some(true));
        assert_eq!(needles[1].fits(Class::SqlInjection), Some(false));
    }

    #[test]
    fn what_can_not_be_right_is_said() {
        let said = |row: &str| {
            let table = format!("actor\tclass\tfirst\tlast\talerts\n{row}\n");
            doubts(&parse(&table, &stream()).expect("a truth"), &stream())
        };
        let right = "192.0.2.1\txss\t1795530360\t1795530380\t";
        assert_eq!(said(right), Vec::<String>::new());
        assert_eq!(said(&right.replace("xss", "Ransomware")), Vec::<String>::new());
        for (row, part) in [
            (right.replace("xss", "csrf"), "no class is called `csrf`"),
            (right.replace("2.1\t", "2.9\t"), "nobody in the stream is called `192.0.2.9`"),
            (right.replace("17955", "17956"), "no alert of `192.0.2.1` is in the stream from"),
            (format!("{right}z"), "none of its alerts is in the stream"),
            (format!("{right}a,z"), "1 of its alerts are not in the stream"),
            (format!("{right}a\n{right}a"), "it has alerts that are those of"),
        ] {
            let said = said(&row);
            assert!(said.len() == 1 && said[0].contains(part), "{row}: {said:?}");
        }
        let unknown =
            parse(&format!("actor\tclass\tfirst\tlast\n{right}").replace("xss", "csrf"), &stream());
        assert_eq!(unknown.expect("a truth")[0].fits(Class::Xss), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut stream = stream();
        let table =
            "actor\tclass\tfirst\tlast\talerts\n192.0.2.1\txss\t1795530360\t1795530380\ta,d\n";
        let needles = parse(table, &stream).expect("a truth");
        mark(&needles, &mut stream);
        assert_eq!(stream.events[3].needle, Some(0));
        let again = parse(&as_table(&needles, &stream), &stream).expect("a truth");
        assert_eq!((&again[0].alerts, again[0].first), (&needles[0].alerts, needles[0].first));
    }
}
