//! What the playbook says about every class: something, within limits, and nothing that the checks of a model's words would refuse.

use alert::incident::{Finding, Responses, Tally};
use alert::sample::bounds;
use alert::verdict::{LIST_MAX, SUMMARY_MAX, TEXT_MAX, TITLE_MAX};
use alert::{IncidentId, Timestamp, Untrusted, mitre};

use super::*;

const ACTORS: [fn() -> Actor; 4] = [
    || Actor::Address("203.0.113.9".to_owned()),
    || Actor::User("deploy".to_owned()),
    || Actor::Host("web01".to_owned()),
    || Actor::Many,
];

const SUCCESSES: [Success; 4] =
    [Success::None, Success::Reaction, Success::Answered, Success::Confirmed];

fn incident(class: Class, actor: Actor, success: Success) -> Incident {
    let time = Timestamp::from_millis(1_795_530_360_000);
    let mut incident = alert::sample::incident(IncidentId::parse("Q-1").expect("an id"), time);
    (incident.class, incident.actor, incident.success) = (class, actor, success);
    (incident.alert_count, incident.level_max) = (3, 7);
    incident.rule_description = Untrusted::new("Something happened.");
    incident.techniques = vec!["T1078".to_owned()];
    incident.responses.ok = 1;
    incident.reasons = Vec::new();
    incident.rules.count("31106");
    incident.objects.count("/item/");
    incident.evidence.push(Evidence {
        shape: 1,
        count: 3,
        level: 7,
        first_seen: time,
        last_seen: time,
        alert_id: "1.1".to_owned(),
        rule_id: "31106".to_owned(),
        excerpt: Untrusted::new(
            "203.0.113.9 - - [x] \"GET /item/?id=1' HTTP/1.1\" 200 5 \"-\" \"x\"",
        ),
        decoded: None,
        status: Some(200),
        finding: class.is_web_exploit().then(|| Finding {
            class,
            strength: 80,
            parameter: Some("id".to_owned()),
            fragment: Untrusted::new("1' or '1'='1"),
            reason: "closes a string".to_owned(),
        }),
        success,
    });
    incident
}

fn assert_within_limits(draft: &Draft, what: &str) {
    let length = |text: &str| text.chars().count();
    for (name, text, most) in
        [("title", &draft.title, TITLE_MAX), ("summary", &draft.summary, SUMMARY_MAX)]
    {
        assert!(!text.trim().is_empty(), "{what}: no {name}");
        assert!(length(text) <= most, "{what}: {name} has {} characters", length(text));
    }
    assert!(!draft.recommendations.is_empty(), "{what}: nothing to do");
    for list in
        [&draft.evidence, &draft.mitre, &draft.indicators, &draft.recommendations, &draft.unknowns]
    {
        assert!(list.len() <= LIST_MAX, "{what}: {list:?}");
        for text in list {
            assert!(!text.trim().is_empty() && length(text) <= TEXT_MAX, "{what}: {text:?}");
            assert!(text.chars().all(|character| !character.is_control()), "{what}: {text:?}");
        }
    }
    assert!(draft.mitre.iter().all(|id| mitre::exists(id)), "{what}: {:?}", draft.mitre);
    assert!(draft.confidence <= 100 && draft.threat_level <= 10, "{what}");
}

#[test]
fn every_class_actor_and_ending_gets_a_verdict_within_limits() {
    for class in Class::ALL {
        for actor in ACTORS {
            for success in SUCCESSES {
                let incident = incident(*class, actor(), success);
                let draft =
                    judge(&incident, &bounds(5), Some("exploit (2 incidents on 1 targets)"));
                let what = format!("{class} by {} {success:?}", incident.actor.kind());
                assert_within_limits(&draft, &what);
                assert_eq!((draft.class, draft.threat_level), (*class, 5), "{what}");
            }
        }
    }
}

#[test]
fn names_of_any_length_and_kind_stay_within_limits() {
    for name in
        ["x".repeat(4000), "\u{202e}\u{1b}[2J".repeat(500), "\u{1d518}".repeat(1000), String::new()]
    {
        for class in Class::ALL {
            let mut incident = incident(*class, Actor::User(name.clone()), Success::Answered);
            incident.agent.name.clone_from(&name);
            incident.rule_description = Untrusted::new(name.clone());
            incident.objects = Tally::default();
            incident.objects.count(&name);
            if let Some(evidence) = incident.evidence.first_mut() {
                evidence.excerpt = Untrusted::new(format!("GET {name} \"{name}\" {name}"));
                if let Some(finding) = &mut evidence.finding {
                    finding.parameter = Some(name.clone());
                    finding.fragment = Untrusted::new(name.clone());
                }
            }
            let draft = judge(&incident, &bounds(3), Some(&name));
            let length = |text: &String| text.chars().count();
            assert!(
                length(&draft.title) <= TITLE_MAX && length(&draft.summary) <= SUMMARY_MAX,
                "{class}"
            );
            for text in draft
                .evidence
                .iter()
                .chain(&draft.indicators)
                .chain(&draft.recommendations)
                .chain(&draft.unknowns)
            {
                assert!(
                    length(text) <= TEXT_MAX,
                    "{class}: {} characters: {text:.80}",
                    length(text)
                );
                assert!(text.chars().all(|character| !character.is_control()), "{class}: {text:?}");
            }
        }
    }
}

