//! What to call each class, and what to do about it: in the words of somebody who has done it before.
//!
//! Steps name the actual host, path, parameter and address. They begin with what settles whether it worked, then what stops it, then
//! what keeps it from coming back.

use alert::Class;
use alert::detail::Detail;
use alert::incident::{Actor, Incident, Success};

use super::Scene;

/// The name of a class for people.
pub(super) const fn name(class: Class) -> &'static str {
    match class {
        Class::SqlInjection => "SQL injection",
        Class::Xss => "Cross-site scripting",
        Class::CommandInjection => "Command injection",
        Class::PathTraversal => "Path traversal",
        Class::FileInclusion => "File inclusion",
        Class::Ssti => "Template injection",
        Class::Ssrf => "Server-side request forgery",
        Class::Log4shell => "Log4Shell lookup",
        Class::CodeInjection => "Code injection",
        Class::OpenRedirect => "Open redirect",
        Class::Xxe => "XML external entity",
        Class::NosqlInjection => "NoSQL injection",
        Class::Webshell => "Web shell use",
        Class::Scanner => "Vulnerability scan",
        Class::ForcedBrowsing => "Directory scan",
        Class::WebAttack => "Flagged web requests without an attack in them",
        Class::WebError => "Web errors",
        Class::BruteForce => "Password guessing",
        Class::Login => "Login",
        Class::PrivilegeEscalation => "Use of higher privileges",
        Class::AccountChange => "Account or group change",
        Class::FileIntegrity => "File change",
        Class::Malware => "Malware report",
        Class::Persistence => "New foothold",
        Class::DefenseEvasion => "Removal of traces",
        Class::NetworkScan => "Network scan",
        Class::Exploit => "Exploit attempt",
        Class::DenialOfService => "Denial of service",
        Class::Exfiltration => "Data leaving",
        Class::PolicyViolation => "Policy violation",
        Class::CommandExecution => "Command execution",
        Class::SystemError => "System trouble",
        Class::Other => "Unclassified",
        Class::Benign => "Ordinary behaviour",
    }
}

/// What to call an incident: by its detail where one is known, else by its class.
pub(super) fn heading(incident: &Incident) -> &'static str {
    match Detail::of(incident) {
        Some(Detail::RefusedPrivileges) => "Refused use of higher privileges",
        Some(Detail::NewAccount) => "New account",
        Some(Detail::NewRoot) => "New account with the rights of root",
        Some(Detail::KnownFlaw) => "Known vulnerability",
        Some(Detail::TrafficCapture) => "Traffic capture",
        Some(Detail::WebScript) => "Program under the web root",
        Some(Detail::LoginFile) => "Change of who may log in",
        Some(Detail::StartFile) => "Change of what runs by itself",
        Some(Detail::TellingCommand) => "Command of an attacker",
        Some(Detail::StoppedWayOut) => "Connection that was stopped on its way out",
        Some(Detail::SensorAlarm) if incident.class == Class::Malware => {
            "Traffic of malicious software"
        }
        Some(Detail::SensorAlarm) => "Exploit that a sensor calls serious",
        Some(Detail::TellingOperation) => match incident.class {
            Class::DefenseEvasion => "Records or a defence switched off in a service",
            Class::AccountChange => "Account, key or rights given in a service",
            _ => "Way in left in a service",
        },
        None => name(incident.class),
    }
}

/// The ATT&CK techniques that a class stands for.
pub(super) const fn techniques(class: Class) -> &'static [&'static str] {
    match class {
        Class::SqlInjection
        | Class::Ssti
        | Class::Xxe
        | Class::NosqlInjection
        | Class::Log4shell
        | Class::FileInclusion
        | Class::Ssrf => &["T1190"],
        Class::CommandInjection | Class::CodeInjection => &["T1190", "T1059"],
        Class::PathTraversal => &["T1190", "T1083"],
        Class::Xss => &["T1189"],
        Class::OpenRedirect => &["T1566.002"],
        Class::Webshell => &["T1505.003"],
        Class::Scanner => &["T1595.002"],
        Class::ForcedBrowsing => &["T1595.003"],
        Class::BruteForce => &["T1110"],
        _ => &[],
    }
}

