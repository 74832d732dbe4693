//! How a backtest looks: the rules that changed in a table, examples below it, or everything as JSON.

use alert::sanitize::shown;
use comfy_table::{Cell, CellAlignment, Table};
use ruleset::Ruleset;
use serde_json::{Value, json};

use super::Backtest;
use super::comparison::{Comparison, Ending, Row, Sample};
use crate::cli::RulesBacktest;
use crate::command::Failure;

/// Rows in one table, the largest changes first. JSON has all.
const ROWS_MAX: usize = 50;

/// Examples that are shown, whatever `--samples` asks for each change.
const SAMPLES_MAX: usize = 60;

/// Prints the result.
pub(super) fn tell(backtest: &Backtest, options: &RulesBacktest) -> Result<(), Failure> {
    let said =
        if options.json { json(backtest, options).to_string() } else { text(backtest, options) };
    crate::command::print(&said)?;
    Ok(())
}

/// The two sets of rules that a comparison is between, and how a table calls them.
#[derive(Clone, Copy)]
struct Sides<'s> {
    before: &'s Ruleset,
    after: &'s Ruleset,
    names: [&'s str; 2],
    hours: Option<f64>,
}

impl Backtest {
    fn sides(&self) -> Sides<'_> {
        let names = ["old", "new"];
        Sides { before: &self.old, after: &self.new, names, hours: self.rate_hours() }
    }

    fn silence_sides<'s>(&'s self, silent: &'s Ruleset) -> Sides<'s> {
        let names = ["new", "silent"];
        Sides { before: &self.new, after: silent, names, hours: self.rate_hours() }
    }

    /// Less than an hour has no rate per hour.
    fn rate_hours(&self) -> Option<f64> {
        self.hours.filter(|hours| *hours >= 1.0)
    }
}

fn text(backtest: &Backtest, options: &RulesBacktest) -> String {
    let span = backtest.hours.map_or_else(String::new, |hours| match hours {
        hours if hours < 1.0 => format!(", {:.1} minutes", hours * 60.0),
        hours => format!(", {hours:.1} hours"),
    });
    let mut out = format!("lines: {}{span}\n\n", backtest.lines);
    out.push_str(&section(&backtest.change, backtest.sides()));
    if let Some((silent, silence)) = &backtest.silence {
        let ids: Vec<String> = options.silence.iter().map(u32::to_string).collect();
        out.push_str(&format!("\nwith the new rules, and {} silent\n\n", ids.join(", ")));
        out.push_str(&section(silence, backtest.silence_sides(silent)));
    }
    out
}

fn section(comparison: &Comparison, sides: Sides<'_>) -> String {
    let [before, after] = sides.names;
    let mut out = format!(
        "alerts: {} {before}, {} {after}; {} gone, {} new, {} from another rule, {} of another level\n",
        comparison.before,
        comparison.after,
        comparison.count(|row| row.gone),
        comparison.count(|row| row.new),
        comparison.count(|row| row.moved_in),
        comparison.count(|row| row.level_changed),
    );
    let mut changed: Vec<(&u32, &Row)> =
        comparison.rows.iter().filter(|(_, row)| !row.is_same()).collect();
    let same = comparison.rows.len() - changed.len();
    changed.sort_by_key(|(id, row)| (std::cmp::Reverse(row.before.abs_diff(row.after)), **id));
    if !changed.is_empty() {
        out.push('\n');
        out.push_str(&table(&changed, sides));
        out.push('\n');
    }
    if changed.len() > ROWS_MAX {
        out.push_str(&format!("and {} rules more: --json shows them\n", changed.len() - ROWS_MAX));
    }
    out.push_str(&format!("{same} other rules with alerts: no change\n"));
    if !comparison.samples.is_empty() {
        out.push_str("\nexamples\n");
    }
    for sample in comparison.samples.iter().take(SAMPLES_MAX) {
        out.push_str(&sample_text(sample));
    }
    out
}

fn table(rows: &[(&u32, &Row)], sides: Sides<'_>) -> String {
    let mut table = Table::new();
    table.load_preset("     ──            ");
    let mut header: Vec<String> = ["RULE", "LEVEL"].into_iter().map(str::to_owned).collect();
    header.extend(sides.names.map(str::to_uppercase));
    header.extend(["GONE", "NEW", "OUT", "IN", "LEVELS"].map(str::to_owned));
    if sides.hours.is_some() {
        header.push("PER HOUR".to_owned());
    }
    header.push("WHAT".to_owned());
    table.set_header(header);
    let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for (id, row) in rows.iter().take(ROWS_MAX) {
        let (levels, what) = about(**id, sides);
        let mut cells = vec![number(id.to_string()), number(levels)];
        let counts = [
            row.before,
            row.after,
            row.gone,
            row.new,
            row.moved_out,
            row.moved_in,
            row.level_changed,
        ];
        cells.extend(counts.map(|count| number(count.to_string())));
        if let Some(hours) = sides.hours {
            cells.push(number(format!(
                "{:.1} -> {:.1}",
                rate(row.before, hours),
                rate(row.after, hours)
            )));
        }
        cells.push(Cell::new(shown(&what, 60)));
        table.add_row(cells);
    }
    table.trim_fmt()
}