#[test]
fn a_login_after_guessing_is_said_in_plain_words() {
    let incident =
        incident(Class::BruteForce, Actor::Address("203.0.113.9".to_owned()), Success::Confirmed);
    let draft = judge(&incident, &bounds(9), None);
    assert_eq!(draft.outcome, Outcome::Succeeded);
    assert!(draft.summary.contains("treat the account as taken over"), "{}", draft.summary);
}

#[test]
fn steps_name_the_actual_things() {
    let incident =
        incident(Class::SqlInjection, Actor::Address("203.0.113.9".to_owned()), Success::Answered);
    let draft = judge(&incident, &bounds(7), None);
    let steps = draft.recommendations.join(" ");
    for name in ["web01", "/item/", "`id`"] {
        assert!(steps.contains(name), "{name} is not in: {steps}");
    }
    assert!(
        draft.evidence.iter().all(|quote| !quote.contains("203.0.113.9 - -")),
        "a quote is the request: {:?}",
        draft.evidence
    );
}

#[test]
fn secrets_in_a_log_line_are_not_quoted() {
    let mut incident =
        incident(Class::WebAttack, Actor::Address("203.0.113.9".to_owned()), Success::None);
    if let Some(evidence) = incident.evidence.first_mut() {
        evidence.excerpt = Untrusted::new("x \"GET /login?user=a&password=hunter2 HTTP/1.1\" 200");
    }
    let draft = judge(&incident, &bounds(2), None);
    assert!(!format!("{draft:?}").contains("hunter2"), "{draft:?}");
    assert!(draft.false_positive);
}

#[test]
fn hidden_forged_and_talking_texts_are_mentioned() {
    let mut incident =
        incident(Class::WebError, Actor::Address("203.0.113.9".to_owned()), Success::None);
    incident.injection = Some(Untrusted::new("ignore"));
    incident.forged_marks = 1;
    incident.hidden = alert::sanitize::clean("a\u{202e}b").1;
    let summary = judge(&incident, &bounds(5), None).summary;
    for words in ["instruct a language model", "output of Quell itself", "hide text"] {
        assert!(summary.contains(words), "{words} is not in: {summary}");
    }
}

/// An incident as alerts of one rule make it, without a request.
fn host_incident(
    class: Class,
    groups: &[&str],
    description: &str,
    line: &str,
    object: &str,
) -> Incident {
    let mut incident = incident(class, Actor::Host("web01".to_owned()), Success::None);
    for group in groups {
        incident.groups.count(group);
    }
    incident.rule_description = Untrusted::new(description);
    incident.responses = Responses::default();
    incident.objects = Tally::default();
    incident.objects.count(object);
    if let Some(evidence) = incident.evidence.first_mut() {
        (evidence.excerpt, evidence.status) = (Untrusted::new(line), None);
    }
    incident
}

#[test]
fn a_denied_sudo_does_not_read_as_a_used_one() {
    let mut denied = host_incident(
        Class::PrivilegeEscalation,
        &["syslog", "sudo"],
        "Unauthorized user attempted to use sudo.",
        "sudo: bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/ls",
        "/bin/ls",
    );
    denied.actor = Actor::User("bob".to_owned());
    let draft = judge(&denied, &bounds(4), None);
    assert_eq!(draft.title, "Refused use of higher privileges by user bob on web01");
    assert!(draft.summary.contains("It was refused"), "{}", draft.summary);
    assert_eq!(draft.outcome, Outcome::Blocked);
    let mut used = denied.clone();
    used.rule_description = Untrusted::new("Successful sudo to ROOT executed.");
    used.evidence[0].excerpt =
        Untrusted::new("sudo: bob : TTY=pts/0 ; USER=root ; COMMAND=/bin/ls");
    let draft = judge(&used, &bounds(4), None);
    assert_eq!(draft.title, "Use of higher privileges by user bob on web01");
    assert_eq!(draft.outcome, Outcome::Unknown);
}

#[test]
fn an_operation_in_a_service_is_named_by_what_it_does() {
    let words = "a service reports";
    let mut one = host_incident(Class::DefenseEvasion, &["amazon"], words, "{}", "");
    one.evidence[0].finding = Some(Finding {
        class: Class::DefenseEvasion,
        strength: 40,
        parameter: None,
        fragment: Untrusted::new("stoplogging"),
        reason: "the operation stoplogging switches off a record".to_owned(),
    });
    let draft = judge(&one, &bounds(4), None);
    assert!(draft.title.starts_with("Records or a defence switched off"), "{}", draft.title);
    let says = "The operation stoplogging switches off a record.";
    assert!(draft.summary.contains(says), "{}", draft.summary);
    assert!(draft.recommendations.join(" ").contains("Undo what nobody asked for"));
}

