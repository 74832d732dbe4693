//! Counts what became of the lines, and says it at the end. Every line is in exactly one of the counts of the first line.

use std::time::Duration;

use super::Talk;
use crate::detector::{Fate, Seen};
use crate::standing::count_of;

/// The highest level of a rule.
const LEVEL_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Tally {
    by_level: [u64; LEVEL_MAX + 1],
    quiet: u64,
    no_rule: u64,
    not_processed: u64,
    undecoded: u64,
    began_anew: u64,
    cut: u64,
}

impl Tally {
    pub(super) fn add(&mut self, seen: Seen) {
        match seen.fate {
            Fate::Alert(level) => {
                let level = usize::from(level).min(LEVEL_MAX);
                if let Some(count) = self.by_level.get_mut(level) {
                    *count += 1;
                }
            }
            Fate::Quiet => self.quiet += 1,
            Fate::NoRule => self.no_rule += 1,
            Fate::NotProcessed => self.not_processed += 1,
        }
        self.undecoded += u64::from(!seen.is_decoded);
        self.began_anew += u64::from(seen.began_anew);
    }

    /// Counts lines of which the end was left out.
    pub(super) fn cut(&mut self, lines: u64) {
        self.cut += lines;
    }

    /// Says the counts.
    pub(super) fn end(&self, fields_dropped: u64, elapsed: Duration) {
        Talk::say(&self.text(fields_dropped, elapsed));
    }

    fn text(&self, fields_dropped: u64, elapsed: Duration) -> String {
        let alerts: u64 = self.by_level.iter().sum();
        let events = alerts + self.quiet + self.no_rule + self.not_processed;
        let mut text = format!(
            "{} = {} + {} below the alert level + {} without a rule + {} incomplete, in {:.1} s",
            count_of(events, "event"),
            count_of(alerts, "alert"),
            self.quiet,
            self.no_rule,
            self.not_processed,
            elapsed.as_secs_f64()
        );
        let levels: Vec<String> = (0..=LEVEL_MAX)
            .rev()
            .filter_map(|level| Some((level, self.by_level.get(level)?)))
            .filter(|(_, count)| **count > 0)
            .map(|(level, count)| format!("{count} of level {level}"))
            .collect();
        if !levels.is_empty() {
            text.push_str(&format!("\nalerts: {}", levels.join(", ")));
        }
        for (count, what) in [
            (self.undecoded, ["event", "that no decoder knows"]),
            (self.cut, ["line", "longer than 65535 bytes, of which the rest was left out"]),
            (fields_dropped, ["field", "of JSON events that found no room"]),
            (
                self.began_anew,
                [
                    "time",
                    "the time went back by more than 5 minutes: frequency rules began anew there",
                ],
            ),
        ] {
            if count > 0 {
                let [thing, which] = what;
                text.push_str(&format!("\n{} {which}", count_of(count, thing)));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_and_oddities_are_said_only_where_there_are_some() {
        let mut tally = Tally::default();
        let seen = |fate| Seen { fate, is_decoded: true, began_anew: false };
        for fate in [Fate::Alert(5), Fate::Alert(10), Fate::Alert(5), Fate::Quiet, Fate::NoRule] {
            tally.add(seen(fate));
        }
        let text = tally.text(0, Duration::from_millis(1240));
        assert_eq!(
            text,
            "5 events = 3 alerts + 1 below the alert level + 1 without a rule + 0 incomplete, in 1.2 s\n\
             alerts: 1 of level 10, 2 of level 5"
        );
        tally.add(Seen { fate: Fate::NotProcessed, is_decoded: false, began_anew: true });
        tally.cut(2);
        let text = tally.text(0, Duration::ZERO);
        assert!(text.starts_with("6 events = 3 alerts"), "{text}");
        for said in ["1 event that no decoder knows", "2 lines longer", "1 time the time went"] {
            assert!(text.contains(said), "{text}");
        }
    }
}
