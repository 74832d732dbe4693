//! The panel of analysts: the models in the order of the configuration, and the playbook behind them.
//!
//! A model is asked once, gets one chance to repair an answer that can't be used, then the next model is asked, then the playbook judges. Whoever
//! judged, the draft goes through the same checks. A verdict says who judged, and if no model did, why.

use std::sync::Arc;
use std::time::Duration;

use alert::Clock;
use alert::verdict::{Analyst, Check, Cost, Draft, PROMPT_VERSION, Verdict};
use model::{AskError, Backend, Prompt, playbook, prompt};
use triage::checks;
use triage::schedule::{Precedent, Turn};

use crate::desk::Case;
use crate::standing::Spent;

/// Pauses while a server says that it loads a model. A 14B model takes up to 10 s from an SSD.
const LOADING_PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Failures of a case that its verdict tells of.
const FAILURES_MAX: usize = 6;

/// Longest account of why no model judged: six failures of a line each.
pub(crate) const REASON_CHARACTERS_MAX: usize = 600;

/// One model of the panel.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) backend: Backend,
    /// Tokens of an answer at most.
    pub(crate) max_tokens: u32,
}

impl Seat {
    pub(crate) fn name(&self) -> &str {
        &self.backend.config().name
    }
}

/// What came of asking.
#[derive(Debug)]
pub(crate) struct Opinion {
    pub(crate) verdict: Verdict,
    /// For each model that was asked: its place in the panel, and why it did not work as a server, if so.
    pub(crate) health: Vec<(usize, Option<String>)>,
    /// For each model that was asked: its place in the panel, what it cost, and why it gave no verdict, if so.
    pub(crate) uses: Vec<(usize, Spent, Option<String>)>,
}

/// Judges a case by the models at `seats`, then by the playbook.
pub(crate) async fn judge(
    panel: &[Arc<Seat>],
    seats: &[usize],
    case: &Case,
    nonce: &str,
    clock: &dyn Clock,
) -> Opinion {
    let started = clock.now();
    let mut cost = Cost::default();
    let (mut health, mut uses) = (Vec::new(), Vec::new());
    if case.turn == Turn::Model {
        for seat in seats {
            let Some(model) = panel.get(*seat) else { continue };
            let (before, begun, mut generation_ms) = (cost.clone(), clock.now(), 0);
            let answered = ask(model, case, nonce, &mut cost, &mut generation_ms).await;
            let spent = Spent {
                took_ms: millis(clock.now().since(begun)),
                prompt_tokens: u64::from(cost.prompt_tokens.saturating_sub(before.prompt_tokens)),
                completion_tokens: u64::from(
                    cost.completion_tokens.saturating_sub(before.completion_tokens),
                ),
                generation_ms,
            };
            match answered {
                Ok((draft, analyst)) => {
                    health.push((*seat, None));
                    uses.push((*seat, spent, None));
                    cost.elapsed_ms = millis(clock.now().since(started));
                    return Opinion {
                        verdict: assemble(case, draft, analyst, cost, clock),
                        health,
                        uses,
                    };
                }
                Err(failure) => {
                    uses.push((*seat, spent, Some(failure.text.clone())));
                    health.push((*seat, failure.is_backend_fault.then(|| failure.text.clone())));
                    note(&mut cost, format!("{}: {}", model.name(), failure.text));
                }
            }
        }
    }
    cost.elapsed_ms = millis(clock.now().since(started));
    // Which models were asked and what each of them did, not only the last.
    let why = alert::sanitize::cut(&cost.failures.join("; "), REASON_CHARACTERS_MAX, false);
    let mut opinion = by_playbook(case, why, clock);
    opinion.verdict.cost = cost;
    Opinion { health, uses, ..opinion }
}

/// Judges a case by the playbook. `why` tells people why no model did.
pub(crate) fn by_playbook(case: &Case, why: String, clock: &dyn Clock) -> Opinion {
    let campaign = case.context.campaign.as_deref();
    let (draft, why) = match &case.stands {
        // Its words know less of how many there were, and more of what it means, than the playbook's.
        Some(stands) => (stands.draft.clone(), format!("{why}; {}", standing(stands))),
        None => {
            let mut draft = playbook::judge(&case.incident, &case.bounds, campaign);
            let why = match case.like.first() {
                Some(closest) => {
                    // Never lower than its own evidence: what is like it may only speak for more.
                    draft.threat_level = draft.threat_level.max(closest.threat_level);
                    format!("{why}; {}", likes(&case.like))
                }
                None => why,
            };
            (draft, why)
        }
    };
    let mut verdict = assemble(case, draft, Analyst::Playbook, Cost::default(), clock);
    lower_none(&mut verdict, case.standing);
    verdict.model_pending = matches!(case.turn, Turn::Interim(_));
    verdict.backlog = case.backlog.filter(|_| verdict.model_pending);
    verdict.playbook_reason =
        if why.is_empty() { "no model of the panel could be asked".to_owned() } else { why };
    Opinion { verdict, health: Vec::new(), uses: Vec::new() }
}

