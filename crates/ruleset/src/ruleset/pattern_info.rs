//! The patterns of a ruleset with where they stand, for those who measure or explain them.
//!
//! Only what is matched against a log line or a field is listed: a pattern on the names of groups sees no hostile text.

use super::Ruleset;
use crate::pattern::Pattern;
use crate::rule::Rule;
use crate::rule::condition::Condition;
use crate::rule::correlation::Earlier;

/// A pattern and the element that it was written in.
#[derive(Debug, Clone)]
pub struct PatternInfo<'r> {
    /// The rule or decoder, and the element: `rule 100200 url`, `decoder web-django regex`.
    pub place: String,
    /// The file's name.
    pub file: &'r str,
    /// The line where the rule or decoder begins.
    pub line: usize,
    /// The pattern itself.
    pub pattern: &'r Pattern,
}

impl Ruleset {
    /// Lists the patterns of decoders, then those of rules, in the order of loading.
    pub fn patterns(&self) -> Vec<PatternInfo<'_>> {
        let mut list = Vec::new();
        for decoder in &self.decoders.all {
            let (file, line) = decoder.place;
            let file = self.decoder_files.get(file).map_or("", String::as_str);
            let patterns = [
                ("program_name", &decoder.program_name),
                ("prematch", &decoder.prematch),
                ("regex", &decoder.regex),
            ];
            for (element, pattern) in patterns {
                let Some(pattern) = pattern else { continue };
                let place = format!("decoder {} {element}", decoder.name);
                list.push(PatternInfo { place, file, line, pattern });
            }
        }
        for rule in &self.rules.all {
            let (file, line) = rule.place;
            let file = self.rule_files.get(file).map_or("", String::as_str);
            for (element, pattern) in patterns_of(rule) {
                let place = format!("rule {} {element}", rule.id);
                list.push(PatternInfo { place, file, line, pattern });
            }
        }
        list
    }
}

fn patterns_of(rule: &Rule) -> Vec<(String, &Pattern)> {
    let mut patterns: Vec<(String, &Pattern)> = Vec::new();
    for condition in &rule.conditions {
        match condition {
            Condition::Text { subject, pattern, .. } => {
                patterns.push((subject.name().to_owned(), pattern));
            }
            Condition::Field { name, pattern, .. } => {
                patterns.push((format!("field {}", String::from_utf8_lossy(name)), pattern));
            }
            Condition::List(test) => {
                let pattern = test.check_value.as_ref();
                patterns.extend(pattern.map(|pattern| ("list".to_owned(), pattern)));
            }
            _ => {}
        }
    }
    let earlier = rule.correlation.as_ref().map(|correlation| &correlation.earlier);
    if let Some(Earlier::Regex(pattern)) = earlier {
        patterns.push(("if_matched_regex".to_owned(), pattern));
    }
    patterns
}

#[cfg(test)]
mod tests {
    use crate::{Options, Source, load};

    #[test]
    fn every_pattern_that_sees_log_text_is_listed_with_its_place() {
        let mut source = Source::default();
        source.add_decoders(
            "d.xml",
            r#"<decoder name="d"><prematch>^gate: </prematch></decoder>
               <decoder name="d-child"><parent>d</parent>
                 <regex type="pcre2">from (\S+)</regex><order>srcip</order></decoder>
               <decoder name="p"><program_name>^gated$</program_name></decoder>"#,
        );
        source.add_rules(
            "r.xml",
            r#"<group name="g,">
                 <rule id="1" level="0"><category>syslog</category><description>All.</description></rule>
                 <rule id="100100" level="5">
                   <if_sid>1</if_sid>
                   <url type="pcre2">a+</url>
                   <field name="x.y">b+</field>
                   <description>Both.</description>
                 </rule>
               </group>"#,
        );
        let ruleset = load(&source, &Options::default()).ruleset.unwrap();
        let mut shown = Vec::new();
        for info in ruleset.patterns() {
            let text = String::from_utf8_lossy(info.pattern.text()).into_owned();
            shown.push(format!("{}:{} {} {text}", info.file, info.line, info.place));
        }
        let wanted = [
            "d.xml:1 decoder d prematch ^gate: ",
            "d.xml:2 decoder d-child regex from (\\S+)",
            "d.xml:4 decoder p program_name ^gated$",
            "r.xml:3 rule 100100 url a+",
            "r.xml:3 rule 100100 field x.y b+",
        ];
        assert_eq!(shown, wanted);
        assert_eq!(ruleset.rule(100_100).unwrap().groups, "g,");
    }
}
