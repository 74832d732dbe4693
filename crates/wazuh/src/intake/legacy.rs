//! Turns Wazuh's legacy alert file into a Wazuh-shaped JSON alert.
//!
//! An `<integration>` block without `<alert_format>json</alert_format>` makes integratord write seven
//! lines of `key='value'`. Quell's setup asks for JSON, but an alert must not be lost because somebody
//! wired the hook by hand. The result has the fields that the legacy file holds and no others: there is
//! no alert id, the log text was already blanked of quotes by Wazuh, and it is cut at `max_log`.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Reads a legacy alert file; `None` if it isn't one, or is JSON already.
///
/// A date without a zone is taken as UTC, because the file says no more.
pub fn to_json(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    // Rule and level come before any text that an attacker writes; without them it is no alert.
    let rule_id = field(&text, "ruleid").filter(|id| is_number(id))?;
    let level: u64 = field(&text, "alertlevel").and_then(|level| level.trim().parse().ok())?;

    let mut alert = Map::new();
    if let Some(timestamp) = field(&text, "alertdate").and_then(timestamp) {
        alert.insert("timestamp".to_owned(), timestamp.into());
    }
    let description = field(&text, "ruledescription").unwrap_or_default();
    alert.insert(
        "rule".to_owned(),
        json!({ "level": level, "description": description, "id": rule_id.trim() }),
    );
    let (agent, location) = split_location(field(&text, "alertlocation").unwrap_or_default());
    if let Some(agent) = agent {
        alert.insert("agent".to_owned(), agent);
    }
    if let Some(log) = field(&text, "alertlog").filter(|log| !log.is_empty()) {
        alert.insert("full_log".to_owned(), log.into());
    }
    let source = field(&text, "srcip").map(str::trim).filter(|ip| !is_absent(ip));
    if let Some(source) = source {
        alert.insert("data".to_owned(), json!({ "srcip": source }));
    }
    alert.insert("location".to_owned(), location.into());
    serde_json::to_vec(&Value::Object(alert)).ok()
}

/// The value of the first line `key='value'`: a later line of the same key could come out of a log.
///
/// The value ends at the last quote of its line, as Wazuh doesn't escape quotes in descriptions.
fn field<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix("='"))?;
    Some(line.rsplit_once('\'').map_or(line, |(value, _)| value))
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// C programs print a missing text in these ways.
fn is_absent(text: &str) -> bool {
    matches!(text, "" | "(null)" | "(none)" | "unknown" | "None")
}

/// Writes a date as alerts.json does; `None` if it is in no known form.
fn timestamp(date: &str) -> Option<String> {
    let date = date.trim();
    let mut words = date.split_ascii_whitespace();
    let (Some(year), Some(month), Some(day), Some(time), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        // Already in the form of alerts.json; integratord passes that through.
        let is_iso = date.len() >= "2026-11-24T14:02:39".len()
            && date.get(..4).is_some_and(is_number)
            && date.get(10..11) == Some("T");
        return is_iso.then(|| date.to_owned());
    };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == month)?.saturating_add(1);
    let year: u16 = year.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let day: u8 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let mut parts = time.split(':');
    let mut next = |max: u8| parts.next()?.parse::<u8>().ok().filter(|part| *part <= max);
    let (hour, minute, second) = (next(23)?, next(59)?, next(60)?);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000+0000"))
}

/// Splits `(agent) ip->path`, with or without a leading `[id]`, or `host->path` for the manager.
fn split_location(location: &str) -> (Option<Value>, &str) {
    let Some((origin, path)) = location.split_once("->") else { return (None, location) };
    let mut agent = Map::new();
    let mut rest = origin;
    if let Some((id, behind)) = origin.strip_prefix('[').and_then(|text| text.split_once("] ")) {
        if is_number(id) {
            agent.insert("id".to_owned(), id.into());
        }
        rest = behind;
    }
    if let Some((name, ip)) = rest.strip_prefix('(').and_then(|text| text.split_once(") ")) {
        agent.insert("name".to_owned(), name.into());
        if ip != "any" && ip.parse::<std::net::IpAddr>().is_ok() {
            agent.insert("ip".to_owned(), ip.into());
        }
        return (Some(Value::Object(agent)), path);
    }
    // A path may hold an arrow too; only a bare host name in front of it is an origin.
    let is_host = !origin.is_empty()
        && origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if is_host {
        return (Some(json!({ "id": "000", "name": origin })), path);
    }
    (None, location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expected: &str) {
        let json = to_json(file.as_bytes()).map(|json| String::from_utf8(json).unwrap());
        assert_eq!(json.as_deref().unwrap_or("none"), expected);
    }

    #[test]
    fn an_agents_alert_becomes_json() {
        check(
            "alertdate='2026 Nov 24 14:02:39'\nalertlocation='(web01) 10.0.0.21->/var/log/auth.log'\n\
             ruleid='5710'\nalertlevel='5'\nruledescription='sshd: it's no user'\n\
             alertlog='Nov 24 web01 sshd: Invalid user'\nsrcip='203.0.113.9'\n",
            r#"{"timestamp":"2026-11-24T14:02:39.000+0000","rule":{"level":5,"description":"sshd: it's no user","id":"5710"},"agent":{"name":"web01","ip":"10.0.0.21"},"full_log":"Nov 24 web01 sshd: Invalid user","data":{"srcip":"203.0.113.9"},"location":"/var/log/auth.log"}"#,
        );
    }

    #[test]
    fn what_the_file_does_not_say_is_absent() {
        check(
            "alertdate='yesterday'\nalertlocation='wazuh->rootcheck'\nruleid='510'\n\
             alertlevel='7'\nsrcip='(null)'\n",
            r#"{"rule":{"level":7,"description":"","id":"510"},"agent":{"id":"000","name":"wazuh"},"location":"rootcheck"}"#,
        );
    }

    #[test]
    fn a_json_date_stays_as_it_is() {
        check(
            "alertdate='2026-11-24T14:02:39.852+0100'\nalertlocation='/a->b'\nruleid='1'\nalertlevel='3'",
            r#"{"timestamp":"2026-11-24T14:02:39.852+0100","rule":{"level":3,"description":"","id":"1"},"location":"/a->b"}"#,
        );
    }

    #[test]
    fn a_second_value_of_a_key_is_ignored() {
        let file = "ruleid='1'\nalertlevel='9'\nalertlog='x'\nalertlevel='0'\nruleid='2'\n";
        check(
            file,
            r#"{"rule":{"level":9,"description":"","id":"1"},"full_log":"x","location":""}"#,
        );
    }

    #[test]
    fn json_and_other_text_are_no_legacy_alerts() {
        check(" {\"rule\":{}}", "none");
        check("ruleid='abc'\nalertlevel='3'", "none");
        check("ruleid='1'", "none");
        check("", "none");
        check("\u{fffd}ruleid=", "none");
        assert_eq!(to_json(b"\xff\xfe"), None);
    }

    #[test]
    fn an_agent_with_an_id_keeps_it() {
        let (agent, location) = split_location("[001] (db) any->syscheck");
        assert_eq!(agent, Some(json!({ "id": "001", "name": "db" })));
        assert_eq!(location, "syscheck");
    }
}
