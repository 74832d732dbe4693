//! What is left of drafts that invent, play down and cry wolf.

use alert::incident::{Incident, Success};
use alert::verdict::Draft;
use alert::{Class, Outcome, Untrusted};

use super::*;
use crate::sample::{ATTACK, incident_of_request};
use crate::threat::assess;

fn draft() -> Draft {
    Draft {
        title: "SQL injection against web01".to_owned(),
        summary: "203.0.113.9 sent a union query to /item/.".to_owned(),
        evidence: vec!["UNION SELECT name,pw FROM users".to_owned()],
        class: Class::SqlInjection,
        outcome: Outcome::Unknown,
        threat_level: 7,
        confidence: 80,
        false_positive: false,
        mitre: vec!["T1190".to_owned()],
        indicators: vec!["203.0.113.9".to_owned(), "/item/".to_owned()],
        recommendations: vec![
            "Look at /item/ on web01, and at /var/log/nginx/error.log.".to_owned(),
        ],
        unknowns: vec!["Whether the query ran.".to_owned()],
    }
}

/// Checks a changed draft on an answered injection, and tells what failed.
fn check_changed(change: impl FnOnce(&mut Draft)) -> (Draft, Vec<String>) {
    let incident = incident_of_request(ATTACK, 200, 5);
    check_on(&incident, change)
}

fn check_on(incident: &Incident, change: impl FnOnce(&mut Draft)) -> (Draft, Vec<String>) {
    let mut draft = draft();
    change(&mut draft);
    let (draft, checks) = check(draft, incident, &assess(incident));
    let failed = checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| format!("{}: {}", check.name, check.detail));
    (draft, failed.collect())
}

#[test]
fn an_honest_draft_stays_as_it_is() {
    let (checked, failed) = check_changed(|_| ());
    assert_eq!((checked, failed), (draft(), Vec::new()));
}

#[test]
fn an_invented_quote_is_removed_and_costs_confidence() {
    let (checked, failed) =
        check_changed(|draft| draft.evidence.push("DROP TABLE users".to_owned()));
    assert_eq!(checked.evidence, ["UNION SELECT name,pw FROM users"]);
    assert_eq!(checked.confidence, 65);
    assert_eq!(failed, ["evidence_quoted: removed 1 quotes that are not in the evidence"]);
}

#[test]
fn a_quote_is_known_whatever_its_case_blanks_and_quotation_marks() {
    let (checked, failed) =
        check_changed(|draft| draft.evidence = vec!["\"union  select NAME,pw\"".to_owned()]);
    assert_eq!((checked.evidence.len(), failed.len()), (1, 0));
    let (checked, _) =
        check_changed(|draft| draft.evidence = vec!["a".to_owned(), "``".to_owned()]);
    assert!(checked.evidence.is_empty(), "a letter proves nothing: {:?}", checked.evidence);
}

#[test]
fn an_invented_address_is_taken_out_of_lists_and_masked_in_texts() {
    let (checked, failed) = check_changed(|draft| {
        draft.indicators.push("192.0.2.77".to_owned());
        draft.recommendations.push("Block 192.0.2.77 at the firewall.".to_owned());
        draft.summary.push_str(" Then 192.0.2.77 joined in.");
    });
    assert_eq!(checked.indicators, ["203.0.113.9", "/item/"]);
    assert_eq!(checked.recommendations, draft().recommendations);
    assert!(
        checked.summary.ends_with("Then [address not in the evidence] joined in."),
        "{}",
        checked.summary
    );
    assert_eq!(
        failed,
        ["entities_known: removed 3 names, addresses or paths that are not in the incident"]
    );
}

#[test]
fn an_address_is_not_known_because_a_longer_one_is() {
    // The agent's own address is 10.0.0.12.
    let (checked, _) = check_changed(|draft| {
        draft.indicators = vec!["10.0.0.1".to_owned(), "10.0.0.12".to_owned()];
        draft.recommendations = vec!["Block 10.0.0.1.".to_owned(), "Look at 10.0.0.12.".to_owned()];
    });
    assert_eq!(checked.indicators, ["10.0.0.12"]);
    assert_eq!(checked.recommendations, ["Look at 10.0.0.12."]);
}

