//! The playbook: the deterministic analyst, from rule knowledge alone.
//!
//! It is what users without a model get, what stands in while models are busy, and what a model's verdict is measured against. It says what kind
//! of thing an incident is, how bad by the evidence, and what to do, naming the actual path, parameter, account and address.
//! It never pretends to be a model: its verdicts carry its name.

use alert::detail::Detail;
use alert::incident::{Actor, Evidence, Incident, Success};
use alert::verdict::{Bounds, Draft};
use alert::{Class, Outcome, sanitize};

mod advice;

/// Longest quote that the playbook takes from the evidence, in characters.
const QUOTE_CHARACTERS_MAX: usize = 160;

/// Judges an incident. `campaign` is what else the same actor did, in one line.
pub fn judge(incident: &Incident, bounds: &Bounds, campaign: Option<&str>) -> Draft {
    let scene = Scene::of(incident);
    let outcome = outcome(incident);
    let mut summary =
        format!("{} {}", what(incident, &scene), so_far(incident, &scene)).trim_end().to_owned();
    if let Some(campaign) = campaign {
        summary.push_str(&format!(" The same actor also shows up in: {campaign}."));
    }
    if incident.injection.is_some() {
        summary.push_str(
            " The log text tries to instruct a language model, which no honest client does.",
        );
    }
    if incident.forged_marks > 0 {
        summary.push_str(" It pretends to be output of Quell itself.");
    }
    if incident.hidden.is_suspicious() {
        summary.push_str(" Characters that hide text or act on a terminal were removed from it.");
    }
    let false_positive = incident.class == Class::WebAttack && bounds.floor <= 2;
    let mut draft = Draft {
        title: title(incident, &scene),
        summary,
        evidence: quotes(incident),
        class: incident.class,
        outcome,
        threat_level: bounds.typical,
        confidence: confidence(incident),
        false_positive,
        mitre: techniques(incident),
        indicators: indicators(incident),
        recommendations: advice::steps(incident, &scene),
        unknowns: advice::unknowns(incident, &scene),
    };
    draft.bound();
    draft
}

/// The names that a text about an incident uses.
struct Scene {
    actor: String,
    target: String,
    /// The path or other object that carries the strongest evidence.
    object: String,
    /// The query parameter that carries it.
    parameter: Option<String>,
    /// How many different objects there were.
    objects: u64,
}

impl Scene {
    fn of(incident: &Incident) -> Self {
        let object = strongest(incident)
            .and_then(|evidence| path_of(evidence, incident))
            .or_else(|| incident.objects.names().next().map(str::to_owned))
            .unwrap_or_default();
        Self {
            actor: match &incident.actor {
                // The machine itself did nothing; the alerts just don't say who.
                Actor::Host(_) => "somebody".to_owned(),
                actor => sanitize::shown(actor.name(), 60),
            },
            target: sanitize::shown(incident.target(), 60),
            object: sanitize::shown(&object, 80),
            parameter: incident.finding().and_then(|(_, finding)| {
                finding.parameter.as_deref().map(|name| sanitize::shown(name, 40))
            }),
            objects: incident.object_count(),
        }
    }

    /// `/item/`, `/item/ and 3 others`, or the target: one name must not stand for all.
    fn places(&self) -> String {
        match (self.object.is_empty(), self.objects.saturating_sub(1)) {
            (true, _) => self.target.clone(),
            (false, 0) => format!("`{}`", self.object),
            (false, 1) => format!("`{}` and 1 other", self.object),
            (false, others) => format!("`{}` and {others} others", self.object),
        }
    }

    /// The strongest place: `the parameter id of /item/`, `/item/`, or the target.
    fn place(&self) -> String {
        match (&self.parameter, self.object.is_empty()) {
            (Some(parameter), false) => format!("the parameter `{parameter}` of `{}`", self.object),
            (_, false) => format!("`{}`", self.object),
            _ => self.target.clone(),
        }
    }
}

