//! Writes alerts as lines of `alerts.json`.
//!
//! Written by hand, not through a tree of values: an alert may hold bytes that are no UTF-8, which Wazuh passes through and so do
//! we, and most of a rule's part is the same each time, so it is written once when the ruleset is loaded.

use crate::fields::write_json_string;
use crate::outcome::Outcome;
use crate::rule::{Rule, Rules};
use crate::ruleset::Options;

/// Wazuh cuts a rule's groups here when it writes an alert.
const GROUPS_BYTES_MAX: usize = 1023;

/// Groups with these prefixes are shown in lists of their own.
const COMPLIANCE: [&str; 7] =
    ["pci_dss_", "cis_", "gdpr_", "gpg13_", "hipaa_", "nist_800_53_", "tsc_"];

/// The parts of `rule` that are the same in every alert of a rule.
#[derive(Debug, Default)]
pub(crate) struct RuleJson {
    /// Up to the description's value.
    head: Vec<u8>,
    /// From behind it to `firedtimes`.
    middle: Vec<u8>,
    /// The rest, with the closing brace.
    tail: Vec<u8>,
}

/// Writes the fixed parts of all rules.
pub(crate) fn prepare(rules: &mut Rules, options: &Options) {
    for rule in &mut rules.all {
        rule.json = RuleJson::new(rule, options);
    }
}

impl RuleJson {
    fn new(rule: &Rule, options: &Options) -> Self {
        let head = format!("{{\"level\":{},\"description\":", rule.level).into_bytes();
        let mut middle = Vec::new();
        // An id of 0 is not shown.
        if rule.id > 0 {
            middle.extend_from_slice(format!(",\"id\":\"{}\"", rule.id).as_bytes());
        }
        for (key, text) in [("cve", &rule.cve), ("info", &rule.info)] {
            if !text.is_empty() {
                write_member(&mut middle, key, text.as_bytes());
            }
        }
        write_mitre(&mut middle, &rule.mitre);
        if let Some(correlation) = &rule.correlation {
            let frequency = format!(",\"frequency\":{}", correlation.frequency);
            middle.extend_from_slice(frequency.as_bytes());
        }
        let loud = rule.level >= options.email_alert_level || rule.options.alert_by_email;
        let mail = loud && !rule.options.no_email_alert;
        let mut tail = format!(",\"mail\":{mail}").into_bytes();
        write_groups(&mut tail, &rule.groups);
        tail.push(b'}');
        RuleJson { head, middle, tail }
    }
}

fn write_member(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    if !matches!(out.last(), None | Some(b'{')) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    write_json_string(out, value);
}

fn write_list<'t>(out: &mut Vec<u8>, key: &str, values: impl Iterator<Item = &'t str>) {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return;
    }
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":[");
    for (position, value) in values.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_json_string(out, value.as_bytes());
    }
    out.push(b']');
}

fn write_groups(out: &mut Vec<u8>, groups: &str) {
    let mut end = groups.len().min(GROUPS_BYTES_MAX);
    while !groups.is_char_boundary(end) {
        end -= 1;
    }
    let words = || groups.get(..end).unwrap_or_default().split(',').filter(|word| !word.is_empty());
    let prefix = |word: &str| COMPLIANCE.into_iter().find(|prefix| word.starts_with(prefix));
    // The list is there even when it is empty.
    out.extend_from_slice(b",\"groups\":[");
    let plain = words().filter(|word| prefix(word).is_none());
    for (position, word) in plain.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_json_string(out, word.as_bytes());
    }
    out.push(b']');
    for wanted in COMPLIANCE {
        let key = wanted.trim_end_matches('_');
        write_list(out, key, words().filter_map(|word| word.strip_prefix(wanted)));
    }
}

/// Writes ids that ATT&CK knows, with the names of techniques and tactics. Without one there is no object, as in Wazuh.
fn write_mitre(out: &mut Vec<u8>, ids: &[String]) {
    let known: Vec<_> =
        ids.iter().filter_map(|id| Some((id.as_str(), alert::mitre::technique(id)?))).collect();
    if known.is_empty() {
        return;
    }
    let mut object = Vec::new();
    write_list(&mut object, "id", known.iter().map(|(id, _)| *id));
    let mut tactics: Vec<&str> = Vec::new();
    for tactic in known.iter().flat_map(|(_, technique)| technique.tactics) {
        if !tactics.contains(&tactic.name()) {
            tactics.push(tactic.name());
        }
    }
    write_list(&mut object, "tactic", tactics.into_iter());
    write_list(&mut object, "technique", known.iter().map(|(_, technique)| technique.name));
    out.extend_from_slice(b",\"mitre\":{");
    out.extend_from_slice(object.get(1..).unwrap_or_default());
    out.push(b'}');
}

/// What an alert says besides the event and the rule.
#[derive(Debug, Clone, Copy)]
pub struct AlertHeader<'h> {
    /// `2026-11-24T14:02:39.852+0000`.
    pub timestamp: &'h str,
    /// `<epoch seconds>.<offset>`.
    pub id: &'h str,
    /// The manager's host name.
    pub manager: &'h str,
}

