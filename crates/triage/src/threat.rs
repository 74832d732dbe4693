//! What code alone can say about the danger of an incident: the range that any verdict is held to, and the level that rule knowledge gives.
//!
//! The **floor** keeps an analyst (or a log line that talks to one) from playing an attack down; the **ceiling** keeps it from crying wolf
//! over what was only tried and refused. Both come with their reason. The numbers are judgements of experience, not measurements: a
//! threat level is 0 (nothing) to 10 (stop everything).

use alert::Class;
use alert::detail::Detail;
use alert::incident::{Incident, Reason, Success};
use alert::verdict::{Bounds, THREAT_LEVEL_MAX};

mod setting;

pub(crate) use setting::has_no_class;

/// Different paths from which on a run of missing pages is a scan and not a broken link. A page with dead links has a handful.
pub const SCAN_OBJECTS_MIN: u64 = 20;

/// Different paths from which on a scan is a large one: a dictionary was used.
const SCAN_OBJECTS_LARGE: u64 = 500;

/// Failed logins from which on it is no mistyped password.
pub(crate) const GUESSES_MIN: u64 = 10;

/// Judges an incident by rule knowledge alone.
pub fn assess(incident: &Incident) -> Bounds {
    let (mut typical, mut typical_reason) = setting::weigh(incident, typical(incident));
    let (mut floor, mut floor_reason) = floor(incident, typical);
    let (mut ceiling, mut ceiling_reason) = ceiling(incident);

    if incident.injection.is_some() {
        // Whoever writes to the analyst wants a lower level. He gets a higher one.
        typical = typical.saturating_add(1).clamp(5, THREAT_LEVEL_MAX);
        typical_reason.push_str(", raised for text aimed at a language model");
        if typical > floor {
            floor = typical;
            "the log holds text aimed at a language model".clone_into(&mut floor_reason);
        }
    }
    if ceiling < floor {
        ceiling = floor;
        ceiling_reason.clone_from(&floor_reason);
    }
    if typical < floor {
        typical_reason = format!("{typical_reason}, held up: {floor_reason}");
    }
    Bounds {
        floor,
        floor_reason,
        ceiling,
        ceiling_reason,
        typical: typical.clamp(floor, ceiling),
        typical_reason,
    }
}

/// Tells whether it is a floor alone that holds the level of an incident up, a rule's word for instance, and nothing in what happened.
pub(crate) fn is_held_up(incident: &Incident) -> bool {
    let (typical, _) = setting::weigh(incident, typical(incident));
    typical < floor(incident, typical).0
}

/// The level that the class has if nothing else is known.
const fn base(class: Class) -> u8 {
    match class {
        Class::Webshell | Class::Log4shell => 8,
        Class::CommandInjection | Class::CodeInjection | Class::Malware => 7,
        Class::SqlInjection
        | Class::Ssti
        | Class::FileInclusion
        | Class::Xxe
        | Class::Persistence
        | Class::DefenseEvasion
        | Class::Exfiltration => 6,
        Class::PathTraversal
        | Class::Ssrf
        | Class::NosqlInjection
        | Class::Exploit
        | Class::AccountChange
        | Class::DenialOfService => 5,
        Class::Xss | Class::PrivilegeEscalation => 4,
        Class::OpenRedirect
        | Class::BruteForce
        | Class::NetworkScan
        | Class::Scanner
        | Class::FileIntegrity
        | Class::CommandExecution => 3,
        Class::ForcedBrowsing | Class::WebAttack | Class::PolicyViolation | Class::Other => 2,
        Class::WebError | Class::Login | Class::SystemError => 1,
        Class::Benign => 0,
    }
}

/// What the author of a rule thinks of it, on our scale.
const fn of_rule_level(level: u8) -> u8 {
    match level {
        0..=3 => 1,
        4..=5 => 2,
        6..=7 => 3,
        8..=9 => 4,
        10..=11 => 5,
        12..=13 => 7,
        14 => 8,
        _ => 9,
    }
}