fn strongest(incident: &Incident) -> Option<&Evidence> {
    incident.finding().map(|(evidence, _)| evidence).or_else(|| {
        incident.evidence.iter().max_by_key(|evidence| (evidence.success, evidence.level))
    })
}

/// Finds the object of a piece of evidence among those that the incident counted.
fn path_of(evidence: &Evidence, incident: &Incident) -> Option<String> {
    let excerpt = evidence.excerpt.as_raw();
    incident
        .objects
        .names()
        .filter(|name| name.len() > 1 && excerpt.contains(name))
        .max_by_key(|name| name.len())
        .map(str::to_owned)
}

fn title(incident: &Incident, scene: &Scene) -> String {
    let what = advice::heading(incident);
    let from = match &incident.actor {
        Actor::Host(_) => format!("on {}", scene.target),
        Actor::User(user) => format!("by user {} on {}", sanitize::shown(user, 40), scene.target),
        Actor::Address(_) | Actor::Many => format!("from {} against {}", scene.actor, scene.target),
    };
    let detail = Detail::of(incident);
    match incident.class {
        _ if !scene.object.is_empty()
            && matches!(detail, Some(Detail::NewAccount | Detail::NewRoot | Detail::WebScript)) =>
        {
            format!("{what} on {}: {}", scene.target, scene.places())
        }
        Class::Other | Class::SystemError | Class::PolicyViolation | Class::Login => {
            format!("{what}: {} ({from})", incident.rule_description.shown(60))
        }
        class if class.is_web_exploit() && !scene.object.is_empty() && scene.objects > 1 => {
            format!("{what} {from} at {}", scene.places())
        }
        class if class.is_web_exploit() && !scene.object.is_empty() => {
            format!("{what} {from} at {}", scene.object)
        }
        _ => format!("{what} {from}"),
    }
}

fn what(incident: &Incident, scene: &Scene) -> String {
    let alerts = if incident.alert_count == 1 {
        "one alert".to_owned()
    } else {
        format!("{} alerts", incident.alert_count)
    };
    match incident.class {
        Class::Scanner | Class::ForcedBrowsing => scan(incident, scene, &alerts),
        Class::WebError => format!(
            "{} met errors on {} at {} ({alerts}).",
            scene.actor,
            scene.target,
            paths(scene.objects)
        ),
        Class::WebAttack => format!(
            "A rule flagged requests by {} to {} ({alerts}), but the decoded requests hold no attack: the rule matched ordinary words.",
            scene.actor,
            scene.places()
        ),
        Class::BruteForce => {
            format!("{} failed to log in on {} ({alerts}).", scene.actor, scene.target)
        }
        class if class.is_web_exploit() => {
            let reason = incident
                .finding()
                .map_or(String::new(), |(_, finding)| format!(" ({})", finding.reason));
            let elsewhere = match scene.objects {
                0 | 1 => String::new(),
                objects => format!(", and at {} more", paths(objects - 1)),
            };
            format!(
                "{} tried {} through {}{elsewhere} ({alerts}){reason}.",
                scene.actor,
                advice::name(class),
                scene.place()
            )
        }
        _ => {
            let rule = incident.rule_description.shown(140);
            let stop = if rule.ends_with('.') { "" } else { "." };
            let heading = advice::heading(incident);
            format!(
                "{heading} on {}, {alerts}: {rule}{stop}{}",
                scene.target,
                about(incident, scene)
            )
        }
    }
}

/// How many different paths from which on requests for what is not there are a scan. A page with dead links has a handful.
const SCAN_PATHS_MIN: u64 = 20;

fn scan(incident: &Incident, scene: &Scene, alerts: &str) -> String {
    let (actor, target) = (&scene.actor, &scene.target);
    let found =
        incident.finding().map_or(String::new(), |(_, finding)| format!(" ({})", finding.reason));
    if scene.objects >= SCAN_PATHS_MIN {
        return format!(
            "{actor} asked {target} for about {} ({alerts}): a directory scan, looking for pages that nobody linked{found}.",
            paths(scene.objects)
        );
    }
    let what = if incident.class == Class::Scanner {
        "the requests are those of a vulnerability scanner"
    } else if incident.success >= Success::Answered {
        "a file that should not be public was asked for and given"
    } else {
        "pages of the kind that directory scans look for"
    };
    format!("{actor} asked {target} for {} ({alerts}): {what}{found}.", scene.places())
}