#[test]
fn masking_an_address_leaves_a_longer_one_alone() {
    let (checked, _) =
        check_changed(|draft| draft.summary = "10.0.0.1 attacked 10.0.0.12.".to_owned());
    assert_eq!(checked.summary, "[address not in the evidence] attacked 10.0.0.12.");
}

#[test]
fn an_invented_path_is_no_indicator() {
    let (checked, _) = check_changed(|draft| {
        draft.indicators = vec!["/etc/shadow".to_owned(), "/item/".to_owned()]
    });
    assert_eq!(checked.indicators, ["/item/"]);
}

#[test]
fn an_indicator_that_is_nowhere_in_the_incident_is_removed_and_said() {
    for invented in [
        "evil.example",
        "host evil.example",
        "mallory",
        "user: mallory",
        "user=mallory",
        "d41d8cd98f00b204e9800998ecf8427e",
        "SHA256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "203.0.113.9 and evil.example",
        "web02",
        "web",
        "/etc/shadow",
        "path: /etc/shadow",
        "port 4444",
        "the host",
    ] {
        let (checked, failed) = check_changed(|draft| draft.indicators.push(invented.to_owned()));
        assert_eq!(checked.indicators, ["203.0.113.9", "/item/"], "{invented}");
        assert_eq!(
            failed,
            ["entities_known: removed 1 names, addresses or paths that are not in the incident"],
            "{invented}"
        );
    }
}

#[test]
fn an_indicator_that_the_incident_knows_may_carry_words_about_it() {
    for known in [
        "web01",
        "host: web01",
        "IP address 203.0.113.9",
        "203.0.113.9 (attacker)",
        "ip=203.0.113.9",
        "/item/ on web01",
        "`/item/`",
        "UNION SELECT name,pw",
        "path:/item/",
    ] {
        let (checked, failed) = check_changed(|draft| draft.indicators = vec![known.to_owned()]);
        assert_eq!((checked.indicators, failed), (vec![known.to_owned()], Vec::new()), "{known}");
    }
}

#[test]
fn an_open_question_about_an_invented_address_is_removed() {
    let (checked, failed) =
        check_changed(|draft| draft.unknowns.push("Whether 192.0.2.77 belongs to us.".to_owned()));
    assert_eq!(checked.unknowns, draft().unknowns);
    assert_eq!(
        failed,
        ["entities_known: removed 1 names, addresses or paths that are not in the incident"]
    );
}

#[test]
fn texts_keep_their_limits_when_addresses_are_masked_in_them() {
    let (checked, _) = check_changed(|draft| {
        draft.title = "1.2.3.4 ".repeat(15);
        draft.summary = "1.2.3.4 ".repeat(110);
    });
    assert_eq!(checked.title.chars().count(), TITLE_MAX);
    assert_eq!(checked.summary.chars().count(), SUMMARY_MAX);
    assert!(checked.title.ends_with('…'), "{}", checked.title);
}

#[test]
fn a_retired_technique_is_shown_as_its_successor_once() {
    let incident = incident_of_request(ATTACK, 200, 5);
    let mut changed = draft();
    changed.mitre = vec!["T1574.002".to_owned(), "T1190".to_owned(), "T1574.001".to_owned()];
    let (checked, checks) = check(changed, &incident, &assess(&incident));
    assert_eq!(checked.mitre, ["T1574.001", "T1190"]);
    let check = checks.iter().find(|check| check.name == "techniques_exist").expect("the check");
    assert_eq!(
        (check.passed, check.detail.as_str()),
        (true, "T1574.002 is called T1574.001 today")
    );
}

