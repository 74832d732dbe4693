//! What an alert shows: the class, who, what was touched, its shape, and what it says about success.
//!
//! This is where a Wazuh alert stops being Wazuh's: everything behind works on an [`Observation`]. A web request is judged by what stands
//! in it once decoded, since stock rules hide it (rule 31106 says only "a web attack returned 200") or cry wolf (an English
//! sentence with `select` in it). Everything else is judged by what the rule says of itself: groups, techniques, words.

use std::borrow::Cow;

use alert::incident::{Actor, Finding, Success};
use alert::sanitize::{self, Removed};
use alert::{Alert, Class, Fingerprint, Untrusted, decode};
use memchr::{memmem, memrchr_iter};

use crate::classify::{self, Field, Request};
use crate::template;

use asked::Asked;
pub(crate) use class::{is_state_group, is_told_by_class};
use line::AccessLine;

pub mod asked;
mod class;
mod command;
mod entity;
pub(crate) mod line;
mod login;
mod named;
mod operation;
mod service;
mod traffic;

/// Longest excerpt of the event kept as evidence, in bytes. An access-log line is 200; the rest of a longer one is in the stored alert.
const EXCERPT_BYTES_MAX: usize = 700;

/// Where the name of a user stands as somebody typed it.
const NAMES_OF_USERS: &[&str] =
    &["data.dstuser", "data.srcuser", "data.user", "data.win.eventdata.targetUserName"];

/// Most of such a name that is searched, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// Most text per alert that is searched for instructions to a model, in bytes.
const SEARCHED_BYTES_MAX: usize = 16 * 1024;

/// Where virus scanners put the name of what they found.
const VIRUS_NAMES: &[&str] = &["data.extra_data", "data.virus"];

/// What an alert shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What kind of thing it is.
    pub class: Class,
    /// Who did it.
    pub actor: Actor,
    /// Other addresses and users that took part.
    pub others: Vec<String>,
    /// What was touched.
    pub objects: Vec<String>,
    /// The shape of the event, for near-duplicates.
    pub shape: u64,
    /// What else tells two behaviours of one class apart: a rule, a message template. Empty where the class alone is the behaviour.
    pub behaviour: String,
    /// The class of the message within the behaviour; of an error that somebody causes, the service that has it.
    pub variant: String,
    /// What a web server answered.
    pub status: Option<u16>,
    /// What it says about success.
    pub success: Success,
    /// What was asked and answered, if answers to it are worth comparing.
    pub asked: Option<Asked>,
    /// What the classifier saw.
    pub finding: Option<Finding>,
    /// The event, bounded.
    pub excerpt: Untrusted,
    /// Its decoded view, where that differs.
    pub decoded: Option<Untrusted>,
    /// Characters in it that hide or act.
    pub hidden: Removed,
    /// Text that looks like instructions to a language model.
    pub injection: Option<Untrusted>,
}

