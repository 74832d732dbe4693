//! The targets, and whether a ruleset reaches them.
//!
//! Recall is of core rows and counts what is *found*: that an alert says attack matters more than what it calls it, and a request
//! is often two attacks at once. False alarms count over all benign rows. All comparisons are of whole numbers.

use super::corpus::{Corpus, Form};
use super::report::{Tally, View, core, tally};
use super::ruling::{Ruling, Side};
use super::table::{Table, percent};

/// A share in thousandths that has to be reached or must not be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    AtLeast(usize),
    AtMost(usize),
}

/// A target.
#[derive(Debug)]
struct Target {
    name: &'static str,
    side: Side,
    /// The labels of the rows that it is about; none for all rows.
    labels: &'static [&'static str],
    bound: Bound,
}

const fn recall(name: &'static str, labels: &'static [&'static str], least: usize) -> Target {
    Target { name, side: Side::Attacks, labels, bound: Bound::AtLeast(least) }
}

const fn silence(name: &'static str, labels: &'static [&'static str], most: usize) -> Target {
    Target { name, side: Side::Benign, labels, bound: Bound::AtMost(most) }
}

/// What the rules promise.
const TARGETS: [Target; 11] = [
    recall("SQL injection", &["sqli"], 950),
    recall("cross-site scripting", &["xss"], 970),
    recall("command injection", &["rce", "shellshock"], 920),
    recall("traversal and inclusion", &["lfi", "rfi"], 950),
    recall("template injection", &["ssti"], 900),
    recall("request forgery (SSRF)", &["ssrf"], 900),
    recall("log4shell", &["log4j"], 900),
    recall("scanner", &["scanner"], 950),
    silence("false alarms, all benign", &[], 2),
    silence("false alarms, prose", &["prose"], 10),
    silence("false alarms, real logs", &["real-log"], 0),
];

impl Target {
    fn tally(&self, ruling: &Ruling, corpus: &Corpus, form: Form) -> Tally {
        let said = ruling.said(corpus, self.side, form);
        let said = said.filter(|said| {
            self.labels.is_empty() || self.labels.contains(&said.row.label.as_str())
        });
        match self.side {
            Side::Attacks => core(said),
            Side::Benign => tally(said),
        }
    }

    fn is_reached(&self, tally: Tally) -> bool {
        match self.bound {
            Bound::AtLeast(least) => tally.found * 1000 >= least * tally.rows,
            Bound::AtMost(most) => tally.found * 1000 <= most * tally.rows,
        }
    }
}

/// Judges every ruleset, and says whether those that have to reach the targets do. Nothing is missed where there are no rows.
pub(crate) fn table(view: View<'_>) -> (Table, bool) {
    let mut head = vec!["target".to_owned(), "rows".to_owned(), "%".to_owned()];
    for ruling in view.rulings {
        head.extend([format!("{} %", ruling.name), String::new()]);
    }
    let mut table = Table::new("Targets (found, core rows; all benign rows)", head);
    let mut is_reached = true;
    for target in &TARGETS {
        let (sign, thousandths) = match target.bound {
            Bound::AtLeast(least) => (">=", least),
            Bound::AtMost(most) => ("<=", most),
        };
        let mut line = vec![target.name.to_owned(), String::new()];
        line.push(format!("{sign} {}", percent(thousandths, 1000)));
        for ruling in view.rulings {
            let tally = target.tally(ruling, view.corpus, view.form);
            if let Some(rows) = line.get_mut(1) {
                *rows = tally.rows.to_string();
            }
            let reached = target.is_reached(tally);
            is_reached &= reached || !ruling.is_judged;
            let mark = match (ruling.is_judged, reached) {
                (false, _) => "",
                (true, true) => "pass",
                (true, false) => "FAIL",
            };
            let share = percent(tally.found, tally.rows);
            let share = if target.side == Side::Benign && tally.found > 0 {
                format!("{share} ({})", tally.found)
            } else {
                share
            };
            line.extend([share, mark.to_owned()]);
        }
        table.push(line);
    }
    (table, is_reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_missed_by_a_hair() {
        let of = |found, rows| Tally { rows, found, ..Tally::default() };
        let sqli = &TARGETS[0];
        assert!(sqli.is_reached(of(95, 100)) && !sqli.is_reached(of(9_499, 10_000)));
        let all = &TARGETS[8];
        assert!(all.is_reached(of(2, 1000)) && !all.is_reached(of(3, 1499)));
        let real = &TARGETS[10];
        assert!(real.is_reached(of(0, 1000)) && !real.is_reached(of(1, 1_000_000)));
    }

    #[test]
    fn where_there_are_no_rows_nothing_is_missed() {
        assert!(TARGETS.iter().all(|target| target.is_reached(Tally::default())));
    }
}
