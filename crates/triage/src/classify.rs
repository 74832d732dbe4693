//! Tells which kind of attack a web request carries, if any.
//!
//! Wazuh's stock rules say that "a web attack returned code 200" and hide which one; they also take
//! an English search for `union jack flag` for an attack. Here the request is taken apart as a
//! server would do it, decoded, and each value is compared with the *syntax* of attacks: a quote
//! that is closed and followed by an operator, a shell separator followed by a command with
//! arguments, a tag with a handler. Words alone prove nothing.
//!
//! Promises: it is pure and never panics; each field, value and fragment is bounded; every pattern
//! is a finite automaton, so time is linear; an ordinary request costs one pass of one string
//! finder over each field.
//!
//! Leaves to others: whether the attack worked, who sent it, and how bad it is. Paths that are
//! worth probing but no attack are named by [`sensitive_path`], text that talks to a language model
//! by [`injection_text`].

mod address;
mod agent;
mod lookup;
mod probe;
mod prompt;
mod query;
mod quiet;
mod rule;
pub mod sign;
#[cfg(test)]
mod tests;
mod view;

pub use probe::sensitive_path;
pub use prompt::injection_text;
pub use view::View;

use query::Part;
use rule::Evidence;
use serde::Deserialize;

/// The longest fragment of a finding: enough to see the syntax, short enough for a line on a
/// screen.
pub const FRAGMENT_CHARS_MAX: usize = 120;

/// The longest parameter name of a finding; real names are far shorter.
pub const PARAMETER_CHARS_MAX: usize = 64;

/// The least combined strength that is reported. Below it is one weak sign, which an honest request
/// can have.
pub const STRENGTH_MIN: u8 = 40;

/// Holds what is known of one web request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The method, as logged.
    pub method: &'a str,
    /// The path and query, as logged.
    pub target: &'a str,
    /// The status of the response, if known.
    pub status: Option<u16>,
    /// The user agent, or `-`.
    pub user_agent: &'a str,
    /// The referer, or `-`.
    pub referer: &'a str,
    /// Other text that the client sent, such as a body.
    pub extra: &'a str,
}

/// Names a kind of attack on a web application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebClass {
    /// SQL syntax that leaves the value it was meant to be.
    SqlInjection,
    /// Markup or script meant for another visitor's browser.
    Xss,
    /// Commands for the server's shell.
    CommandInjection,
    /// A path that climbs out of its directory, or names a file of the system.
    PathTraversal,
    /// A wrapper or remote address where a file name is expected.
    FileInclusion,
    /// An expression for a template engine on the server.
    Ssti,
    /// An address inside the server's own network where a URL is expected.
    Ssrf,
    /// A lookup for Log4j.
    Log4shell,
    /// Source code or objects of the server's language.
    CodeInjection,
    /// An address on another site where a local one is expected.
    OpenRedirect,
    /// An external entity in XML.
    Xxe,
    /// Operators of a document database.
    NosqlInjection,
    /// A tool that searches for weaknesses and says so.
    Scanner,
    /// A call of a planted script that runs commands.
    Webshell,
}

impl WebClass {
    /// Gives the word, which is also the group of rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            WebClass::SqlInjection => "sql_injection",
            WebClass::Xss => "xss",
            WebClass::CommandInjection => "command_injection",
            WebClass::PathTraversal => "path_traversal",
            WebClass::FileInclusion => "file_inclusion",
            WebClass::Ssti => "ssti",
            WebClass::Ssrf => "ssrf",
            WebClass::Log4shell => "log4shell",
            WebClass::CodeInjection => "code_injection",
            WebClass::OpenRedirect => "open_redirect",
            WebClass::Xxe => "xxe",
            WebClass::NosqlInjection => "nosql_injection",
            WebClass::Scanner => "scanner",
            WebClass::Webshell => "webshell",
        }
    }
}

/// Names the part of a request that carries a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The path or the query.
    Target,
    /// The user agent.
    UserAgent,
    /// The referer.
    Referer,
    /// Other text, such as a body.
    Extra,
}

/// Holds one kind of attack that was seen in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of attack.
    pub class: WebClass,
    /// How sure we are, from 1 to 100.
    pub strength: u8,
    /// Where it was seen.
    pub field: Field,
    /// The name of the parameter that carries it.
    pub parameter: Option<String>,
    /// The decoded text that convinced us, at most `FRAGMENT_CHARS_MAX` characters.
    pub fragment: String,
    /// What the strongest sign was, in words.
    pub reason: &'static str,
}

/// Returns the kinds of attack that a request carries, best first; nothing if no attack syntax was
/// seen.
///
/// ```
/// # use triage::classify::{classify, Request, WebClass};
/// let request = Request { method: "GET", target: "/item/?id=1%27%20OR%20%271%27=%271", ..Request::default() };
/// let findings = classify(&request);
/// assert_eq!(findings[0].class, WebClass::SqlInjection);
/// assert_eq!(findings[0].parameter.as_deref(), Some("id"));
///
/// let search = Request { method: "GET", target: "/search/?q=union+jack+flag", ..Request::default() };
/// assert!(classify(&search).is_empty());
/// ```
pub fn classify(request: &Request<'_>) -> Vec<Finding> {
    let mut evidence = Evidence::default();
    // A header that is known to have no sign is as good as none.
    let headers = [(Field::UserAgent, request.user_agent), (Field::Referer, request.referer)];
    let [is_quiet_agent, is_quiet_referer] = headers.map(|(field, text)| quiet::knows(field, text));
    let looked_at = Request {
        user_agent: if is_quiet_agent { "" } else { request.user_agent },
        referer: if is_quiet_referer { "" } else { request.referer },
        ..*request
    };
    for part in query::parts(&looked_at) {
        weigh(&part, request, &mut evidence);
    }
    agent::scanner(looked_at.user_agent, &mut evidence);
    agent::shell_script(request, &mut evidence);
    for (field, text) in
        [(Field::UserAgent, looked_at.user_agent), (Field::Referer, looked_at.referer)]
    {
        if !evidence.is_in(field) {
            quiet::note(field, text);
        }
    }
    evidence.into_findings()
}

/// Collects what one part of a request says.
fn weigh(part: &Part, request: &Request<'_>, evidence: &mut Evidence) {
    rule::weigh(part, evidence);
    address::weigh(part, request, evidence);
    lookup::weigh(part, evidence);
}

/// Cuts a text to a number of characters.
fn clip(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}