impl Outcome<'_> {
    /// Writes the event, and the rule if there is one, as a line of `alerts.json` without its line end.
    ///
    /// Without a header the line lacks what only a running manager knows: time stamp, id, manager, and the agent when the event
    /// is the manager's own.
    pub fn write_json(&self, header: Option<AlertHeader<'_>>, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(header) = header {
            write_member(out, "timestamp", header.timestamp.as_bytes());
        }
        self.write_rule(out);
        self.write_agent(header, out);
        if let Some(header) = header {
            open_object(out, "manager");
            write_member(out, "name", header.manager.as_bytes());
            out.push(b'}');
            write_member(out, "id", header.id.as_bytes());
        }
        self.write_previous(out);
        // The option is for alerts; other events keep their line.
        let hidden = self.rule_inner().is_some_and(|rule| rule.options.no_full_log);
        if !(hidden && self.is_alert()) {
            write_member(out, "full_log", self.event.full_log);
        }
        self.write_predecoder(header, out);
        self.write_decoder(out);
        if let Some(fired) = &self.fired
            && let Some(log) = &fired.support.previous_log
        {
            write_member(out, "previous_log", log);
        }
        self.write_data(out);
        write_member(out, "location", self.event.source.location);
        out.push(b'}');
    }

    fn write_rule(&self, out: &mut Vec<u8>) {
        let (Some(rule), Some(fired)) = (self.rule_inner(), &self.fired) else { return };
        separate(out);
        out.extend_from_slice(b"\"rule\":");
        self.write_rule_object(rule, fired.fired_times, out);
    }

    fn write_rule_object(&self, rule: &Rule, fired_times: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&rule.json.head);
        if rule.description.is_fixed() {
            write_json_string(out, &rule.description.text);
        } else {
            let mut text = Vec::new();
            rule.description.expand(&self.event, &mut text);
            write_json_string(out, &text);
        }
        out.extend_from_slice(&rule.json.middle);
        if !rule.options.no_counter {
            out.extend_from_slice(b",\"firedtimes\":");
            out.extend_from_slice(fired_times.to_string().as_bytes());
        }
        out.extend_from_slice(&rule.json.tail);
    }

    fn write_agent(&self, header: Option<AlertHeader<'_>>, out: &mut Vec<u8>) {
        let source = &self.event.source;
        match (source.agent_id, header) {
            (Some(id), _) => {
                open_object(out, "agent");
                write_member(out, "id", id);
                if let Some(name) = source.agent_name {
                    write_member(out, "name", name);
                }
                if let Some(ip) = source.agent_ip {
                    write_member(out, "ip", ip);
                }
                out.push(b'}');
            }
            (None, Some(header)) => {
                open_object(out, "agent");
                write_member(out, "id", b"000");
                write_member(out, "name", header.manager.as_bytes());
                out.push(b'}');
            }
            (None, None) => {}
        }
    }

    fn write_previous(&self, out: &mut Vec<u8>) {
        // One earlier event alone isn't shown.
        let Some(fired) = self.fired.as_ref().filter(|fired| fired.support.logs.len() > 1) else {
            return;
        };
        write_member(out, "previous_output", &fired.support.logs.join(&b'\n'));
    }

    /// The object is in every answer of wazuh-logtest, but in an alert only with something in it.
    fn write_predecoder(&self, header: Option<AlertHeader<'_>>, out: &mut Vec<u8>) {
        let event = &self.event;
        let parts = [
            ("program_name", event.program_name),
            ("timestamp", event.timestamp),
            ("hostname", event.shown_hostname),
        ];
        if header.is_some() && parts.iter().all(|(_, value)| value.is_none()) {
            return;
        }
        open_object(out, "predecoder");
        for (key, value) in parts {
            if let Some(value) = value {
                write_member(out, key, value);
            }
        }
        out.push(b'}');
    }

    fn write_decoder(&self, out: &mut Vec<u8>) {
        open_object(out, "decoder");
        let decoders = &self.ruleset.decoders;
        if let Some(found) = self.event.decoder
            && let Some(decoder) = decoders.get(found.decoder)
        {
            if let Some(parent) = &decoder.parent {
                write_member(out, "parent", parent.as_bytes());
            }
            write_member(out, "name", decoders.name(decoder.reported).as_bytes());
            if let Some(comment) = &decoder.ftscomment {
                write_member(out, "ftscomment", comment.as_bytes());
            }
            if decoder.accumulate {
                separate(out);
                out.extend_from_slice(b"\"accumulate\":1");
            }
        }
        out.push(b'}');
    }

    fn write_data(&self, out: &mut Vec<u8>) {
        let before = out.len();
        out.extend_from_slice(b",\"data\":");
        if !self.event.fields.write_data(out) {
            out.truncate(before);
        }
    }
}

fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), None | Some(b'{')) {
        out.push(b',');
    }
}

fn open_object(out: &mut Vec<u8>, key: &str) {
    separate(out);
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":{");
}
