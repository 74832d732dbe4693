//! What firewalls and network sensors say beyond their rule's level: which way a connection went, and how serious the sensor itself calls it.
//!
//! A firewall reports by one rule what it dropped from outside, thousands a day, and what it kept a machine inside from reaching. The first
//! is the weather; the second says something about that machine. And Wazuh reports all that a sensor sees by one rule of level 3,
//! so the level says nothing there, and the signature and the sensor's own severity do.

use std::net::IpAddr;

use alert::incident::Finding;
use alert::{Alert, Class, Untrusted};

use super::class::is_sensor;
use super::{entity, named};
use crate::template;

/// Where decoders put the address that a connection goes to, and the ports at both its ends.
const DESTINATIONS: &[&str] = &[
    "data.dstip",
    "data.dest_ip",
    "data.dst_ip",
    "data.destination_address",
    "data.destination_ip",
    "data.id.resp_h",
    "data.dst",
];
const DESTINATION_PORTS: &[&str] =
    &["data.dstport", "data.dest_port", "data.dst_port", "data.destination_port", "data.id.resp_p"];
const SOURCE_PORTS: &[&str] =
    &["data.srcport", "data.src_port", "data.source_port", "data.id.orig_p"];

/// Where a sensor says how serious it takes something to be; 1 is most serious, for Suricata as for Snort.
const SEVERITIES: &[&str] = &["data.alert.severity", "data.priority"];
const MOST_SERIOUS: &str = "1";

/// Where a sensor has the name of its signature, besides the rule's description.
const SIGNATURES: &[&str] = &["data.alert.signature", "data.signature"];

/// Most of a signature that is read, in bytes.
const SIGNATURE_BYTES_MAX: usize = 512;

/// Words of signatures for what malicious software says to whoever controls it, in lower case.
const BEACONS: &[&str] = &[
    "cobalt strike",
    "cobaltstrike",
    "beacon",
    "command and control",
    "c2 ",
    "cnc ",
    "c&c",
    "meterpreter",
    "metasploit",
    "sliver",
    "reverse shell",
    "checkin",
    "check-in",
];

/// Ports at which programs for remote control wait if nobody tells them another, and that hardly anything else uses.
const CONTROL_PORTS: &[u16] =
    &[1337, 4444, 4445, 5555, 6666, 6667, 6697, 9001, 9050, 12_345, 31_337];

/// Ports below this are those of services.
const SERVICE_PORTS_END: u16 = 1024;

/// Ports from this on are drawn by a system for whoever opens a connection.
const DRAWN_PORTS: u16 = 32_768;

/// How sure one sign is, 1 to 100. A blocked connection may be a mistyped address, and signatures are often wrong.
const STRENGTH: u8 = 35;

const CALLS_OUT: &str =
    "a machine inside was kept from a port at which programs for remote control wait";
const BEACON: &str = "the signature is of what malicious software says to whoever controls it";
const SERIOUS: &str = "the sensor itself calls it as serious as anything";

/// Gives the class of a connection that a firewall kept a machine inside from making. None for everything else.
pub(super) fn way_out(alert: &Alert) -> Option<Class> {
    if !is_stopped_way_out(alert) {
        return None;
    }
    let is_control = port(alert, DESTINATION_PORTS).is_some_and(|to| CONTROL_PORTS.contains(&to));
    Some(if is_control { Class::Malware } else { Class::PolicyViolation })
}

/// Tells whether a firewall stopped a connection from inside to outside.
pub(super) fn is_stopped_way_out(alert: &Alert) -> bool {
    let is_stopped = named::is_stopped(alert)
        || ["firewall_drop", "firewall_block"].iter().any(|group| alert.rule.has_group(group));
    is_stopped && goes_out(alert)
}

