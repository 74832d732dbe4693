//! One event's result as a page for a person: header, decoding, rule, and why this rule and no other.
//!
//! Log text and rule text are other people's: all of it is cleaned before it gets here on a terminal.

use std::collections::HashSet;
use std::fmt::Write as _;

use alert::sanitize::shown;
use serde_json::{Map, Value};

use super::close::close;
use super::seen::{Seen, Step, plain};

/// Longest value that is shown whole.
const VALUE_CHARACTERS_MAX: usize = 300;

/// Longest text about a rule that is shown whole.
const RULE_CHARACTERS_MAX: usize = 160;

/// Values start in this column, so that names stand apart.
const NAME_WIDTH: usize = 14;

/// How much to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The rules that were close.
    Close,
    /// Every rule that was tried.
    All,
}

/// Writes the page.
pub(crate) fn page(seen: &Seen, detail: Detail) -> String {
    let mut page = Page::default();
    if seen.is_dropped {
        page.title("dropped before the rules");
        page.field("reason", "an event of a packet filter that lacks a field, or no rule at all");
        return page.text;
    }
    page.header(seen);
    page.decoding(seen);
    page.rule(seen);
    page.why(seen);
    match detail {
        Detail::Close => page.close(seen),
        Detail::All => page.all(seen),
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.line(title);
    }

    fn field(&mut self, name: &str, value: &str) {
        let name = shown(name, VALUE_CHARACTERS_MAX);
        let value = shown(value, VALUE_CHARACTERS_MAX);
        self.line(&format!("    {name:<NAME_WIDTH$}{value}"));
    }

    fn header(&mut self, seen: &Seen) {
        self.title("phase 1: header");
        let names =
            [("timestamp", "timestamp"), ("hostname", "hostname"), ("program", "program_name")];
        let mut is_bare = true;
        for (name, member) in names {
            if let Some(value) = seen.text(&format!("/predecoder/{member}")) {
                self.field(name, &value);
                is_bare = false;
            }
        }
        if is_bare {
            self.line("    none that is known");
        }
        if let Some(agent) = seen.members.get("agent").and_then(Value::as_object) {
            let words: Vec<String> = agent.values().map(plain).collect();
            self.field("agent", &words.join(" "));
        }
    }

    fn decoding(&mut self, seen: &Seen) {
        self.title("phase 2: decoding");
        let Some(name) = seen.text("/decoder/name") else {
            return self.line("    no decoder knows the line");
        };
        let parent = seen.text("/decoder/parent").filter(|parent| *parent != name);
        let parent = parent.map(|parent| format!(" (below {parent})")).unwrap_or_default();
        self.field("decoder", &format!("{name}{parent}"));
        if let Some(data) = seen.members.get("data").and_then(Value::as_object) {
            self.data("", data);
        }
    }

    /// Shows nested fields by the names that rules use for them.
    fn data(&mut self, above: &str, data: &Map<String, Value>) {
        for (name, value) in data {
            let name = format!("{above}{name}");
            match value {
                Value::Object(inner) if !inner.contains_key("$b64") => {
                    self.data(&format!("{name}."), inner);
                }
                _ => self.field(&name, &plain(value)),
            }
        }
    }

    fn rule(&mut self, seen: &Seen) {
        self.title("phase 3: rules");
        let Some((id, level)) = seen.rule() else {
            return self.line("    no rule applies, so there is no alert");
        };
        let description = seen.text("/rule/description").unwrap_or_default();
        self.field("rule", &format!("{id}, level {level}: {description}"));
        if let Some(step) = seen.path.last() {
            self.field("from", &format!("{}:{}", step.file, step.line));
        }
        let Some(rule) = seen.members.get("rule").and_then(Value::as_object) else { return };
        for (name, value) in rule {
            match (name.as_str(), value) {
                ("level" | "description" | "id" | "mail" | "firedtimes" | "frequency", _) => {}
                ("mitre", value) => {
                    let joined = |key: &str| value.get(key).map(list).unwrap_or_default();
                    let text = format!("{} ({})", joined("id"), joined("technique"));
                    self.field("MITRE ATT&CK", &text);
                }
                (_, value) => self.field(name, &list(value)),
            }
        }
        let times = rule.get("firedtimes").map(|times| match times.as_u64() {
            Some(1) => "once so far".to_owned(),
            _ => format!("{} times so far", plain(times)),
        });
        let needs = rule.get("frequency").map(|n| format!("asks for {} events", plain(n)));
        let words: Vec<String> = times.into_iter().chain(needs).collect();
        if !words.is_empty() {
            self.field("fired", &words.join(", "));
        }
        if let Some(previous) = seen.text("/previous_output") {
            let count = previous.lines().count();
            self.field(
                "earlier",
                &format!(
                    "{count} events, the last: {}",
                    previous.lines().next().unwrap_or_default()
                ),
            );
        }
        self.field("alert", if seen.is_alert { "yes" } else { "no" });
    }

    fn why(&mut self, seen: &Seen) {
        if seen.path.is_empty() {
            return;
        }
        self.title("why this rule");
        for step in &seen.path {
            let indent = "  ".repeat(step.depth);
            self.line(&format!("    {indent}{}", headline(step)));
        }
    }

    fn close(&mut self, seen: &Seen) {
        let close = close(seen);
        if !close.is_empty() {
            self.title("close, but not it");
        }
        for step in &close {
            self.line(&format!("    {}", headline(step)));
            self.line(&format!("        {}", shown(&step.why_not(), RULE_CHARACTERS_MAX)));
        }
        let shown = seen.path.iter().chain(close.iter().copied());
        let shown: HashSet<u32> = shown.map(|step| step.id).collect();
        let tried: HashSet<u32> = seen.tried.iter().map(|step| step.id).collect();
        let others = tried.difference(&shown).count();
        if others > 0 {
            self.title(&format!("other rules that were tried: {others} (--verbose shows them)"));
        }
    }

    fn all(&mut self, seen: &Seen) {
        self.title("all rules that were tried, in order");
        for step in &seen.tried {
            let indent = "  ".repeat(step.depth);
            let text = format!("{indent}{} level {}: {}", step.id, step.level, step.why_not());
            self.line(&format!("    {}", shown(&text, RULE_CHARACTERS_MAX)));
        }
    }
}

fn headline(step: &Step) -> String {
    let text = format!("{} level {}: {}", step.id, step.level, step.description);
    shown(&text, RULE_CHARACTERS_MAX)
}

fn list(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let mut text = String::new();
            for (position, item) in items.iter().enumerate() {
                let comma = if position > 0 { ", " } else { "" };
                // Writing to a string can't fail.
                write!(text, "{comma}{}", plain(item)).ok();
            }
            text
        }
        other => plain(other),
    }
}
