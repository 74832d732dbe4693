//! The needles: what is hidden in a stream, by somebody who knows.
//!
//! Three forms are read. A table with a header and the columns `actor`, `class`, `first`, `last`, and if known `name`, `url` and `alerts` (ids
//! with commas between); the lab's table without a header (log time, source, class, status, URL); and phases of an attack as JSON (ids
//! of alerts, first and last). Where a truth names the alerts it is exact; where it names only who and when, an alert belongs to a needle by
//! its actor, its time, and, if any of them does, by looking like the class; what else that actor did then can't be told from it.
//!
//! A truth that is wrong looks like a needle that was missed. What can't be meant is refused with its line; what may be meant and yet finds
//! nothing, or is called by a word that stands for no class, is said.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use alert::{Class, Timestamp};
use anyhow::Context as _;
use serde_json::Value;

use super::super::{Failure, Talk};
use super::stream::Stream;

/// Most bytes of a truth file: the largest known names 20,000 alerts.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How far the time of an alert may lie from that of the truth: log times have whole seconds, and servers write up to a second late.
const SLACK: Duration = Duration::from_millis(1999);

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
        Failure::usage(format!("the truth `{name}` can't be used: {why}\nhint: give a table with the columns actor, class, first, last (tabs between), and if known name, url and alerts"))
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

fn parse(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    let needles = parse_any(text, stream)?;
    if needles.is_empty() {
        return Err("it names no needle that could be in the stream".to_owned());
    }
    Ok(needles)
}

fn parse_any(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return phases(text, stream);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let header: Vec<&str> = lines.next().ok_or("it is empty")?.split('\t').map(str::trim).collect();
    if header.contains(&"actor") && header.contains(&"class") {
        let by_id = stream.by_id();
        return lines
            .enumerate()
            .map(|(number, line)| table_row(&header, line, number, stream, &by_id))
            .collect();
    }
    lab(text, stream)
}

fn table_row(
    header: &[&str],
    line: &str,
    number: usize,
    stream: &Stream,
    by_id: &HashMap<&str, Vec<usize>>,
) -> Result<Needle, String> {
    let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
    let cell = |name: &str| {
        let at = header.iter().position(|column| *column == name)?;
        cells.get(at).copied().filter(|cell| !cell.is_empty())
    };
    let row = number + 2;
    let wanted = |name: &str| cell(name).ok_or_else(|| format!("line {row} has no {name}"));
    let when = |name: &str| {
        let text = wanted(name)?;
        time(text).ok_or_else(|| {
            format!("line {row}: `{name}` is no time: {}", alert::sanitize::shown(text, 40))
        })
    };
    let (actor, class) = (wanted("actor")?.to_owned(), wanted("class")?.to_owned());
    let (first, last) = (when("first")?, when("last")?);
    if last < first {
        return Err(format!("line {row}: `last` is before `first`"));
    }
    let mut gone = 0;
    let (kind, alerts) = match (cell("alerts"), cell("url")) {
        (Some(ids), _) => {
            let (mut places, known) = (Vec::new(), |id: &&str| !id.is_empty());
            for id in ids.split(',').map(str::trim).filter(known) {
                match by_id.get(id) {
                    Some(at) => places.extend(at.iter().copied()),
                    None => gone += 1,
                }
            }
            (Kind::Exact, of_their_time(stream, places, first, last))
        }
        (None, Some(url)) => {
            let places = within(stream, &actor, first, last);
            (Kind::Exact, places.filter(|at| url_of(stream, *at) == Some(url)).collect())
        }
        (None, None) => (Kind::ActorAndTime, of_its_class(stream, &actor, &class, first, last)),
    };
    let name = cell("name").map_or_else(|| format!("{class} from {actor}"), str::to_owned);
    Ok(Needle { name, actor, class, first, last, kind, alerts, gone })
}

fn url_of(stream: &Stream, at: usize) -> Option<&str> {
    stream.events.get(at)?.url.as_deref()
}

