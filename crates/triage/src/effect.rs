//! Whether an attack worked, as far as the answers to it give away.
//!
//! One answer with success proves nothing: a page that ignores a parameter answers every attack on it so. But an attack is seldom one
//! request, and answers can be compared. Each [`Proof`] below is an argument that an analyst with nothing but the access log would
//! accept, made at one place (path and parameter) of one incident:
//!
//! - the same statement with other numbers is answered in two ways, again and again: an oracle;
//! - broken statements make the server fail, whole ones that read data are answered;
//! - the answers to commands differ by more than a page that repeats the request could make them differ;
//! - the answer follows the file that is named;
//! - one answer is many times as large as all others there, and the request asked for that;
//! - the page grows by exactly the length of the script, to the byte, where masking it would have made it longer;
//! - the place gave in to the same kind of attack before.
//!
//! Where requests are refused by a wall that says so with success and a page of its own, answers differ too, in two ways. So two
//! kinds of answers are enough only where it is known that there is no such page: see [`Known::is_open`].
//!
//! It only finds; nothing here can lower an incident. What it can't see stays unknown: attacks that answer elsewhere (a lookup, a
//! connection back), the place that a redirect leads to, and scripts that wait in a page for others.

use alert::Class;
use alert::answer::{Answer, Answers, Effect, FORMS, Place, Proof};

use crate::observe::asked::Asked;

/// What is known of a place from before this incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// The place gave in to this kind of attack before.
    pub is_weak: bool,
    /// Times that the server failed here on a stray quote.
    pub stumbles: u64,
    /// The actor's attacks were answered at several places, and no answer at two of them: there is no common page of refusal.
    pub is_open: bool,
    /// How many answers with success are known of here, and the largest of them.
    pub usual: (u64, u64),
}

/// Times that each of two answers must be seen to be an oracle's. Guessing one character by halves takes seven questions; four of each
/// kind are more than a page that changes once in between gives.
const ORACLE_TIMES_MIN: u64 = 4;

/// Answers that differ from each other by more than an echo: a page, a wall's page, and one more.
const KINDS_MIN: usize = 3;

/// Times that a page may write out a value: as title, in the field, in the text.
const ECHOES_MAX: u64 = 3;

/// Bytes by which a page may differ from itself (a time, a token, a number of digits more): an eighth of a line, or one part in 64.
const SLACK_BYTES: u64 = 8;
const SLACK_PART: u64 = 64;

/// Slack where an echo is taken to the byte: digits of a count or of a time.
const EXACT_SLACK_BYTES: u64 = 4;

/// How many times as large as all others an answer must be to be more than a longer list.
const FAR_LARGER_TIMES: u64 = 4;

/// Answers that must be known before one is called far larger.
const USUAL_MIN: u64 = 3;

/// The same for a statement that takes something: a page that reads the number in front of it and ignores the rest gives a large page for one
/// number and a small one for another, but whoever asks that often has seen both.
const USUAL_OF_STATEMENTS_MIN: u64 = 32;

