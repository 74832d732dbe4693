//! What a rule asks about the events before: how many, how alike, in what time.

use crate::fields::StaticField;
use crate::pattern::Pattern;

/// Wazuh's `default_timeframe`.
pub(crate) const TIMEFRAME_DEFAULT_SECONDS: i64 = 360;

/// Which earlier events count.
#[derive(Debug)]
pub(crate) enum Earlier {
    /// `if_matched_sid`: events whose result was this rule.
    Sid(u32),
    /// `if_matched_group`: events whose result was a rule of this group; an OS_Match on the group text.
    Group(Pattern),
    /// `if_matched_regex`: events whose text matches.
    Regex(Pattern),
}

/// What `same_*` and `different_*` compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Compared {
    Field(StaticField),
    Location,
    Dynamic(Box<[u8]>),
    /// A field that nothing ever has.
    Never,
}

/// The correlation part of a rule.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) earlier: Earlier,
    /// Fires when this many events have come, the present one among them. At least 2.
    pub(crate) frequency: u32,
    pub(crate) timeframe_seconds: i64,
    pub(crate) same: Vec<Compared>,
    pub(crate) different: Vec<Compared>,
    /// Counts events of all agents together.
    pub(crate) global: bool,
    /// The memory to look into, set when the ruleset is complete.
    pub(crate) chain: u32,
}

/// Whether an element asks for likeness or for difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    Same,
    Different,
}

/// Finds what a `same_*`, `different_*` or `not_same_*` element compares. The text counts for `same_field` and its like.
pub(crate) fn parse(element: &str, text: &[u8]) -> Option<(Likeness, Compared)> {
    let (likeness, what) = if let Some(what) = element.strip_prefix("not_same_") {
        (Likeness::Different, what)
    } else if let Some(what) = element.strip_prefix("different_") {
        (Likeness::Different, what)
    } else {
        (Likeness::Same, element.strip_prefix("same_")?)
    };
    let compared = match what {
        "field" => Compared::Dynamic(text.trim_ascii().into()),
        "location" => Compared::Location,
        "source_ip" | "srcip" => Compared::Field(StaticField::SrcIp),
        "src_port" | "srcport" => Compared::Field(StaticField::SrcPort),
        "dst_port" | "dstport" => Compared::Field(StaticField::DstPort),
        "user" | "dstuser" => Compared::Field(StaticField::DstUser),
        "srcgeoip" | "dstgeoip" => Compared::Never,
        other => Compared::Field(StaticField::from_name(other.as_bytes())?),
    };
    Some((likeness, compared))
}
