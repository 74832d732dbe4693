//! Between the store's rows and the values of `triage`: neither knows the other.

use alert::incident::Success;
use alert::{IncidentId, Verdict};
use store::{AlertRow, JobRow};
use triage::campaign::Step;
use triage::priority::Severity;
use triage::schedule::{Job, Novelty, Precedent};

use super::reception::Arrived;

/// Reads a job as the scheduler knows it.
pub(super) fn job(row: &JobRow) -> Job {
    let severity = Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == row.severity)
        .unwrap_or(Severity::Medium);
    let is_more = row.news_revision.is_none() && !row.is_unjudged;
    let novelty = match severity {
        Severity::Low | Severity::Medium if is_more => Novelty::MoreOfTheSame,
        // A serious attack that goes on is what the model said of it, unless it looks more serious since.
        Severity::High if is_more && !row.is_raised => Novelty::MoreOfTheSame,
        Severity::Low | Severity::Medium if row.may_be_like_others => Novelty::MaybeLikeOthers,
        _ => Novelty::News,
    };
    Job {
        incident_id: row.incident_id.clone(),
        revision: row.revision,
        actor: row.actor.clone(),
        kind: row.kind.clone(),
        severity,
        novelty,
        score: row.score,
        queued_at: row.queued_at,
        deadline_at: row.deadline_at,
        has_stand_in: row.is_interim,
        is_unjudged: row.is_unjudged || (row.is_raised && severity >= Severity::High),
        playbook_only: row.playbook_only,
        likeness: row.likeness,
        alert_count: row.alert_count,
    }
}

/// Reads what a model said of an incident, as something that others may be like.
pub(super) fn precedent(verdict: &Verdict, success: Success) -> Precedent {
    Precedent {
        incident_id: verdict.incident_id.clone(),
        analyst: verdict.analyst.label(),
        threat_level: verdict.draft.threat_level,
        level: verdict.bounds.typical,
        success,
        judged_at: verdict.judged_at,
    }
}

/// Reads a step of a campaign.
pub(super) fn step(row: store::StepRow) -> Step {
    Step {
        incident_id: row.id,
        class: row.class,
        target: row.target,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        alert_count: row.alert_count,
    }
}

/// Writes an alert that was folded into an incident. Its texts are taken out of it.
pub(super) fn alert_row(arrived: &mut Arrived, incident_id: IncidentId) -> AlertRow {
    let Arrived { admitted, raw } = arrived;
    AlertRow {
        key: admitted.alert.key,
        incident_id,
        alert_id: std::mem::take(&mut admitted.alert.id),
        time: admitted.time,
        rule_id: std::mem::take(&mut admitted.alert.rule.id),
        level: admitted.alert.rule.level,
        raw: std::mem::take(raw),
    }
}