/// Looks for what gives the attack away that was just noted in `answers`, of one actor or of a crowd.
pub fn of(
    class: Class,
    answers: &Answers,
    asked: &Asked,
    known: &Known,
    is_crowd: bool,
) -> Option<Effect> {
    let place = answers.place(asked.place)?;
    let is_success = asked.answer.is_success();
    let effect = |proof, seen: u64, beside: u64| {
        Some(Effect { proof, place: place.name.clone(), seen, beside })
    };
    if let Some((one, other)) = oracle(class, place) {
        return effect(Proof::Oracle, one, other);
    }
    if class == Class::SqlInjection
        && let Some((whole, broken)) = completed(place, known)
    {
        return effect(Proof::Completed, whole, broken);
    }
    // Many actors may see a page in many ways, and what is looked for has an answer of its own.
    let is_comparable = !is_crowd && !asked.is_search && !varies(place);
    if is_comparable && let Some((requests, kinds)) = own_answers(class, place, known) {
        return effect(Proof::OwnAnswers, requests, kinds);
    }
    if is_comparable
        && is_file(class)
        && let Some(size) = file_followed(answers, place, known)
    {
        return effect(Proof::FileFollowed, size, 0);
    }
    if class == Class::Xss
        && let Some(times) = echoed(place)
    {
        return effect(Proof::Echoed, times, 0);
    }
    if known.is_weak && is_success && (class != Class::SqlInjection || asked.answer.takes) {
        return effect(Proof::KnownWeak, asked.answer.size, 0);
    }
    let (usual_count, usual_size) = known.usual;
    let usual_min = match class {
        Class::NosqlInjection => Some(USUAL_MIN),
        Class::SqlInjection if asked.answer.takes && is_comparable => Some(USUAL_OF_STATEMENTS_MIN),
        _ => None,
    };
    if usual_min.is_some_and(|least| usual_count >= least)
        && is_success
        && usual_size > 0
        && asked.answer.size / FAR_LARGER_TIMES >= usual_size
    {
        return effect(Proof::FarLarger, asked.answer.size, usual_size);
    }
    None
}

/// Tells whether a class reads files by their name.
pub(crate) const fn is_file(class: Class) -> bool {
    matches!(class, Class::PathTraversal | Class::FileInclusion)
}

/// Finds one statement that is answered in two ways. Only one that takes something: who asks whether 1 is 1 has tried the door.
fn oracle(class: Class, place: &Place) -> Option<(u64, u64)> {
    if !matches!(class, Class::SqlInjection | Class::NosqlInjection) {
        return None;
    }
    let often = |answer: &&Answer| answer.count >= ORACLE_TIMES_MIN && answer.takes;
    place.answered.iter().filter(often).find_map(|one| {
        let mut all = place.answered.iter().chain(&place.failed).filter(often);
        let other = all.find(|other| {
            one.stem == other.stem
                && one.shape == other.shape
                && (!other.is_success() || apart(one, other))
        })?;
        Some((one.count, other.count))
    })
}

/// Finds statements that read data and were answered, where broken ones made the server fail. A value that is looked up as a whole
/// fails always or never. A wall that refuses with success gives one page, so there must be a second answer, or none missing.
fn completed(place: &Place, known: &Known) -> Option<(u64, u64)> {
    let taking = place.answered.iter().filter(|answer| answer.takes);
    let whole: u64 = taking.map(|answer| answer.count).sum();
    // The very same statement that failed once and was answered once met a busy server.
    let is_answered = |value: u32| place.answered.iter().any(|answer| answer.value == value);
    let failed =
        place.failed.iter().filter(|answer| answer.status == 500 && !is_answered(answer.value));
    let broken = failed.map(|answer| answer.count).sum::<u64>().saturating_add(known.stumbles);
    let all: Vec<&Answer> = place.answered.iter().collect();
    let is_second = kinds_exactly(&all) >= 2
        || place.failed.iter().any(|answer| matches!(answer.status, 404 | 410));
    (whole > 0 && broken > 0 && (is_second || known.is_open)).then_some((whole, broken))
}

