//! Everything that the daemon counts, one function each: no other file names a metric.
//!
//! Names follow `quell_<noun>_<unit>[_total]`, labels are words of the glossary. [`describe`] gives each its help text; a test compares the
//! list with the documentation.

use std::time::Duration;

use alert::Timestamp;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use store::{Counts, QueueRow};

use crate::standing::by_severity;

/// Every metric with its help text.
pub(crate) const METRICS: &[(&str, &str)] = &[
    (
        "quell_alerts_total",
        "Alerts by what became of them: accepted, folded, own_output, below_policy, duplicate, malformed.",
    ),
    (
        "quell_intake_refused_total",
        "Deliveries that were refused because the store could not take them, by route.",
    ),
    ("quell_intake_batch_seconds", "Time to fold and commit one batch of alerts."),
    ("quell_intake_queue_deliveries", "Deliveries waiting to be folded."),
    (
        "quell_source_warnings_total",
        "Things that sources warned of (rotations missed, lines too long), by route.",
    ),
    ("quell_log_lines_total", "Lines of raw logs by what the rules made of them (alert, none)."),
    (
        "quell_log_time_jumps_total",
        "Times that a raw log went back by more than 5 minutes, where frequency rules began anew.",
    ),
    ("quell_verdicts_total", "Verdicts by analyst (model, playbook, interim) and severity."),
    (
        "quell_verdict_age_seconds",
        "From an incident asking for a verdict to its verdict, by analyst (model, playbook, interim) and severity.",
    ),
    ("quell_deadline_misses_total", "Verdicts that came after their deadline, by severity."),
    ("quell_queue_jobs", "Incidents waiting for a verdict."),
    ("quell_queue_age_seconds", "Age of the oldest incident that waits for a verdict."),
    (
        "quell_backlog_incidents",
        "Incidents waiting for a verdict, those under way among them, by severity.",
    ),
    (
        "quell_backlog_unjudged_incidents",
        "Incidents waiting for a verdict that nobody judged yet, by severity.",
    ),
    (
        "quell_backlog_interim_incidents",
        "Incidents that the playbook judged in the meantime and that wait for a model, by severity.",
    ),
    (
        "quell_backlog_overdue_incidents",
        "Incidents waiting for a verdict past their deadline, by severity.",
    ),
    ("quell_backlog_age_seconds", "Age of the oldest incident that waits, by severity."),
    ("quell_model_running_cases", "Cases under way, by backend."),
    (
        "quell_model_call_seconds",
        "Time of one case at the models, calls and pauses together, by backend.",
    ),
    ("quell_model_calls_total", "Calls made to models."),
    ("quell_model_tokens_total", "Tokens by kind (prompt, completion)."),
    ("quell_model_failures_total", "Cases in which a backend failed as a server, by backend."),
    ("quell_breaker_open", "1 while a backend rests after failures, by backend."),
    ("quell_checks_failed_total", "Checks that a draft did not pass, by check."),
    ("quell_messages_total", "Messages by sink and what became of them (sent, failed, refused)."),
    ("quell_outbox_messages", "Messages waiting to be sent, by sink."),
    (
        "quell_outbox_given_up_messages",
        "Messages that were given up because too many waited or the sink is gone, by sink.",
    ),
    ("quell_incidents_in_memory", "Incidents that the fold holds in memory."),
    (
        "quell_limit",
        "The named limits in force, by name: compare with the gauge of the same thing.",
    ),
];

/// Tells the recorder what each metric means.
pub(crate) fn describe() {
    for (name, help) in METRICS {
        match *name {
            name if name.ends_with("_total") => describe_counter!(name, *help),
            name if name.ends_with("_batch_seconds")
                || name.ends_with("call_seconds")
                || name == "quell_verdict_age_seconds" =>
            {
                describe_histogram!(name, *help);
            }
            name => describe_gauge!(name, *help),
        }
    }
}

/// Alerts were taken in.
pub(crate) fn alerts_taken(counts: &Counts, took: Duration) {
    for (name, count) in counts.named() {
        counter!("quell_alerts_total", "result" => name).increment(count);
    }
    histogram!("quell_intake_batch_seconds").record(took.as_secs_f64());
}

/// A delivery was refused.
pub(crate) fn delivery_refused(route: &'static str) {
    counter!("quell_intake_refused_total", "route" => route).increment(1);
}

/// A source warned of something.
pub(crate) fn source_warned(route: &'static str) {
    counter!("quell_source_warnings_total", "route" => route).increment(1);
}

