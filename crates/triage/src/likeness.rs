//! What an incident is like: names that incidents share which one judgement fits.
//!
//! A model that judged "an update of the virus scanner on mail01" need not be asked about the one on mail02, nor about tomorrow's. Three
//! names say how alike two incidents are: of one *sort* (the same thing, said in the same words), of one *kin* (the same thing at the same
//! place, in whatever words), of one *burst* (unusual things that came to one place together). What is serious, told by its class, or what one
//! address does, has a fourth, of one *fleet*: the same thing at many places, which three judgements tell as much about as three
//! hundred. And what users do by the dozen, of which nothing is serious or stands out, is of one *practice*. Whether a judgement is taken over is
//! decided in `schedule/precedent.rs`; what sets an incident apart (success, a person's wish) is never like another, and text aimed at a model
//! is like other such text at most, for whoever writes it must not be able to buy a call with each line.

use alert::detail;
use alert::incident::{Actor, Incident, Reason, Success};
use alert::{Class, Fingerprint, Likeness};

use crate::observe::{is_state_group, is_told_by_class};
use crate::priority::Severity;
use crate::template;
use crate::threat::{GUESSES_MIN, has_no_class};

/// Names what an incident is like, that looks as serious as `level`.
pub fn of(incident: &Incident, level: u8) -> Likeness {
    let class = incident.class;
    let place = format!("{}\n{}", incident.agent.id, incident.agent.name);
    // A user's name is half of what happened; sources and machines are interchangeable, their number is known.
    let who = match &incident.actor {
        // But for whom somebody guesses at: of a hundred accounts each is one.
        Actor::User(name) if class != Class::BruteForce => name.as_str(),
        _ => "",
    };
    let by_class = is_told_by_class(class);
    let masked = |text: &str| template::message(&anywhere(text, incident));
    // What is told by its class is the same whichever rule saw it, in whatever words.
    let (rule, text, words) = if by_class {
        ("", String::new(), String::new())
    } else {
        // The words on a flaw are those on the one that came first of many.
        let is_one_of_many =
            class == Class::PolicyViolation && incident.groups.names().any(is_state_group);
        let shape = |text: &str| if is_one_of_many { String::new() } else { masked(text) };
        let words = incident.evidence.first().map(|first| shape(first.excerpt.as_raw()));
        (
            incident.rules.names().next().unwrap_or(""),
            shape(incident.rule_description.as_raw()),
            words.unwrap_or_default(),
        )
    };
    let is_serious = Severity::of(level) >= Severity::High;
    // A few wrong passwords are typed everywhere, every day.
    let is_mistyped = class == Class::BruteForce
        && incident.success == Success::None
        && incident.alert_count < GUESSES_MIN;
    // What is serious or stands out where it is says nothing of other places.
    let is_bound = (by_class && !is_mistyped) || is_serious || incident.setting.is_unusual();
    let bound_to = if is_bound { place.as_str() } else { "" };
    let name = |parts: &[&str]| Fingerprint::of(parts.iter().copied()).as_u64();
    // Each attack in a request is one of its own: what differs is in the request.
    let own = if class.is_web_exploit() { incident.id.as_str() } else { "" };
    let outcome = match (incident.injection.is_some(), incident.success) {
        (true, Success::None) => "speaks to a model",
        (true, _) => "speaks to a model, reacted",
        (false, Success::None) => "",
        (false, _) => "reacted",
    };
    let (what, which) = standing_out(incident);
    let class_name = class.as_str();
    // What a class stands for is one thing at many places if one address does it, or if it is only a rule that says so.
    // Guesses that let nobody in are the same whoever makes them: that one gets in is told by code and sets him apart.
    let is_by_rule = !by_class || matches!(class, Class::WebAttack | Class::BruteForce);
    let by_whom = match &incident.actor {
        _ if is_by_rule => Some(who),
        Actor::Address(address) => Some(address.as_str()),
        _ => None,
    };
    let told_by = incident.rules.names().next().filter(|_| is_by_rule).unwrap_or("");
    let said = if by_class && is_by_rule {
        masked(incident.rule_description.as_raw())
    } else {
        text.clone()
    };
    let fleet = by_whom
        // Serious or not, what one address does to a hundred machines is one thing.
        .filter(|_| (is_serious || by_class) && !class.is_web_exploit())
        .map(|whom| name(&["fleet", class_name, told_by, &said, whom, outcome, what]));
    let burst = (incident.setting.is_unusual()
        && incident.setting.company_points() > 0
        && has_no_weight(class))
    .then(|| name(&["burst", &place]));
    // Who it was is half of what happened, unless many do the same: that it is harmless is then known of the thing and not of them.
    let is_practice = matches!(incident.actor, Actor::User(_))
        && !by_class
        && !is_serious
        && incident.success == Success::None
        && incident.injection.is_none()
        && !incident.setting.is_unusual()
        && what.is_empty();
    // What checks find wrong with machines is of one sort too, whatever rule says which flaw it is.
    let is_state = class == Class::PolicyViolation
        && incident.success == Success::None
        && incident.groups.names().any(is_state_group);
    let practice = if is_state {
        Some(name(&["practice", class_name, "state"]))
    } else {
        is_practice.then(|| name(&["practice", class_name, rule, &text]))
    };
    let is_from_address = matches!(incident.actor, Actor::Address(_));
    let is_shot = class.is_web_exploit() || class == Class::BruteForce;
    let volley =
        (is_shot && is_from_address).then(|| name(&["volley", &place, incident.actor.name()]));
    let nothing_else = incident.injection.is_none()
        && incident.forged_marks == 0
        && !incident.reasons.contains(&Reason::Requested);
    let copy = requests(incident)
        .filter(|_| volley.is_some() && class.is_web_exploit())
        .map(|requests| name(&["copy", class_name, &place, &requests]));
    Likeness {
        volley,
        may_be_part: volley.is_some() && incident.success < Success::Shown && nothing_else,
        copy,
        success: incident.success,
        sort: name(&[
            "sort", class_name, rule, &text, who, &words, outcome, bound_to, own, what, which,
        ]),
        // Two rules that say the same of the same class mean the same.
        kin: name(&["kin", class_name, &text, who, outcome, &place, what]),
        fleet,
        practice,
        burst,
        stands_out: incident.setting.is_unusual(),
        may_be_like: incident.success < Success::Answered
            && (incident.injection.is_none() || is_serious)
            && incident.forged_marks == 0
            && !incident.reasons.contains(&Reason::Requested),
        is_ordinary: has_no_class(class) && !is_serious && !incident.setting.is_unusual(),
        level,
    }
}