/// What to do, in order.
pub(super) fn steps(incident: &Incident, scene: &Scene) -> Vec<String> {
    let detail = Detail::of(incident);
    let confirmed = detail.and_then(|detail| confirm_detail(detail, incident, scene));
    let mut steps = vec![confirmed.unwrap_or_else(|| confirm(incident, scene))];
    steps.extend(stop(incident, scene));
    steps.extend(detail.map_or_else(|| mend(incident.class), mend_detail).map(str::to_owned));
    steps.truncate(5);
    steps
}

/// What settles whether it worked.
fn confirm(incident: &Incident, scene: &Scene) -> String {
    confirm_request(incident, scene).unwrap_or_else(|| confirm_on_host(incident, scene))
}

/// What settles it where more than the class is known.
fn confirm_detail(detail: Detail, incident: &Incident, scene: &Scene) -> Option<String> {
    let (target, places) = (&scene.target, scene.places());
    Some(match detail {
        Detail::RefusedPrivileges => format!(
            "Ask {} what they wanted to do on {target}, and look for a use of higher privileges that was granted later.",
            who(incident, scene)
        ),
        Detail::NewRoot => format!(
            "Lock {places} on {target} now, end its sessions, and find which account made it and from where."
        ),
        Detail::NewAccount => format!(
            "Find the request for {places} on {target} and who made it; if there is none, lock the account."
        ),
        Detail::KnownFlaw => format!(
            "See whether the affected package on {target} is in use and can be reached, then update it or write down why not."
        ),
        Detail::TrafficCapture => format!(
            "Find the program on {target} that listens: a packet capture, a bridge or a virtual machine; end it if nobody asked for it."
        ),
        Detail::WebScript => format!(
            "Read {places} on {target} before anybody opens it: a deployment puts files there, and so does whoever leaves a web shell."
        ),
        Detail::LoginFile => format!(
            "Compare {places} on {target} with a known copy, and find which account and program wrote it and whether somebody asked for it."
        ),
        Detail::StartFile => format!(
            "Read what {places} on {target} starts, and see whether a package that was installed then brought it."
        ),
        Detail::TellingCommand => format!(
            "Find out from {} why this ran on {target}; unless it was a test that was agreed on, cut {target} off and keep its memory.",
            who(incident, scene)
        ),
        Detail::TellingOperation => format!(
            "Ask {} whether they did this and why, over another way than the account; if they did not, take its keys and sessions away.",
            who(incident, scene)
        ),
        Detail::StoppedWayOut => format!(
            "Find the program on {} that wants to reach {places}; if nobody knows it, cut the machine off and keep its memory.",
            scene.actor
        ),
        Detail::SensorAlarm => format!(
            "Look at the recorded traffic between {} and {places}, and see whether the machine inside answered or began it; if so, cut it off and keep its memory.",
            scene.actor
        ),
    })
}

/// What keeps it from coming back, where more than the class is known.
fn mend_detail(detail: Detail) -> Option<&'static str> {
    Some(match detail {
        Detail::RefusedPrivileges | Detail::NewAccount => return None,
        Detail::NewRoot => {
            "Change the credentials of whoever could use root there, and compare the accounts with a known copy."
        }
        Detail::KnownFlaw => "Update such packages on a schedule, the reachable ones first.",
        Detail::TrafficCapture => "Allow packet captures to named accounts only.",
        Detail::WebScript => {
            "Take the web server's right to write where it serves programs from, and search its log for requests to the file."
        }
        Detail::LoginFile => {
            "Take back what nobody asked for, and end the sessions of accounts that gained by it."
        }
        Detail::StartFile => {
            "Remove what nobody asked for, and look for the same entry on other machines."
        }
        Detail::StoppedWayOut => {
            "Search the firewall's log for other machines that want to go to the same places."
        }
        Detail::SensorAlarm => {
            "Block the other side at the firewall, and search the sensor's log for other machines that speak with it."
        }
        Detail::TellingOperation => {
            "Undo what nobody asked for, and read what the same account did in the service before and after."
        }
        Detail::TellingCommand => {
            "Change what was kept on the machine (passwords, keys), and look for the same command and its addresses elsewhere."
        }
    })
}

