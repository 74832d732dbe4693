//! The report for people: short, in the order of the questions that one asks.

use comfy_table::{ContentArrangement, Table, presets};

use super::Report;
use super::figures::{Ages, OfFifo, OfQuell};
use crate::standing::count_of;

/// Writes a report.
pub(super) fn written(report: &Report) -> String {
    let mut text = format!(
        "{} in {}, {}{}; model: {} ({} tokens/s read, {} written, {} at once)\n\
         No model was asked. Time is virtual; a model's verdict is the playbook's draft, at the time the model would have needed.\n",
        count_of(report.alerts as u64, "alert"),
        span(report.seconds),
        count_of(report.needles as u64, "needle"),
        report
            .made
            .as_ref()
            .map_or_else(String::new, |made| format!(" of {made}, seed {}", report.seed)),
        report.model.name,
        report.model.prompt_per_second,
        report.model.generation_per_second,
        report.model.parallel,
    );
    if let Some(quell) = &report.quell {
        text.push_str(&of_quell(quell));
    }
    if let Some(fifo) = &report.baseline {
        text.push_str(&of_fifo(fifo, report.baseline_told.as_ref()));
    }
    match &report.quell {
        Some(quell) if !quell.needles.is_empty() => text.push_str(&needles(report, quell)),
        None if report.needles > 0 => text.push_str(&needles_of_hook(report)),
        _ => {}
    }
    if !report.goals.is_empty() {
        text.push_str("\ngoals\n");
        for goal in &report.goals {
            let mark = if goal.holds { "yes" } else { "NO " };
            text.push_str(&format!("  {mark}  {}: {}\n", goal.name, goal.because));
        }
    }
    text
}

fn of_quell(quell: &OfQuell) -> String {
    let mut table = table(&[
        "severity",
        "incidents",
        "first verdict: median",
        "p95",
        "max",
        "by the model",
        "median",
        "p95",
        "max",
    ]);
    for of in &quell.severities {
        let first = cells(of.first_verdict.as_ref());
        let model = cells(of.model_verdict.as_ref());
        let judged = of.model_verdict.map_or(0, |ages| ages.count);
        let mut row = vec![of.severity.as_str().to_owned(), of.incidents.to_string()];
        row.extend(first);
        row.push(judged.to_string());
        row.extend(model);
        table.add_row(row);
    }
    let mut text = format!(
        "\nquell\n{table}\n\
         {} = {}\n\
         {}, {:.1} alerts each: {:.2} % fewer; {} by the model, {} by the playbook, {} at the end\n\
         {} ({} on needles, {} on the rest), {:.3} % of the alerts (0.2 % would be {}, one for each needle is {}), {} failed; about {} tokens read and {} written; queue at most {}\n",
        count_of(quell.counts.accepted, "alert"),
        quell.places(),
        count_of(quell.incidents as u64, "incident"),
        quell.alerts_per_incident,
        quell.reduction_percent,
        count_of(quell.model_verdicts as u64, "verdict"),
        quell.playbook_verdicts,
        match quell.incidents_waiting {
            1 => "1 incident waits".to_owned(),
            many => format!("{many} incidents wait"),
        },
        count_of(quell.model_calls, "model call"),
        quell.needle_calls,
        quell.model_calls.saturating_sub(quell.needle_calls),
        quell.calls_per_alert_percent,
        quell.calls_of_goal,
        quell.needles.len(),
        quell.failed_calls,
        quell.prompt_tokens,
        quell.answer_tokens,
        quell.queue_max,
    );
    if let Some(fair) = &quell.fairness {
        text.push_str(&format!(
            "{}: Jain index {:.2}, slowest ({}) {} = {:.1} times the median\n",
            count_of(fair.actors as u64, "actor"),
            fair.jain_index,
            fair.slowest_actor,
            span(fair.slowest),
            fair.max_over_median
        ));
    }
    text
}

