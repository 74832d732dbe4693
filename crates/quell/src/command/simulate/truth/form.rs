//! The forms in which a truth is written, read into needles.
//!
//! A table with a header (tabs, commas or semicolons between the cells), the same as a list in JSON, the lab's table without a header, or
//! phases of an attack. People call columns by several names; each has one here.

use std::collections::HashMap;
use std::time::Duration;

use alert::{Class, Timestamp};
use serde_json::Value;

use super::super::stream::Stream;
use super::{Kind, Needle, meant};

/// How far the time of an alert may lie from that of the truth: log times have whole seconds, and servers write up to a second late.
const SLACK: Duration = Duration::from_millis(1999);

/// Columns, and what else they are called.
const COLUMNS: &[(&str, &[&str])] = &[
    ("actor", &["source", "src", "srcip", "src_ip", "who"]),
    ("class", &["category", "label", "type"]),
    ("first", &["first_seen", "start", "from"]),
    ("last", &["last_seen", "end", "to"]),
    ("name", &["needle"]),
    ("alerts", &["alert_ids", "ids"]),
    ("url", &[]),
];

/// Reads a truth of any form.
pub(super) fn parse(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    let needles = parse_any(text.trim_start_matches('\u{feff}'), stream)?;
    if needles.is_empty() {
        return Err("it names no needle that could be in the stream".to_owned());
    }
    Ok(needles)
}

fn parse_any(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return json(text, stream);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let first = lines.next().ok_or("it is empty")?;
    let between = ['\t', ',', ';'].into_iter().find(|between| first.contains(*between));
    let between = between.unwrap_or('\t');
    let header: Vec<&str> = first.split(between).map(column).collect();
    if !(header.contains(&"actor") && header.contains(&"class")) {
        return lab(text, stream);
    }
    let by_id = stream.by_id();
    lines
        .enumerate()
        .map(|(number, line)| {
            let cells = cells(line, between);
            let cell = |name: &str| {
                let at = header.iter().position(|column| *column == name)?;
                cells.get(at).cloned().filter(|cell| !cell.is_empty())
            };
            row(&cell, &format!("line {}", number + 2), stream, &by_id)
        })
        .collect()
}

/// Names a column as it is called here.
fn column(name: &str) -> &str {
    let plain = name.trim().trim_matches('"');
    let is_called = |known: &str| known.eq_ignore_ascii_case(plain);
    let known = COLUMNS
        .iter()
        .find(|(column, others)| is_called(column) || others.iter().any(|other| is_called(other)));
    known.map_or(plain, |(column, _)| column)
}

/// Splits a line into its cells. A cell in quotes may hold what stands between cells.
fn cells(line: &str, between: char) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '"' if between != '\t' => is_quoted = !is_quoted,
            _ if character == between && !is_quoted => {
                cells.push(std::mem::take(&mut cell).trim().to_owned());
            }
            _ => cell.push(character),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

/// Reads JSON: a list of needles, such a list as `needles`, or phases.
fn json(text: &str, stream: &Stream) -> Result<Vec<Needle>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(phases) = value.get("phases") {
        return self::phases(phases, stream);
    }
    let list = value.as_array().or_else(|| value.get("needles")?.as_array());
    let by_id = stream.by_id();
    list.ok_or("it is neither a list of needles nor has it `needles` or `phases`")?
        .iter()
        .enumerate()
        .map(|(number, needle)| {
            let cell = |name: &str| {
                let fields = needle.as_object()?;
                let (_, value) = fields.iter().find(|(key, _)| column(key) == name)?;
                plain(value).filter(|cell| !cell.is_empty())
            };
            row(&cell, &format!("needle {}", number + 1), stream, &by_id)
        })
        .collect()
}

/// Writes a value as a cell: a list with commas between.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(all) => Some(all.iter().filter_map(plain).collect::<Vec<_>>().join(",")),
        _ => None,
    }
}