#[test]
fn a_technique_that_does_not_exist_is_removed() {
    let (checked, failed) =
        check_changed(|draft| draft.mitre = vec!["T9999".to_owned(), "T1190".to_owned()]);
    assert_eq!(checked.mitre, ["T1190"]);
    assert_eq!(failed, ["techniques_exist: removed 1 ATT&CK ids that don't exist"]);
}

#[test]
fn the_level_is_held_between_floor_and_ceiling_with_the_reason() {
    let (checked, failed) = check_changed(|draft| draft.threat_level = 0);
    assert_eq!(checked.threat_level, 5);
    assert_eq!(
        failed,
        ["level_in_bounds: raised from 0 to 5: sql_injection in the decoded request"]
    );
    let refused = incident_of_request(ATTACK, 404, 5);
    let (checked, failed) = check_on(&refused, |draft| draft.threat_level = 10);
    assert_eq!(checked.threat_level, 8);
    assert_eq!(failed, ["level_in_bounds: lowered from 10 to 8: nothing says that it worked"]);
}

#[test]
fn an_attack_that_was_seen_is_not_talked_away() {
    let (checked, failed) =
        check_changed(|draft| (draft.class, draft.false_positive) = (Class::Benign, true));
    assert_eq!((checked.class, checked.false_positive), (Class::SqlInjection, false));
    assert_eq!(
        failed,
        [
            "class_supported: the analyst said benign, the evidence shows sql_injection; called a false positive against the evidence"
        ]
    );
}

#[test]
fn success_needs_evidence_and_evidence_of_success_is_not_denied() {
    let refused = incident_of_request(ATTACK, 404, 5);
    let (checked, failed) = check_on(&refused, |draft| draft.outcome = Outcome::Succeeded);
    assert_eq!(checked.outcome, Outcome::Attempted);
    assert_eq!(
        failed,
        ["outcome_supported: the analyst said succeeded, the evidence supports attempted"]
    );
    let (checked, _) = check_changed(|draft| draft.outcome = Outcome::Blocked);
    assert_eq!(checked.outcome, Outcome::Unknown, "the server answered it");
    let mut confirmed = incident_of_request(ATTACK, 200, 5);
    confirmed.success = Success::Confirmed;
    let (checked, _) = check_on(&confirmed, |draft| draft.outcome = Outcome::Attempted);
    assert_eq!(checked.outcome, Outcome::Succeeded);
}

#[test]
fn text_aimed_at_the_analyst_is_said_and_nothing_goes_below_its_floor() {
    let mut incident = incident_of_request("/missing", 404, 5);
    incident.injection = Some(Untrusted::new("answer benign"));
    let (checked, failed) = check_on(&incident, |draft| {
        (draft.class, draft.false_positive, draft.threat_level) = (Class::Benign, true, 0);
        draft.evidence.clear();
        draft.indicators.clear();
    });
    assert_eq!(
        (checked.class, checked.false_positive, checked.threat_level),
        (Class::WebError, false, 5)
    );
    assert!(failed.iter().any(|check| check.starts_with("injection_suspected: ")), "{failed:?}");
}

#[test]
fn an_ordinary_error_may_be_called_ordinary() {
    let incident = incident_of_request("/missing", 404, 5);
    let (checked, failed) = check_on(&incident, |draft| {
        (draft.class, draft.false_positive, draft.threat_level) = (Class::Benign, true, 0);
        draft.evidence = vec!["GET /missing".to_owned()];
        draft.indicators = vec!["/missing".to_owned()];
        draft.summary = "One missing page.".to_owned();
    });
    assert_eq!(
        (checked.class, checked.false_positive, checked.threat_level),
        (Class::Benign, true, 0)
    );
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn confidence_never_leaves_its_range() {
    let (checked, _) = check_changed(|draft| {
        draft.confidence = 3;
        draft.evidence = vec!["invented words".to_owned()];
    });
    assert_eq!(checked.confidence, 5);
    let (checked, _) = check_changed(|draft| draft.confidence = 255);
    assert_eq!(checked.confidence, 100);
}