/// Counts answers that no echo makes of each other. Values that begin with different numbers are not compared: each may be the page of its
/// number.
fn own_answers(class: Class, place: &Place, known: &Known) -> Option<(u64, u64)> {
    let is_sql = class == Class::SqlInjection;
    let gives_output = matches!(
        class,
        Class::CommandInjection
            | Class::CodeInjection
            | Class::Ssti
            | Class::Webshell
            | Class::Ssrf
            | Class::Xxe
            | Class::SqlInjection
    );
    if !gives_output {
        return None;
    }
    let mut stems: Vec<u32> = place.answered.iter().map(|answer| answer.stem).collect();
    stems.sort_unstable();
    stems.dedup();
    stems.into_iter().find_map(|stem| {
        let those: Vec<&Answer> = place
            .answered
            .iter()
            .filter(|answer| answer.stem == stem && (answer.takes || !is_sql))
            .collect();
        let kinds = kinds_apart(&those);
        let exactly = kinds_exactly(&those);
        // A server that fails as a gateway does went to fetch, and those inside it could reach.
        let is_fetched = class == Class::Ssrf
            && exactly >= 2
            && place.failed.iter().any(|answer| matches!(answer.status, 502 | 504));
        let is_proof = kinds >= KINDS_MIN
            || kinds == KINDS_MIN - 1 && (known.is_open || !is_sql && exactly >= KINDS_MIN)
            || is_fetched;
        is_proof.then(|| {
            let requests = those.iter().map(|answer| answer.count).sum();
            (requests, u64::try_from(kinds.max(2)).unwrap_or(u64::MAX))
        })
    })
}

/// Finds an answer that follows the name of the file: at this place other names get other answers, and it isn't a page of refusal.
fn file_followed(answers: &Answers, place: &Place, known: &Known) -> Option<u64> {
    let all: Vec<&Answer> = place.answered.iter().collect();
    all.iter().copied().find_map(|one| {
        let others_fail = place
            .failed
            .iter()
            .any(|other| matches!(other.status, 404 | 410) || other.status >= 500);
        let other_file =
            place.answered.iter().any(|other| other.object != one.object && apart(one, other));
        // Elsewhere the same file gets another answer, so what came here is no page that stands for all refusals.
        let is_of_here = answers.places().filter(|other| other.key != place.key).any(|other| {
            other.failed.iter().any(|answer| answer.object == one.object)
                || other
                    .answered
                    .iter()
                    .any(|answer| answer.object == one.object && apart(one, answer))
        });
        let kinds = kinds_apart(&all) + usize::from(others_fail);
        let is_proof = (others_fail || other_file) && (known.is_open || is_of_here)
            || other_file && kinds >= KINDS_MIN;
        (is_proof && one.size > 0).then_some(one.size)
    })
}

/// Counts answers to scripts that grow by exactly the length of the script, where masked markup would have grown by more.
fn echoed(place: &Place) -> Option<u64> {
    let form = |form: usize| {
        let mut best = (0_usize, 0_usize);
        for times in 1..=ECHOES_MAX {
            for one in &place.answered {
                let rest = rest_without(one, form, times);
                let alike: Vec<&Answer> = place
                    .answered
                    .iter()
                    .filter(|other| rest.is_some() && rest_without(other, form, times) == rest)
                    .collect();
                let mut lengths: Vec<u32> = alike.iter().map(|answer| answer.forms[0]).collect();
                lengths.sort_unstable();
                lengths.dedup();
                let has_markup = alike.iter().any(|answer| answer.forms[1] > answer.forms[0]);
                if lengths.len() >= 2 && has_markup {
                    best = best.max((lengths.len(), alike.len()));
                }
            }
        }
        best.0
    };
    let raw = form(0);
    let masked = (1..FORMS).map(form).max().unwrap_or(0);
    let most = place.answered.len();
    (raw >= 2 && raw > masked && raw * 3 >= most.min(6) * 2)
        .then(|| u64::try_from(raw).unwrap_or(u64::MAX))
}

/// Gives the size of an answer without what it repeats of the value.
fn rest_without(answer: &Answer, form: usize, times: u64) -> Option<u64> {
    let length = u64::from(*answer.forms.get(form)?);
    answer.size.checked_sub(length.checked_mul(times)?)
}

/// Tells whether a place answers the very same value in different ways: then it changes by itself, and sizes prove nothing.
fn varies(place: &Place) -> bool {
    place.answered.iter().any(|one| {
        let is_twin = |other: &&Answer| {
            other.value == one.value && other.size.abs_diff(one.size) > slack(one.size)
        };
        place.answered.iter().any(|other| is_twin(&other))
    })
}