fn typical(incident: &Incident) -> (u8, String) {
    let class = incident.class;
    if class.is_web_exploit() {
        return typical_of_web_exploit(incident);
    }
    let rule_level = of_rule_level(incident.level_max);
    match class {
        Class::Scanner | Class::ForcedBrowsing => {
            // Where the alerts name no path, each is a request of its own: a dictionary does not get small by being logged badly.
            let (objects, what) = if incident.objects.is_empty() {
                (incident.alert_count, "requests")
            } else {
                (incident.object_count(), "different paths")
            };
            let size = if objects >= SCAN_OBJECTS_LARGE {
                2
            } else {
                u8::from(objects >= SCAN_OBJECTS_MIN)
            };
            // A page that was answered is a find; one that should not be public is the find that scans are made for.
            let found = if incident.success >= Success::Answered {
                3
            } else {
                u8::from(incident.responses.ok > 0)
            };
            (
                base(class) + size + found,
                format!("{class}: about {objects} {what}, {} answered", incident.responses.ok),
            )
        }
        Class::WebError | Class::WebAttack => {
            (base(class), format!("{class}: no attack in the decoded requests"))
        }
        Class::BruteForce if incident.success == Success::Confirmed => {
            (9, "a login after many failures".to_owned())
        }
        Class::BruteForce => {
            let many = incident.alert_count >= GUESSES_MIN
                || incident.level_max >= 10
                || incident.reasons.contains(&Reason::Loud);
            (
                base(class) + if many { 2 } else { 0 },
                format!("{} failed logins", incident.alert_count),
            )
        }
        Class::AccountChange if Detail::of(incident) == Some(Detail::NewRoot) => {
            (8, "an account with the user id 0 was made: it is root by another name".to_owned())
        }
        Class::FileIntegrity if Detail::of(incident) == Some(Detail::WebScript) => (
            rule_level.max(6),
            "a program that the web server runs appeared or changed where it serves files"
                .to_owned(),
        ),
        Class::FileIntegrity if Detail::of(incident) == Some(Detail::LoginFile) => (
            rule_level.max(5),
            "a file changed that says who may log in, with which rights, or what every program loads"
                .to_owned(),
        ),
        Class::FileIntegrity if Detail::of(incident) == Some(Detail::StartFile) => (
            rule_level.max(4),
            "a file changed that says what runs by itself".to_owned(),
        ),
        _ if Detail::of(incident) == Some(Detail::TellingCommand) => {
            let told = incident.finding().map_or("", |(_, found)| found.reason.as_str());
            (rule_level.max(7), told.to_owned())
        }
        // The service says itself that it was done, so the level is not that of a class guessed from words.
        _ if Detail::of(incident) == Some(Detail::TellingOperation) => {
            let told = incident.finding().map_or("", |(_, found)| found.reason.as_str());
            let warned = if incident.level_max > 3 { base(class).max(rule_level) } else { 0 };
            (warned.max(4), told.to_owned())
        }
        _ if is_of_traffic(incident) => typical_of_traffic(incident, rule_level),
        // Rules of level 3 and below report, they don't warn: a class guessed from their words is not enough.
        _ if incident.level_max <= 3 => {
            (base(class).min(3), format!("{class}, by a rule of level {}", incident.level_max))
        }
        _ => (
            base(class).max(rule_level),
            format!("{class}, by a rule of level {}", incident.level_max),
        ),
    }
}

fn is_of_traffic(incident: &Incident) -> bool {
    matches!(Detail::of(incident), Some(Detail::StoppedWayOut | Detail::SensorAlarm))
}

/// What a firewall or a sensor says beyond its rule. All that a sensor sees is one rule of Wazuh's, so its level holds nothing down.
fn typical_of_traffic(incident: &Incident, rule_level: u8) -> (u8, String) {
    let class = incident.class;
    let told = incident.finding().map(|(_, found)| found.reason.as_str());
    match (Detail::of(incident), told) {
        (Some(Detail::SensorAlarm), told) => (
            rule_level.max(base(class).saturating_sub(1)),
            format!("{class}: {}", told.unwrap_or_default()),
        ),
        (_, Some(told)) => (rule_level.max(6), told.to_owned()),
        (_, None) => (
            rule_level.max(3),
            "a machine inside was kept from reaching somebody outside".to_owned(),
        ),
    }
}

