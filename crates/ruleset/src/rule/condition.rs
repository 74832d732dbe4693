//! What a rule asks about one event, apart from what happened before.

use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;

use crate::condition::address::AddressSet;
use crate::condition::list::{CdbList, Lookup};
use crate::condition::time::{LocalMoment, TimeRange, WeekdaySet};
use crate::decoder::NameId;
use crate::event::Event;
use crate::fields::StaticField;
use crate::pattern::{Language, Pattern};

/// The text that a pattern element looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// `match`: the line behind its header.
    Match,
    /// `regex`: the same text, tested later.
    Regex,
    ProgramName,
    Hostname,
    Location,
    /// `user`: the target user, else the source user.
    User,
    Field(StaticField),
    /// Built in only where Wazuh has GeoIP: nothing ever has it.
    Geo,
}

impl Subject {
    /// Finds what an element looks at.
    pub(crate) fn of_element(name: &str) -> Option<Subject> {
        Some(match name {
            "match" => Subject::Match,
            "regex" => Subject::Regex,
            "program_name" => Subject::ProgramName,
            "hostname" => Subject::Hostname,
            "location" => Subject::Location,
            "user" => Subject::User,
            "srcgeoip" | "dstgeoip" => Subject::Geo,
            "srcport" => Subject::Field(StaticField::SrcPort),
            "dstport" => Subject::Field(StaticField::DstPort),
            "url" => Subject::Field(StaticField::Url),
            "id" => Subject::Field(StaticField::Id),
            "status" => Subject::Field(StaticField::Status),
            "protocol" => Subject::Field(StaticField::Protocol),
            "system_name" => Subject::Field(StaticField::SystemName),
            "data" => Subject::Field(StaticField::Data),
            "extra_data" => Subject::Field(StaticField::ExtraData),
            "action" => Subject::Field(StaticField::Action),
            _ => return None,
        })
    }

    /// The language of a pattern that doesn't say.
    pub(crate) fn language(self) -> Language {
        if self == Subject::Regex { Language::OsRegex } else { Language::OsMatch }
    }

    /// Whether it is the line's own text.
    pub(crate) fn is_log(self) -> bool {
        matches!(self, Subject::Match | Subject::Regex)
    }

    /// The element's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Match => "match",
            Subject::Regex => "regex",
            Subject::ProgramName => "program_name",
            Subject::Hostname => "hostname",
            Subject::Location => "location",
            Subject::User => "user",
            Subject::Geo => "srcgeoip",
            Subject::Field(field) => field.name(),
        }
    }

    fn of<'e>(self, event: &'e Event<'_>) -> Option<&'e [u8]> {
        match self {
            Subject::Match | Subject::Regex => Some(event.log),
            Subject::ProgramName => event.program_name,
            Subject::Hostname => event.hostname(),
            Subject::Location => Some(event.source.location),
            Subject::User => {
                let user = event.fields.get(StaticField::DstUser);
                user.or_else(|| event.fields.get(StaticField::SrcUser))
            }
            Subject::Field(field) => event.fields.get(field),
            Subject::Geo => None,
        }
    }
}

/// A test in C of the original, of those that stock rules use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompiledRule {
    /// The target and the calling user of a Windows event differ.
    UsersDiffer,
    /// A web request without a query and with a plain extension.
    SimpleHttpRequest,
    /// The request says that it comes from a well-known search engine.
    ValidCrawler,
    /// The `id` field is long.
    IdSize,
}

impl CompiledRule {
    pub(crate) fn parse(name: &[u8]) -> Option<CompiledRule> {
        Some(match name {
            b"comp_mswin_targetuser_calleruser_diff" => CompiledRule::UsersDiffer,
            b"is_simple_http_request" => CompiledRule::SimpleHttpRequest,
            b"is_valid_crawler" => CompiledRule::ValidCrawler,
            b"check_id_size" => CompiledRule::IdSize,
            _ => return None,
        })
    }
}

/// A field by name, static or dynamic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListField {
    Static(StaticField),
    /// The source user, else the target user.
    User,
    ProgramName,
    Hostname,
    Dynamic(Box<[u8]>),
}

/// Asks a CDB list.
#[derive(Debug)]
pub(crate) struct ListTest {
    pub(crate) field: ListField,
    pub(crate) lookup: Lookup,
    /// The list's place in the ruleset.
    pub(crate) list: usize,
    pub(crate) path: String,
    pub(crate) check_value: Option<Pattern>,
}