fn of_fifo(fifo: &OfFifo, told: Option<&OfFifo>) -> String {
    let mut table =
        table(&["hook", "calls", "verdict: median", "p95", "max", "queue", "needles judged"]);
    let rows = [
        (format!("level {} and higher", fifo.level_min), Some(fifo)),
        ("told of every needle too".to_owned(), told),
    ];
    for (name, fifo) in rows.into_iter().filter_map(|(name, fifo)| Some((name, fifo?))) {
        let mut row = vec![name, fifo.calls.to_string()];
        row.extend(cells(fifo.verdict.as_ref()));
        row.push(fifo.queue_max.to_string());
        row.push(format!("{} of {}", fifo.needles_judged, fifo.needles.len()));
        table.add_row(row);
    }
    format!("\na hook that asks about one alert after the other\n{table}\n")
}

fn needles(report: &Report, quell: &OfQuell) -> String {
    let mut header = vec![
        "needle",
        "alerts",
        "own",
        "shares with",
        "taken for",
        "level",
        "ranked above",
        "first verdict",
        "model's",
    ];
    let hook = report.baseline_told.as_ref().or(report.baseline.as_ref());
    if hook.is_some() {
        header.push("hook's");
    }
    let mut table = table(&header);
    for (number, needle) in quell.needles.iter().enumerate() {
        let classes: Vec<&str> = needle.classes.iter().map(|class| class.as_str()).collect();
        let right = match needle.is_class_right {
            Some(false) => " (wrong)",
            _ => "",
        };
        let mut shares: Vec<String> = needle.shares_with.clone();
        if needle.strangers > 0 {
            shares.push(format!("{} strangers", needle.strangers));
        }
        let theirs = hook.and_then(|hook| hook.needles.get(number).copied().flatten());
        let mut row = vec![
            alert::sanitize::shown(&needle.name, 48),
            needle.alerts.to_string(),
            if needle.is_own { "yes" } else { "NO" }.to_owned(),
            shares.join(", "),
            format!("{}{right}", classes.join(", ")),
            needle.threat_level.map_or_else(String::new, |level| level.to_string()),
            format!("{} of {} noise", needle.noise_passed, needle.noise_incidents),
            maybe(needle.first_verdict),
            maybe(needle.model_verdict),
        ];
        if hook.is_some() {
            row.push(maybe(theirs));
        }
        table.add_row(row);
    }
    let found = quell.needles.iter().filter(|needle| needle.is_own).count();
    let of = quell.needles.len();
    let alone = quell.needles.iter().filter(|needle| needle.is_mostly_alone).count();
    let above = quell.needles.iter().filter(|needle| needle.is_above_noise).count();
    format!(
        "\nneedles\n{table}\nrecall: {found} of {of} have an incident of their own; in {alone} cases it is mostly theirs alone; {above} of {of} are ranked above nine tenths of the noise\n"
    )
}

/// Says when the hook alone has judged each needle: at the level it is set to, and if it is told of every needle.
fn needles_of_hook(report: &Report) -> String {
    let mut table = table(&["needle", "hook's verdict", "if told of every needle"]);
    let age = |hook: Option<&OfFifo>, number: usize| {
        maybe(hook.and_then(|hook| hook.needles.get(number).copied().flatten()))
    };
    for (number, name) in report.needle_names.iter().enumerate() {
        table.add_row(vec![
            alert::sanitize::shown(name, 48),
            age(report.baseline.as_ref(), number),
            age(report.baseline_told.as_ref(), number),
        ]);
    }
    format!("\nneedles\n{table}\n")
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().copied());
    table
}

fn cells(ages: Option<&Ages>) -> [String; 3] {
    ages.map_or_else(Default::default, |ages| [span(ages.median), span(ages.p95), span(ages.max)])
}

fn maybe(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), span)
}

/// `0.2 s`, `14 s`, `5 min`, `2.3 h`, `4.1 d`.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}
