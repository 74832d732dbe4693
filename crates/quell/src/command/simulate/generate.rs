//! Floods that were made to hide something: each kind attacks one way in which alerts are folded, kept, asked about or put in order.
//!
//! A generator emits alerts as Wazuh writes them, and the truth with them, so that a run judges itself. The same kind, size and seed give
//! the same alerts. All requests and texts here are our own; addresses are of the ranges for documentation and benchmarks.

use alert::Timestamp;
use serde_json::{Value, json};

use super::super::Failure;
use super::chance::Chance;
use super::stream::{START, Stream};
use super::truth::{self, Kind as TruthKind, Needle};

mod crowd;
mod disguised;
mod hidden;
mod limits;
mod reported;

/// Alerts of a flood if nobody says how many.
const ALERTS: usize = 20_000;

/// Most alerts of a made flood.
const ALERTS_MAX: usize = 1_000_000;

/// Fewest: less is no flood, and needles need noise around them.
const ALERTS_MIN: usize = 200;

/// What `--help` says.
pub(crate) const HELP: &str = "Make the alerts instead of reading them: a kind of flood, with how many alerts after a colon (20,000 if not said). \
Needles and their truth come with it. Kinds:\n\
  botnet               hundreds of sources scan and guess passwords; some of them do more\n  \
  rotating-source      one attacker with a new address for every request\n  \
  slow-drip            attempts so far apart that no frequency rule sees them\n  \
  same-rule-needle     an attack in a scan, from the same address, by the same rule\n  \
  one-parameter        requests that differ from ordinary ones in one parameter\n  \
  evidence-exhaustion  more shapes, names and texts than an incident keeps\n  \
  prompt-stuffing      long lines that fill what a model may read\n  \
  fingerprint-collision  names that run together, or differ in what is cut or not seen\n  \
  starvation           serious noise of many kinds in front of something less serious\n  \
  deployment           files of an update, and among them those that let somebody in\n  \
  commands             commands of every day, and among them those of an attacker\n  \
  fleet                flaws of ninety machines by serious rules, and somebody who makes himself root\n  \
  one-address          a scan, visitors, guesses and injections from one address\n  \
  hits                 guesses and scans, one of each with what it was made for\n  \
  wishes               hundreds of sources ask for scripts that nobody planted, but one\n  \
  products             what firewalls, scanners and databases report, in each one other thing\n  \
  settings             settings of a hundred machines, and one that got worse";

/// Makes about so many alerts.
type Make = fn(&mut Maker, usize);

/// The kinds, by name.
const KINDS: &[(&str, Make)] = &[
    ("botnet", crowd::botnet),
    ("rotating-source", crowd::rotating_source),
    ("slow-drip", hidden::slow_drip),
    ("same-rule-needle", hidden::same_rule_needle),
    ("one-parameter", hidden::one_parameter),
    ("evidence-exhaustion", limits::evidence_exhaustion),
    ("prompt-stuffing", limits::prompt_stuffing),
    ("fingerprint-collision", limits::fingerprint_collision),
    ("starvation", limits::starvation),
    ("deployment", disguised::deployment),
    ("commands", disguised::commands),
    ("fleet", disguised::fleet),
    ("one-address", disguised::one_address),
    ("hits", reported::hits),
    ("wishes", reported::wishes),
    ("products", reported::products),
    ("settings", reported::settings),
];

/// Makes a flood: `KIND` or `KIND:N`.
pub(super) fn made(wanted: &str, seed: u64) -> Result<(Stream, Vec<Needle>), Failure> {
    let (name, count) = wanted.split_once(':').unwrap_or((wanted, ""));
    let count = if count.is_empty() { Some(ALERTS) } else { count.parse().ok() };
    let count =
        count.filter(|count| (ALERTS_MIN..=ALERTS_MAX).contains(count)).ok_or_else(|| {
            Failure::usage(format!(
                "how many alerts is a number from {ALERTS_MIN} to {ALERTS_MAX}, as in `botnet:5000`"
            ))
        })?;
    let (_, make) = KINDS.iter().find(|(kind, _)| *kind == name).ok_or_else(|| {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        Failure::usage(format!(
            "there is no flood of the kind `{}`\nhint: {}",
            alert::sanitize::shown(name, 40),
            kinds.join(", ")
        ))
    })?;
    let mut maker = Maker { chance: Chance::new(seed), alerts: Vec::new(), needles: Vec::new() };
    make(&mut maker, count);
    maker.finish()
}