/// What settles it for what shows in web requests.
fn confirm_request(incident: &Incident, scene: &Scene) -> Option<String> {
    let (target, place, actor) = (&scene.target, scene.place(), &scene.actor);
    Some(match incident.class {
        Class::SqlInjection | Class::NosqlInjection => format!(
            "Replay the request against a test copy of {target} and see whether {place} changes the query; search the database log for it."
        ),
        Class::Xss => format!(
            "Open {place} with the payload in a test browser and see whether it runs; if the value is stored, find who has seen the page."
        ),
        Class::CommandInjection | Class::CodeInjection | Class::Ssti | Class::Log4shell => {
            format!(
                "On {target}, look for child processes of the web server and outgoing connections at that time; check what {place} passes to the shell or interpreter."
            )
        }
        Class::PathTraversal | Class::FileInclusion | Class::Xxe => {
            format!(
                "Compare the size of the answers of {place} with that of a normal one: a larger one may hold the file that was asked for."
            )
        }
        Class::Ssrf => format!(
            "Search outgoing connections of {target} at that time for the address in the request through {place}."
        ),
        Class::OpenRedirect => {
            format!("See whether {place} really sends a browser to the foreign site.")
        }
        Class::Webshell => format!(
            "Take {target} off the network, keep its memory and disk, and look for the file behind {place}."
        ),
        Class::Scanner | Class::ForcedBrowsing => {
            format!(
                "List what {actor} got with status 200 from {target} at that time: those pages are what it found."
            )
        }
        Class::WebAttack => format!(
            "Read some of the requests to {}; if they are what users type, exclude rule {} there.",
            scene.places(),
            first_rule(incident)
        ),
        Class::WebError => format!(
            "See whether a page of {target} links to {}; a broken link explains errors like these.",
            scene.places()
        ),
        _ => return None,
    })
}

/// What settles it for the rest.
fn confirm_on_host(incident: &Incident, scene: &Scene) -> String {
    let (target, places, actor) = (&scene.target, scene.places(), &scene.actor);
    match incident.class {
        Class::BruteForce if incident.success == Success::Confirmed => {
            format!(
                "End the sessions of {actor} on {target} now, and lock the account that logged in."
            )
        }
        Class::BruteForce => {
            format!("Search {target} for a successful login by {actor} after the failures.")
        }
        Class::Login => {
            format!("Ask the owner of the account whether the login on {target} was theirs.")
        }
        Class::PrivilegeEscalation => format!(
            "Ask {} whether they meant to use higher privileges on {target}.",
            who(incident, scene)
        ),
        Class::AccountChange => format!(
            "Find the change request for this account or group change on {target}; if there is none, undo it."
        ),
        Class::FileIntegrity => format!(
            "Compare {places} on {target} with the packaged version, and find who or what wrote it."
        ),
        Class::Malware => format!(
            "Isolate {target}, keep a copy of {places}, and scan for the same file elsewhere."
        ),
        Class::Persistence => format!(
            "On {target}, find what was installed to start by itself and which account did it."
        ),
        Class::DefenseEvasion => format!(
            "Find who cleared or switched off logging on {target}; use copies of the log from the manager."
        ),
        Class::NetworkScan => {
            format!("See what {actor} reached on {target} and its neighbours after the scan.")
        }
        Class::Exploit => {
            format!("Check whether {target} runs what the signature is about, and its version.")
        }
        Class::DenialOfService => format!(
            "See whether services on {target} answer, and how much traffic comes from {actor}."
        ),
        Class::Exfiltration => format!("Find what left {target}, how much, and to where."),
        Class::PolicyViolation => format!(
            "Compare the setting on {target} with your baseline; accept it in writing or mend it."
        ),
        Class::CommandExecution => format!(
            "See which account ran the command on {target}, from which session, and whether that is its work."
        ),
        Class::SystemError => {
            format!("Mend the fault on {target}; rule {} names it.", first_rule(incident))
        }
        _ => format!(
            "Read the alerts of rule {} on {target} and decide whether they are expected.",
            first_rule(incident)
        ),
    }
}