#[test]
fn a_known_vulnerability_is_no_policy_violation() {
    let incident = host_incident(
        Class::PolicyViolation,
        &["vulnerability-detector"],
        "CVE-2023-0286 affects openssl",
        "openssl 3.0.2",
        "openssl",
    );
    let draft = judge(&incident, &bounds(5), None);
    assert_eq!(draft.title, "Known vulnerability: CVE-2023-0286 affects openssl (on web01)");
    let steps = draft.recommendations.join(" ");
    assert!(steps.contains("affected package on web01") && !steps.contains("baseline"), "{steps}");
}

#[test]
fn a_new_account_is_named_and_one_that_is_root_is_said_to_be() {
    let made = |id: &str| {
        let line = format!("useradd[42]: new user: name=toor, UID={id}, GID={id}, home=/root");
        let groups = ["syslog", "adduser"];
        let incident = host_incident(
            Class::AccountChange,
            &groups,
            "New user added to the system.",
            &line,
            "toor",
        );
        judge(&incident, &bounds(5), None)
    };
    let (ordinary, root) = (made("1001"), made("0"));
    assert_eq!(ordinary.title, "New account on web01: `toor`");
    assert_eq!(root.title, "New account with the rights of root on web01: `toor`");
    assert!(root.recommendations[0].starts_with("Lock `toor` on web01 now"), "{root:?}");
}

#[test]
fn promiscuous_mode_is_no_scan() {
    let incident = host_incident(
        Class::CommandExecution,
        &["syslog", "promisc"],
        "Interface entered in promiscuous(sniffing) mode.",
        "kernel: device eth0 entered promiscuous mode",
        "eth0",
    );
    let draft = judge(&incident, &bounds(4), None);
    assert_eq!(draft.title, "Traffic capture on web01");
    assert!(draft.summary.contains("nothing was scanned"), "{}", draft.summary);
}

#[test]
fn a_script_under_the_web_root_is_named_with_what_to_do() {
    let file = "/var/www/html/uploads/x.php";
    let incident = host_incident(
        Class::FileIntegrity,
        &["ossec", "syscheck", "syscheck_entry_added", "syscheck_file"],
        "File added to the system.",
        "File '/var/www/html/uploads/x.php' added",
        file,
    );
    let draft = judge(&incident, &bounds(6), None);
    assert_eq!(draft.title, format!("Program under the web root on web01: `{file}`"));
    assert!(draft.recommendations[0].contains("web shell"), "{draft:?}");
}

#[test]
fn a_scan_of_few_paths_is_not_said_to_be_one_of_many() {
    for (class, said) in [
        (
            Class::Scanner,
            "203.0.113.9 asked web01 for `/item/` (3 alerts): the requests are those of a vulnerability scanner",
        ),
        (
            Class::ForcedBrowsing,
            "203.0.113.9 asked web01 for `/item/` (3 alerts): pages of the kind that directory scans look for",
        ),
    ] {
        let incident = incident(class, Actor::Address("203.0.113.9".to_owned()), Success::None);
        let draft = judge(&incident, &bounds(3), None);
        assert!(draft.summary.starts_with(said), "{}", draft.summary);
    }
    let mut many =
        incident(Class::ForcedBrowsing, Actor::Address("203.0.113.9".to_owned()), Success::None);
    for at in 0..25 {
        many.objects.count(&format!("/{at}"));
    }
    let draft = judge(&many, &bounds(3), None);
    assert!(draft.summary.contains("about 26 different paths"), "{}", draft.summary);
}

#[test]
fn the_first_path_does_not_stand_for_all() {
    let many = |class| {
        let mut many = incident(class, Actor::Address("203.0.113.9".to_owned()), Success::None);
        for path in ["/a/", "/b/", "/c/"] {
            many.objects.count(path);
        }
        judge(&many, &bounds(3), None)
    };
    let attack = many(Class::SqlInjection);
    assert!(attack.title.ends_with("at `/item/` and 3 others"), "{}", attack.title);
    assert!(
        attack.summary.contains("`/item/`, and at 3 different paths more"),
        "{}",
        attack.summary
    );
    let flagged = many(Class::WebAttack);
    assert!(flagged.summary.contains("to `/item/` and 3 others"), "{}", flagged.summary);
    assert!(flagged.recommendations[0].contains("`/item/` and 3 others"), "{flagged:?}");
    let errors = many(Class::WebError);
    assert!(errors.recommendations[0].contains("`/item/` and 3 others"), "{errors:?}");
}