/// Collects alerts and needles.
pub(super) struct Maker {
    chance: Chance,
    alerts: Vec<Made>,
    /// Name, actor, class.
    needles: Vec<(String, String, &'static str)>,
}

/// One made alert.
struct Made {
    /// When, in milliseconds since the start.
    at: u64,
    body: Value,
    needle: Option<usize>,
}

/// A rule: id, level, description, groups.
type Rule<'a> = (&'a str, u8, &'a str, &'a [&'a str]);

/// The rules that the floods use, with descriptions of our own.
const NOT_FOUND: Rule<'_> =
    ("31101", 5, "A page was asked for that is not there.", &["web", "accesslog", "attack"]);
const ANSWERED: Rule<'_> =
    ("31106", 6, "A suspicious request was answered with 200.", &["web", "accesslog", "attack"]);
const SERVER_ERROR: Rule<'_> =
    ("31120", 5, "The web server failed on a request.", &["web", "accesslog"]);
const BAD_USER: Rule<'_> = (
    "5710",
    5,
    "A login was tried with an unknown user.",
    &["syslog", "sshd", "authentication_failed", "invalid_login"],
);
const BAD_PASSWORD: Rule<'_> = (
    "5760",
    5,
    "A login failed for a wrong password.",
    &["syslog", "sshd", "authentication_failed"],
);
const LOGGED_IN: Rule<'_> =
    ("5715", 3, "Somebody logged in.", &["syslog", "sshd", "authentication_success"]);

impl Maker {
    /// Announces a needle, and gives its number.
    fn needle(&mut self, name: &str, actor: &str, class: &'static str) -> usize {
        self.needles.push((name.to_owned(), actor.to_owned(), class));
        self.needles.len() - 1
    }

    /// Draws a moment in the middle part of a flood of `span` milliseconds, so that noise is before and behind it.
    fn amid(&mut self, span: u64) -> u64 {
        span / 4 + self.chance.below((span / 2).max(1))
    }

    /// Adds an alert; `more` is merged into it at the top.
    fn alert(
        &mut self,
        at: u64,
        rule: Rule<'_>,
        agent: (&str, &str),
        more: Value,
        needle: Option<usize>,
    ) {
        let (id, level, description, groups) = rule;
        let mut body = json!({
            "rule": {"id": id, "level": level, "description": description, "groups": groups},
            "agent": {"id": agent.0, "name": agent.1, "ip": "10.0.0.21"},
            "manager": {"name": "wazuh-manager.lab.example"},
        });
        if let (Some(object), Value::Object(more)) = (body.as_object_mut(), more) {
            object.extend(more);
        }
        self.alerts.push(Made { at, body, needle });
    }

    /// Adds a request to the web server.
    fn web(&mut self, at: u64, source: &str, url: &str, status: u16, needle: Option<usize>) {
        self.web_by(at, source, url, status, "Mozilla/5.0", needle);
    }

    fn web_by(
        &mut self,
        at: u64,
        source: &str,
        url: &str,
        status: u16,
        client: &str,
        needle: Option<usize>,
    ) {
        let rule = match status {
            200..=299 => ANSWERED,
            500..=599 => SERVER_ERROR,
            _ => NOT_FOUND,
        };
        let more = json!({
            "full_log": format!("{source} - - [24/Nov/2026:14:26:00 +0000] \"GET {url} HTTP/1.1\" {status} 812 \"-\" \"{client}\""),
            "decoder": {"name": "web-accesslog"},
            "data": {"protocol": "GET", "srcip": source, "id": status.to_string(), "url": url},
            "location": "/var/log/nginx/access.log",
        });
        self.alert(at, rule, ("001", "web01"), more, needle);
    }

