//! The stream that is played: each alert with the time it arrives, and what the report has to know of it.
//!
//! Alerts arrive when their own time stamps say, or evenly at a rate; then their time stamps are rewritten, so that what they say and when
//! they come agree. Order is kept either way, but where a file plainly holds the logs of several detectors one behind the other: then its alerts
//! are played in the order of their times, as they came. What can't be read as an alert arrives too, and ends where the daemon would put it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alert::{Alert, Class, Limits, Timestamp};
use anyhow::Context as _;
use serde_json::{Value, json};

use super::super::Failure;
use super::super::offline::Lines;

/// Most alerts of a stream: all of them are in memory, at some 2 kB each.
const ALERTS_MAX: usize = 5_000_000;

/// When a stream begins whose alerts have no time.
pub(super) const START: Timestamp = Timestamp::from_millis(1_795_530_360_000);

/// How long before the alert in front of it an alert may have happened and still have come behind it: a queue that was held up.
const LATE_MAX: Duration = Duration::from_secs(3600);

/// One alert on its way.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// When it comes in.
    pub(super) at: Timestamp,
    /// When it happened, if it says.
    own: Option<Timestamp>,
    /// As it comes.
    pub(super) raw: Vec<u8>,
    /// How the store names it: its id, else its key.
    pub(super) id: String,
    /// The rule's level.
    pub(super) level: u8,
    /// What it looks like by itself, for truth that names only who and when.
    pub(super) class: Class,
    /// Who did it, if the alert has an address or a user for it.
    pub(super) actor: String,
    /// The request, for truth that names requests.
    pub(super) url: Option<String>,
    /// Characters that a hook would put into its prompt.
    pub(super) characters: usize,
    /// To which needle it belongs.
    pub(super) needle: Option<usize>,
}

impl Event {
    /// Makes an event of an alert's bytes.
    fn of(raw: Vec<u8>, before: Timestamp) -> Self {
        let Ok(alert) = Alert::parse(&raw, &Limits::default()) else {
            let (id, actor) = (String::new(), String::new());
            return Self {
                at: before,
                own: None,
                raw,
                id,
                level: 0,
                class: Class::Other,
                actor,
                url: None,
                characters: 0,
                needle: None,
            };
        };
        let seen = triage::observe::observe(&alert);
        Self {
            at: alert.time.unwrap_or(before).max(before),
            own: alert.time,
            id: if alert.id.is_empty() { alert.key.hash.to_string() } else { alert.id.clone() },
            level: alert.rule.level,
            class: seen.class,
            actor: seen.actor.name().to_owned(),
            url: alert.field("data.url").map(str::to_owned),
            characters: alert.full_log.as_raw().len() + alert.rule.description.as_raw().len(),
            needle: None,
            raw,
        }
    }

    /// Gives a later copy of it under another name.
    pub(super) fn again(&self, at: Timestamp, id: String) -> Self {
        let mut copy = self.clone();
        if let Ok(mut value) = serde_json::from_slice::<Value>(&self.raw)
            && let Some(object) = value.as_object_mut()
        {
            object.insert("timestamp".to_owned(), json!(at.to_string()));
            object.insert("id".to_owned(), json!(id));
            copy.raw = value.to_string().into_bytes();
        }
        Self { at, id, needle: None, ..copy }
    }
}

/// All alerts, in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) events: Vec<Event>,
    /// Lines that were longer than an alert may be.
    pub(super) long_lines: u64,
}

