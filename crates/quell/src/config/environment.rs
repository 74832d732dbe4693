//! Settings from the environment: `QUELL_POLICY__MIN_LEVEL=7`.
//!
//! Containers are configured this way, and a mistyped name that silently did nothing would be
//! found only after the incident. So each `QUELL_` name is either a setting, or one of the few
//! that are known to be for somebody else, or a problem.
//!
//! It promises that a secret given here is never part of a message. Which value wins is decided
//! here too: the environment replaces the file.

use super::file::TABLES_MAX;
use super::private::Secret;
use super::problem::{Report, Severity, environment_place};
use super::read::{Raw, read};
use super::settings::{Draft, Origin, Slot};
use super::spelling::nearest;
use super::table::{ENVIRONMENT_PREFIX, LEVEL_SEPARATOR, SECTIONS, Section, Setting};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Names that other parts of Quell read: the command line, the log filter and the hook.
const RESERVED: [&str; 4] = ["QUELL_CONFIG", "QUELL_LOG", "QUELL_HOOK_SOCKET", "QUELL_SPOOL_DIR"];

/// Reads every `QUELL_` variable into the draft.
pub(crate) fn read_environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    draft: &mut Draft,
    report: &mut Report<'_>,
) {
    // Sorting makes messages repeatable, and brings table 0 before table 1.
    let mut found: BTreeMap<(usize, String), OsString> = BTreeMap::new();
    for (name, value) in variables {
        let name = name.to_string_lossy();
        if name.starts_with(ENVIRONMENT_PREFIX) && !RESERVED.contains(&name.as_ref()) {
            let instance = locate(&name).map_or(0, |target| target.instance);
            found.insert((instance, name.into_owned()), value);
        }
    }
    for ((_, name), value) in found {
        let Some(target) = locate(&name) else {
            report_unknown(&name, report);
            continue;
        };
        let Some(value) = value.to_str() else {
            let what = "the value is not UTF-8".to_owned();
            let hint = "set it again as UTF-8, or write it into the file".to_owned();
            report.elsewhere(Severity::Error, environment_place(&name), what, hint);
            continue;
        };
        if make_room(&target, &name, draft, report) {
            take(&target, &name, value, draft, report);
        }
    }
}

/// What an environment name stands for.
struct Target {
    section: &'static Section,
    instance: usize,
    setting: &'static Setting,
    /// Is true for `..._TOKEN`, which gives a secret, beside `..._TOKEN_FILE`.
    is_secret: bool,
}

impl Target {
    fn slot(&self) -> Slot {
        (self.section.path, self.instance, self.setting.key)
    }
}

fn locate(name: &str) -> Option<Target> {
    let words: Vec<&str> = name.strip_prefix(ENVIRONMENT_PREFIX)?.split(LEVEL_SEPARATOR).collect();
    let (last, levels) = words.split_last()?;
    SECTIONS.iter().copied().find_map(|section| {
        let depth = section.path.split('.').count();
        let (levels, numbers) = levels.split_at_checked(depth)?;
        let is_here =
            section.path.split('.').map(str::to_ascii_uppercase).eq(levels.iter().copied());
        let instance = match (section.repeated, numbers) {
            (false, []) => 0,
            // A number with a sign or leading zeros would be a second name for the same table.
            (true, [number]) => {
                number.parse::<usize>().ok().filter(|parsed| parsed.to_string() == *number)?
            }
            _ => return None,
        };
        let setting = section.settings.iter().find(|setting| {
            setting.key.to_ascii_uppercase() == *last
                || setting.secret_word().as_deref() == Some(last)
        })?;
        let is_secret = setting.secret_word().as_deref() == Some(last);
        is_here.then_some(Target { section, instance, setting, is_secret })
    })
}