/// Requests of an incident that are compared one by one: more are a story of their own.
const COPIED_MAX: usize = 4;

/// Gives the requests of an incident with the answers to them, if they are few and all of them are known, byte for byte.
fn requests(incident: &Incident) -> Option<String> {
    let are_all = incident.evidence_beyond == 0 && incident.evidence.len() <= COPIED_MAX;
    let mut lines = incident
        .evidence
        .iter()
        .map(|evidence| {
            // Of requests of one shape the first is kept.
            let in_request =
                evidence.finding.as_ref().is_some_and(|found| found.parameter.is_some());
            (evidence.count == 1 && in_request).then(|| answered(evidence.excerpt.as_raw()))?
        })
        .collect::<Option<Vec<&str>>>()
        .filter(|lines| are_all && !lines.is_empty())?;
    lines.sort_unstable();
    Some(lines.join("\n"))
}

/// Cuts the request, its status and the size of its answer out of a line of an access log.
fn answered(line: &str) -> Option<&str> {
    let (_, from_request) = line.split_once('"')?;
    let (request, answer) = from_request.split_once("\" ")?;
    let (answer, _) = answer.split_once(" \"")?;
    let mut numbers = answer.split(' ');
    let is_answer = numbers.clone().count() == 2
        && numbers.all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    is_answer.then(|| from_request.get(..request.len() + 2 + answer.len()))?
}

/// Says what stands out within what a rule reports, and which one it is: a command of attackers, a file that decides something. The masked
/// words of two such are the same, and a judgement on one says nothing of the other.
fn standing_out(incident: &Incident) -> (&str, &str) {
    let command = incident.finding().filter(|(_, found)| !found.class.is_web_exploit());
    let file = || {
        let decides = |name| detail::of_changed_file(name).map(|what| (what, name));
        incident.objects.names().find_map(decides)
    };
    match command {
        Some((_, found)) => (&found.reason, found.fragment.as_raw()),
        None if incident.class == Class::FileIntegrity => file().unwrap_or_default(),
        None => ("", ""),
    }
}

/// Classes whose weight in a burst is that of the burst.
const fn has_no_weight(class: Class) -> bool {
    has_no_class(class)
        || matches!(
            class,
            Class::WebAttack | Class::ForcedBrowsing | Class::Scanner | Class::NetworkScan
        )
}