/// Writes an actor as the stream does: addresses of one machine are written in several ways, and what the stream says is in one of them.
fn written(actor: &str) -> String {
    let address: Result<std::net::IpAddr, _> = actor.parse();
    address.map_or_else(|_| actor.to_owned(), |address| address.to_canonical().to_string())
}

fn within<'a>(
    stream: &'a Stream,
    actor: &'a str,
    first: Timestamp,
    last: Timestamp,
) -> impl Iterator<Item = usize> + 'a {
    let (from, to) = (first.before(SLACK), last.after(SLACK));
    let written = written(actor);
    let is_actor = move |seen: &str| seen == actor || seen == written;
    stream
        .events
        .iter()
        .enumerate()
        .filter(move |(_, event)| is_actor(&event.actor) && event.at >= from && event.at <= to)
        .map(|(at, _)| at)
}

/// Ids come again: after a restart of the manager, in files put together. Of alerts with the ids that a truth names, those of the
/// needle's time are the needle's, if there are any.
fn of_their_time(
    stream: &Stream,
    places: Vec<usize>,
    first: Timestamp,
    last: Timestamp,
) -> Vec<usize> {
    let (from, to) = (first.before(SLACK), last.after(SLACK));
    let is_in_time =
        |at: &usize| stream.events.get(*at).is_some_and(|event| event.at >= from && event.at <= to);
    if places.iter().any(is_in_time) {
        places.into_iter().filter(is_in_time).collect()
    } else {
        places
    }
}

/// Of what an actor did in a time, what looks like the class by itself, if anything does: the truth can't tell them apart.
fn of_its_class(
    stream: &Stream,
    actor: &str,
    class: &str,
    first: Timestamp,
    last: Timestamp,
) -> Vec<usize> {
    let all: Vec<usize> = within(stream, actor, first, last).collect();
    // The end of guessing is a login.
    let is_login = |seen: Class| class == Class::BruteForce.as_str() && seen == Class::Login;
    let is_alike = |at: &usize| {
        let seen = stream.events.get(*at).map(|event| event.class);
        seen.is_some_and(|seen| {
            meant(class).is_some_and(|classes| classes.contains(&seen)) || is_login(seen)
        })
    };
    if all.iter().any(is_alike) { all.into_iter().filter(is_alike).collect() } else { all }
}

/// RFC 3339, seconds or milliseconds since 1970, or a web server's log time.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time of this age fits, and any other is no time"
        )]
        return Some(Timestamp::from_millis(
            if number < 1e11 { number * 1000.0 } else { number } as i64
        ));
    }
    Timestamp::parse(text).or_else(|| log_time(text))
}

/// `24/Nov/2026:14:26:00 +0000`.
fn log_time(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    Some(Timestamp::from_millis(time.to_timestamp().ok()?.as_millisecond()))
}

/// The lab's table: one line a request that was sprinkled in. A needle is what one source did of one class.
fn lab(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    let mut sent: HashMap<(&str, &str), &str> = HashMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        match cells.as_slice() {
            [at, source, class, _, url, ..] if log_time(at).is_some() => {
                sent.insert((source, url), class);
            }
            _ => {
                return Err(format!(
                    "line {} is neither a header nor a request with its time",
                    number + 1
                ));
            }
        }
    }
    let mut needles: Vec<Needle> = Vec::new();
    for (at, event) in stream.events.iter().enumerate() {
        let Some(url) = event.url.as_deref() else { continue };
        let Some(class) = sent.get(&(event.actor.as_str(), url)) else { continue };
        if *class == "benign" {
            continue;
        }
        let known = needles
            .iter_mut()
            .find(|needle| needle.class == **class && needle.actor == event.actor);
        match known {
            Some(needle) => {
                needle.alerts.push(at);
                needle.last = event.at;
            }
            None => needles.push(Needle {
                name: format!("{class} from {}", event.actor),
                actor: event.actor.clone(),
                class: (*class).to_owned(),
                first: event.at,
                last: event.at,
                kind: Kind::Exact,
                alerts: vec![at],
                gone: 0,
            }),
        }
    }
    Ok(needles)
}