/// Looks at an alert.
pub fn observe(alert: &Alert) -> Observation {
    let line = line::of(alert);
    let web = web_request(alert, line.as_ref());
    let found = match &web {
        Some(web) => strongest_finding(web).filter(|(_, finding)| !is_missing_name(web, finding)),
        None => in_a_name(alert),
    };
    let (field, finding) = found.unzip();
    let status = web.as_ref().and_then(|web| web.status);
    // That somebody guesses passwords at a page says more than that the page is there.
    let exposed = web
        .as_ref()
        .filter(|_| finding.is_none())
        .and_then(exposed_path)
        .filter(|_| !class::names_guessing(alert));
    let class = match exposed {
        Some(_) => Class::ForcedBrowsing,
        None => class::of(alert, web.as_ref(), finding.as_ref()),
    };
    let command = if web.is_none() { command::telling(alert, class) } else { None };
    let root = if web.is_none() { service::becomes_root(alert) } else { None };
    let class = match (&root, &command) {
        (Some(_), _) => Class::PrivilegeEscalation,
        // What only a command tells has no better class; what another rule says of itself stays.
        (None, Some(_)) if matches!(class, Class::Other | Class::Login | Class::BruteForce) => {
            Class::CommandExecution
        }
        _ => class,
    };
    // What a command says of itself is more than who ran it.
    let command = command.or(root);
    let is_elsewhere = web.is_none() && command.is_none();
    let told = command.or_else(|| is_elsewhere.then(|| operation::telling(alert)).flatten());
    let told = told.or_else(|| traffic::telling(alert, class));
    let behaviour = class::behaviour(class, alert, told.as_ref());
    let finding = finding.or(told);
    let (actor, others) = entity::actors(alert, class, line.map(|line| line.client));
    let event = event_text(alert);
    let (cleaned, hidden) = sanitize::clean(&event);
    let decoded = decode::decode(&cleaned);
    let shown_decoded = (!decoded.layers.is_empty())
        .then(|| Untrusted::new(template::head(&decoded.text, EXCERPT_BYTES_MAX)));
    let shape = match &web {
        Some(web) => template::request(web.method, web.target, web.status),
        None => template::message(&event),
    };
    Observation {
        class,
        objects: entity::objects(alert, web.as_ref().map(|web| web.target)),
        shape: Fingerprint::of([alert.rule.id.as_str(), shape.as_str()]).as_u64(),
        behaviour,
        variant: match (class, &actor) {
            // What an application says when a request breaks it is half written by whoever sent the request, so its shape tells nothing apart.
            (Class::SystemError, Actor::Address(_) | Actor::User(_)) => entity::service(alert),
            // Each package, flaw and setting is a text of its own; together they are the state of one machine.
            (Class::PolicyViolation, _) if class::is_known_flaw(alert) => String::new(),
            // What a scanner calls a virus tells it from a test file; where it was found does not.
            (Class::Malware, _) => alert.first_field(VIRUS_NAMES).map_or(shape, str::to_owned),
            _ => shape,
        },
        status,
        success: if exposed.is_some() {
            Success::Answered
        } else {
            class::success(class, alert, status, finding.as_ref())
        },
        asked: web.as_ref().and_then(|web| asked_of(web, class, field, finding.as_ref())),
        injection: injection(alert, &event, &decoded.text),
        finding,
        excerpt: Untrusted::new(template::head(&event, EXCERPT_BYTES_MAX)),
        decoded: shown_decoded,
        hidden,
        actor,
        others,
    }
}

/// Shortest text that can instruct anybody, in bytes: "threat level 0" has 14.
const INJECTION_BYTES_MIN: usize = 12;

/// A web request as an alert tells of it.
struct WebRequest<'a> {
    method: &'a str,
    target: &'a str,
    status: Option<u16>,
    /// The size of the answer in bytes.
    size: Option<u64>,
    user_agent: &'a str,
    referer: &'a str,
    extra: &'a str,
}

fn web_request<'a>(alert: &'a Alert, line: Option<&AccessLine<'a>>) -> Option<WebRequest<'a>> {
    if let Some(asked) = line.and_then(|line| line.asked.as_ref()) {
        let (referer, user_agent, _) = quoted_tail(alert.full_log.as_raw());
        let (method, target, status, size) = (asked.method, asked.target, asked.status, asked.size);
        return Some(WebRequest { method, target, status, size, user_agent, referer, extra: "" });
    }
    // A virus scanner's decoder calls the file that it found `url`.
    if alert.rule.has_group("virus") {
        return None;
    }
    let target = alert.first_field(&[
        "data.url",
        "data.http.url",
        "data.uri",
        "data.request_uri",
        "data.ClientRequestURI",
        "data.request.uri",
        // A web firewall's own log, as ModSecurity writes it as JSON.
        "data.transaction.request.uri",
        "data.cs-uri-stem",
        "data.aws.httpRequest.uri",
    ])?;
    let (referer, user_agent, answer) = quoted_tail(alert.full_log.as_raw());
    Some(WebRequest {
        // Wazuh's access-log decoder puts the method into `protocol` and the status into `id`.
        method: alert
            .first_field(&[
                "data.http.http_method",
                "data.method",
                "data.ClientRequestMethod",
                "data.transaction.request.method",
                "data.protocol",
            ])
            .unwrap_or("GET"),
        target,
        status: alert
            .first_field(&[
                "data.http.status",
                "data.status",
                "data.http_status_code",
                "data.EdgeResponseStatus",
                "data.transaction.response.http_code",
                "data.id",
            ])
            .and_then(|text| text.parse().ok())
            .filter(|status| (100..600).contains(status)),
        size: alert
            .first_field(&[
                "data.size",
                "data.bytes",
                "data.http.length",
                "data.EdgeResponseBytes",
                "data.sc-bytes",
            ])
            .or_else(|| answer.split_ascii_whitespace().nth(1))
            .and_then(|text| text.parse().ok()),
        user_agent: alert
            .first_field(&[
                "data.http.http_user_agent",
                "data.user_agent",
                "data.userAgent",
                "data.ClientRequestUserAgent",
                "data.transaction.request.headers.User-Agent",
            ])
            .unwrap_or(user_agent),
        referer: alert.first_field(&["data.http.http_refer", "data.referer"]).unwrap_or(referer),
        extra: alert
            .first_field(&[
                "data.body",
                "data.request_body",
                "data.post_data",
                "data.http.http_request_body",
                "data.transaction.request.body",
            ])
            .unwrap_or_default(),
    })
}

