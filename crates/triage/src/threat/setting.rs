//! What the setting of an incident does to its level: what comes every day weighs less, what stands out weighs more.
//!
//! Less only for what has no class and is not serious, and never below a floor: whoever makes his attack a habit must not gain by it. More
//! for whatever has no measure of its own; attacks in requests and guessed passwords are measured by what became of them.

use alert::Class;
use alert::incident::{Incident, Success};

/// The level up to which standing out alone raises: a serious attempt. More takes evidence of what it is.
const RAISED_MAX: u8 = 6;

/// The same for what has no class and only rules of level 3 and below say: they report, they don't warn.
const REPORT_RAISED_MAX: u8 = 4;

/// The level of what comes on every other day at least.
const USUAL_LEVEL: u8 = 1;

/// The rule level from which on nothing is taken for a habit: whoever wrote such a rule wants to be told.
const SERIOUS_RULE_LEVEL: u8 = 12;

/// What company must add for the floor to rise too.
const STRONG_COMPANY: u8 = 2;

/// Weighs the level that an incident would have anywhere.
pub(super) fn weigh(incident: &Incident, (level, reason): (u8, String)) -> (u8, String) {
    let setting = &incident.setting;
    let text = setting.text();
    if text.is_empty() {
        return (level, reason);
    }
    let raised = if is_measured_otherwise(incident.class) {
        level
    } else {
        let is_report = incident.level_max <= 3 && has_no_class(incident.class);
        let most = if is_report { REPORT_RAISED_MAX } else { RAISED_MAX };
        level.saturating_add(setting.points()).min(most).max(level)
    };
    let lowered = if may_be_a_habit(incident) { by_habit(incident, level) } else { level };
    match (raised > level, lowered < level) {
        (true, _) => (raised, format!("{reason}; raised from {level}: {text}")),
        (_, true) => (lowered, format!("{reason}; lowered from {level}: {text}")),
        _ => (level, format!("{reason}; {text}")),
    }
}

/// Gives a floor to what is one of many unusual things that came together: an analyst who sees one of them must not play it down.
pub(super) fn floor(incident: &Incident, typical: u8) -> Option<(u8, String)> {
    let setting = &incident.setting;
    let is_strong = setting.is_unusual()
        && setting.company_points() >= STRONG_COMPANY
        && !is_measured_otherwise(incident.class);
    is_strong.then(|| {
        let reason = format!(
            "it is one of {} unusual things that came to this machine within minutes",
            setting.company
        );
        (typical.saturating_sub(2), reason)
    })
}

fn by_habit(incident: &Incident, level: u8) -> u8 {
    use alert::setting::Habit;
    let setting = &incident.setting;
    match setting.habit {
        _ if setting.is_alone => level,
        Habit::Usual => level.min(USUAL_LEVEL),
        Habit::Known => level.saturating_sub(1).max(USUAL_LEVEL.min(level)),
        // The site's routine has reached one more machine: known, as long as nothing else speaks for it being this machine's own.
        Habit::New if setting.is_known_elsewhere && setting.points() == 0 => {
            level.saturating_sub(1).max(USUAL_LEVEL.min(level))
        }
        _ => level,
    }
}

/// Tells whether an incident may be ordinary: it has no class of an attack, and nothing in it says more than its rule does.
fn may_be_a_habit(incident: &Incident) -> bool {
    has_no_class(incident.class)
        && incident.level_max < SERIOUS_RULE_LEVEL
        && incident.success == Success::None
        && incident.injection.is_none()
        && incident.finding().is_none()
        && incident.forged_marks == 0
        && !incident.hidden.is_suspicious()
}

/// Tells whether a class says nothing of an attack.
pub(crate) const fn has_no_class(class: Class) -> bool {
    matches!(
        class,
        Class::Other
            | Class::Login
            | Class::WebError
            | Class::SystemError
            | Class::PolicyViolation
            | Class::Benign
    )
}

/// Tells whether a class has a ladder of its own, which what is usual says nothing about.
const fn is_measured_otherwise(class: Class) -> bool {
    class.is_web_exploit() || matches!(class, Class::BruteForce | Class::Benign)
}
