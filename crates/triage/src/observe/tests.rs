//! What an alert shows, kind by kind: one line of text per alert, from fixtures and from alerts written here.

use alert::{Alert, Limits};
use serde_json::{Value, json};

use super::*;

const SSHD: &str = include_str!("../../../../fixtures/alerts/sshd.json");
const SUDO: &str = include_str!("../../../../fixtures/alerts/sudo.json");
const SYSCHECK: &str = include_str!("../../../../fixtures/alerts/syscheck.json");
const WINDOWS: &str = include_str!("../../../../fixtures/alerts/windows.json");
const SURICATA: &str = include_str!("../../../../fixtures/alerts/suricata.json");
const WEB: &str = include_str!("../../../../fixtures/alerts/web.json");

fn seen(text: &str) -> Observation {
    observe(&Alert::parse(text.as_bytes(), &Limits::default()).expect("an alert"))
}

fn line(file: &str, number: usize) -> Observation {
    seen(file.lines().nth(number).expect("a line"))
}

/// Tells the main things in one line.
fn told(seen: &Observation) -> String {
    let mut text = format!(
        "{} by {} {} on [{}]",
        seen.class,
        seen.actor.kind(),
        seen.actor.name(),
        seen.objects.join(", ")
    );
    if seen.success != Success::None {
        text.push_str(&format!(", {:?}", seen.success));
    }
    if let Some(finding) = &seen.finding {
        text.push_str(&format!(", in {}", finding.parameter.as_deref().unwrap_or("the request")));
    }
    if seen.injection.is_some() {
        text.push_str(", talks to a model");
    }
    text
}

fn web(url: &str, status: u16, agent: &str) -> Value {
    json!({
        "rule": {"id": "31101", "level": 5, "description": "client error", "groups": ["web", "accesslog"]},
        "agent": {"id": "001", "name": "web01"},
        "full_log": format!("203.0.113.9 - - [24/Nov/2026:17:00:00 +0000] \"GET {url} HTTP/1.1\" {status} 512 \"-\" \"{agent}\""),
        "data": {"protocol": "GET", "srcip": "203.0.113.9", "id": status.to_string(), "url": url},
    })
}

#[test]
fn a_sensor_is_taken_at_its_word_where_the_signature_names_nothing() {
    let class = |signature: &str, category: &str| {
        let alert = json!({
            "rule": {"id": "86601", "level": 3, "description": format!("Network sensor: {signature}"), "groups": ["ids", "suricata"]},
            "agent": {"id": "009", "name": "sensor"},
            "data": {"src_ip": "203.0.113.80", "alert": {"signature": signature, "category": category}},
        });
        seen(&alert.to_string()).class
    };
    assert_eq!(class("odd beacon", "A Network Trojan was detected"), Class::Malware);
    assert_eq!(class("odd beacon", "Attempted Administrator Privilege Gain"), Class::Exploit);
    assert_eq!(class("odd beacon", "Attempted Information Leak"), Class::NetworkScan);
    assert_eq!(class("odd beacon", "Generic Protocol Command Decode"), Class::Other);
    assert_eq!(class("reverse shell over dns tunnel", "Misc activity"), Class::CommandExecution);
    assert_eq!(class("a DNS tunnel", "Misc activity"), Class::Exfiltration);
}

#[test]
fn an_injection_behind_a_stock_rule_is_named_with_its_parameter() {
    assert_eq!(
        told(&line(WEB, 0)),
        "sql_injection by address 203.0.113.9 on [/item/], Answered, in id"
    );
}

#[test]
fn an_english_sentence_with_select_in_it_is_no_injection() {
    let seen = line(WEB, 1);
    assert_eq!(told(&seen), "web_attack by address 203.0.113.50 on [/search/]");
    assert_eq!(seen.finding, None);
}

#[test]
fn a_missing_page_is_an_error_of_the_web() {
    let seen = line(WEB, 2);
    assert_eq!(told(&seen), "web_error by address 203.0.113.9 on [/old/index.php]");
    assert_eq!(seen.status, Some(404));
}

#[test]
fn instructions_to_a_model_are_found_in_the_user_agent_and_behind_percent_signs() {
    assert_eq!(told(&line(WEB, 3)), "web_error by address 203.0.113.66 on [/], talks to a model");
    assert_eq!(told(&line(WEB, 4)), "web_error by address 203.0.113.67 on [/], talks to a model");
}

#[test]
fn a_failed_login_is_guessing_by_the_address_whatever_the_user() {
    let (first, second) = (line(SSHD, 0), line(SSHD, 1));
    assert_eq!(told(&first), "brute_force by address 198.51.100.23 on [admin]");
    assert_eq!((first.actor, first.behaviour), (second.actor, second.behaviour));
    assert!(first.others.is_empty(), "the guessed user took no part: {:?}", first.others);
}