/// `1 path`, `7 different paths`.
fn paths(count: u64) -> String {
    if count == 1 { "1 path".to_owned() } else { format!("{count} different paths") }
}

/// What is particular about the incident, in a sentence.
fn about(incident: &Incident, scene: &Scene) -> String {
    match Detail::of(incident) {
        Some(Detail::RefusedPrivileges) => {
            " It was refused: nothing ran with higher privileges.".to_owned()
        }
        Some(Detail::NewRoot) => " Its user id is 0, so it is root by another name.".to_owned(),
        Some(Detail::WebScript) => {
            format!(" The web server runs {} for whoever asks for it.", scene.places())
        }
        Some(Detail::TrafficCapture) => {
            " Something on the machine itself listens to traffic; nothing was scanned.".to_owned()
        }
        Some(Detail::LoginFile) => {
            format!(
                " {} decides who may log in, with which rights, or what every program loads.",
                scene.places()
            )
        }
        Some(Detail::StartFile) => format!(" What {} names runs by itself.", scene.places()),
        Some(
            Detail::TellingCommand
            | Detail::TellingOperation
            | Detail::StoppedWayOut
            | Detail::SensorAlarm,
        ) => incident.finding().map_or_else(String::new, |(_, found)| {
            let reason = &found.reason;
            let (first, rest) = reason.split_at_checked(1).unwrap_or(("", reason));
            format!(" {}{rest}.", first.to_uppercase())
        }),
        Some(Detail::NewAccount | Detail::KnownFlaw) | None => String::new(),
    }
}

fn so_far(incident: &Incident, scene: &Scene) -> String {
    match incident.success {
        Success::Confirmed if incident.class == Class::BruteForce => {
            "It ended in a successful login: treat the account as taken over.".to_owned()
        }
        Success::Confirmed => "The alerts say that it worked.".to_owned(),
        Success::Shown => {
            incident.answers.effect.as_ref().map_or_else(String::new, alert::answer::Effect::text)
        }
        Success::Answered if incident.answers.are_alike => format!(
            "{} answered {} of them with success, but each alike, as a page does that ignores what it is sent.",
            scene.target,
            incident.responses.ok.max(1)
        ),
        Success::Answered if incident.class == Class::OpenRedirect => {
            "The server redirected; where to is not in the log.".to_owned()
        }
        Success::Answered if incident.class.is_web_exploit() => format!(
            "{} answered {} of them with success. Whether it worked is open: {}, so what it gave back must be looked at.",
            scene.target,
            incident.responses.ok.max(1),
            why_open(incident.class)
        ),
        Success::Answered => format!(
            "{} answered {} of them with success: what it gave back must be looked at.",
            scene.target,
            incident.responses.ok.max(1)
        ),
        Success::Reaction => {
            "The server failed on it, so the input reached code that does not handle it.".to_owned()
        }
        Success::None
            if incident.responses.total() > 0
                && incident.responses.missing + incident.responses.refused
                    == incident.responses.total() =>
        {
            "Every request was refused or found nothing.".to_owned()
        }
        Success::None if is_attack(incident.class) => {
            "Nothing in the alerts says that it worked.".to_owned()
        }
        Success::None => String::new(),
    }
}

/// Says why the answers to an attack don't tell whether it worked.
const fn why_open(class: Class) -> &'static str {
    match class {
        Class::Log4shell => "it would show in a connection to elsewhere and not in the answer",
        Class::Xss => "that a script is given back unmasked does not show in these answers",
        _ => {
            "the log has the size of an answer, and these don't differ in a way that only success explains"
        }
    }
}