/// Tells whether a connection went from inside to outside. The answer of a server inside, of which the firewall has forgotten the question, did
/// not: it comes from the port of a service, or goes to one that was drawn.
fn goes_out(alert: &Alert) -> bool {
    let address = |text: &str| entity::address(text).and_then(|text| text.parse().ok());
    let from = entity::source(alert).as_deref().and_then(address);
    let to = alert.first_field(DESTINATIONS).and_then(address);
    let is_out = from.is_some_and(is_inside) && to.is_some_and(is_outside);
    let (from, to) = (port(alert, SOURCE_PORTS), port(alert, DESTINATION_PORTS));
    let is_answer = from.is_some_and(|from| {
        from < SERVICE_PORTS_END || from < DRAWN_PORTS && to.is_some_and(|to| to >= DRAWN_PORTS)
    });
    is_out && !is_answer
}

/// Says what is serious about what a firewall or a sensor reports, where its rule doesn't.
pub(super) fn telling(alert: &Alert, class: Class) -> Option<Finding> {
    let (found, fragment, reason) = match class {
        Class::Malware if way_out(alert) == Some(Class::Malware) => {
            let to = alert.first_field(DESTINATIONS).unwrap_or_default();
            let fragment = match port(alert, DESTINATION_PORTS) {
                Some(port) => format!("{to}, port {port}"),
                None => to.to_owned(),
            };
            (Class::PolicyViolation, fragment, CALLS_OUT)
        }
        Class::Malware | Class::Exploit if is_sensor(alert) => {
            let signature =
                alert.first_field(SIGNATURES).unwrap_or_else(|| alert.rule.description.as_raw());
            let signature = template::head(signature, SIGNATURE_BYTES_MAX);
            let lower = signature.to_lowercase();
            let reason =
                if class == Class::Malware && BEACONS.iter().any(|word| lower.contains(word)) {
                    BEACON
                } else if alert.first_field(SEVERITIES).is_some_and(|level| level == MOST_SERIOUS) {
                    SERIOUS
                } else {
                    return None;
                };
            (class, signature.to_owned(), reason)
        }
        _ => return None,
    };
    Some(Finding {
        class: found,
        strength: STRENGTH,
        parameter: None,
        fragment: Untrusted::new(fragment),
        reason: reason.to_owned(),
    })
}

fn port(alert: &Alert, paths: &[&str]) -> Option<u16> {
    alert.first_field(paths)?.trim().parse().ok()
}

/// Tells whether an address is of a network that nobody outside can reach.
pub(super) fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_private(),
        IpAddr::V6(six) => six.is_unique_local(),
    }
}

/// Tells whether an address is somebody's on the Internet, and not one that stands for all of a network or for this machine.
fn is_outside(address: IpAddr) -> bool {
    let is_special = match address {
        IpAddr::V4(four) => {
            let [first, second, ..] = four.octets();
            four.is_link_local()
                || four.is_broadcast()
                // Addresses that providers share among customers: the next router.
                || first == 100 && second & 0xc0 == 64
                || first == 0
                || first >= 240
        }
        IpAddr::V6(six) => six.is_unicast_link_local() || six.is_unspecified(),
    };
    !is_special && !is_inside(address) && !address.is_loopback() && !address.is_multicast()
}

#[cfg(test)]
mod tests {
    use alert::{Alert, Class, Limits};
    use serde_json::{Value, json};

    use crate::observe::observe;

    fn drop(from: (&str, u16), to: (&str, u16)) -> Value {
        json!({
            "id": "1.1",
            "rule": {"id": "87701", "level": 5, "description": "pfSense firewall drop event.", "groups": ["pfsense", "firewall_drop"]},
            "agent": {"id": "1", "name": "fw1"}, "decoder": {"name": "pf"},
            "data": {"action": "block", "protocol": "tcp", "srcip": from.0, "srcport": from.1.to_string(), "dstip": to.0, "dstport": to.1.to_string()},
        })
    }

