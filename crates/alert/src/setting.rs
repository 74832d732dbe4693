//! How unusual what an incident is made of is at its place, and in what company it came.
//!
//! Two alerts of one rule can mean two things: what a machine says every day, and what it never said before while three other detectors
//! speak up too. What is remembered for that is kept by `triage::usual`; here is its form, and what an incident keeps of it. Merging takes whatever is more
//! unusual, so that nothing joins an incident to make it look ordinary.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What is remembered of a thing at a place, as it is kept. Names are hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Where.
    pub place: u64,
    /// What.
    pub thing: u64,
    /// By which rule.
    pub rule: u64,
    /// Of which kind of source.
    pub source: u64,
    /// Since when.
    pub first: Timestamp,
    /// The last day, counted since 1970.
    pub last_day: i64,
    /// A bit for the last day and for each of the 63 before, the lowest for the last.
    pub days: u64,
}

/// How usual something is at a place, from the most usual to the least.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// It comes there on every other day at least.
    Usual,
    /// It came there before, and not so often.
    Known,
    /// The place is not watched long enough to say.
    #[default]
    Unknown,
    /// It came there on a day or two, and on most days not.
    Rare,
    /// It never came there before.
    New,
}

/// How an incident stands out from what its place usually reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// How usual it is there.
    pub habit: Habit,
    /// Earlier days on which it came there.
    pub days_before: u32,
    /// Earlier days on which the place was watched.
    pub days_watched: u32,
    /// No place of the site had it before.
    pub is_first_on_site: bool,
    /// The kind of source that reports it says hardly anything there on other days.
    pub is_quiet_source: bool,
    /// The place itself reports hardly anything unusual on other days, and no other reports this with it.
    pub is_quiet_place: bool,
    /// It always came right behind the same at another place, and this time did not.
    pub is_alone: bool,
    /// It is new here, and came to several other places on earlier days.
    pub is_known_elsewhere: bool,
    /// Unusual things at the place within minutes, itself among them.
    pub company: u32,
    /// Of how many kinds of sources these are.
    pub sources: u32,
}

/// Unusual things, and the kinds of sources they are of, from which on company adds so many points.
const COMPANY: [(u32, u32, u8); 3] = [(8, 4, 3), (5, 3, 2), (2, 1, 1)];

/// What a broken habit adds: it was kept on several days without exception, so its breach weighs as the largest company does. On eleven days of
/// two recorded networks there were four, and one of them was an attack.
const ALONE_POINTS: u8 = 3;

impl Setting {
    /// Tells whether there is nothing to say.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether it is unusual at its place.
    pub const fn is_unusual(&self) -> bool {
        matches!(self.habit, Habit::Rare | Habit::New) || self.is_alone
    }

    /// Takes over what is more unusual in another.
    pub fn merge(&mut self, other: &Self) {
        if other.habit > self.habit {
            self.is_known_elsewhere = other.is_known_elsewhere;
            (self.habit, self.days_before, self.days_watched) =
                (other.habit, other.days_before, other.days_watched);
        }
        if other.habit == self.habit {
            self.is_known_elsewhere &= other.is_known_elsewhere;
        }
        self.is_first_on_site |= other.is_first_on_site;
        self.is_quiet_source |= other.is_quiet_source;
        self.is_quiet_place |= other.is_quiet_place;
        self.is_alone |= other.is_alone;
        self.accompany(other.company, other.sources);
    }

    /// Takes note of company, if it is larger than before.
    pub fn accompany(&mut self, company: u32, sources: u32) {
        self.company = self.company.max(company);
        self.sources = self.sources.max(sources);
    }

    /// Gives what the company adds.
    pub fn company_points(&self) -> u8 {
        let reached = COMPANY
            .iter()
            .find(|(company, sources, _)| self.company >= *company && self.sources >= *sources);
        reached.map_or(0, |(.., points)| *points)
    }

    /// Gives how far it stands out, 0 to 9: none if it is not unusual.
    pub fn points(&self) -> u8 {
        if !self.is_unusual() {
            return 0;
        }
        self.company_points()
            + u8::from(self.is_quiet_source)
            + u8::from(self.is_quiet_place)
            + u8::from(self.is_first_on_site)
            + if self.is_alone { ALONE_POINTS } else { 0 }
    }