/// Takes referer, user agent, and what stands before them (status and size) from the end of a line in the combined format: the last two
/// quoted texts, if there are three.
fn quoted_tail(line: &str) -> (&str, &str, &str) {
    let line = template::head(line, SEARCHED_BYTES_MAX);
    let mut quoted = split_at_quotes_from_end(line);
    // `… "request" 200 5 "referer" "agent"` splits, from the end, into: rest, agent, blank, referer, ` 200 5 `, request.
    let (_, agent, _, referer, between) =
        (quoted.next(), quoted.next(), quoted.next(), quoted.next(), quoted.next());
    match (referer, agent, between) {
        (Some(referer), Some(agent), Some(between))
            if between.trim().starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (referer, agent, between)
        }
        _ => ("", "", answer_alone(line)),
    }
}

/// Takes status and size from the end of a line that quotes the request alone, as the common format and Django's own server have it. Nothing is
/// taken where a client could have written what looks like them.
fn answer_alone(line: &str) -> &str {
    let mut pieces = split_at_quotes_from_end(line);
    let (answer, request, head) = (pieces.next(), pieces.next(), pieces.next());
    let is_alone = request.is_some() && head.is_some() && pieces.next().is_none();
    let Some(answer) = answer.filter(|_| is_alone) else { return "" };
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = answer.split_ascii_whitespace();
    let (status, size, more) = (words.next(), words.next(), words.next());
    let is_told = status.is_some_and(|status| status.len() == 3 && is_number(status))
        && size.is_some_and(is_number)
        && more.is_none();
    if is_told { answer } else { "" }
}

/// Splits at quotes, from the end. A quote that the client sent stands behind a backslash, and ends nothing.
fn split_at_quotes_from_end(line: &str) -> impl Iterator<Item = &str> {
    let mut left = Some(line);
    std::iter::from_fn(move || {
        let text = left?;
        let is_end = |at: &usize| {
            let before = text.as_bytes().get(..*at).unwrap_or_default();
            before.iter().rev().take_while(|byte| **byte == b'\\').count().is_multiple_of(2)
        };
        let Some(at) = memrchr_iter(b'"', text.as_bytes()).find(is_end) else {
            return left.take();
        };
        left = text.get(..at);
        text.get(at + 1..)
    })
}

/// Tells whether all that looks like an attack is the name of something that is not there, or not given out: a script as planted ones are called, a program in a
/// folder of programs. Dictionaries of scanners are full of such names, and each is one wish among thousands.
fn is_missing_name(web: &WebRequest<'_>, finding: &Finding) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    matches!(web.status, Some(403 | 404 | 410))
        && matches!(finding.class, Class::Webshell | Class::CommandInjection)
        && finding.parameter.is_none()
        && web.target.bytes().all(is_plain)
        && web.target.contains(finding.fragment.as_raw().trim())
}