fn slack(size: u64) -> u64 {
    SLACK_BYTES.max(size / SLACK_PART)
}

/// The sizes that the page around an answer may have, if it repeats the value as often as pages do, in whatever form.
fn around(answer: &Answer) -> (u64, u64) {
    let longest = answer.forms.iter().copied().map(u64::from).max().unwrap_or(0);
    let echo = longest.saturating_mul(ECHOES_MAX);
    (answer.size.saturating_sub(echo), answer.size.saturating_add(slack(answer.size)))
}

/// Tells whether two answers differ by more than any echo of the values explains.
fn apart(one: &Answer, other: &Answer) -> bool {
    let ((low, high), (other_low, other_high)) = (around(one), around(other));
    high < other_low || other_high < low
}

/// Tells whether an answer is unlike every answer with success that is kept of its place.
pub(crate) fn stands_apart(answers: &Answers, asked: &Asked) -> bool {
    let place = answers.place(asked.place);
    place.is_none_or(|place| place.answered.iter().all(|known| apart(known, &asked.answer)))
}

/// Counts answers of which no two can be one page: the most intervals that don't touch.
fn kinds_apart(answers: &[&Answer]) -> usize {
    let mut spans: Vec<(u64, u64)> = answers.iter().map(|answer| around(answer)).collect();
    spans.sort_by_key(|(_, high)| *high);
    let mut kinds = 0;
    let mut covered = None;
    for (low, high) in spans {
        if covered.is_none_or(|covered| low > covered) {
            kinds += 1;
            covered = Some(high);
        }
    }
    kinds
}

/// Tells whether answers to different files or expressions are all alike, so that the server gave the same page to each. Where the class
/// shows in the answer that is a failure; elsewhere it says nothing.
pub fn are_alike(class: Class, answers: &Answers) -> bool {
    if answers.is_partial || !(is_file(class) || class == Class::Ssti) {
        return false;
    }
    let mut is_answered = false;
    for place in answers.places().filter(|place| !place.answered.is_empty()) {
        let those: Vec<&Answer> = place.answered.iter().collect();
        let differ = |one: &&Answer| {
            those.iter().any(|other| {
                if is_file(class) { other.object != one.object } else { other.value != one.value }
            })
        };
        if !those.iter().all(differ) || kinds_apart(&those) > 1 || kinds_exactly(&those) > 1 {
            return false;
        }
        is_answered = true;
    }
    is_answered
}

/// Counts kinds under the echo that leaves fewest, taken to the byte. An answer that values of different lengths got is one kind, whatever
/// others repeat: a page of refusal.
fn kinds_exactly(answers: &[&Answer]) -> usize {
    let is_fixed = |one: &&Answer| {
        answers.iter().any(|other| other.size == one.size && other.forms[0] != one.forms[0])
    };
    let (fixed, others): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|one| is_fixed(one));
    let fixed = clusters(fixed.iter().map(|answer| answer.size).collect());
    let under = |form: usize, times: u64| {
        let rests: Vec<u64> =
            others.iter().filter_map(|answer| rest_without(answer, form, times)).collect();
        // One that is shorter than its value repeats nothing.
        usize::from(rests.len() < others.len()) + clusters(rests)
    };
    let forms = (0..FORMS).flat_map(|form| (0..=ECHOES_MAX).map(move |times| (form, times)));
    fixed + forms.map(|(form, times)| under(form, times)).min().unwrap_or(0)
}

/// Counts groups of sizes that are the same but for a few bytes.
fn clusters(mut sizes: Vec<u64>) -> usize {
    sizes.sort_unstable();
    let mut count = 0;
    let mut last: Option<u64> = None;
    for size in sizes {
        if last.is_none_or(|last| size > last.saturating_add(EXACT_SLACK_BYTES)) {
            count += 1;
            last = Some(size);
        }
    }
    count
}

#[cfg(test)]
mod tests;
