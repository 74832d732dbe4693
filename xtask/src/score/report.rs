//! The tables: how much was found and named, by class, source, disguise and server form, and what was a false alarm.
//!
//! Each is a grouping of the same rows; the columns are the rulesets. Texts of the corpus are cleaned before they reach a screen.

use std::collections::{BTreeMap, BTreeSet};

use alert::sanitize::shown;

use super::class::RuleKind;
use super::corpus::{Corpus, Form, Row};
use super::encoding;
use super::ruling::{Ruling, Said, Side};
use super::table::{Table, percent};

/// Rules shown that make false alarms: behind them come single lines, which `--false-alarms` lists.
const LOUD_RULES_MAX: usize = 15;

/// A description longer than this pushes the figures off the screen.
const DESCRIPTION_CHARS_MAX: usize = 48;

/// Most of a line that is shown. The longest request of the corpus is below it, so nothing that a rule saw is hidden.
const LINE_CHARS_MAX: usize = 4_000;

/// How many rows there are, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) rows: usize,
    /// By an attack rule.
    pub(crate) found: usize,
    /// By one of the right class.
    pub(crate) named: usize,
    /// Any alert at all.
    pub(crate) alerts: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, said: &Said<'_>) {
        self.rows += 1;
        self.found += usize::from(said.is_found());
        self.named += usize::from(said.is_named());
        self.alerts += usize::from(said.rule.is_some());
    }
}

/// What is being looked at: the same for all tables of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) corpus: &'a Corpus,
    pub(crate) rulings: &'a [Ruling],
    pub(crate) form: Form,
}

/// Which rows a table of recall counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    Core,
    Weak,
}

/// A row's groups: the lines of the table that it counts in.
type Key = fn(&Row) -> Vec<String>;