/// One question. All must be answered with yes.
#[derive(Debug)]
pub(crate) enum Condition {
    DecodedAs(NameId),
    Text {
        subject: Subject,
        pattern: Arc<Pattern>,
        negate: bool,
    },
    /// `action` without a `type`: the very same text.
    Action {
        text: Vec<u8>,
        negate: bool,
    },
    Field {
        name: Box<[u8]>,
        pattern: Arc<Pattern>,
        negate: bool,
    },
    Address {
        of: StaticField,
        set: AddressSet,
    },
    Compiled(CompiledRule),
    /// `maxsize`, which is a minimum whatever its name says.
    SizeAtLeast(usize),
    Time(TimeRange),
    Weekday(WeekdaySet),
    /// `check_diff`: the text differs from the last one of this rule and host.
    Differs,
    /// `if_fts`: this combination was never seen.
    FirstTime,
    List(ListTest),
}

/// What conditions may look at besides the event.
pub(crate) struct Surroundings<'s> {
    pub(crate) lists: &'s [CdbList],
}

impl Condition {
    /// The place in the fixed order of tests. It matters where a test has an effect (`if_fts`, `check_diff`).
    pub(crate) fn stage(&self) -> u8 {
        match self {
            Condition::DecodedAs(_) => 0,
            Condition::Text { subject, .. } => match subject {
                Subject::ProgramName => 1,
                Subject::Field(StaticField::Id) => 2,
                Subject::Field(StaticField::SystemName) => 3,
                Subject::Field(StaticField::Protocol) => 4,
                Subject::Match => 5,
                Subject::Regex => 6,
                Subject::Field(StaticField::Action) => 7,
                Subject::Field(StaticField::Url) => 8,
                Subject::Location => 9,
                Subject::User => 13,
                Subject::Geo => 14,
                Subject::Field(StaticField::Data) => 18,
                Subject::Field(StaticField::ExtraData) => 19,
                Subject::Hostname => 20,
                Subject::Field(StaticField::Status) => 21,
                Subject::Field(_) => 11,
            },
            Condition::Action { .. } => 7,
            Condition::Field { .. } => 10,
            Condition::Address { .. } => 11,
            Condition::Compiled(_) => 12,
            Condition::SizeAtLeast(_) => 15,
            Condition::Time(_) => 16,
            Condition::Weekday(_) => 17,
            Condition::Differs => 22,
            Condition::FirstTime => 23,
            Condition::List(_) => 24,
        }
    }

    /// Whether the answer depends on when the event came, or on what came before.
    pub(crate) fn waits(&self) -> bool {
        matches!(
            self,
            Condition::Time(_) | Condition::Weekday(_) | Condition::Differs | Condition::FirstTime
        )
    }

    /// Answers the question, for all conditions that need no memory.
    pub(crate) fn holds(&self, event: &Event<'_>, around: &Surroundings<'_>) -> bool {
        match self {
            Condition::DecodedAs(name) => {
                [event.decoded_as, event.also_decoded_as].contains(&Some(*name))
            }
            Condition::Text { subject: Subject::Field(StaticField::Url), pattern, negate } => {
                event.url().is_some_and(|(url, form)| pattern.is_match_of(url, form) != *negate)
            }
            Condition::Text { subject, pattern, negate } => {
                subject.of(event).is_some_and(|text| pattern.is_match(text) != *negate)
            }
            Condition::Action { text, negate } => {
                let action = event.fields.get(StaticField::Action);
                action.is_some_and(|action| (action == text.as_slice()) != *negate)
            }
            Condition::Field { name, pattern, negate } => {
                let value = event.fields.dynamic(name);
                value.is_some_and(|text| pattern.is_match(text) != *negate)
            }
            Condition::Address { of, set } => set.matches(event.fields.get(*of)),
            Condition::Compiled(compiled) => compiled.holds(event),
            Condition::SizeAtLeast(bytes) => event.log.len() >= *bytes,
            Condition::Time(range) => range.matches(local_moment(event).minute_of_day),
            Condition::Weekday(days) => days.matches(local_moment(event).weekday),
            Condition::List(test) => test.holds(event, around.lists),
            Condition::Differs | Condition::FirstTime => false,
        }
    }