/// Names what kind of file was given out that should not be public.
fn exposed_path(web: &WebRequest<'_>) -> Option<&'static str> {
    web.status
        .filter(|status| (200..300).contains(status))
        .and_then(|_| classify::sensitive_path(web.target))
}

/// Says what was asked, where it is an attack or a stray quote on which the server failed.
fn asked_of(
    web: &WebRequest<'_>,
    class: Class,
    field: Option<Field>,
    finding: Option<&Finding>,
) -> Option<Asked> {
    let is_stumble =
        web.status.is_some_and(|status| status >= 500) && web.target.contains(['\'', '"', '%']);
    let is_attack = class.is_web_exploit() && finding.is_some();
    if !is_stumble && !is_attack {
        return None;
    }
    let parameter = finding.and_then(|finding| finding.parameter.as_deref());
    asked::of(web, class, field.unwrap_or(Field::Target), parameter)
}

fn strongest_finding(web: &WebRequest<'_>) -> Option<(Field, Finding)> {
    let request = Request {
        method: web.method,
        target: web.target,
        status: web.status,
        user_agent: web.user_agent,
        referer: web.referer,
        extra: web.extra,
    };
    strongest(&request)
}

/// Looks for an attack in the name of a user: whoever logs in chooses it, and what reads the log or asks a database for it may obey.
fn in_a_name(alert: &Alert) -> Option<(Field, Finding)> {
    let name = alert.first_field(NAMES_OF_USERS)?;
    // Hardly a name has such signs, and nothing is searched where none is.
    if !name.contains(['\'', '"', '<', ';', '|', '`', '(', '{']) {
        return None;
    }
    let mut target = "/?user=".to_owned();
    for byte in template::head(name, NAME_BYTES_MAX).bytes() {
        target.push_str(&format!("%{byte:02X}"));
    }
    let request = Request {
        method: "GET",
        target: &target,
        status: None,
        user_agent: "",
        referer: "",
        extra: "",
    };
    strongest(&request)
}

fn strongest(request: &Request<'_>) -> Option<(Field, Finding)> {
    let found = classify::classify(request).into_iter().next()?;
    let finding = Finding {
        class: class::of_web(found.class),
        strength: found.strength.clamp(1, 100),
        parameter: found.parameter,
        fragment: Untrusted::new(found.fragment),
        reason: found.reason.to_owned(),
    };
    Some((found.field, finding))
}

/// The text that an analyst reads as the event: the log line, else what the alert holds instead of one.
fn event_text(alert: &Alert) -> Cow<'_, str> {
    if !alert.full_log.is_empty() {
        return Cow::Borrowed(alert.full_log.as_raw());
    }
    let mut text = String::new();
    for (path, value) in alert.fields.iter() {
        let telling = ["data.", "syscheck."].iter().any(|prefix| path.starts_with(prefix));
        if telling && text.len() < SEARCHED_BYTES_MAX {
            text.push_str(path);
            text.push('=');
            text.push_str(template::head(value, 400));
            text.push(' ');
        }
    }
    if text.is_empty() { Cow::Borrowed(alert.rule.description.as_raw()) } else { Cow::Owned(text) }
}

/// Searches everything an attacker may have written for instructions to a model: the event decoded, and what stands beside it in the alert.
///
/// Most fields are copies of pieces of the event, and searching costs more than finding that out.
fn injection(alert: &Alert, event: &str, decoded: &str) -> Option<Untrusted> {
    let mut beside = String::new();
    let written = |path: &str| path.starts_with("data.") || path.starts_with("syscheck.");
    let fields = alert.fields.iter().filter(|(path, _)| written(path)).map(|(_, value)| value);
    for value in fields.chain(std::iter::once(alert.rule.description.as_raw())) {
        if value.len() >= INJECTION_BYTES_MIN
            && beside.len() < SEARCHED_BYTES_MAX
            && memmem::find(event.as_bytes(), value.as_bytes()).is_none()
        {
            beside.push_str(value);
            beside.push('\n');
        }
    }
    let search = |text: &str| classify::injection_text(template::head(text, SEARCHED_BYTES_MAX));
    search(decoded)
        .or_else(|| if beside.is_empty() { None } else { search(&decode::decode(&beside).text) })
        .map(Untrusted::new)
}

#[cfg(test)]
mod tests;
