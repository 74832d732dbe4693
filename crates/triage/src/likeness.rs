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

mod volley;

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
    let (rule, text, words) = said_of(incident);
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
    let outcome = outcome_of(incident);
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
        masked(incident.rule_description.as_raw(), incident)
    } else {
        text.clone()
    };
    let fleet = by_whom
        // Serious or not, what one address does to a hundred machines is one thing.
        .filter(|_| (is_serious || by_class) && !class.is_web_exploit())
        .map(|whom| name(&["fleet", class_name, told_by, &said, &words, whom, outcome, what]));
    let burst = (incident.setting.is_unusual()
        && incident.setting.company_points() > 0
        && has_no_weight(class))
    .then(|| name(&["burst", &place]));
    let practice = practice(incident, is_serious, (rule, &text, what));
    let shot = volley::of(incident, &place);
    Likeness {
        volley: shot.volley,
        may_be_part: shot.may_be_part,
        copy: shot.copy,
        success: incident.success,
        sort: name(&[
            "sort", class_name, rule, &text, who, &words, outcome, bound_to, own, what, which,
        ]),
        // Two rules that say the same of the same class mean the same.
        kin: name(&["kin", class_name, &text, who, outcome, &place, what]),
        twin: Some(name(&[
            "twin",
            class_name,
            &text,
            who,
            &said_exactly(incident),
            outcome,
            &place,
            what,
            // Which tool names itself sets nothing apart.
            if by_class { "" } else { which },
            own,
        ])),
        fleet,
        is_told_by_class: by_class,
        practice,
        burst,
        stands_out: incident.setting.is_unusual(),
        may_be_like: incident.success < Success::Answered
            && (incident.injection.is_none() || is_serious)
            && incident.forged_marks == 0
            && !incident.reasons.contains(&Reason::Requested)
            && !incident.reasons.contains(&Reason::Loud),
        is_ordinary: has_no_class(class) && !is_serious && !incident.setting.is_unusual(),
        level,
    }
}

/// Says by which rule and in which words an incident is told, with what varies masked. What is told by its class is the same whichever rule saw it, in
/// whatever words.
fn said_of(incident: &Incident) -> (&str, String, String) {
    let class = incident.class;
    if is_told_by_class(class) {
        return ("", String::new(), String::new());
    }
    // The words on a flaw are those on the one that came first of many.
    let is_one_of_many =
        class == Class::PolicyViolation && incident.groups.names().any(is_state_group);
    let shape = |text: &str| if is_one_of_many { String::new() } else { masked(text, incident) };
    let words = incident.evidence.first().map(|first| shape(first.excerpt.as_raw()));
    (
        incident.rules.names().next().unwrap_or(""),
        shape(incident.rule_description.as_raw()),
        words.unwrap_or_default(),
    )
}

/// Gives the first words on an incident with nothing but numbers masked. What sets viruses or programs apart is a name, and a name may be all that
/// differs.
fn said_exactly(incident: &Incident) -> String {
    match incident.evidence.first() {
        Some(first) if !is_told_by_class(incident.class) => {
            template::exactly(&anywhere(first.excerpt.as_raw(), incident))
        }
        _ => String::new(),
    }
}

/// Says what came of an incident, as far as two of different outcome are not alike.
fn outcome_of(incident: &Incident) -> &'static str {
    match (incident.injection.is_some(), incident.success) {
        (true, Success::None) => "speaks to a model",
        (true, _) => "speaks to a model, reacted",
        (false, Success::None) => "",
        (false, _) => "reacted",
    }
}

/// Masks what varies in a text, and where it was said.
fn masked(text: &str, incident: &Incident) -> String {
    template::message(&anywhere(text, incident))
}

/// Names what is done by the dozen, by whomever. Who it was is half of what happened, unless many do the same: that it is harmless is then known of
/// the thing and not of them. And what checks find wrong with machines is of one sort, whatever rule says which flaw it is.
fn practice(
    incident: &Incident,
    is_serious: bool,
    (rule, text, what): (&str, &str, &str),
) -> Option<u64> {
    let class = incident.class;
    if incident.success > Success::None || incident.injection.is_some() {
        return None;
    }
    let name = |parts: &[&str]| {
        let named = ["practice", class.as_str()].into_iter().chain(parts.iter().copied());
        Some(Fingerprint::of(named).as_u64())
    };
    if class == Class::PolicyViolation && incident.groups.names().any(is_state_group) {
        return name(&["state"]);
    }
    let is_done_by_many = matches!(incident.actor, Actor::User(_))
        && !is_told_by_class(class)
        && !is_serious
        && !incident.setting.is_unusual()
        && what.is_empty();
    if is_done_by_many { name(&[rule, text]) } else { None }
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
    fn twins_differ_in_nothing_but_numbers_and_attacks_in_requests_have_none() {
        let found = |rule: &str, virus: &str, agent: &str| {
            let alert = json!({
                "id": "1.1",
                "rule": {"id": rule, "level": 12, "description": "A virus was found.", "groups": ["virus"]},
                "agent": {"id": agent, "name": format!("srv{agent}")},
                "full_log": format!("clamd: /srv/part{agent}: {virus} FOUND"),
            });
            of(&incident_of(&alert), 7)
        };
        let one = found("100200", "Win.Test.EICAR_HDB-1", "001");
        assert!(one.twin.is_some());
        assert_eq!(one.twin, found("100201", "Win.Test.EICAR_HDB-7", "001").twin);
        assert_ne!(one.twin, found("100200", "Unix.Trojan.Agent-77", "001").twin);
        assert_ne!(one.twin, found("100200", "Win.Test.EICAR_HDB-1", "002").twin);
        let guesses = |rule, source| of(&incident_of(&guess(rule, source, "001")), 5);
        assert_eq!(guesses("5716", "203.0.113.1").twin, guesses("5710", "203.0.113.2").twin);
        let attack = |id: &str| {
            let alert = json!({
                "id": id, "rule": {"id": "31101", "level": 6, "description": "a request", "groups": ["web", "accesslog"]},
                "agent": {"id": "001", "name": "web01"}, "full_log": "a request",
                "data": {"protocol": "GET", "srcip": "203.0.113.1", "id": "404", "url": crate::sample::ATTACK},
            });
            of(&incident_of(&alert), 5)
        };
        assert_ne!(attack("1.1").twin, attack("1.2").twin);
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