#[test]
fn a_login_after_failures_says_that_it_worked() {
    assert_eq!(told(&line(SSHD, 7)), "brute_force by address 198.51.100.23 on [deploy], Confirmed");
    assert_eq!(told(&line(SSHD, 6)), "login by address 198.51.100.23 on [deploy]");
}

#[test]
fn sudo_is_an_act_of_the_user_who_ran_it() {
    let first = line(SUDO, 0);
    assert_eq!(
        told(&first),
        "privilege_escalation by user deploy on [/usr/bin/apt-get update, root]"
    );
    assert_ne!(
        first.behaviour,
        line(SUDO, 1).behaviour,
        "a command and a wrong password are two behaviours"
    );
}

#[test]
fn a_changed_file_is_known_by_its_path() {
    assert_eq!(told(&line(SYSCHECK, 0)), "file_integrity by host web01 on [/etc/passwd]");
}

#[test]
fn a_report_of_virustotal_is_malware() {
    assert_eq!(told(&line(SYSCHECK, 2)), "malware by host web01 on [/var/www/html/up/s.php]");
}

#[test]
fn a_failed_login_on_windows_names_the_address_and_not_the_machine_account() {
    assert_eq!(told(&line(WINDOWS, 0)), "brute_force by address 10.0.0.66 on [jsmith]");
    assert_eq!(line(WINDOWS, 2).class, Class::DefenseEvasion);
}

#[test]
fn a_signature_of_a_network_sensor_is_read_by_its_words() {
    assert_eq!(told(&line(SURICATA, 0)), "log4shell by address 203.0.113.80 on [10.0.0.21]");
    assert_eq!(told(&line(SURICATA, 1)), "network_scan by address 203.0.113.80 on [10.0.0.21]");
}

#[test]
fn without_address_and_user_the_machine_itself_is_the_actor() {
    let seen = seen(
        r#"{"rule":{"id":"502","level":3,"description":"started"},"agent":{"id":"000","name":"manager"}}"#,
    );
    assert_eq!(told(&seen), "other by host manager on []");
}

#[test]
fn hidden_and_acting_characters_are_counted_and_the_text_still_matches() {
    let seen = seen(
        &web("/?q=%3Cscript%3Ealert(1)%3C/script%3E", 200, "a\u{202e}b\u{200b}\u{1b}[2J")
            .to_string(),
    );
    assert!(seen.hidden.is_suspicious(), "{:?}", seen.hidden);
    assert_eq!(told(&seen), "xss by address 203.0.113.9 on [/], Answered, in q");
}

#[test]
fn a_server_error_on_an_attack_is_a_reaction_and_a_refusal_says_nothing() {
    let attack = "/?id=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-";
    assert_eq!(seen(&web(attack, 500, "x").to_string()).success, Success::Reaction);
    assert_eq!(seen(&web(attack, 403, "x").to_string()).success, Success::None);
}

#[test]
fn requests_of_one_shape_share_it_and_others_do_not() {
    let shape = |url: &str| seen(&web(url, 404, "x").to_string()).shape;
    assert_eq!(shape("/item/17"), shape("/item/4711"));
    assert_ne!(shape("/item/17"), shape("/login?next=x"));
}

#[test]
fn texts_are_bounded_whatever_comes() {
    let seen =
        seen(&web(&format!("/{}", "a%27".repeat(20_000)), 200, &"x".repeat(50_000)).to_string());
    assert!(seen.excerpt.as_raw().len() <= EXCERPT_BYTES_MAX);
    assert!(seen.decoded.as_ref().is_none_or(|text| text.as_raw().len() <= EXCERPT_BYTES_MAX));
    assert!(seen.objects.iter().all(|object| object.chars().count() <= 161), "{:?}", seen.objects);
}

#[test]
fn a_refused_login_is_a_guess_whatever_program_tries_it() {
    let class = |url: &str, status: u16| seen(&web(url, status, "gobuster/3.6").to_string()).class;
    assert_eq!(class("/account/login", 401), Class::BruteForce);
    assert_eq!(class("/account/login", 404), Class::Scanner);
    assert_eq!(
        class("/img/a.png?next=login", 401),
        Class::Scanner,
        "only the path says what it is"
    );
    assert_eq!(class("/login?u=1%27%20OR%20SLEEP(5)--%20-", 401), Class::SqlInjection);
}