    /// Says in a few words what is asked, as one would write it in a rule.
    pub(crate) fn describe(&self, decoder_name: impl Fn(NameId) -> String) -> String {
        let not = |negate: &bool| if *negate { "not " } else { "" };
        let shown = |pattern: &Pattern| String::from_utf8_lossy(pattern.text()).into_owned();
        match self {
            Condition::DecodedAs(name) => format!("decoded_as `{}`", decoder_name(*name)),
            Condition::Text { subject, pattern, negate } => {
                format!("{}{} `{}`", not(negate), subject.name(), shown(pattern))
            }
            Condition::Action { text, negate } => {
                format!("{}action `{}`", not(negate), String::from_utf8_lossy(text))
            }
            Condition::Field { name, pattern, negate } => {
                format!(
                    "{}field {} `{}`",
                    not(negate),
                    String::from_utf8_lossy(name),
                    shown(pattern)
                )
            }
            Condition::Address { of, .. } => of.name().to_owned(),
            Condition::Compiled(_) => "compiled_rule".to_owned(),
            Condition::SizeAtLeast(bytes) => format!("maxsize {bytes} (at least so long)"),
            Condition::Time(_) => "time".to_owned(),
            Condition::Weekday(_) => "weekday".to_owned(),
            Condition::Differs => "check_diff".to_owned(),
            Condition::FirstTime => "if_fts".to_owned(),
            Condition::List(test) => format!("list {}", test.path),
        }
    }
}

/// Breaks the event's time down. The zone is in it already.
fn local_moment(event: &Event<'_>) -> LocalMoment {
    LocalMoment::at(event.local_time, &jiff::tz::TimeZone::UTC)
}

impl ListTest {
    fn holds(&self, event: &Event<'_>, lists: &[CdbList]) -> bool {
        let Some(value) = self.field.of(event) else { return false };
        let Some(list) = lists.get(self.list) else { return false };
        let wanted = |found: &[u8]| self.check_value.as_ref().is_none_or(|p| p.is_match(found));
        list.matches(self.lookup, value, wanted)
    }
}

impl ListField {
    pub(crate) fn parse(name: &[u8]) -> ListField {
        match name {
            b"user" => ListField::User,
            b"program_name" => ListField::ProgramName,
            b"hostname" => ListField::Hostname,
            _ => match StaticField::from_name(name) {
                Some(field) => ListField::Static(field),
                None => ListField::Dynamic(name.into()),
            },
        }
    }

    fn of<'e>(&self, event: &'e Event<'_>) -> Option<&'e [u8]> {
        match self {
            ListField::Static(field) => event.fields.get(*field),
            ListField::User => {
                let user = event.fields.get(StaticField::SrcUser);
                user.or_else(|| event.fields.get(StaticField::DstUser))
            }
            ListField::ProgramName => event.program_name,
            ListField::Hostname => event.hostname(),
            ListField::Dynamic(name) => event.fields.dynamic(name),
        }
    }
}

/// What well-known crawlers call themselves.
pub(crate) const CRAWLERS: [&str; 5] =
    ["Googlebot/", "msnbot/", "bingbot/", "Yahoo! Slurp", "Baiduspider"];

impl CompiledRule {
    /// The original's tests aren't described anywhere. These do what the names and the stock rules around them say.
    fn holds(self, event: &Event<'_>) -> bool {
        let url = event.fields.get(StaticField::Url).unwrap_or_default();
        match self {
            CompiledRule::UsersDiffer => {
                let target = event.fields.get(StaticField::DstUser);
                target.is_some() && target != event.fields.get(StaticField::SrcUser)
            }
            CompiledRule::SimpleHttpRequest => is_simple_request(url),
            CompiledRule::ValidCrawler => is_crawler(event.log),
            // Shorter ids are those of Wazuh's own counters.
            CompiledRule::IdSize => {
                event.fields.get(StaticField::Id).is_some_and(|id| id.len() >= 10)
            }
        }
    }
}

/// Says whether a line has the name of a well-known crawler. Most have no part of one.
fn is_crawler(log: &[u8]) -> bool {
    static PARTS: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["bot/", "Slurp", "Baidu"].map(Finder::new));
    PARTS.iter().any(|part| part.find(log).is_some())
        && CRAWLERS.iter().any(|name| memchr::memmem::find(log, name.as_bytes()).is_some())
}

/// Says whether a URL asks for a plain page or file. A query is no plain request, unless it only follows a file that no query
/// changes.
fn is_simple_request(url: &[u8]) -> bool {
    const FILES: [&[u8]; 8] =
        [b".css", b".js", b".jpg", b".jpeg", b".png", b".gif", b".ico", b".swf"];
    match memchr::memchr(b'?', url) {
        None => true,
        Some(end) => {
            let path = url.get(..end).unwrap_or_default();
            FILES.iter().any(|extension| path.ends_with(extension))
        }
    }
}
