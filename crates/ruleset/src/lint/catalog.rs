//! All checks of our own: a name that stays, how bad a find is, and one sentence for lists.
//!
//! Names are part of the interface: people write them into ignore lists and tools keep histories by them. A name is never used
//! for something else.

use crate::diagnostic::Severity;

/// One kind of find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lint {
    /// Its name, without the `quell/` before it.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub about: &'static str,
}

macro_rules! lints {
    ($($constant:ident = $severity:ident $name:literal: $about:literal;)*) => {
        $(pub(super) const $constant: Lint =
            Lint { name: $name, severity: Severity::$severity, about: $about };)*

        /// All of them.
        pub const ALL: &[Lint] = &[$($constant),*];
    };
}

lints! {
    // The file.
    SYNTAX = Error "syntax": "the file can't be read; Wazuh would not start with it";
    UNKNOWN_ELEMENT = Error "unknown-element": "an element that Wazuh doesn't know; it would not start";
    UNKNOWN_ATTRIBUTE = Warning "unknown-attribute": "an attribute that Wazuh passes over in silence";
    SILENT_VALUE = Warning "silent-value": "a number with too many digits: Wazuh takes its default and doesn't say so";
    GLUED_GROUPS = Warning "glued-groups": "a list of groups without a comma at its end glues its last name to the next list";
    ENTITY = Warning "entity": "Wazuh knows no entities: `&lt;` is four plain characters";
    ID_RANGE = Note "id-range": "an id outside 100000 to 120000, which Wazuh leaves to its users";
    // One rule.
    JOINED_ELEMENTS = Warning "joined-elements": "repeated elements are one pattern, their texts joined without anything between";
    REPEATED_ELEMENT = Warning "repeated-element": "of a repeated element only the last one counts";
    ADDRESS_NEGATION = Warning "address-negation": "`!` before an address is dropped: the rule matches that very address";
    NEVER_WORKS = Warning "never-works": "an option that has no effect in any version of Wazuh 4";
    NO_DESCRIPTION = Note "no-description": "a rule without a description makes alerts that say nothing";
    DESCRIPTION_TOO_LONG = Warning "description-too-long": "a description over 1,024 bytes is shown with its `$(…)` unfilled";
    LEVEL_16 = Note "level-16": "level 16 is above the scale of 0 to 15 that dashboards know";
    TIME_OVER_MIDNIGHT = Note "time-over-midnight": "a range over midnight leaves both its end minutes out";
    LAST_OF_ALL = Note "last-of-all": "accuracy 0 puts a rule behind all siblings, also those of a lower level";
    MINIMUM_SIZE = Note "minimum-size": "`maxsize` is a minimum, whatever its name says";
    CATEGORY_IGNORED = Warning "category-ignored": "below a parent the category is the parent's; the rule's own means nothing";
    IF_GROUP_SUBSTRING = Note "if-group-substring": "`if_group` looks for a part of the text, so longer names count too";
    MITRE_ID = Note "mitre-id": "an id that is no technique of ATT&CK: alerts get no name and no tactic for it";
    // Patterns.
    PATTERN = Warning "pattern": "a pattern that means something else than it seems to";
    PATTERN_NOT_ASCII = Warning "pattern-not-ascii": "bytes above 127 never match in OS_Regex and OS_Match, not even themselves";
    PATTERN_SLOW = Warning "pattern-slow": "a PCRE2 pattern that some lines can keep busy until the match limit";
    PATTERN_LINE_BREAK = Warning "pattern-line-break": "a line break in a pattern is part of it, and no log line has one";
    // Rules together.
    CONTRADICTION = Warning "contradiction": "a rule can never match: it asks for two things that exclude each other";
    SHADOWED = Warning "shadowed": "a rule can never match: a sibling that is tried before it takes all its events";
    WRONG_CATEGORY = Warning "wrong-category": "a rule can never match: its decoder's events are of another category";
    FIELD_NEVER_SET = Warning "field-never-set": "a rule can never match: no decoder of its events sets the field that it asks for";
    DESCRIPTION_FIELD = Note "description-field": "no decoder of its events sets a field that the description shows";
    COUNTS_SILENT = Warning "counts-silent": "a frequency rule counts a rule whose events Wazuh doesn't remember";
    COUNTS_NOTHING = Warning "counts-nothing": "a frequency rule counts a group that no remembered rule is in";
    NO_TIMEFRAME = Note "no-timeframe": "a frequency rule without a time frame counts over 360 seconds";
    SAME_NEVER = Warning "same-never": "`same_…` or `different_…` on a field that it can't see";
    HANGS_WAZUH = Warning "hangs-wazuh": "`if_matched_regex` without `global_frequency` hangs Wazuh when events of several agents mix";
    // Decoders.
    DECODER_OPTION_UNUSED = Warning "decoder-option-unused": "a child decoder without a prematch never is the event's decoder: its options have no effect";
    // Tests.
    NO_TEST = Note "no-test": "no test names the rule";
    TEST_OF_NO_RULE = Warning "test-of-no-rule": "a test names a rule that isn't there";
}

/// Finds one by its name.
pub fn find(name: &str) -> Option<&'static Lint> {
    ALL.iter().find(|lint| lint.name == name)
}