/// Takes out of a text where it was said: the machine's names and address.
fn anywhere(text: &str, incident: &Incident) -> String {
    let agent = &incident.agent;
    let mut text = template::head(text, 600).to_owned();
    for name in [Some(&agent.name), agent.ip.as_ref()].into_iter().flatten() {
        if name.len() > 1 {
            text = text.replace(name.as_str(), "<here>");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sample::incident_of;

    fn changed(agent: &str, path: &str) -> Value {
        json!({
            "id": "1.1",
            "rule": {"id": "550", "level": 7, "description": "Integrity checksum changed.", "groups": ["syscheck", "syscheck_entry_modified", "syscheck_file"]},
            "agent": {"id": agent, "name": format!("srv{agent}")},
            "full_log": format!("File '{path}' modified"),
            "syscheck": {"path": path, "event": "modified"},
        })
    }

    #[test]
    fn files_that_decide_different_things_are_alike_in_no_way() {
        let like = |agent, path| of(&incident_of(&changed(agent, path)), 5);
        let group = like("001", "/etc/group");
        let key = like("001", "/srv/git/.ssh/authorized_keys");
        assert_ne!((group.sort, group.kin, group.fleet), (key.sort, key.kin, key.fleet));
        assert!(group.kin != key.kin && group.fleet != key.fleet && group.sort != key.sort);
        let elsewhere = like("002", "/etc/group");
        assert_eq!(group.fleet, elsewhere.fleet, "the same on another machine");
        assert!(group.fleet.is_some() && group.kin != elsewhere.kin);
    }

    #[test]
    fn one_file_that_starts_something_says_nothing_of_another() {
        let like = |path| of(&incident_of(&changed("001", path)), 4);
        let (one, other) = (like("/etc/cron.d/logrotate"), like("/etc/cron.d/sync"));
        assert_eq!(one.kin, other.kin);
        assert_ne!(one.sort, other.sort);
        assert_eq!(like("/usr/lib/a.so").sort, like("/usr/lib/b.so").sort);
    }

    fn by_sudo(user: &str, agent: &str, command: &str) -> Value {
        json!({
            "id": "1.1",
            "rule": {"id": "5402", "level": 3, "description": "Successful sudo to ROOT executed.", "groups": ["syslog", "sudo"]},
            "agent": {"id": agent, "name": format!("srv{agent}")},
            "full_log": format!("srv{agent} sudo: {user} : PWD=/ ; USER=root ; COMMAND={command}"),
            "data": {"srcuser": user, "dstuser": "root", "command": command},
        })
    }

    #[test]
    fn what_users_do_by_one_rule_is_a_practice_unless_it_is_serious_or_tells() {
        let like =
            |user, agent, command, level| of(&incident_of(&by_sudo(user, agent, command)), level);
        let one = like("ann", "001", "/usr/bin/systemctl reload nginx", 3);
        let other = like("bob", "002", "/usr/bin/df -h", 3);
        assert!(one.practice.is_some() && one.practice == other.practice);
        assert_ne!((one.kin, one.sort), (other.kin, other.sort));
        assert_eq!(like("bob", "002", "/usr/bin/df -h", 5).practice, None, "it is serious");
        let telling = like("bob", "002", "/bin/cp /etc/shadow /tmp/x", 3);
        assert_eq!(telling.practice, None, "hardly anybody does that");
        let mut unusual = incident_of(&by_sudo("ann", "001", "/usr/bin/df -h"));
        unusual.setting.habit = alert::setting::Habit::New;
        assert_eq!(of(&unusual, 3).practice, None, "nobody did that there before");
        assert_eq!(of(&incident_of(&changed("001", "/srv/x")), 3).practice, None, "no user's");
    }

    #[test]
    fn two_rules_that_say_the_same_are_kin_and_what_says_something_else_is_not() {
        let said = |rule: &str, text: &str| {
            json!({
                "id": "1.1",
                "rule": {"id": rule, "level": 12, "description": text, "groups": ["virus"]},
                "agent": {"id": "001", "name": "srv001"},
                "full_log": "sensor: something",
            })
        };
        let kin = |rule, text| of(&incident_of(&said(rule, text)), 7).kin;
        assert_eq!(kin("100200", "A malicious file."), kin("100201", "A malicious file."));
        assert_ne!(kin("100200", "A malicious file."), kin("100200", "A malicious process."));
    }

    fn guess(rule: &str, source: &str, agent: &str) -> Value {
        json!({
            "id": "1.1",
            "rule": {"id": rule, "level": 5, "description": "A login failed.", "groups": ["authentication_failed"]},
            "agent": {"id": agent, "name": format!("srv{agent}")},
            "full_log": "a login failed",
            "data": {"srcip": source},
        })
    }

    #[test]
    fn guesses_by_one_rule_are_a_fleet_whoever_makes_them_and_those_that_worked_are_not_of_it() {
        let like = |rule, source, agent| of(&incident_of(&guess(rule, source, agent)), 3);
        let one = like("60122", "203.0.113.1", "001");
        assert!(one.fleet.is_some());
        assert_eq!(one.fleet, like("60122", "203.0.113.2", "002").fleet);
        assert_ne!(one.fleet, like("5716", "203.0.113.2", "002").fleet);
        let mut worked = incident_of(&guess("60122", "203.0.113.3", "003"));
        worked.success = Success::Confirmed;
        let worked = of(&worked, 9);
        assert!(!worked.may_be_like && worked.fleet != one.fleet);
    }

    #[test]
    fn what_one_address_does_to_many_machines_is_one_thing_and_a_wrong_password_is_typed_anywhere()
    {
        let scan = |agent: &str, source: &str, status: u16| {
            let alert = json!({
                "id": "1.1", "rule": {"id": "31101", "level": 5, "description": "an error", "groups": ["web", "accesslog"]},
                "agent": {"id": agent, "name": format!("web{agent}")},
                "data": {"protocol": "GET", "srcip": source, "id": status.to_string(), "url": "/login"},
            });
            of(&incident_of(&alert), 3)
        };
        let (one, other) = (scan("001", "192.0.2.1", 404), scan("002", "192.0.2.1", 404));
        assert!(one.fleet.is_some() && one.fleet == other.fleet);
        assert_ne!(
            one.sort, other.sort,
            "what was found elsewhere says nothing of what is found here"
        );
        assert_ne!(one.fleet, scan("001", "192.0.2.2", 404).fleet);
        let (mistyped, elsewhere) = (scan("001", "192.0.2.1", 401), scan("002", "192.0.2.9", 401));
        assert_eq!(mistyped.sort, elsewhere.sort);
    }

    fn asked(source: &str, url: &str, status: u16, size: u32) -> Incident {
        incident_of(&json!({
            "id": "1.1", "rule": {"id": "31101", "level": 6, "description": "a request", "groups": ["web", "accesslog"]},
            "agent": {"id": "001", "name": "web01"},
            "full_log": format!("{source} - - [24/Nov/2026:17:00:00 +0000] \"GET {url} HTTP/1.1\" {status} {size} \"-\" \"a tool\""),
            "data": {"protocol": "GET", "srcip": source, "id": status.to_string(), "url": url},
        }))
    }

    #[test]
    fn the_same_request_with_the_same_answer_is_a_copy_whoever_sent_it() {
        let url = "/fetch/?url=http%3A%2F%2Flocalhost%2Fadmin";
        let like = |source, url, status, size| of(&asked(source, url, status, size), 6);
        let one = like("203.0.113.1", url, 200, 61);
        assert!(one.copy.is_some() && one.may_be_part);
        let other = like("203.0.113.2", url, 200, 61);
        assert_eq!(one.copy, other.copy);
        assert_ne!(one.volley, other.volley, "each has a volley of his own");
        assert_ne!(one.copy, like("203.0.113.2", url, 200, 62).copy, "another answer");
        assert_ne!(one.copy, like("203.0.113.2", url, 404, 61).copy, "another status");
        let elsewhere = "/fetch/?url=http%3A%2F%2Flocalhost%2Fstatus";
        assert_ne!(one.copy, like("203.0.113.2", elsewhere, 200, 61).copy);
        let mut twice = asked("203.0.113.1", url, 200, 61);
        twice.evidence[0].count = 2;
        assert_eq!(of(&twice, 6).copy, None, "of the second nothing is kept");
    }

    #[test]
    fn what_worked_or_speaks_to_a_model_or_a_person_asked_for_is_no_part_of_a_volley() {
        let incident = asked("203.0.113.1", crate::sample::ATTACK, 200, 512);
        let part = |incident: &Incident| of(incident, 7).may_be_part;
        assert!(part(&incident));
        let mut worked = incident.clone();
        worked.success = Success::Shown;
        let mut wanted = incident.clone();
        wanted.reasons = vec![Reason::Requested];
        let mut forged = incident.clone();
        forged.forged_marks = 1;
        assert!(!part(&worked) && !part(&wanted) && !part(&forged));
        assert_eq!(
            of(&worked, 8).volley,
            of(&incident, 7).volley,
            "it is what the rest is less than"
        );
    }

    #[test]
    fn flaws_of_machines_are_one_practice_whatever_rule_names_them() {
        let flaw = |rule: &str, group: &str| {
            let alert = json!({
                "id": "1.1", "rule": {"id": rule, "level": 13, "description": format!("flaw {rule}"), "groups": [group]},
                "agent": {"id": "001", "name": "web01"}, "full_log": "a flaw",
            });
            of(&incident_of(&alert), 7)
        };
        let one = flaw("23506", "vulnerability-detector");
        assert!(one.practice.is_some());
        assert_eq!(one.practice, flaw("23505", "vulnerability-detector").practice);
        assert_ne!(one.fleet, flaw("23505", "vulnerability-detector").fleet);
        assert_eq!(flaw("100200", "virus").practice, None);
    }
}