    /// Adds a login that failed or not.
    fn login(
        &mut self,
        at: u64,
        source: &str,
        user: &str,
        rule: Rule<'_>,
        agent: (&str, &str),
        needle: Option<usize>,
    ) {
        let what = if rule.0 == LOGGED_IN.0 { "Accepted password" } else { "Failed password" };
        let port = 20_000 + self.chance.below(40_000);
        let more = json!({
            "full_log": format!("Nov 24 14:26:00 {} sshd[4242]: {what} for {user} from {source} port {port} ssh2", agent.1),
            "decoder": {"name": "sshd"},
            "data": {"srcip": source, "dstuser": user, "srcport": port.to_string()},
            "location": "/var/log/auth.log",
        });
        self.alert(at, rule, agent, more, needle);
    }

    /// A path that nobody linked.
    fn guessed_path(&mut self) -> String {
        let word = [
            "admin", "backup", "old", "test", "data", "img", "api", "tmp", "logs", "db", "site",
            "shop",
        ];
        let ending = ["", ".php", ".bak", ".zip", "/", ".old", ".txt", ".html"];
        let (first, last) = (self.chance.one_of(&word, "x"), self.chance.one_of(&ending, ""));
        format!("/{first}{}{last}", self.chance.below(100_000))
    }

    /// Puts everything in order of time, names it, and marks the needles.
    fn finish(mut self) -> Result<(Stream, Vec<Needle>), Failure> {
        self.alerts.sort_by_key(|made| made.at);
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); self.needles.len()];
        let mut bodies = Vec::with_capacity(self.alerts.len());
        for (number, made) in self.alerts.into_iter().enumerate() {
            let at = START.after(std::time::Duration::from_millis(made.at));
            let mut body = made.body;
            if let Some(object) = body.as_object_mut() {
                object.insert("timestamp".to_owned(), json!(at.to_string().replace('Z', "+0000")));
                object.insert("id".to_owned(), json!(format!("made.{number}")));
            }
            if let Some(places) = made.needle.and_then(|needle| places.get_mut(needle)) {
                places.push(number);
            }
            bodies.push(body);
        }
        let mut stream = Stream::of(bodies)?;
        let time_of = |at: Option<&usize>| {
            at.and_then(|at| stream.events.get(*at)).map_or(Timestamp::EPOCH, |event| event.at)
        };
        let needles: Vec<Needle> = self
            .needles
            .into_iter()
            .zip(places)
            .map(|((name, actor, class), alerts)| Needle {
                name,
                actor,
                class: class.to_owned(),
                first: time_of(alerts.first()),
                last: time_of(alerts.last()),
                kind: TruthKind::Exact,
                alerts,
                gone: 0,
            })
            .collect();
        truth::mark(&needles, &mut stream);
        Ok((stream, needles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_makes_as_many_alerts_as_were_wanted_and_the_same_again() {
        let raw = |wanted: &str, seed: u64| {
            let (stream, needles) = made(wanted, seed).expect("a flood");
            let is_whole = !needles.is_empty() && needles.iter().all(|it| !it.alerts.is_empty());
            assert!(is_whole, "{wanted}");
            stream.events.into_iter().map(|event| event.raw).collect::<Vec<_>>()
        };
        for (kind, _) in KINDS {
            let wanted = format!("{kind}:200");
            let alerts = raw(&wanted, 3);
            assert!(alerts.len().abs_diff(200) < 10, "{kind}: {} alerts", alerts.len());
            assert_eq!(alerts, raw(&wanted, 3), "{kind}");
        }
        assert_ne!(raw("botnet:200", 3), raw("botnet:200", 4));
    }

    #[test]
    fn the_help_names_every_kind_and_an_unknown_one_is_refused() {
        assert!(KINDS.iter().all(|(kind, _)| HELP.contains(kind)));
        for wrong in ["flood", "botnet:x", "botnet:1", "botnet:-5"] {
            assert!(made(wrong, 1).is_err(), "{wrong}");
        }
    }
}