#[test]
fn a_refused_login_hides_no_attack_that_a_rule_or_a_sensor_knows() {
    let class = |data: Value, groups: &[&str], text: &str| {
        let alert = json!({
            "rule": {"id": "86601", "level": 3, "description": text, "groups": groups},
            "agent": {"id": "1", "name": "a"}, "data": data,
        });
        seen(&alert.to_string()).class
    };
    let http = |url: &str, method: &str| json!({"srcip": "192.0.2.1", "http": {"url": url, "http_method": method, "status": "401"}});
    let sensor = &["ids", "suricata"];
    assert_eq!(class(http("/login", "POST"), sensor, "ET EXPLOIT Apache log4j"), Class::Log4shell);
    assert_eq!(class(http("/login", "GET"), sensor, "a web shell was used"), Class::Webshell);
    assert_eq!(class(http("/login", "GET"), &["web"], "a page was refused"), Class::BruteForce);
    // Every field that a request may be in is read.
    let edge =
        json!({"ClientIP": "192.0.2.1", "ClientRequestURI": "/login", "EdgeResponseStatus": "401"});
    assert_eq!(class(edge, &["web"], "a page was refused"), Class::BruteForce);
    // A client that negotiates is refused first, wherever it asks.
    assert_eq!(class(http("/ews/mail.asmx", "POST"), &["web"], "refused"), Class::WebError);
}

#[test]
fn operations_and_findings_that_matter_are_told_from_those_of_every_day() {
    let of = |data: Value, groups: &[&str], text: &str| {
        let alert = json!({
            "rule": {"id": "80202", "level": 3, "description": "a service reports", "groups": groups},
            "agent": {"id": "000", "name": "manager"}, "data": data, "full_log": text,
        });
        seen(&alert.to_string()).class
    };
    let aws = |name: &str| of(json!({"aws": {"eventName": name}}), &["amazon"], "");
    assert_eq!(aws("StopLogging"), Class::DefenseEvasion);
    assert_eq!(aws("CreateAccessKey"), Class::AccountChange);
    assert_eq!(aws("DescribeInstances"), Class::Other);
    let rootcheck = |text: &str| of(json!({"title": text}), &["ossec", "rootcheck"], text);
    assert_eq!(rootcheck("Trojaned version of a file"), Class::Malware);
    assert_eq!(rootcheck("A file is writable by anybody"), Class::PolicyViolation);
}

#[test]
fn a_file_that_lets_people_in_is_no_file_like_the_others() {
    let behaviour = |path: &str| {
        let alert = json!({
            "rule": {"id": "550", "level": 7, "description": "a file changed", "groups": ["syscheck"]},
            "agent": {"id": "1", "name": "a"}, "syscheck": {"path": path},
        });
        seen(&alert.to_string()).behaviour
    };
    assert_eq!(behaviour("/usr/lib/a.so"), behaviour("/usr/lib/b.so"));
    assert_eq!(behaviour("/etc/passwd"), behaviour("/etc/shadow"));
    let kinds = [
        "/usr/lib/a.so",
        "/etc/passwd",
        "/srv/git/.ssh/authorized_keys",
        "/etc/cron.d/a",
        "/var/www/html/a.php",
    ];
    let mut told: Vec<String> = kinds.iter().map(|path| behaviour(path)).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), kinds.len(), "{told:?}");
}

#[test]
fn all_flaws_of_a_machine_are_one_thing_by_how_bad_they_are() {
    let key = |rule: &str, package: &str| {
        let alert = json!({
            "rule": {"id": rule, "level": 10, "description": format!("CVE-2026-1 affects {package}"), "groups": ["vulnerability-detector"]},
            "agent": {"id": "1", "name": "a"}, "data": {"vulnerability": {"package": {"name": package}}},
        });
        let seen = seen(&alert.to_string());
        (seen.behaviour, seen.variant)
    };
    assert_eq!(key("23505", "curl"), key("23505", "vim"));
    assert_ne!(key("23505", "curl"), key("23506", "curl"));
}

/// An alert of the rule that counts what is sent to a login form, on the last of the requests.
fn guessed(rule: &str, groups: &[&str], status: u16, agent: &str, url: &str) -> Observation {
    let mut alert = web(url, status, agent);
    alert["rule"] = json!({"id": rule, "level": 10, "description": "Brute force: a form was sent many times.", "groups": groups});
    seen(&alert.to_string())
}

#[test]
fn a_rule_that_counted_tries_to_log_in_says_more_than_the_path_of_the_form() {
    let tries = ["web", "web_attack", "brute_force", "authentication_failures"];
    let success = ["web", "web_attack", "brute_force", "authentication_success"];
    let form = "/wp-login.php";
    let refused = guessed("100805", &tries, 200, "x", form);
    assert_eq!(told(&refused), "brute_force by address 203.0.113.9 on [/wp-login.php]");
    let led_on = guessed("100810", &success, 302, "x", form);
    assert_eq!(told(&led_on), "brute_force by address 203.0.113.9 on [/wp-login.php], Confirmed");
    assert_eq!((refused.actor, refused.behaviour), (led_on.actor, led_on.behaviour));
    // The program that sends them says less as well, and an attack in the form more.
    assert_eq!(guessed("100805", &tries, 200, "gobuster/3.6", form).class, Class::BruteForce);
    let attack = "/wp-login.php?a=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-";
    assert_eq!(guessed("100805", &tries, 200, "x", attack).class, Class::SqlInjection);
    assert_eq!(guessed("1", &["web"], 200, "x", form).class, Class::ForcedBrowsing);
}