/// Tells whether a class is something that can work or fail for an attacker.
fn is_attack(class: Class) -> bool {
    class.is_web_exploit()
        || matches!(
            class,
            Class::Scanner
                | Class::ForcedBrowsing
                | Class::BruteForce
                | Class::NetworkScan
                | Class::Exploit
                | Class::DenialOfService
        )
}

fn outcome(incident: &Incident) -> Outcome {
    let answers = incident.responses;
    match incident.success {
        Success::Confirmed | Success::Shown => Outcome::Succeeded,
        Success::Answered if incident.answers.are_alike => Outcome::Attempted,
        Success::Answered => Outcome::Unknown,
        Success::Reaction => Outcome::Attempted,
        Success::None
            if answers.total() > 0 && answers.missing + answers.refused == answers.total() =>
        {
            Outcome::Blocked
        }
        Success::None
            if incident.class.is_web_exploit()
                || matches!(
                    incident.class,
                    Class::BruteForce | Class::Scanner | Class::ForcedBrowsing
                ) =>
        {
            Outcome::Attempted
        }
        Success::None if Detail::of(incident) == Some(Detail::RefusedPrivileges) => {
            Outcome::Blocked
        }
        Success::None => Outcome::Unknown,
    }
}

/// How sure rule knowledge can be: a decoded finding by its strength, a correlated rule more than a single one.
fn confidence(incident: &Incident) -> u8 {
    if let Some((_, finding)) = incident.finding() {
        return 40 + finding.strength / 2;
    }
    let by_level = match incident.level_max {
        12.. => 75,
        10..=11 => 70,
        7..=9 => 55,
        _ => 45,
    };
    match incident.class {
        Class::Other => 30,
        Class::ForcedBrowsing | Class::Scanner if incident.object_count() >= 100 => 90,
        Class::WebAttack => 60,
        _ => by_level,
    }
}

fn quotes(incident: &Incident) -> Vec<String> {
    let mut quotes: Vec<String> = Vec::new();
    let mut evidence: Vec<&Evidence> = incident.evidence.iter().collect();
    evidence.sort_by_key(|piece| {
        std::cmp::Reverse((
            piece.success,
            piece.finding.as_ref().map_or(0, |finding| finding.strength),
            piece.level,
        ))
    });
    for piece in evidence.into_iter().take(3) {
        let text = alert::redact::mask(&piece.excerpt.shown(2000));
        let quote: String = request_of(&text).chars().take(QUOTE_CHARACTERS_MAX).collect();
        if quote.chars().count() >= 4 && !quotes.contains(&quote) {
            quotes.push(quote);
        }
    }
    quotes
}

/// The request in an access-log line, else the whole text.
fn request_of(line: &str) -> &str {
    let Some((_, rest)) = line.split_once('"') else { return line };
    match rest.split_once("\" ") {
        Some((request, _)) if request.contains(" /") || request.contains(" http") => request,
        _ => line,
    }
}

fn techniques(incident: &Incident) -> Vec<String> {
    let mut ids: Vec<String> =
        advice::techniques(incident.class).iter().map(|id| (*id).to_owned()).collect();
    // What the stock rules name for a web attack is a list of everything it might have been: the decoded class knows better.
    if ids.is_empty() {
        ids.extend(incident.techniques.iter().cloned());
    }
    ids
}

fn indicators(incident: &Incident) -> Vec<String> {
    let mut indicators = Vec::new();
    if let Actor::Address(address) | Actor::User(address) = &incident.actor {
        indicators.push(sanitize::shown(address, 80));
    }
    if incident.class.is_web_exploit() {
        indicators.extend(
            incident
                .finding()
                .map(|(_, finding)| alert::redact::mask(&finding.fragment.shown(80)))
                .filter(|text| text.len() > 3),
        );
    }
    indicators
        .extend(incident.actors.names().skip(1).take(2).map(|name| sanitize::shown(name, 80)));
    indicators.dedup();
    indicators
}

#[cfg(test)]
mod tests;