/// Phases: `{"phases": {NAME: {"alerts": [ID, ...], "first": SECONDS, "last": SECONDS}}}`.
fn phases(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let phases = value.get("phases").and_then(Value::as_object).ok_or("it has no `phases`")?;
    let by_id = stream.by_id();
    let mut needles = Vec::new();
    for (name, phase) in phases {
        let seconds = |key: &str| {
            phase.get(key).and_then(Value::as_i64).map(|s| Timestamp::from_millis(s * 1000))
        };
        let ids = phase.get("alerts").and_then(Value::as_array).ok_or("a phase has no `alerts`")?;
        let known: Vec<&Vec<usize>> = ids.iter().filter_map(|id| by_id.get(id.as_str()?)).collect();
        let gone = ids.len() - known.len();
        let alerts = known.into_iter().flatten().copied().collect();
        needles.push(Needle {
            name: name.clone(),
            actor: String::new(),
            class: name.clone(),
            first: seconds("first").ok_or("a phase has no `first`")?,
            last: seconds("last").ok_or("a phase has no `last`")?,
            kind: Kind::Phase,
            alerts,
            gone,
        });
    }
    needles.sort_by_key(|needle| needle.first);
    Ok(needles)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stream() -> Stream {
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
    fn of_alerts_with_one_id_those_of_the_needles_time_are_its_own() {
        let mut stream = stream();
        for event in &mut stream.events {
            event.id = "a".to_owned();
        }
        let row = |time: &str| {
            format!("actor\tclass\tfirst\tlast\talerts\n192.0.2.1\txss\t{time}\t{time}\ta\n")
        };
        let of = |time: &str| parse(&row(time), &stream).expect("a truth")[0].alerts.clone();
        assert_eq!(of("2026-11-24T14:26:20Z"), [3]);
        assert_eq!(of("2026-12-24T14:26:20Z").len(), 4, "a truth with a wrong clock");
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
    fn the_labs_table_groups_requests_by_source_and_class() {
        let table = "24/Nov/2026:14:26:10 +0000\t192.0.2.1\tsqli\t404\t/?q=%27%20OR%201=1\n\
            24/Nov/2026:14:26:11 +0000\t192.0.2.2\tbenign\t200\t/x\n";
        let needles = parse(table, &stream()).expect("a truth");
        assert_eq!(needles.len(), 1);
        assert_eq!(
            (needles[0].name.as_str(), needles[0].alerts.as_slice()),
            ("sqli from 192.0.2.1", &[1][..])
        );
    }

    #[test]
    fn phases_are_read_and_what_is_neither_is_refused_with_its_line() {
        let truth = r#"{"total": 4, "phases": {"scan": {"alerts": ["a", "d", "gone"], "hosts": [], "first": 1, "last": 2}}}"#;
        assert_eq!(parse(truth, &stream()).expect("a truth")[0].alerts, [0, 3]);
        let refused = parse("actor\tclass\tfirst\tlast\n", &stream()).expect_err("refused");
        assert_eq!(refused, "it names no needle that could be in the stream");
        let backwards = "actor\tclass\tfirst\tlast\nx\txss\t1795530380\t1795530360\n";
        let refused = parse(backwards, &stream()).expect_err("refused");
        assert_eq!(refused, "line 2: `last` is before `first`");
        let refused = parse("when\twho\n", &stream()).expect_err("refused");
        assert_eq!(refused, "line 1 is neither a header nor a request with its time");
        let refused = parse("actor\tclass\tfirst\tlast\nx\ty\tsoon\tlater\n", &stream());
        assert_eq!(refused.expect_err("refused"), "line 2: `first` is no time: soon");
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