/// Raw lines went through the rules.
pub(crate) fn lines_detected(lines: usize, alerts: usize) {
    counter!("quell_log_lines_total", "result" => "alert").increment(alerts as u64);
    counter!("quell_log_lines_total", "result" => "none")
        .increment(lines.saturating_sub(alerts) as u64);
}

/// The time of a raw log went back, and what frequency rules remembered was dropped.
pub(crate) fn log_time_went_back() {
    counter!("quell_log_time_jumps_total").increment(1);
}

/// An incident was judged.
pub(crate) fn judged(analyst: &'static str, severity: &str, age: Duration, is_late: bool) {
    counter!("quell_verdicts_total", "analyst" => analyst, "severity" => severity.to_owned())
        .increment(1);
    // What the playbook says in the meantime comes within a second, and would hide how long the model takes.
    histogram!("quell_verdict_age_seconds", "analyst" => analyst, "severity" => severity.to_owned())
        .record(age.as_secs_f64());
    if is_late {
        counter!("quell_deadline_misses_total", "severity" => severity.to_owned()).increment(1);
    }
}

/// Models were asked about a case.
pub(crate) fn models_asked(
    backend: &str,
    calls: u32,
    prompt_tokens: u32,
    completion_tokens: u32,
    took: Duration,
) {
    counter!("quell_model_calls_total").increment(u64::from(calls));
    counter!("quell_model_tokens_total", "kind" => "prompt").increment(u64::from(prompt_tokens));
    counter!("quell_model_tokens_total", "kind" => "completion")
        .increment(u64::from(completion_tokens));
    histogram!("quell_model_call_seconds", "backend" => backend.to_owned())
        .record(took.as_secs_f64());
}

/// A backend failed as a server, or recovered.
pub(crate) fn backend_health(backend: &str, is_well: bool, is_resting: bool) {
    if !is_well {
        counter!("quell_model_failures_total", "backend" => backend.to_owned()).increment(1);
    }
    gauge!("quell_breaker_open", "backend" => backend.to_owned()).set(if is_resting {
        1.0
    } else {
        0.0
    });
}

/// A draft failed a check.
pub(crate) fn check_failed(name: &str) {
    counter!("quell_checks_failed_total", "check" => name.to_owned()).increment(1);
}

/// A message was tried.
pub(crate) fn message(sink: &str, result: &'static str) {
    counter!("quell_messages_total", "sink" => sink.to_owned(), "result" => result).increment(1);
}

/// What waits for a verdict.
pub(crate) fn queue(queue: &[QueueRow], now: Timestamp) {
    let age = |row: &QueueRow| now.since(row.oldest);
    gauge!("quell_queue_jobs").set(as_f64(queue.iter().map(|row| row.jobs).sum()));
    let oldest = queue.iter().map(age).max().unwrap_or_default();
    gauge!("quell_queue_age_seconds").set(oldest.as_secs_f64());
    for (severity, row) in by_severity(queue) {
        // What nothing waits in is set too, or it would keep its last value.
        let count = |field: fn(&QueueRow) -> u64| as_f64(row.map_or(0, field));
        let severity = severity.as_str();
        gauge!("quell_backlog_incidents", "severity" => severity).set(count(|row| row.jobs));
        gauge!("quell_backlog_unjudged_incidents", "severity" => severity)
            .set(count(|row| row.unjudged));
        gauge!("quell_backlog_interim_incidents", "severity" => severity)
            .set(count(|row| row.interim));
        gauge!("quell_backlog_overdue_incidents", "severity" => severity)
            .set(count(|row| row.overdue));
        gauge!("quell_backlog_age_seconds", "severity" => severity)
            .set(row.map_or(0.0, |row| age(row).as_secs_f64()));
    }
}

/// What a model is at.
pub(crate) fn model_running(backend: &str, cases: usize) {
    gauge!("quell_model_running_cases", "backend" => backend.to_owned()).set(as_f64(cases as u64));
}

/// How things stand in memory, twice a second.
pub(crate) fn standing(in_memory: usize, deliveries: usize) {
    gauge!("quell_incidents_in_memory").set(as_f64(in_memory as u64));
    gauge!("quell_intake_queue_deliveries").set(as_f64(deliveries as u64));
}

/// How many messages wait for a sink, and how many were given up.
pub(crate) fn outbox(sink: &str, waiting: u64, given_up: u64) {
    gauge!("quell_outbox_given_up_messages", "sink" => sink.to_owned()).set(as_f64(given_up));
    gauge!("quell_outbox_messages", "sink" => sink.to_owned()).set(as_f64(waiting));
}

/// A limit that is in force.
pub(crate) fn limit(name: &'static str, value: u64) {
    gauge!("quell_limit", "name" => name).set(as_f64(value));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float; counts beyond 2^53 do not occur"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}