/// Keeps the playbook from lowering the level that stands. It knows less than the model that it may stand in for, and a model that hangs must
/// not make an incident look harmless.
fn lower_none(verdict: &mut Verdict, standing: Option<u8>) {
    let said = verdict.draft.threat_level;
    let held = standing.unwrap_or(0).min(verdict.bounds.ceiling);
    if said < held {
        verdict.draft.threat_level = held;
        verdict.checks.push(Check {
            name: "level_not_lowered".to_owned(),
            passed: false,
            detail: format!("raised from {said} to {held}, where an earlier verdict stands: the playbook lowers none"),
        });
    }
}

/// Names the incidents that one is like, and who judged them how.
fn likes(like: &[Precedent]) -> String {
    let one = |precedent: &Precedent| {
        format!(
            "{}, which {} judged at level {}",
            precedent.incident_id, precedent.analyst, precedent.threat_level
        )
    };
    format!("like {}", like.iter().map(one).collect::<Vec<_>>().join(", and "))
}

/// Says whose words stand. A verdict that lets others stand says it already.
fn standing(stands: &Verdict) -> String {
    if stands.analyst.is_model() {
        format!("what {} said at revision {} stands", stands.analyst.label(), stands.revision)
    } else {
        stands.playbook_reason.rsplit("; ").next().unwrap_or_default().to_owned()
    }
}

/// Why a model gave no draft.
struct Failure {
    text: String,
    is_backend_fault: bool,
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        Self { text: error.to_string(), is_backend_fault: error.is_backend_fault() }
    }
}

async fn ask(
    seat: &Seat,
    case: &Case,
    nonce: &str,
    cost: &mut Cost,
    generation_ms: &mut u64,
) -> Result<(Draft, Analyst), Failure> {
    let context = seat.backend.config().num_ctx;
    let question = |context| {
        prompt::incident(
            &case.incident,
            &case.bounds,
            &case.context,
            nonce,
            context,
            seat.max_tokens,
        )
    };
    let mut first = question(context);
    let mut answered = call(seat, &first, cost, generation_ms).await;
    if let Err(AskError::PromptTooLong { .. } | AskError::Truncated { .. }) = &answered {
        // The estimate was too low for this tokenizer: half the room is enough for the most telling evidence.
        first = question(context / 2);
        answered = call(seat, &first, cost, generation_ms).await;
    }
    let (text, complaint) = match answered {
        Ok(answer) => match Draft::parse(&answer.text) {
            Ok(draft) => return Ok((draft, analyst(seat, answer.model))),
            Err(complaint) => (answer.text, complaint),
        },
        Err(AskError::CutByLength { max_tokens }) => {
            (String::new(), format!("it was cut at {max_tokens} tokens"))
        }
        Err(error) => return Err(error.into()),
    };
    note(cost, format!("{}: {complaint}; asked once more", seat.name()));
    let again = prompt::repair(&first, &text, &complaint);
    let answer = call(seat, &again, cost, generation_ms).await?;
    match Draft::parse(&answer.text) {
        Ok(draft) => Ok((draft, analyst(seat, answer.model))),
        Err(complaint) => Err(Failure {
            text: format!("its repaired answer could not be used: {complaint}"),
            is_backend_fault: false,
        }),
    }
}

/// Makes one call, waiting while the server loads the model.
async fn call(
    seat: &Seat,
    prompt: &Prompt,
    cost: &mut Cost,
    generation_ms: &mut u64,
) -> Result<model::Answer, AskError> {
    let mut pauses = LOADING_PAUSES.iter();
    loop {
        cost.calls = cost.calls.saturating_add(1);
        match seat.backend.ask(prompt).await {
            Ok(answer) => {
                *generation_ms = generation_ms.saturating_add(answer.generation_ms.unwrap_or(0));
                cost.prompt_tokens =
                    cost.prompt_tokens.saturating_add(answer.prompt_tokens.unwrap_or(0));
                cost.completion_tokens =
                    cost.completion_tokens.saturating_add(answer.completion_tokens.unwrap_or(0));
                return Ok(answer);
            }
            Err(AskError::Loading) => match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(AskError::Loading),
            },
            Err(error) => return Err(error),
        }
    }
}

fn analyst(seat: &Seat, model: String) -> Analyst {
    // llama.cpp's server names a model by the path of its file: the folders say nothing to a reader.
    let name =
        if model.starts_with('/') { model.rsplit('/').next().unwrap_or(&model) } else { &model };
    Analyst::Model { backend: seat.name().to_owned(), model: alert::sanitize::shown(name, 60) }
}

fn note(cost: &mut Cost, failure: String) {
    if cost.failures.len() < FAILURES_MAX {
        cost.failures.push(alert::sanitize::shown(&failure, 300));
    }
}

/// Checks a draft and makes the verdict of it.
pub(crate) fn assemble(
    case: &Case,
    draft: Draft,
    analyst: Analyst,
    cost: Cost,
    clock: &dyn Clock,
) -> Verdict {
    let (draft, checks) = checks::check(draft, &case.incident, &case.bounds);
    Verdict {
        incident_id: case.incident.id.clone(),
        revision: case.incident.revision,
        analyst,
        asked_at: Some(case.job.queued_at),
        judged_at: clock.now(),
        draft,
        checks,
        bounds: case.bounds.clone(),
        model_pending: false,
        backlog: None,
        playbook_reason: String::new(),
        prompt_version: PROMPT_VERSION.to_owned(),
        cost,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