/// Adds the table that a name such as `QUELL_MODEL__0__URL` asks for, if it is the next one.
fn make_room(target: &Target, name: &str, draft: &mut Draft, report: &mut Report<'_>) -> bool {
    let count = draft.count(target.section);
    if target.instance < count {
        return true;
    }
    if draft.is_partial {
        // The tables that are missing may stand after the syntax error that was just told.
        return false;
    }
    let header = target.section.header();
    if target.instance > count || count >= TABLES_MAX {
        let what = format!("there is no `{header}` number {}", target.instance);
        let hint = match count {
            0 => "number the tables from 0".to_owned(),
            _ if count >= TABLES_MAX => format!("there may be {TABLES_MAX} of them at most"),
            _ => format!("use a number from 0 to {count}; {count} adds a table"),
        };
        report.elsewhere(Severity::Error, environment_place(name), what, hint);
        return false;
    }
    let tables = draft.tables.entry(target.section.path).or_default();
    tables.push(Origin::Environment(name.to_owned()));
    true
}

fn take(target: &Target, name: &str, value: &str, draft: &mut Draft, report: &mut Report<'_>) {
    let path = target.section.key_path(target.instance, target.setting.key);
    if target.is_secret {
        let secret = match Secret::parse(value) {
            Ok(secret) => Some(secret),
            Err(why) => {
                let hint = format!("set it to the secret, or unset it and use `{path}`");
                report.elsewhere(
                    Severity::Error,
                    environment_place(name),
                    format!("the secret {why}"),
                    hint,
                );
                None
            }
        };
        draft.secrets.insert(target.slot(), (secret, name.to_owned()));
        return;
    }
    let read = match read(target.setting, &path, Raw::Word(value)) {
        Ok(value) => Some(value),
        Err(faults) => {
            for fault in faults {
                // The hints speak of quotes, which are the file's business.
                let hint = fault.hint.replace(" in double quotes", "");
                report.elsewhere(Severity::Error, environment_place(name), fault.what, hint);
            }
            None
        }
    };
    draft.given.insert(target.slot(), (read, Origin::Environment(name.to_owned())));
}

fn report_unknown(name: &str, report: &mut Report<'_>) {
    if is_service_link(name) {
        return;
    }
    let known = known_names(name);
    // Single and double underscores are the likeliest thing to mix up, so they don't count here.
    let squashed: Vec<String> = known.iter().map(|name| squash(name)).collect();
    let guess = nearest(&squash(name), squashed.iter().map(String::as_str))
        .and_then(|found| squashed.iter().position(|name| name == found))
        .and_then(|index| known.get(index));
    let first_word = name.strip_prefix(ENVIRONMENT_PREFIX).and_then(|rest| rest.split('_').next());
    let is_section = first_word.is_some_and(|word| {
        let word = word.to_ascii_lowercase();
        Section::is_group(&word) || Section::find(&word).is_some()
    });
    let is_ours = guess.is_some() || name.contains(LEVEL_SEPARATOR) || is_section;
    let (severity, what) = match is_ours {
        true => (Severity::Error, "unknown setting"),
        false => (Severity::Warning, "not a setting of Quell, and ignored"),
    };
    let hint = match guess {
        Some(guess) => format!("did you mean {guess}"),
        None => "`quell config reference` lists every name".to_owned(),
    };
    report.elsewhere(severity, environment_place(name), what.to_owned(), hint);
}

/// Says whether Kubernetes or Docker set this name because a service is called `quell` or
/// `quell-http`. Nobody chose these names, so they are no mistake.
fn is_service_link(name: &str) -> bool {
    !name.contains(LEVEL_SEPARATOR)
        && (name.ends_with("_PORT")
            || name.contains("_PORT_")
            || name.ends_with("_SERVICE_HOST")
            || name.contains("_SERVICE_PORT"))
}

/// Lists every name, with the table number that `like` seems to mean.
fn known_names(like: &str) -> Vec<String> {
    let is_number =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = like.split('_').find(is_number).and_then(|word| word.parse::<usize>().ok());
    let instance = &number.unwrap_or(0).to_string();
    let mut names = Vec::new();
    for section in SECTIONS {
        for setting in section.settings {
            names.push(section.environment_name(instance, setting.key));
            names.extend(
                setting.secret_word().map(|word| section.environment_name(instance, &word)),
            );
        }
    }
    names
}

fn squash(name: &str) -> String {
    name.replace('_', "").to_ascii_uppercase()
}
