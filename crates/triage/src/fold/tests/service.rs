//! Errors of applications: one incident for each service and whoever causes them, whatever is written in them.

use alert::Class;
use serde_json::{Value, json};

use super::Scene;

/// An application says that it broke on a request, in the words of whoever sent it.
fn broke(app: &str, address: &str, path: &str) -> Value {
    json!({
        "rule": {"id": "116165", "level": 5, "description": "the application failed", "groups": ["quell_web", "system_error"]},
        "agent": {"id": "001", "name": "web01"},
        "location": "/var/log/shop/security.log",
        "decoder": {"name": "json"},
        "full_log": format!("{{\"app\": \"{app}\", \"event\": \"error\", \"srcip\": \"{address}\", \"path\": \"{path}\", \"detail\": \"near {path}\"}}"),
        "data": {"app": app, "event": "error", "srcip": address, "path": path, "status": "500"},
    })
}

#[test]
fn the_errors_that_one_attacker_causes_in_a_service_are_one_thing_whatever_he_writes() {
    let mut scene = Scene::new();
    // Quotes within the text, which end and begin what is masked elsewhere each time.
    let paths = [
        "/p?id=1'",
        r#"/p?id=\" or one"#,
        r#"/p?id=\"x y\" z"#,
        r#"/p?id=\"; drop table a"#,
        r#"/c?n=\" union select name from a"#,
        r#"/c?n=\"\" and (select sleep)"#,
    ];
    let first = scene.join(0, broke("shop", "203.0.113.9", "/p?id=1"));
    for (second, path) in (1..).zip(paths) {
        let joined = scene.join(second, broke("shop", "203.0.113.9", path));
        assert_eq!(joined.incident_id, first.incident_id, "{path}");
    }
    let incident = scene.incident(&first);
    assert_eq!((incident.class, incident.alert_count), (Class::SystemError, 7));
    let mut stack = broke("shop", "203.0.113.9", "/p?id=1");
    stack["full_log"] =
        json!(r#"{"app": "shop", "event": "error", "line": 12, "srcip": "203.0.113.9"}"#);
    assert_eq!(scene.join(8, stack).incident_id, first.incident_id);
    let shapes = scene.incident(&first).evidence.len() - incident.evidence.len();
    assert_eq!(shapes, 1, "what differs beside what he writes is kept as evidence");
}

#[test]
fn errors_of_two_services_two_attackers_or_two_kinds_stay_apart_and_so_do_those_of_a_machine() {
    let mut scene = Scene::new();
    let one = broke("shop", "203.0.113.9", "/p?id=1'");
    let mut others = vec![
        broke("billing", "203.0.113.9", "/p?id=1'"),
        broke("shop", "203.0.113.10", "/p?id=1'"),
    ];
    for (pointer, value) in [
        ("/location", "/var/log/other.log"),
        ("/rule/id", "116113"),
        ("/agent/id", "002"),
        ("/decoder/name", "gunicorn"),
    ] {
        let mut other = one.clone();
        *other.pointer_mut(pointer).expect("a field") = json!(value);
        others.push(other);
    }
    let mut other = one.clone();
    other["predecoder"] = json!({"program_name": "billing"});
    others.push(other);
    let mut seen = vec![scene.join(0, one).incident_id];
    for other in others {
        let id = scene.join(1, other.clone()).incident_id;
        assert!(!seen.contains(&id), "{other}");
        seen.push(id);
    }
    // What only a machine reports is told apart by what it says.
    let machine = |text: &str| {
        json!({
            "rule": {"id": "2942", "level": 5, "description": "trouble", "groups": ["syslog", "system_error"]},
            "agent": {"id": "001", "name": "web01"},
            "location": "/var/log/syslog",
            "full_log": text,
        })
    };
    let disk = scene.join(2, machine("the disk is full")).incident_id;
    assert_ne!(scene.join(3, machine("the fan stands still")).incident_id, disk);
    assert_eq!(scene.join(4, machine("the disk is full")).incident_id, disk);
}
