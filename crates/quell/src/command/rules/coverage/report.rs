//! How coverage looks: a table by file for people, JSON for tools.

use alert::sanitize::shown;
use comfy_table::{Cell, CellAlignment, Table};
use serde_json::{Value, json};

use super::proof::Lack;
use super::{Coverage, FileCoverage, Files};
use crate::command::Failure;

/// Names in one row of the table. JSON has all of them.
const UNTOUCHED_SHOWN_MAX: usize = 6;

/// Prints what was touched.
pub(super) fn print(coverage: &Coverage, is_json: bool) -> Result<(), Failure> {
    let (rules, decoders) = (coverage.rule_files(), coverage.decoder_files());
    if is_json {
        let files = [files_json("rules", &rules), files_json("decoders", &decoders)].concat();
        let report = json!({
            "events": coverage.events,
            "rules": total_json(&rules),
            "decoders": total_json(&decoders),
            "files": files,
            "proof": proof_json(coverage),
        });
        crate::command::print(&report.to_string())?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset("     ──            ");
    table.set_header(["FILE", "KIND", "TOUCHED", "OF", "%", "UNTOUCHED"]);
    for (kind, files) in [("rules", &rules), ("decoders", &decoders)] {
        for (name, file) in files {
            table.add_row(row(name, kind, file));
        }
    }
    let mut said = format!(
        "{}\n\nrules     {}\ndecoders  {}",
        table.trim_fmt(),
        total_line(&rules),
        total_line(&decoders)
    );
    let (asked, lacking) = (coverage.proof.count(), coverage.proof.lacking());
    if asked > 0 {
        said.push_str(&format!("\nproven    {} of {asked}", asked - lacking.len()));
    }
    for lack in lacking {
        said.push_str(&format!("\n{}", lack.text()));
    }
    crate::command::print(&said)?;
    Ok(())
}

fn proof_json(coverage: &Coverage) -> Value {
    let lacking: Vec<Value> = coverage.proof.lacking().iter().map(Lack::json).collect();
    json!({ "rules": coverage.proof.count(), "lacking": lacking })
}

fn row(name: &str, kind: &str, file: &FileCoverage) -> Vec<Cell> {
    let mut untouched =
        file.untouched.iter().take(UNTOUCHED_SHOWN_MAX).cloned().collect::<Vec<_>>().join(" ");
    let more = file.untouched.len().saturating_sub(UNTOUCHED_SHOWN_MAX);
    if more > 0 {
        untouched.push_str(&format!(" and {more} more"));
    }
    let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    vec![
        Cell::new(shown(&short(name), 44)),
        Cell::new(kind),
        number(file.touched.to_string()),
        number(file.count().to_string()),
        number(percent(file.touched, file.count())),
        Cell::new(shown(&untouched, 60)),
    ]
}

/// Gives a file's name without its folder: within one ruleset that is enough.
fn short(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

impl FileCoverage {
    fn count(&self) -> usize {
        self.touched + self.untouched.len()
    }
}

fn totals(files: &Files) -> (usize, usize) {
    let touched = files.values().map(|file| file.touched).sum();
    let all = files.values().map(FileCoverage::count).sum();
    (touched, all)
}

/// Gives tenths of a percent, cut: 100 is only said of all.
fn percent(part: usize, all: usize) -> String {
    let tenths = (part * 1000).checked_div(all).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn total_line(files: &Files) -> String {
    let (touched, all) = totals(files);
    format!("{touched} of {all} touched ({} %), {} not", percent(touched, all), all - touched)
}

fn total_json(files: &Files) -> Value {
    let (touched, all) = totals(files);
    json!({ "touched": touched, "total": all, "percent": percent_json(touched, all) })
}

fn percent_json(part: usize, all: usize) -> Value {
    percent(part, all).parse::<f64>().map_or(Value::Null, |percent| json!(percent))
}

fn files_json(kind: &str, files: &Files) -> Vec<Value> {
    let of = |(name, file): (&String, &FileCoverage)| {
        json!({
            "file": name,
            "kind": kind,
            "touched": file.touched,
            "total": file.count(),
            "percent": percent_json(file.touched, file.count()),
            "untouched": file.untouched,
        })
    };
    files.iter().map(of).collect()
}
