//! Weaker forms of rules: each lacks one thing that the rule had, so some test of the rule must notice.
//!
//! A form is an edit of the text of a file of rules. It never matches, lacks one of its conditions or all of them, counts one event more
//! or less, looks back for another time, or lacks one of the words that a pattern offers. The ways in which a client may write one character (`(?>%27|')`) are
//! left alone: they come out of the generator and are all the same.

use std::ops::Range;

/// What keeps a rule from matching: the elements that are taken away, one at a time and all together.
const CONDITIONS: [&str; 14] = [
    "url",
    "regex",
    "match",
    "id",
    "field",
    "decoded_as",
    "compiled_rule",
    "same_source_ip",
    "different_user",
    "same_location",
    "same_field",
    "different_url",
    "not_same_field",
    "action",
];

/// How much shorter or longer a rule looks back. Tests pace their events within the time and past its end, not to the second.
const TIMES: u32 = 3;

/// Elements whose text is a pattern.
const PATTERNS: [&str; 6] = ["url", "regex", "match", "id", "field", "if_matched_group"];

/// One weaker form of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutant {
    pub(crate) rule: u32,
    /// What was done to it, in words.
    pub(crate) what: String,
    pub(crate) is_of_word: bool,
    edits: Vec<(Range<usize>, String)>,
}

impl Mutant {
    /// Gives the text of the file with the weaker form.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 64);
        let mut from = 0;
        for (range, with) in &self.edits {
            out.push_str(text.get(from..range.start).unwrap_or_default());
            out.push_str(with);
            from = range.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }
}

/// Gives the weaker forms of all rules in a file; those that lack a word only where they are wanted.
pub(crate) fn of_file(text: &str, with_words: bool) -> Vec<Mutant> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("<rule id=\"")) {
        let start = from + start;
        let Some(length) = text.get(start..).and_then(|rest| rest.find("</rule>")) else { break };
        from = start + length;
        of_rule(text, start..from, with_words, &mut found);
    }
    found
}

fn of_rule(text: &str, place: Range<usize>, with_words: bool, found: &mut Vec<Mutant>) {
    let rule = text.get(place.clone()).unwrap_or_default();
    let id = rule.strip_prefix("<rule id=\"").and_then(|rest| rest.split('"').next());
    let Some(id) = id.and_then(|id| id.parse().ok()) else { return };
    let mut add = |what: String, is_of_word: bool, edits: Vec<(Range<usize>, String)>| {
        let edits = edits
            .into_iter()
            .map(|(range, with)| (place.start + range.start..place.start + range.end, with))
            .collect();
        found.push(Mutant { rule: id, what, is_of_word, edits });
    };
    if let Some(at) = rule.find("<description>") {
        let never = "<location>^quell-never-written$</location>\n    ".to_owned();
        add("never matches".to_owned(), false, vec![(at..at, never)]);
    }
    let conditions = elements(rule, &CONDITIONS);
    for (name, range) in &conditions {
        add(format!("without its `{name}`"), false, vec![(range.clone(), String::new())]);
    }
    if conditions.len() > 1 {
        let edits = conditions.iter().map(|(_, range)| (range.clone(), String::new())).collect();
        add("without any condition".to_owned(), false, edits);
    }
    if let Some((range, count)) = attribute(rule, "frequency") {
        for other in [count.saturating_sub(1), count + 1] {
            let what = format!("counts to {other} instead of {count}");
            add(what, false, vec![(range.clone(), other.to_string())]);
        }
    }
    if let Some((range, seconds)) = attribute(rule, "timeframe") {
        for other in [seconds / TIMES, seconds * TIMES] {
            let what = format!("looks back {other} seconds instead of {seconds}");
            add(what, false, vec![(range.clone(), other.to_string())]);
        }
    }
    if !with_words {
        return;
    }
    for (_, range) in elements(rule, &PATTERNS) {
        let element = rule.get(range.clone()).unwrap_or_default();
        let Some(begin) = element.find('>').map(|at| at + 1) else { continue };
        let Some(end) = element.rfind("</") else { continue };
        let Some(pattern) = element.get(begin..end) else { continue };
        for word in words(pattern) {
            let lost = pattern.get(word.clone()).unwrap_or_default().trim_matches('|').to_owned();
            let at = range.start + begin;
            let edit = (at + word.start..at + word.end, String::new());
            add(format!("without `{lost}`"), true, vec![edit]);
        }
    }
}

