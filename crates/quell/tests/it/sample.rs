//! Alerts to feed to the program: recorded ones, and made ones with names of their own.

use std::io::Read as _;
use std::time::Duration;

use alert::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::command::repository;

/// Reads a file packed with gzip.
pub(crate) fn unpacked(path: &str) -> String {
    let file = std::fs::File::open(repository(path)).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// The recorded flood, one alert a line.
pub(crate) fn flood() -> Vec<String> {
    unpacked("fixtures/flood14k/alerts.json.gz").lines().map(str::to_owned).collect()
}

/// Writes a time of `ago` before now as a Wazuh manager does.
pub(crate) fn time(ago: Duration) -> String {
    SystemClock.now().before(ago).to_string().replace('Z', "+0000")
}

/// An attempted login as a user that is not there, on `host`.
pub(crate) fn login_failure(id: &str, source: &str, host: &str) -> Value {
    json!({
        "timestamp": time(Duration::ZERO),
        "rule": {"level": 5, "description": "A login was tried with an unknown user.", "id": "5710", "groups": ["syslog", "sshd", "authentication_failed", "invalid_login"], "mitre": {"id": ["T1110.001"]}},
        "agent": {"id": "007", "name": host, "ip": "10.0.0.7"},
        "manager": {"name": "m"},
        "id": id,
        "full_log": format!("Nov 24 14:26:00 {host} sshd[99]: Invalid user admin from {source} port 4242"),
        "decoder": {"name": "sshd"},
        "data": {"srcip": source, "srcuser": "admin"},
        "location": "/var/log/auth.log",
    })
}

/// One [`login_failure`] each on so many hosts, each from a source of its own.
pub(crate) fn login_failures(count: usize) -> Vec<Value> {
    let one = |at| {
        login_failure(&format!("1795530360.{at}"), &format!("203.0.113.{at}"), &format!("db0{at}"))
    };
    (0..count).map(one).collect()
}

/// A request to a web server, with the rule and level that the caller wants.
pub(crate) fn request(id: &str, source: &str, url: &str, status: u16, rule: (&str, u8)) -> Value {
    json!({
        "timestamp": time(Duration::ZERO),
        "rule": {"level": rule.1, "description": "A web request was flagged.", "id": rule.0, "groups": ["web", "accesslog"]},
        "agent": {"id": "001", "name": "web01", "ip": "10.0.0.21"},
        "manager": {"name": "m"},
        "id": id,
        "full_log": format!("{source} - - [24/Nov/2026:14:26:00 +0000] \"GET {url} HTTP/1.1\" {status} 812 \"-\" \"Mozilla/5.0\""),
        "decoder": {"name": "web-accesslog"},
        "data": {"protocol": "GET", "srcip": source, "id": status.to_string(), "url": url},
        "location": "/var/log/nginx/access.log",
    })
}

/// Joins alerts to one body, one a line.
pub(crate) fn lines(alerts: &[Value]) -> String {
    alerts.iter().map(|alert| format!("{alert}\n")).collect()
}