/// The levels and the description of a rule, of the later rules if it is there.
fn about(id: u32, sides: Sides<'_>) -> (String, String) {
    let level = |rules: &Ruleset| rules.rule(id).map(|rule| rule.level.to_string());
    let levels = match (level(sides.before), level(sides.after)) {
        (Some(old), Some(new)) if old == new => old,
        (old, new) => {
            format!("{} -> {}", old.as_deref().unwrap_or("-"), new.as_deref().unwrap_or("-"))
        }
    };
    let rule = sides.after.rule(id).or_else(|| sides.before.rule(id));
    (levels, rule.map(|rule| rule.description.into_owned()).unwrap_or_default())
}

fn rate(count: u64, hours: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits than a float has")]
    let count = count as f64;
    count / hours
}

fn sample_text(sample: &Sample) -> String {
    let ending = |ending: Option<Ending>| match ending {
        Some(Ending { rule, level, is_alert: true }) => format!("{rule} level {level}"),
        Some(Ending { rule, .. }) => format!("no alert ({rule})"),
        None => "no alert".to_owned(),
    };
    format!(
        "  {:<6}{} -> {}  {}\n        {}\n",
        sample.kind.as_str(),
        ending(sample.before),
        ending(sample.after),
        shown(&sample.location, 80),
        shown(&String::from_utf8_lossy(&sample.line), 200)
    )
}

fn json(backtest: &Backtest, options: &RulesBacktest) -> Value {
    let mut report = comparison_json(&backtest.change, backtest.sides());
    if let Value::Object(report) = &mut report {
        report.shift_insert(0, "lines".to_owned(), json!(backtest.lines));
        report.shift_insert(1, "hours".to_owned(), json!(backtest.hours));
        if let Some((silent, silence)) = &backtest.silence {
            let mut silence = comparison_json(silence, backtest.silence_sides(silent));
            if let Value::Object(silence) = &mut silence {
                let ids: Vec<String> = options.silence.iter().map(u32::to_string).collect();
                silence.shift_insert(0, "ids".to_owned(), json!(ids));
            }
            report.insert("silence".to_owned(), silence);
        }
    }
    report
}

fn comparison_json(comparison: &Comparison, sides: Sides<'_>) -> Value {
    let rules: Vec<Value> =
        comparison.rows.iter().map(|(id, row)| row_json(*id, row, sides)).collect();
    let samples: Vec<Value> = comparison.samples.iter().map(sample_json).collect();
    json!({
        "before": comparison.before,
        "after": comparison.after,
        "gone": comparison.count(|row| row.gone),
        "new": comparison.count(|row| row.new),
        "moved": comparison.count(|row| row.moved_in),
        "level_changed": comparison.count(|row| row.level_changed),
        "rules": rules,
        "samples": samples,
    })
}

fn row_json(id: u32, row: &Row, sides: Sides<'_>) -> Value {
    let level = |rules: &Ruleset| rules.rule(id).map(|rule| rule.level);
    let per_hour = |count| sides.hours.map(|hours| rate(count, hours));
    json!({
        "id": id.to_string(),
        "description": about(id, sides).1,
        "level_before": level(sides.before),
        "level_after": level(sides.after),
        "before": row.before,
        "after": row.after,
        "gone": row.gone,
        "new": row.new,
        "moved_out": row.moved_out,
        "moved_in": row.moved_in,
        "level_changed": row.level_changed,
        "per_hour_before": per_hour(row.before),
        "per_hour_after": per_hour(row.after),
    })
}

fn sample_json(sample: &Sample) -> Value {
    let ending = |ending: Option<Ending>| {
        ending.map(|ending| {
            json!({ "rule": ending.rule.to_string(), "level": ending.level, "alert": ending.is_alert })
        })
    };
    json!({
        "kind": sample.kind.as_str(),
        "before": ending(sample.before),
        "after": ending(sample.after),
        "location": sample.location,
        "line": String::from_utf8_lossy(&sample.line),
    })
}