impl Stream {
    /// Reads files, one after the other.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut stream = Self::default();
        for path in files {
            let input: Box<dyn Read> = if path == Path::new("-") {
                Box::new(std::io::stdin().lock())
            } else {
                let opened = File::open(path).with_context(|| {
                    let name = alert::sanitize::shown(&path.display().to_string(), 200);
                    format!("could not open `{name}`\nhint: give files of alerts, one JSON object a line, or - for standard input")
                })?;
                Box::new(opened)
            };
            stream.read_one(input).map_err(|failure| Failure {
                message: format!(
                    "`{}`: {}",
                    alert::sanitize::shown(&path.display().to_string(), 200),
                    failure.message
                ),
                ..failure
            })?;
        }
        Ok(stream)
    }

    fn read_one(&mut self, input: Box<dyn Read>) -> Result<(), Failure> {
        let mut lines = Lines::new(input)?;
        while let Some(line) = lines.next_line()? {
            self.long_lines += u64::from(line.is_err());
            self.push(line.unwrap_or_else(|(bytes, _)| bytes))?;
        }
        Ok(())
    }

    /// Tells whether there are lines and none of them is an alert: a raw log, most likely.
    pub(super) fn holds_no_alert(&self) -> bool {
        !self.events.is_empty() && self.events.iter().all(|event| event.id.is_empty())
    }

    /// Takes alerts that were made, already in order.
    pub(super) fn of(alerts: impl IntoIterator<Item = Value>) -> Result<Self, Failure> {
        let mut stream = Self::default();
        for alert in alerts {
            stream.push(alert.to_string().into_bytes())?;
        }
        Ok(stream)
    }

    fn push(&mut self, raw: Vec<u8>) -> Result<(), Failure> {
        if self.events.len() >= ALERTS_MAX {
            return Err(Failure::usage(format!("more than {ALERTS_MAX} alerts")));
        }
        let before = self.events.last().map_or(Timestamp::EPOCH, |event| event.at);
        self.events.push(Event::of(raw, before));
        Ok(())
    }

    /// Puts alerts in the order of their times, if some of them stand far behind their time. Gives how many do.
    pub(super) fn put_in_order(&mut self) -> usize {
        let is_late = |event: &&Event| event.own.is_some_and(|own| own.after(LATE_MAX) < event.at);
        let late = self.events.iter().filter(is_late).count();
        if late == 0 {
            return 0;
        }
        let mut known = Timestamp::EPOCH;
        for event in &mut self.events {
            known = event.own.unwrap_or(known);
            event.at = known;
        }
        self.events.sort_by_key(|event| event.at);
        late
    }

    /// Gives alerts without a time the first one that is known: nothing came in 1970.
    pub(super) fn anchor(&mut self) {
        let first = self.events.iter().map(|event| event.at).find(|at| *at > Timestamp::EPOCH);
        let first = first.unwrap_or(START);
        for event in self.events.iter_mut().take_while(|event| event.at == Timestamp::EPOCH) {
            event.at = first;
        }
    }

    /// Lets alerts come evenly.
    pub(super) fn retime(&mut self, per_second: f64) {
        let Some(start) = self.events.first().map(|event| event.at) else { return };
        for (number, event) in self.events.iter_mut().enumerate() {
            let at = evenly(start, number, per_second);
            let needle = event.needle;
            *event = event.again(at, event.id.clone());
            event.needle = needle;
        }
    }

    /// Lets noise go on behind the stream: what it has that is no needle, again and again under new names.
    pub(super) fn keep_coming(&mut self, per_second: f64, seconds: u32) -> Result<(), Failure> {
        let Some(last) = self.events.last().map(|event| event.at) else { return Ok(()) };
        let noise: Vec<usize> = self
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.needle.is_none() && !event.id.is_empty())
            .map(|(at, _)| at)
            .collect();
        if noise.is_empty() {
            return Ok(());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "both are positive, and what is too large becomes the largest number"
        )]
        let more = (per_second * f64::from(seconds)) as usize;
        if more > ALERTS_MAX.saturating_sub(self.events.len()) {
            return Err(Failure::usage(format!(
                "{per_second} alerts a second for {seconds} s are {more}, and all alerts together may be {ALERTS_MAX}\nhint: give less of --keep-coming or --keep-coming-seconds"
            )));
        }
        for number in 0..more {
            let at = evenly(last, number + 1, per_second);
            let Some(model) = noise.get(number % noise.len()).and_then(|at| self.events.get(*at))
            else {
                continue;
            };
            let copy = model.again(at, format!("again.{number}"));
            self.events.push(copy);
        }
        Ok(())
    }

    /// Gives for each name of an alert where it is in the stream.
    pub(super) fn by_id(&self) -> HashMap<&str, Vec<usize>> {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, event) in self.events.iter().enumerate() {
            if !event.id.is_empty() {
                places.entry(event.id.as_str()).or_default().push(at);
            }
        }
        places
    }

    /// Gives where alerts are that share their name with others, by what they are kept under. Of those that are the same
    /// in every byte the first is kept.
    pub(super) fn by_key_where_ids_repeat(&self) -> HashMap<String, usize> {
        let mut by_key = HashMap::new();
        for at in self.by_id().into_values().filter(|places| places.len() > 1).flatten() {
            let Some(event) = self.events.get(at) else { continue };
            if let Ok(alert) = Alert::parse(&event.raw, &Limits::default()) {
                let place = by_key.entry(alert.key.hash.to_string()).or_insert(at);
                *place = at.min(*place);
            }
        }
        by_key
    }
}