/// Finds elements of a rule by their names, in order.
fn elements(rule: &str, names: &[&'static str]) -> Vec<(&'static str, Range<usize>)> {
    let mut found = Vec::new();
    for name in names {
        let mut from = 0;
        let opening = format!("<{name}");
        while let Some(at) = rule.get(from..).and_then(|rest| rest.find(&opening)) {
            let start = from + at;
            from = start + opening.len();
            let rest = rule.get(from..).unwrap_or_default();
            if !rest.starts_with(['>', ' ', '/']) {
                continue;
            }
            let end = match rest.find('>') {
                Some(close) if rest.get(..close).is_some_and(|head| head.ends_with('/')) => {
                    close + 1
                }
                Some(_) => {
                    let closing = format!("</{name}>");
                    let Some(close) = rest.find(&closing) else { continue };
                    close + closing.len()
                }
                None => continue,
            };
            found.push((*name, start..from + end));
            from += end;
        }
    }
    // ATT&CK's ids stand in elements of the same name as a condition on the status.
    let mitre = rule.find("<mitre>").zip(rule.find("</mitre>"));
    found.retain(|(_, range)| {
        !mitre.is_some_and(|(start, end)| (start..end).contains(&range.start))
    });
    found.sort_by_key(|(_, range)| range.start);
    found
}

/// Finds a number in the first tag.
fn attribute(rule: &str, name: &str) -> Option<(Range<usize>, u32)> {
    let head = rule.get(..rule.find('>')?)?;
    let opening = format!("{name}=\"");
    let start = head.find(&opening)? + opening.len();
    let length = head.get(start..)?.find('"')?;
    let number = head.get(start..start + length)?.parse().ok()?;
    Some((start..start + length, number))
}

/// An open group of a pattern.
struct Group {
    /// Where its alternatives begin: behind the bracket and behind each bar.
    starts: Vec<usize>,
    /// Whether it only says how a character may be written.
    is_of_forms: bool,
}

/// Finds the alternatives that a pattern offers, each with a bar, so that it can be cut out.
fn words(pattern: &str) -> Vec<Range<usize>> {
    let bytes = pattern.as_bytes();
    let mut found = Vec::new();
    let mut open = vec![Group { starts: vec![0], is_of_forms: false }];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'[' => at = end_of_set(bytes, at),
            b'(' => {
                let rest = pattern.get(at..).unwrap_or_default();
                let of_forms = ["(?>", "(?(DEFINE)", "(?:25|", "(?:%", "(?!"];
                let is_within = open.last().is_some_and(|group| group.is_of_forms);
                let is_of_forms = is_within || of_forms.iter().any(|head| rest.starts_with(head));
                let head = if rest.starts_with("(?") { 3 } else { 1 };
                open.push(Group { starts: vec![at + head], is_of_forms });
                at += head - 1;
            }
            b'|' => open.last_mut().into_iter().for_each(|group| group.starts.push(at + 1)),
            b')' if open.len() > 1 => {
                found.extend(open.pop().into_iter().flat_map(|group| alternatives(&group, at)));
            }
            _ => {}
        }
        at += 1;
    }
    found.extend(open.into_iter().flat_map(|group| alternatives(&group, bytes.len())));
    found
}

fn alternatives(group: &Group, end: usize) -> Vec<Range<usize>> {
    if group.is_of_forms || group.starts.len() < 2 {
        return Vec::new();
    }
    let mut ends: Vec<usize> = group.starts.iter().skip(1).map(|start| start - 1).collect();
    ends.push(end);
    let last = group.starts.len() - 1;
    let pieces = group.starts.iter().zip(ends).enumerate();
    pieces
        .map(|(number, (start, end))| match number == last {
            true => start - 1..end,
            false => *start..end + 1,
        })
        .collect()
}

fn end_of_set(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    if bytes.get(at) == Some(&b'^') {
        at += 1;
    }
    if bytes.get(at) == Some(&b']') {
        at += 1;
    }
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b']' => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "<group>\n<rule id=\"100\" level=\"5\" frequency=\"4\" timeframe=\"60\">\n<if_sid>1</if_sid>\n\
        <url type=\"pcre2\">a(?:b|[|)c]d)(?>x|y)</url>\n<id>^2|^3</id>\n<same_source_ip />\n\
        <description>D</description>\n<mitre>\n<id>T1190</id>\n</mitre>\n</rule>\n</group>";

    #[test]
    fn a_rule_loses_each_condition_and_all_of_them() {
        let forms = of_file(RULES, false);
        let what: Vec<&str> = forms.iter().map(|form| form.what.as_str()).collect();
        assert_eq!(
            what,
            [
                "never matches",
                "without its `url`",
                "without its `id`",
                "without its `same_source_ip`",
                "without any condition",
                "counts to 3 instead of 4",
                "counts to 5 instead of 4",
                "looks back 20 seconds instead of 60",
                "looks back 180 seconds instead of 60",
            ]
        );
        let bare = forms[4].apply(RULES);
        assert!(!bare.contains("<url") && !bare.contains("<id>^2") && bare.contains("<if_sid>"));
        assert!(forms[5].apply(RULES).contains("frequency=\"3\""));
    }

    #[test]
    fn a_pattern_loses_each_word_but_no_way_to_write_a_character() {
        let forms = of_file(RULES, true);
        let of_words: Vec<&Mutant> = forms.iter().filter(|form| form.is_of_word).collect();
        let what: Vec<&str> = of_words.iter().map(|form| form.what.as_str()).collect();
        assert_eq!(what, ["without `b`", "without `[|)c]d`", "without `^2`", "without `^3`"]);
        assert!(of_words[0].apply(RULES).contains("a(?:[|)c]d)(?>x|y)"));
        assert!(of_words[1].apply(RULES).contains("a(?:b)(?>x|y)"));
        assert!(of_words[3].apply(RULES).contains("<id>^2</id>"));
    }
}