    fn signature(name: &str, category: &str, severity: &str) -> Value {
        json!({
            "id": "1.1",
            "rule": {"id": "86601", "level": 3, "description": format!("Suricata: Alert - {name}"), "groups": ["ids", "suricata"]},
            "agent": {"id": "1", "name": "sensor"},
            "data": {"src_ip": "10.0.0.7", "dest_ip": "198.51.100.9", "alert": {"signature": name, "category": category, "severity": severity}},
        })
    }

    fn class(alert: &Value) -> Class {
        let alert = Alert::parse(alert.to_string().as_bytes(), &Limits::default());
        observe(&alert.expect("an alert")).class
    }

    fn level(alert: &Value) -> u8 {
        crate::threat::assess(&crate::sample::incident_of(alert)).typical
    }

    #[test]
    fn what_a_machine_inside_was_kept_from_is_no_scan_from_outside() {
        let scan = drop(("203.0.113.9", 51_000), ("192.0.2.10", 4444));
        let control = drop(("10.1.0.77", 53_543), ("198.51.100.66", 4444));
        let other = drop(("10.1.0.77", 53_543), ("198.51.100.66", 8081));
        assert_eq!((class(&scan), level(&scan)), (Class::Other, 2));
        assert_eq!((class(&control), level(&control)), (Class::Malware, 6));
        assert_eq!((class(&other), level(&other)), (Class::PolicyViolation, 3));
        let six = drop(("fd00::7", 53_543), ("2001:db8::66", 4444));
        assert_eq!(class(&six), Class::Malware);
    }

    #[test]
    fn answers_neighbours_and_what_was_let_through_are_no_way_out() {
        for (from, to) in [
            // The answer of a web server, and of one at another port.
            (("10.1.0.77", 443), ("198.51.100.66", 4444)),
            (("10.1.0.77", 8080), ("198.51.100.66", 51_000)),
            // Inside, and everybody on the network.
            (("10.1.0.77", 53_543), ("192.168.7.1", 4444)),
            (("10.1.0.77", 53_543), ("224.0.0.251", 5353)),
            (("10.1.0.77", 53_543), ("255.255.255.255", 67)),
            (("169.254.7.7", 53_543), ("198.51.100.66", 4444)),
        ] {
            assert_eq!(class(&drop(from, to)), Class::Other, "{from:?} {to:?}");
        }
        let mut passed = drop(("10.1.0.77", 53_543), ("198.51.100.66", 4444));
        passed["data"]["action"] = json!("pass");
        passed["rule"]["groups"] = json!(["pfsense"]);
        assert_eq!(class(&passed), Class::Other);
    }

    #[test]
    fn malicious_software_that_a_firewall_stopped_on_its_way_out_runs_inside() {
        let named = |from: &str, to: &str| {
            let mut alert = drop((from, 53_543), (to, 443));
            alert["data"]["attack"] = json!("Backdoor.Generic");
            class(&alert)
        };
        assert_eq!(named("10.1.0.77", "198.51.100.66"), Class::Malware);
        assert_eq!(named("198.51.100.66", "10.1.0.77"), Class::Other);
    }

    #[test]
    fn a_sensors_own_word_weighs_where_its_rule_has_none() {
        let beacon = signature("ET MALWARE Cobalt Strike Beacon Observed", "Malware", "2");
        assert_eq!((class(&beacon), level(&beacon)), (Class::Malware, 6));
        let serious = signature("ET EXPLOIT Possible overflow", "Attempted Administrator", "1");
        assert_eq!((class(&serious), level(&serious)), (Class::Exploit, 4));
        let less = signature("ET EXPLOIT Possible overflow", "Attempted Administrator", "2");
        assert_eq!((class(&less), level(&less)), (Class::Exploit, 3));
        let scan = signature("ET SCAN Potential SSH Scan", "Attempted Information Leak", "1");
        assert_eq!((class(&scan), level(&scan)), (Class::NetworkScan, 3));
    }
}