fn typical_of_web_exploit(incident: &Incident) -> (u8, String) {
    let class = incident.class;
    let answers = incident.responses;
    let (shift, why): (i8, &str) = match incident.success {
        Success::Confirmed => (3, "it worked"),
        Success::Shown => (2, "the answers show that it worked"),
        Success::Answered => (1, "the server answered it with success"),
        Success::Reaction => (0, "the server failed on it"),
        Success::None
            if answers.total() > 0 && answers.missing + answers.refused == answers.total() =>
        {
            (-2, "the server refused it or had no such page")
        }
        Success::None => (-1, "nothing says that it worked"),
    };
    let level = base(class).saturating_add_signed(shift).min(THREAT_LEVEL_MAX);
    (level, format!("{class}: {why}"))
}

fn floor(incident: &Incident, typical: u8) -> (u8, String) {
    let mut floors: Vec<(u8, String)> = vec![(0, "nothing holds it up".to_owned())];
    if incident.class.is_web_exploit() && incident.finding().is_some() {
        floors.push((
            typical.saturating_sub(2).max(2),
            format!("{} in the decoded request", incident.class),
        ));
    }
    if incident.success == Success::Answered && incident.class.rank() < 3 {
        floors.push((3, "a path that should not be public was answered".to_owned()));
    }
    if incident.success == Success::Shown {
        floors.push((typical.saturating_sub(1), "the answers show that it worked".to_owned()));
    }
    if incident.success == Success::Confirmed {
        floors.push((7, "the alerts say that it worked".to_owned()));
    }
    match Detail::of(incident) {
        Some(Detail::NewRoot) => {
            floors.push((5, "an account with the user id 0 was made".to_owned()))
        }
        // A deployment does this too, and somebody who knows of it may say so.
        Some(Detail::WebScript) => {
            floors.push((4, "a program appeared or changed under the web root".to_owned()));
        }
        Some(Detail::LoginFile) => {
            floors.push((
                3,
                "a file changed that says who may log in or with which rights".to_owned(),
            ));
        }
        Some(Detail::TellingCommand) => {
            floors.push((4, "a command ran that hardly anybody but an attacker runs".to_owned()));
        }
        _ => {}
    }
    let by_level = match incident.level_max {
        15.. => 7,
        12..=14 => 5,
        10..=11 => 3,
        _ => 0,
    };
    if by_level > 0 {
        floors.push((by_level, format!("a rule of level {} fired", incident.level_max)));
    }
    floors.extend(setting::floor(incident, typical));
    if incident.forged_marks > 0 {
        floors.push((4, "it claims to be Quell's own output without a genuine mark".to_owned()));
    }
    if incident.hidden.is_suspicious() {
        floors.push((3, "the log line hides or fakes characters".to_owned()));
    }
    floors.into_iter().max_by_key(|(level, _)| *level).unwrap_or_default()
}

fn ceiling(incident: &Incident) -> (u8, String) {
    let none = (THREAT_LEVEL_MAX, "nothing holds it down".to_owned());
    if incident.level_max >= 12 || incident.success > Success::None {
        return none;
    }
    match incident.class {
        Class::Scanner | Class::ForcedBrowsing if incident.responses.ok == 0 => {
            (6, "a scan that found nothing".to_owned())
        }
        Class::WebError => (4, "errors without an attack in them".to_owned()),
        Class::WebAttack => (6, "no attack in the decoded requests".to_owned()),
        class if class.is_web_exploit() && incident.responses.total() > 0 => {
            (8, "nothing says that it worked".to_owned())
        }
        _ => none,
    }
}

#[cfg(test)]
mod tests;