    /// Says in words how usual it is, and in what company it came. Nothing if that is not known.
    pub fn text(&self) -> String {
        let (before, watched) = (self.days_before, self.days_watched);
        let days = |count: u32| format!("{count} day{}", if count == 1 { "" } else { "s" });
        let mut text = match self.habit {
            Habit::Unknown => return String::new(),
            Habit::New if self.is_first_on_site => {
                format!("never seen on any machine before, this one watched for {}", days(watched))
            }
            Habit::New if self.is_known_elsewhere => {
                format!("never seen on this machine in {}, but on others", days(watched))
            }
            Habit::New => format!("never seen on this machine in {}", days(watched)),
            Habit::Rare | Habit::Known | Habit::Usual => {
                format!("seen here on {before} of {} before", days(watched))
            }
        };
        if self.is_alone {
            text.push_str(", each time right behind the same on another machine, and now alone");
        }
        if self.is_unusual() && self.is_quiet_source {
            text.push_str(", by a source that says little here");
        }
        if self.is_unusual() && self.is_quiet_place {
            text.push_str(", where hardly anything unusual comes");
        }
        if self.is_unusual() && self.company > 1 {
            let others = self.company - 1;
            let (things, kinds) = (
                if others == 1 { "thing" } else { "things" },
                if self.sources == 1 { "" } else { "s" },
            );
            text.push_str(&format!(
                ", with {others} other unusual {things} here within minutes, of {} kind{kinds} of source in all",
                self.sources
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_here(company: u32, sources: u32) -> Setting {
        Setting { habit: Habit::New, days_watched: 4, company, sources, ..Setting::default() }
    }

    #[test]
    fn company_counts_by_how_many_and_of_how_many_kinds() {
        let points = |company, sources| new_here(company, sources).points();
        assert_eq!([points(1, 1), points(2, 1), points(30, 1)], [0, 1, 1]);
        assert_eq!([points(5, 2), points(5, 3), points(8, 3), points(8, 4)], [1, 2, 2, 3]);
        let all = Setting { is_first_on_site: true, is_quiet_source: true, ..new_here(8, 4) };
        assert_eq!(all.points(), 5);
        assert_eq!(Setting { is_quiet_place: true, ..all }.points(), 6);
        assert_eq!(Setting { habit: Habit::Usual, ..all }.points(), 0);
    }

    #[test]
    fn what_joins_can_only_make_it_more_unusual() {
        let mut setting = new_here(3, 2);
        let usual = Setting { habit: Habit::Usual, days_before: 9, ..Setting::default() };
        setting.merge(&usual);
        assert_eq!(setting, new_here(3, 2));
        let mut other = usual;
        other.merge(&setting);
        assert_eq!(other, new_here(3, 2));
    }

    #[test]
    fn it_says_why_it_stands_out() {
        assert_eq!(Setting::default().text(), "");
        assert_eq!(
            new_here(3, 2).text(),
            "never seen on this machine in 4 days, with 2 other unusual things here within minutes, of 2 kinds of source in all"
        );
        let usual =
            Setting { habit: Habit::Usual, days_before: 3, days_watched: 4, ..Setting::default() };
        assert_eq!(usual.text(), "seen here on 3 of 4 days before");
        let alone = Setting { is_alone: true, is_quiet_place: true, ..usual };
        assert_eq!((alone.points(), alone.is_unusual()), (4, true));
        assert_eq!(
            alone.text(),
            "seen here on 3 of 4 days before, each time right behind the same on another machine, and now alone, where hardly anything unusual comes"
        );
    }

    #[test]
    fn a_setting_from_before_it_said_so_much_can_be_read() {
        let old = r#"{"habit":"rare","days_before":1,"days_watched":5,"is_first_on_site":false,"is_quiet_source":true,"company":2,"sources":1}"#;
        let setting: Setting = serde_json::from_str(old).expect("an older form");
        assert_eq!((setting.points(), setting.is_alone), (2, false));
    }
}
