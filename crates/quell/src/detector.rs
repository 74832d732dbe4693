//! One stream of raw log lines through the rules: each line becomes an event at its time, and an alert if a rule says so.
//!
//! `quell detect` and the daemon's log sources are made of this. It adds to the engine what only a running program knows: when an event
//! happened, the manager's name, and the alert's time stamp and id, in the form in which Wazuh writes them.
//!
//! Pure apart from what it is told: the time comes in by [`Detector::set_now`].

mod ahead;
mod event_clock;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ruleset::{AlertHeader, LineReader, ReadLine, Ruleset, Session, SessionOptions};

use self::ahead::Lines;

pub(crate) use event_clock::{EventClock, Pace};

/// Which events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Alerts, as in `alerts.json`.
    Alerts,
    /// Every event, with `alert` as true or false.
    All,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// An alert of this level.
    Alert(u8),
    /// A rule applies, but is below the level that makes an alert.
    Quiet,
    /// No rule applies.
    NoRule,
    /// The daemon of Wazuh would drop it before the rules: a packet filter's event with a field missing.
    NotProcessed,
}

/// What is worth counting about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) fate: Fate,
    pub(crate) is_decoded: bool,
    /// The time went back so far that the memory of frequency rules began anew.
    pub(crate) began_anew: bool,
}

/// Runs lines through a ruleset.
#[derive(Debug)]
pub(crate) struct Detector {
    ruleset: Arc<Ruleset>,
    manager: String,
    readers: Vec<LineReader>,
    decider: Decider,
}

/// What decides about lines that were read, one after the other.
#[derive(Debug)]
struct Decider {
    session: Session,
    clock: EventClock,
    header: Header,
    written: Written,
}

impl Detector {
    /// Starts with an empty memory. `manager` is the name that alerts carry, `zone` that of times without one. Lines are read on so many
    /// threads.
    pub(crate) fn new(
        ruleset: Arc<Ruleset>,
        clock: EventClock,
        manager: String,
        zone: TimeZone,
        written: Written,
        threads: usize,
    ) -> Self {
        let options =
            SessionOptions { manager: manager.clone(), zone: zone.clone(), ..Default::default() };
        let mut readers = Vec::new();
        readers.resize_with(threads.max(1), LineReader::default);
        Self {
            decider: Decider {
                session: Session::new(Arc::clone(&ruleset), options),
                clock,
                header: Header::new(manager.clone(), zone),
                written,
            },
            ruleset,
            manager,
            readers,
        }
    }

    /// Tells what time it is.
    pub(crate) fn set_now(&mut self, now: alert::Timestamp) {
        self.decider.clock.set_now(now.as_millis());
    }

    /// How many fields of JSON events found no room.
    pub(crate) fn fields_dropped(&self) -> u64 {
        self.readers.iter().map(LineReader::fields_dropped).sum()
    }

    /// Takes lines in order and adds their alerts to `out`, each with a line end. `number` makes an alert's id unique within a second; it is
    /// told how long `out` is then. `seen` hears of each line, and may take out of `out` what is there.
    pub(crate) fn take(
        &mut self,
        location: &[u8],
        lines: &[&[u8]],
        out: &mut Vec<u8>,
        mut number: impl FnMut(usize) -> u64,
        mut seen: impl FnMut(Seen, &mut Vec<u8>),
    ) {
        let Self { ruleset, manager, readers, decider } = self;
        let lines = Lines { ruleset, location, lines, manager };
        lines.read(readers, |line, read| {
            let fate = decider.take(lines.ruleset, line, read, &mut number, out);
            seen(fate, out);
        });
    }
}

impl Decider {
    fn take<'a>(
        &mut self,
        ruleset: &'a Ruleset,
        line: &[u8],
        read: ReadLine<'a>,
        number: impl FnOnce(usize) -> u64,
        out: &mut Vec<u8>,
    ) -> Seen {
        let moment = self.clock.time_of(line);
        if moment.began_anew {
            self.session.forget();
        }
        let outcome = self.session.decide(ruleset, read, moment.millis.div_euclid(1000));
        let is_alert = outcome.is_alert();
        let fate = match outcome.rule() {
            _ if outcome.not_processed() => Fate::NotProcessed,
            Some(rule) if is_alert => Fate::Alert(rule.level),
            Some(_) => Fate::Quiet,
            None => Fate::NoRule,
        };
        if is_alert || self.written == Written::All {
            outcome.write_json(Some(self.header.of(moment.millis, number(out.len()))), out);
            if self.written == Written::All && out.last() == Some(&b'}') {
                out.pop();
                out.extend_from_slice(if is_alert {
                    b",\"alert\":true}"
                } else {
                    b",\"alert\":false}"
                });
            }
            out.push(b'\n');
        }
        let is_decoded = outcome.decoder_name().is_some();
        Seen { fate, is_decoded, began_anew: moment.began_anew }
    }
}

/// The texts of an alert that are not the event's. Kept, because many alerts share a second.
#[derive(Debug)]
struct Header {
    manager: String,
    zone: TimeZone,
    /// The second of the texts below.
    second: Option<i64>,
    /// `2026-11-24T14:02:39`
    date: String,
    /// `+0000`
    offset: String,
    timestamp: String,
    id: String,
}

impl Header {
    fn new(manager: String, zone: TimeZone) -> Self {
        let [date, offset, timestamp, id] = [(); 4].map(|()| String::new());
        Self { manager, zone, second: None, date, offset, timestamp, id }
    }

    fn of(&mut self, millis: i64, number: u64) -> AlertHeader<'_> {
        let second = millis.div_euclid(1000);
        if self.second != Some(second) {
            let moment = jiff::Timestamp::from_second(second).unwrap_or_default();
            self.date = self.zone.to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let minutes = self.zone.to_offset(moment).seconds() / 60;
            let sign = if minutes < 0 { '-' } else { '+' };
            let minutes = minutes.abs();
            self.offset = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
            self.second = Some(second);
        }
        self.timestamp.clear();
        self.id.clear();
        // Writing to a text can't fail.
        let written =
            write!(self.timestamp, "{}.{:03}{}", self.date, millis.rem_euclid(1000), self.offset)
                .and_then(|()| write!(self.id, "{second}.{number}"));
        debug_assert!(written.is_ok());
        AlertHeader { timestamp: &self.timestamp, id: &self.id, manager: &self.manager }
    }
}

/// The name of this machine, which stands in for the manager's.
pub(crate) fn host_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "quell".to_owned())
}