/// Reads one needle of a table or a list. `place` says where it stands.
fn row(
    cell: &dyn Fn(&str) -> Option<String>,
    place: &str,
    stream: &Stream,
    by_id: &HashMap<&str, Vec<usize>>,
) -> Result<Needle, String> {
    let wanted = |name: &str| cell(name).ok_or_else(|| format!("{place} has no {name}"));
    let when = |name: &str| {
        let text = wanted(name)?;
        time(&text).ok_or_else(|| {
            format!("{place}: `{name}` is no time: {}", alert::sanitize::shown(&text, 40))
        })
    };
    let (actor, class) = (wanted("actor")?, wanted("class")?);
    let (first, last) = (when("first")?, when("last")?);
    if last < first {
        return Err(format!("{place}: `last` is before `first`"));
    }
    let mut gone = 0;
    let (kind, alerts) = match (cell("alerts"), cell("url")) {
        (Some(ids), _) => {
            let mut places = Vec::new();
            for id in ids.split(',').map(str::trim).filter(|id| !id.is_empty()) {
                match by_id.get(id) {
                    Some(at) => places.extend(at.iter().copied()),
                    None => gone += 1,
                }
            }
            (Kind::Exact, of_their_time(stream, places, first, last))
        }
        (None, Some(url)) => {
            let places = within(stream, &actor, first, last);
            let has_url = |at: &usize| url_of(stream, *at) == Some(url.as_str());
            (Kind::Exact, places.filter(has_url).collect())
        }
        (None, None) => (Kind::ActorAndTime, of_its_class(stream, &actor, &class, first, last)),
    };
    let name = cell("name").unwrap_or_else(|| format!("{class} from {actor}"));
    Ok(Needle { name, actor, class, first, last, kind, alerts, gone })
}

fn url_of(stream: &Stream, at: usize) -> Option<&str> {
    stream.events.get(at)?.url.as_deref()
}

/// Writes an actor as the stream does: addresses of one machine are written in several ways, and what the stream says is in one of them.
pub(super) fn written(actor: &str) -> String {
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

/// RFC 3339, with a blank and without a zone too, seconds or milliseconds since 1970, or a web server's log time.
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
    // A time without a zone is taken for UTC, as the rest of a report is.
    let without_zone = || Timestamp::parse(&format!("{}Z", text.replace(' ', "T")));
    Timestamp::parse(text).or_else(|| log_time(text)).or_else(without_zone)
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
fn phases(phases: &Value, stream: &Stream) -> Result<Vec<Needle>, String> {
    let phases = phases.as_object().ok_or("its `phases` are no object")?;
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
    use super::super::tests::stream;
    use super::*;

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
    fn tables_and_lists_are_read_as_people_write_them() {
        let time = "2026-11-24 14:26:10";
        for text in [
            format!("Source,Category,Start,End,IDs\n192.0.2.1,sqli,{time},{time},\"a,b\"\n"),
            format!("who;class;first;last;alerts\n192.0.2.1;sqli;{time};{time};a,b\n"),
            format!(
                r#"[{{"actor": "192.0.2.1", "class": "sqli", "first": "{time}", "last": 1795530370, "alerts": ["a", "b"]}}]"#
            ),
            format!(
                r#"{{"needles": [{{"src": "192.0.2.1", "type": "sqli", "from": "{time}", "to": "{time}", "ids": "a, b"}}]}}"#
            ),
        ] {
            let needles = parse(&text, &stream()).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(
                (needles[0].kind, needles[0].first.as_millis()),
                (Kind::Exact, 1_795_530_370_000),
                "{text}"
            );
            assert_eq!(needles[0].alerts, [1], "of those named, those of its time");
        }
        let refused = parse(r#"[{"actor": "x"}]"#, &stream()).expect_err("refused");
        assert_eq!(refused, "needle 1 has no class");
        assert!(parse("{}", &stream()).is_err());
    }
}
