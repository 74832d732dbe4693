//! What the screen shows, as JSON for scripts: the same view, the same words, every figure as a number.
//!
//! What `quell status --json` says too has the same name and shape here. The lists of verdicts are bounded: whoever wants all of them reads
//! a sink's file or `quell incidents list --json`.

use alert::{Timestamp, sanitize};
use serde_json::{Map, Value, json};
use store::JudgedRow;

use super::rate::Point;
use super::view::{Order, View, judged_by, waited_ms};
use crate::command::look::Look;

/// Verdicts in each list: what a tall screen has room for.
const VERDICTS_MAX: usize = 20;

/// Longest title, in characters, as on a page of an incident.
const TITLE_CHARACTERS_MAX: usize = 200;

/// Gives what a view shows at a moment.
pub(super) fn snapshot(view: &View, now: Timestamp) -> Value {
    let (glance, text) = view.glance(now);
    let mut object = Map::new();
    object.insert("at".to_owned(), json!(now.to_string()));
    object.insert("standing".to_owned(), json!({"word": glance.word(), "text": text}));
    // What an earlier look saw is not how it stands now.
    if let Some(look) = view.look.as_ref().filter(|_| view.trouble.is_none()) {
        let delay = look.delay(view.promises.calls_per_minute);
        for (name, value) in [
            ("daemon", look.daemon_json()),
            ("funnel", funnel(view, look)),
            ("alerts", json!(look.counts)),
            ("conserved", json!(look.counts.are_conserved(0))),
            ("queue", look.queue_json(view.promises.deadlines)),
            ("overload", delay.json()),
            ("models", json!(look.models_json())),
            ("sources", json!(look.sources_json())),
            ("files", json!(look.files)),
            ("outbox", json!(look.outbox)),
            ("newest", verdicts(view, Order::Newest)),
            ("slowest", verdicts(view, Order::Slowest)),
            ("most_dangerous", verdicts(view, Order::MostDangerous)),
        ] {
            object.insert(name.to_owned(), value);
        }
    }
    Value::Object(object)
}

/// Gives each step with its count, and how many a second over the last ten, where there were two looks to tell it from.
fn funnel(view: &View, look: &Look) -> Value {
    let rates = view.history.rates();
    let steps = Point::of(look).steps().into_iter().enumerate().map(|(at, (name, count))| {
        let rate = rates.and_then(|rates| rates.get(at).copied());
        json!({"step": name, "count": count, "per_second": rate.map(tenths)})
    });
    Value::Array(steps.collect())
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn verdicts(view: &View, order: Order) -> Value {
    view.rows(order).into_iter().take(VERDICTS_MAX).map(verdict).collect()
}

fn verdict(row: &JudgedRow) -> Value {
    let (verdict, draft) = (&row.verdict, &row.verdict.draft);
    json!({
        "incident_id": verdict.incident_id,
        "revision": verdict.revision,
        "threat_level": draft.threat_level,
        "class": draft.class,
        "outcome": draft.outcome,
        "by": judged_by(verdict),
        "analyst": verdict.analyst.label(),
        "actor": sanitize::shown(&row.actor, 60),
        "title": sanitize::shown(&draft.title, TITLE_CHARACTERS_MAX),
        "judged_at": verdict.judged_at.to_string(),
        "waited_ms": verdict.asked_at.map(|_| waited_ms(row)),
    })
}