/// What stops it.
fn stop(incident: &Incident, scene: &Scene) -> Vec<String> {
    // A few failed logins are a person with a new keyboard.
    let is_clumsy =
        incident.class == Class::BruteForce && incident.alert_count < 5 && incident.level_max < 10;
    let is_hostile = super::is_attack(incident.class) && !is_clumsy;
    match &incident.actor {
        Actor::Address(address) if is_hostile => vec![format!(
            "If {} is not your own scanner or proxy, block it at the edge of {} for now.",
            alert::sanitize::shown(address, 60),
            scene.target
        )],
        Actor::Many if is_hostile => vec![format!(
            "Limit the rate of such requests to {}: they come from many addresses, so blocking single ones will not help.",
            scene.target
        )],
        _ => Vec::new(),
    }
}

/// What keeps it from coming back.
fn mend(class: Class) -> Option<&'static str> {
    Some(match class {
        Class::SqlInjection => {
            "Use bound parameters in the query behind it, and give its database account no more rights than it needs."
        }
        Class::Xss => {
            "Escape the value where it is put into the page, and set a content security policy."
        }
        Class::CommandInjection => {
            "Call the program with an argument list instead of a shell, and accept only what the parameter should hold."
        }
        Class::PathTraversal | Class::FileInclusion => {
            "Resolve the path and refuse what lies outside the served folder; map names to files instead of taking paths."
        }
        Class::Ssti => "Never build templates from input; pass it as data.",
        Class::Ssrf => {
            "Allow only the hosts that the feature needs, and block the metadata address and private ranges for the web server."
        }
        Class::Log4shell => {
            "Update Log4j to 2.17.1 or later on every Java service that may log this text."
        }
        Class::CodeInjection => {
            "Remove the evaluation of input, and update the component that allows it."
        }
        Class::OpenRedirect => "Accept only paths of your own site as the target of a redirect.",
        Class::Xxe => "Switch external entities off in the XML parser.",
        Class::NosqlInjection => {
            "Accept only plain values where the query expects them, and refuse operators."
        }
        Class::Webshell => {
            "Rebuild the host from a known image, and close the way by which the file came."
        }
        Class::Scanner | Class::ForcedBrowsing => {
            "Make sure that nothing lies in the served folders that is not meant to be found: backups, version control, settings."
        }
        Class::BruteForce => {
            "Allow keys or a second factor only, and limit failed logins by address."
        }
        Class::PrivilegeEscalation => "Review who may use sudo or administrative groups.",
        Class::Persistence | Class::Malware => {
            "Change the credentials that were used on the host since it happened."
        }
        Class::FileIntegrity => "If the change was planned, tell the file integrity monitor so.",
        _ => return None,
    })
}

/// What the evidence doesn't say.
pub(super) fn unknowns(incident: &Incident, scene: &Scene) -> Vec<String> {
    let mut unknowns = Vec::new();
    match incident.class {
        Class::SqlInjection | Class::NosqlInjection => unknowns
            .push(format!("whether the database behind {} ran the statement", scene.place())),
        Class::Xss => unknowns.push(
            "whether the script ran in anybody's browser: a status of 200 does not say".to_owned(),
        ),
        Class::CommandInjection | Class::CodeInjection | Class::Ssti | Class::Log4shell => unknowns
            .push(format!("whether {} ran the command: access logs do not show it", scene.target)),
        Class::PathTraversal | Class::FileInclusion | Class::Xxe => {
            unknowns.push("what the answer contained".to_owned())
        }
        Class::BruteForce => {
            unknowns.push("whether a guessed password was used elsewhere".to_owned())
        }
        Class::Other => unknowns.push("whether this behaviour is expected on this host".to_owned()),
        _ => {}
    }
    if matches!(incident.actor, Actor::Address(_)) && incident.class.is_web_exploit() {
        unknowns.push("whether the address is a proxy that hides the real client".to_owned());
    }
    unknowns
}

fn who(incident: &Incident, scene: &Scene) -> String {
    match &incident.actor {
        Actor::User(user) => alert::sanitize::shown(user, 40),
        _ => format!("the user behind {}", scene.actor),
    }
}

fn first_rule(incident: &Incident) -> String {
    incident
        .rules
        .names()
        .next()
        .map_or_else(|| "?".to_owned(), |id| alert::sanitize::shown(id, 12))
}