fn evenly(start: Timestamp, number: usize, per_second: f64) -> Timestamp {
    #[expect(clippy::cast_precision_loss, reason = "a stream has far fewer alerts than 2^52")]
    let seconds = number as f64 / per_second;
    start.after(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        let alert = |id: u32, second: u32| {
            json!({
                "timestamp": format!("2026-11-24T14:26:{second:02}.000+0000"), "id": id.to_string(),
                "rule": {"id": "5710", "level": 5, "description": "x"}, "agent": {"id": "1", "name": "a"},
            })
        };
        Stream::of([alert(1, 5), alert(2, 3), alert(3, 9)]).expect("a stream")
    }

    #[test]
    fn alerts_keep_their_order_and_none_comes_before_the_one_in_front_of_it() {
        let times: Vec<i64> =
            stream().events.iter().map(|event| event.at.as_millis() % 60_000).collect();
        assert_eq!(times, [5000, 5000, 9000]);
    }

    #[test]
    fn logs_one_behind_the_other_are_played_as_they_came() {
        let alert = |id: u32, time: &str| {
            json!({
                "timestamp": format!("2026-11-24T{time}.000+0000"), "id": id.to_string(),
                "rule": {"id": "5710", "level": 5, "description": "x"}, "agent": {"id": "1", "name": "a"},
            })
        };
        let order = |times: &[&str]| {
            let numbers = (1..).zip(times).map(|(id, time)| alert(id, time));
            let mut stream = Stream::of(numbers).expect("a stream");
            let late = stream.put_in_order();
            (late, stream.events.iter().map(|event| event.id.clone()).collect::<Vec<_>>())
        };
        let (late, ids) = order(&["08:00:00", "12:00:00", "07:59:00", "09:00:00", "12:30:00"]);
        assert_eq!((late, ids.join(" ")), (2, "3 1 4 2 5".to_owned()));
        let (late, ids) = order(&["08:00:00", "07:10:00"]);
        assert_eq!((late, ids.join(" ")), (0, "1 2".to_owned()), "held up, and no other log");
    }

    #[test]
    fn an_even_stream_says_in_its_alerts_when_they_come() {
        let mut stream = stream();
        stream.retime(2.0);
        let last = stream.events.last().expect("an alert");
        assert_eq!(last.at.as_millis() % 60_000, 6000);
        let alert = Alert::parse(&last.raw, &Limits::default()).expect("an alert");
        assert_eq!(alert.time, Some(last.at));
    }

    #[test]
    fn noise_goes_on_under_new_names_and_needles_do_not() {
        let mut stream = stream();
        stream.events[1].needle = Some(0);
        stream.keep_coming(2.0, 2).expect("few");
        assert_eq!(stream.events.len(), 7);
        assert!(
            stream.events[3..]
                .iter()
                .all(|event| event.needle.is_none() && event.id.starts_with("again."))
        );
        assert_eq!(stream.events[6].at.since(stream.events[2].at), Duration::from_secs(2));
    }
}
