//! Two sets of rules compared, line by line, and summed up by rule.

use std::collections::BTreeMap;

use ruleset::{Outcome, Record};

/// A sample's line is cut here: it is there to be recognised.
const LINE_BYTES_MAX: usize = 1000;

/// What a line ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) rule: u32,
    pub(super) level: u8,
    pub(super) is_alert: bool,
}

impl Ending {
    /// Takes it from the engine's result; nothing where no rule applied.
    pub(super) fn of(outcome: &Outcome<'_>) -> Option<Ending> {
        let rule = outcome.rule()?;
        Some(Ending { rule: rule.id, level: rule.level, is_alert: outcome.is_alert() })
    }
}

/// What happened to a line's alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// There was an alert, and is none.
    Gone,
    /// There was none, and is one.
    New,
    /// It comes from another rule.
    Moved,
    /// The same rule gives it another level.
    Level,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Gone => "gone",
            Kind::New => "new",
            Kind::Moved => "moved",
            Kind::Level => "level",
        }
    }
}

/// The alerts of one rule.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) gone: u64,
    pub(super) new: u64,
    /// Alerts that another rule took over.
    pub(super) moved_out: u64,
    /// Alerts that it took over from another rule.
    pub(super) moved_in: u64,
    pub(super) level_changed: u64,
}

impl Row {
    /// Whether nothing changed.
    pub(super) fn is_same(&self) -> bool {
        self.gone + self.new + self.moved_out + self.moved_in + self.level_changed == 0
    }
}

/// A line whose alert changed.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) kind: Kind,
    pub(super) before: Option<Ending>,
    pub(super) after: Option<Ending>,
    pub(super) location: String,
    pub(super) line: Vec<u8>,
}

/// The sums.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) rows: BTreeMap<u32, Row>,
    pub(super) samples: Vec<Sample>,
    pub(super) before: u64,
    pub(super) after: u64,
    /// Samples per rule and kind.
    samples_max: usize,
    sampled: BTreeMap<(u32, Kind), usize>,
}

impl Comparison {
    pub(super) fn new(samples_max: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            samples: Vec::new(),
            before: 0,
            after: 0,
            samples_max,
            sampled: BTreeMap::new(),
        }
    }

    /// Notes what became of a line before and after.
    pub(super) fn add(
        &mut self,
        before: Option<Ending>,
        after: Option<Ending>,
        record: &Record<'_>,
    ) {
        let alert = |ending: Option<Ending>| ending.filter(|ending| ending.is_alert);
        let (was, is) = (alert(before), alert(after));
        if let Some(was) = was {
            self.before += 1;
            self.rows.entry(was.rule).or_default().before += 1;
        }
        if let Some(is) = is {
            self.after += 1;
            self.rows.entry(is.rule).or_default().after += 1;
        }
        let (kind, rule) = match (was, is) {
            (Some(was), None) => {
                self.rows.entry(was.rule).or_default().gone += 1;
                (Kind::Gone, was.rule)
            }
            (None, Some(is)) => {
                self.rows.entry(is.rule).or_default().new += 1;
                (Kind::New, is.rule)
            }
            (Some(was), Some(is)) if was.rule != is.rule => {
                self.rows.entry(was.rule).or_default().moved_out += 1;
                self.rows.entry(is.rule).or_default().moved_in += 1;
                (Kind::Moved, was.rule)
            }
            (Some(was), Some(is)) if was.level != is.level => {
                self.rows.entry(is.rule).or_default().level_changed += 1;
                (Kind::Level, is.rule)
            }
            _ => return,
        };
        let sampled = self.sampled.entry((rule, kind)).or_default();
        if *sampled < self.samples_max {
            *sampled += 1;
            let location = String::from_utf8_lossy(record.location).into_owned();
            let line = record.log.get(..LINE_BYTES_MAX).unwrap_or(record.log).to_vec();
            self.samples.push(Sample { kind, before, after, location, line });
        }
    }

    /// How many lines' alerts changed in this way.
    pub(super) fn count(&self, of: impl Fn(&Row) -> u64) -> u64 {
        self.rows.values().map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_in_which_an_alert_changes_is_counted_once() {
        let record = Record { time: 0, location: b"x", log: b"a line" };
        let ending = |rule, level| Some(Ending { rule, level, is_alert: level > 2 });
        let mut comparison = Comparison::new(1);
        for (before, after) in [
            (ending(1, 5), None),
            (ending(1, 5), ending(1, 0)),
            (None, ending(2, 5)),
            (ending(1, 5), ending(2, 5)),
            (ending(1, 5), ending(1, 7)),
            (ending(1, 5), ending(1, 5)),
            (ending(3, 0), ending(4, 0)),
        ] {
            comparison.add(before, after, &record);
        }
        let one = &comparison.rows[&1];
        assert_eq!((one.before, one.after, one.gone, one.new), (5, 2, 2, 0));
        assert_eq!((one.moved_out, one.moved_in, one.level_changed), (1, 0, 1));
        let two = &comparison.rows[&2];
        assert_eq!((two.before, two.after, two.new, two.moved_in), (0, 2, 1, 1));
        assert_eq!((comparison.before, comparison.after, comparison.rows.len()), (5, 4, 2));
        let kinds: Vec<Kind> = comparison.samples.iter().map(|sample| sample.kind).collect();
        assert_eq!(kinds, [Kind::Gone, Kind::New, Kind::Moved, Kind::Level]);
    }
}