impl View<'_> {
    /// Recall by class.
    pub(crate) fn by_class(&self, rows: Rows) -> Table {
        let title = match rows {
            Rows::Core => "Recall by class, core rows, percent",
            Rows::Weak => "Recall by class, weak rows, percent",
        };
        self.recall(title, "class", rows, |row| vec![row.label.clone()])
    }

    /// Recall by the list that the attack is from.
    pub(crate) fn by_source(&self) -> Table {
        let key: Key = |row| vec![row.source.clone()];
        self.recall("Recall by source, core rows, percent", "source", Rows::Core, key)
    }

    /// Recall by disguise. A row with two counts in two lines.
    pub(crate) fn by_encoding(&self) -> Table {
        let key: Key = |row| row.encodings.iter().map(ToString::to_string).collect();
        let title = "Recall by encoding, core rows, percent (a row may be in several lines)";
        let mut table = self.recall(title, "encoding", Rows::Core, key);
        let order: Vec<String> = encoding::ALL.iter().map(ToString::to_string).collect();
        table.sort_by_first_column(&order);
        table
    }

    fn recall(&self, title: &str, what: &str, rows: Rows, key: Key) -> Table {
        let mut head = vec![what.to_owned(), "rows".to_owned()];
        let mut columns: Vec<BTreeMap<String, Tally>> = Vec::new();
        for ruling in self.rulings {
            head.extend([format!("{} found", ruling.name), "named".to_owned()]);
            let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
            for said in ruling.said(self.corpus, Side::Attacks, self.form) {
                if said.row.is_core == (rows == Rows::Core) {
                    for key in key(said.row) {
                        tallies.entry(key).or_default().add(&said);
                    }
                    tallies.entry(ALL_ROWS.to_owned()).or_default().add(&said);
                }
            }
            columns.push(tallies);
        }
        let mut table = Table::new(title, head);
        let keys: BTreeSet<&String> = columns.iter().flat_map(BTreeMap::keys).collect();
        for key in keys {
            let tally = |tallies: &BTreeMap<String, Tally>| tallies.get(key).copied();
            let tallies: Vec<Tally> = columns.iter().filter_map(tally).collect();
            let rows = tallies.first().map_or(0, |tally| tally.rows);
            let mut line = vec![key.clone(), rows.to_string()];
            for Tally { rows, found, named, .. } in tallies {
                line.extend([percent(found, rows), percent(named, rows)]);
            }
            table.push(line);
        }
        table
    }

    /// Recall and false alarms by server form. Each has its own rows: Django's server writes less.
    pub(crate) fn by_form(&self, forms: &[Form]) -> Table {
        let mut head = vec!["server form".to_owned(), "attacks".to_owned(), "benign".to_owned()];
        for ruling in self.rulings {
            head.extend([format!("{} found", ruling.name), "named".into(), "false".into()]);
        }
        let mut table = Table::new("By server form, core rows, percent", head);
        for form in forms {
            let mut line = vec![form.to_string()];
            let mut figures = Vec::new();
            let mut rows = [0, 0];
            for ruling in self.rulings {
                let attacks = core(ruling.said(self.corpus, Side::Attacks, *form));
                let benign = tally(ruling.said(self.corpus, Side::Benign, *form));
                rows = [attacks.rows, benign.rows];
                figures.push(percent(attacks.found, attacks.rows));
                figures.push(percent(attacks.named, attacks.rows));
                figures.push(percent(benign.found, benign.rows));
            }
            line.extend(rows.iter().map(ToString::to_string));
            line.extend(figures);
            table.push(line);
        }
        table
    }

    /// False alarms by kind of benign request: by attack rules, and any alert for comparison.
    pub(crate) fn false_alarms_by_class(&self) -> Table {
        let mut head = vec!["benign".to_owned(), "rows".to_owned()];
        let mut columns: Vec<BTreeMap<String, Tally>> = Vec::new();
        for ruling in self.rulings {
            head.extend([format!("{} false", ruling.name), "%".into(), "any alert".into()]);
            let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
            for said in ruling.said(self.corpus, Side::Benign, self.form) {
                tallies.entry(said.row.label.clone()).or_default().add(&said);
                tallies.entry(ALL_ROWS.to_owned()).or_default().add(&said);
            }
            columns.push(tallies);
        }
        let title =
            "False alarms: by attack rules, and for information any alert of level 3 or more";
        let mut table = Table::new(title, head);
        let keys: BTreeSet<&String> = columns.iter().flat_map(BTreeMap::keys).collect();
        for key in keys {
            let tallies: Vec<Tally> =
                columns.iter().filter_map(|column| column.get(key).copied()).collect();
            let rows = tallies.first().map_or(0, |tally| tally.rows);
            let mut line = vec![key.clone(), rows.to_string()];
            for Tally { rows, found, alerts, .. } in tallies {
                line.extend([found.to_string(), percent(found, rows), alerts.to_string()]);
            }
            table.push(line);
        }
        table
    }

    /// The attack rules that speak at benign requests, loudest first.
    pub(crate) fn loud_rules(&self) -> Table {
        let mut table = self.rules_table("Attack rules with false alarms", |_| "false".into());
        let mut lines: Vec<(usize, Vec<String>)> = Vec::new();
        for (rule, hits) in self.hits() {
            let most = hits.iter().map(|hits| hits.benign).max().unwrap_or(0);
            if rule.is_attack() && most > 0 {
                let figures = hits.iter().map(|hits| hits.benign.to_string());
                lines.push((most, with_rule(rule, figures)));
            }
        }
        lines.sort_by_key(|(most, _)| std::cmp::Reverse(*most));
        for (_, line) in lines.into_iter().take(LOUD_RULES_MAX) {
            table.push(line);
        }
        table
    }

    /// What each attack rule hit: attacks of its class, attacks of another, benign requests.
    pub(crate) fn by_rule(&self) -> Table {
        let title = "Hits by rule: right class / other class / benign, core and weak rows";
        let mut table = self.rules_table(title, |name| name.to_owned());
        for (rule, hits) in self.hits() {
            if rule.is_attack() {
                let figures = hits.iter().map(|Hits { right, wrong, benign }| {
                    if right + wrong + benign == 0 {
                        "-".to_owned()
                    } else {
                        format!("{right} / {wrong} / {benign}")
                    }
                });
                table.push(with_rule(rule, figures));
            }
        }
        table
    }

    fn rules_table(&self, title: &str, column: fn(&str) -> String) -> Table {
        let mut head = vec!["rule".to_owned()];
        for ruling in self.rulings {
            let column = column(&ruling.name);
            let is_own_name = column == ruling.name;
            head.push(if is_own_name { column } else { format!("{} {column}", ruling.name) });
        }
        Table::new(title, head)
    }

    /// For each rule that made an alert, its hits under each ruleset.
    fn hits(&self) -> Vec<(&RuleKind, Vec<Hits>)> {
        let mut by_rule: BTreeMap<u32, (&RuleKind, Vec<Hits>)> = BTreeMap::new();
        for (column, ruling) in self.rulings.iter().enumerate() {
            for side in [Side::Attacks, Side::Benign] {
                for said in ruling.said(self.corpus, side, self.form) {
                    let Some(rule) = said.rule else { continue };
                    let nothing = || (rule, vec![Hits::default(); self.rulings.len()]);
                    let (_, hits) = by_rule.entry(rule.id).or_insert_with(nothing);
                    let Some(hits) = hits.get_mut(column) else { continue };
                    match side {
                        Side::Benign => hits.benign += 1,
                        Side::Attacks if said.is_named() => hits.right += 1,
                        Side::Attacks => hits.wrong += 1,
                    }
                }
            }
        }
        by_rule.into_values().collect()
    }

    /// Lists the core attacks that a judged ruleset misses, with the rulesets that do, of one class or of all.
    pub(crate) fn misses(&self, label: Option<&str>) -> String {
        let is_wanted = |said: &Said<'_>| {
            said.row.is_core
                && !said.is_found()
                && label.is_none_or(|label| said.row.label == label)
        };
        self.list(Side::Attacks, is_wanted)
    }

    /// Lists the core attacks that a judged ruleset finds under a wrong class.
    pub(crate) fn misnamed(&self, label: Option<&str>) -> String {
        let is_wanted = |said: &Said<'_>| {
            said.row.is_core
                && said.is_found()
                && !said.is_named()
                && label.is_none_or(|label| said.row.label == label)
        };
        self.list(Side::Attacks, is_wanted)
    }

    /// Lists the benign requests at which an attack rule of a judged ruleset speaks.
    pub(crate) fn false_alarms(&self) -> String {
        self.list(Side::Benign, |said| said.is_found())
    }

    fn list(&self, side: Side, is_wanted: impl Fn(&Said<'_>) -> bool) -> String {
        // In the order of the corpus: what is alike stands together there.
        let mut lines: BTreeMap<usize, (Vec<String>, &Row, &[u8])> = BTreeMap::new();
        for ruling in self.rulings.iter().filter(|ruling| ruling.is_judged) {
            let said = ruling.said(self.corpus, side, self.form).enumerate();
            for (number, said) in said.filter(|(_, said)| is_wanted(said)) {
                let entry = lines.entry(number).or_insert((Vec::new(), said.row, said.line));
                let rule = said.rule.map_or_else(|| "-".to_owned(), |rule| rule.id.to_string());
                entry.0.push(format!("{}:{rule}", ruling.name));
            }
        }
        let mut text = String::new();
        for (by, row, line) in lines.values() {
            let line = shown(&String::from_utf8_lossy(line), LINE_CHARS_MAX);
            text.push_str(&shown(&row.label, DESCRIPTION_CHARS_MAX));
            text.push_str(&format!(" [{}] {}: {line}\n", by.join(" "), shown(&row.id, 80)));
        }
        text.push_str(&format!("{} lines\n", lines.len()));
        text
    }
}

/// What the last line of a table is called. It sorts behind the labels, which are lower case.
const ALL_ROWS: &str = "~ all";

/// What a rule hit under one ruleset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hits {
    right: usize,
    wrong: usize,
    benign: usize,
}

fn with_rule(rule: &RuleKind, figures: impl Iterator<Item = String>) -> Vec<String> {
    let description = alert::sanitize::cut(&rule.description, DESCRIPTION_CHARS_MAX, false);
    let mut line = vec![format!("{} ({}) {description}", rule.id, rule.level)];
    line.extend(figures);
    line
}

/// Counts all rows.
pub(crate) fn tally<'a>(said: impl Iterator<Item = Said<'a>>) -> Tally {
    let mut tally = Tally::default();
    said.for_each(|said| tally.add(&said));
    tally
}

/// Counts core rows.
pub(crate) fn core<'a>(said: impl Iterator<Item = Said<'a>>) -> Tally {
    tally(said.filter(|said| said.row.is_core))
}

#[cfg(test)]
mod tests;
