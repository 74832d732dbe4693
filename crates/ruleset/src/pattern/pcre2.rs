//! PCRE2 patterns, by the library itself.
//!
//! As in Wazuh they see bytes, not characters, and get no options: case matters unless the pattern says `(?i)`. What is
//! added is a bound. A pattern such as `^(a+)+$` tries more ways than there is time for, and the line's author decides
//! whether it does; so each compiled pattern begins with limits of its own, and a match that hits one is no match, and
//! is counted.

mod valid;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use ::pcre2::bytes::{CaptureLocations, Regex, RegexBuilder};
use regex_syntax::hir::Hir;

use super::form::Form;
use super::literals::{self, Words};
use super::needle::Needle;
use super::outline::outline;
use super::tree;
use super::tree::narrow::{Narrow, narrow};
use super::{Captures, PatternError};

/// Put before each pattern. Wazuh leaves PCRE2's own limit of 10,000,000 attempts; a million end a hostile match after
/// 3 to 6 ms of compiled code, or 28 ms of the interpreter (measured with `^(a+)+$` and `(a|aa)+$`). The memory, in KiB, is what the interpreter may take for one match: a group repeated
/// over each byte of a 64 KiB line takes about 10 MB.
const LIMITS: &str = "(*LIMIT_MATCH=1000000)(*LIMIT_HEAP=32768)";

/// What the compiled code reports when its stack of 32 KiB is used up.
const ERROR_JIT_STACK: i32 = -46;

/// How often a pattern is run before it is made anew for subjects that encode little. That costs some 300 us, and saves half a
/// microsecond each time. Most that are asked so often are ruled out with others before.
const RUNS_BEFORE_NARROW: u32 = 512;

/// How often a pattern is run by the interpreter before code is made for it. Making code costs as much as some twenty runs, and half
/// the patterns that a log file tries at all are tried less often than this.
const RUNS_BEFORE_CODE: u32 = 8;

/// How many sets of capture places are kept for the next match: more threads than that rarely match one pattern at once.
const SPARE_PLACES_MAX: usize = 16;

/// A PCRE2 pattern.
pub(super) struct Pcre2 {
    /// How many groups record.
    groups: usize,
    /// Run by the interpreter, whose stack is the heap: made with the pattern if it isn't clear that it is one, else for the first match,
    /// because most rules of a ruleset are never tried.
    interpreted: OnceLock<Option<Regex>>,
    /// The text as given to the library.
    source: String,
    /// As compiled code: made once it has run [`RUNS_BEFORE_CODE`] times.
    compiled: OnceLock<Option<Regex>>,
    /// What it is for subjects of [`Form::Once`], where that is another pattern.
    narrow: OnceLock<Option<Box<NarrowPcre2>>>,
    /// Words without which nothing matches.
    words: OnceLock<Vec<Words>>,
    /// Such a word, if there is just one. Looking for it first is many times faster than the library's own search.
    required: OnceLock<Option<Needle>>,
    /// How often it was run, up to [`RUNS_BEFORE_NARROW`].
    runs: AtomicU32,
    spare_places: Mutex<Vec<CaptureLocations>>,
    limit_hits: AtomicU64,
}

/// What a pattern is for subjects of [`Form::Once`].
struct NarrowPcre2 {
    /// Nothing where it never matches.
    text: Option<String>,
    compiled: OnceLock<Option<Regex>>,
    words: OnceLock<Vec<Words>>,
}

impl std::fmt::Debug for Pcre2 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pcre2").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Pcre2 {
    /// Compiles a pattern.
    pub(super) fn compile(text: &[u8]) -> Result<Self, PatternError> {
        let source = format!("{LIMITS}{}", as_text(text));
        let interpreted = OnceLock::new();
        let groups = match valid::groups_of_valid(text) {
            Some(groups) => groups,
            None => {
                let regex =
                    RegexBuilder::new().build(&source).map_err(|error| explain(&error, text))?;
                let groups = regex.captures_len().saturating_sub(1);
                interpreted.get_or_init(|| Some(regex));
                groups
            }
        };
        Ok(Self {
            groups,
            interpreted,
            source,
            compiled: OnceLock::new(),
            narrow: OnceLock::new(),
            words: OnceLock::new(),
            required: OnceLock::new(),
            runs: AtomicU32::new(0),
            spare_places: Mutex::new(Vec::new()),
            limit_hits: AtomicU64::new(0),
        })
    }

    /// Returns the number of groups, without the whole match.
    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    /// Tells whether the pattern matches somewhere in `subject`.
    pub(super) fn is_match(&self, subject: &[u8]) -> bool {
        if self.lacks_the_required(subject) {
            return false;
        }
        // One that the interpreter stops is asked again as code, whose limit is reached later.
        if self.count_run() < RUNS_BEFORE_CODE
            && let Some(Ok(found)) = self.interpreted().map(|regex| regex.is_match(subject))
        {
            return found;
        }
        self.run(|regex| regex.is_match(subject)).unwrap_or(false)
    }

    /// Tells the same of a subject whose form is known. A pattern that is often asked is made anew for such subjects.
    pub(super) fn is_match_of(&self, subject: &[u8], form: Form) -> bool {
        let is_new = self.runs.load(Ordering::Relaxed) < RUNS_BEFORE_NARROW;
        // One whose words were asked for is made already, and if the other was never tried there is no need to compile both.
        let is_made = self.narrow.get().is_some() && self.compiled.get().is_none();
        if is_new && !is_made {
            return self.is_match(subject);
        }
        self.narrow_is_match(subject, form).unwrap_or_else(|| self.is_match(subject))
    }

    /// Asks the pattern for subjects of a form, if there is one and the library doesn't fail.
    fn narrow_is_match(&self, subject: &[u8], form: Form) -> Option<bool> {
        self.narrow(form)?.is_match(subject)
    }

    /// Matches, records the groups and returns where the match ends.
    pub(super) fn find(&self, subject: &[u8], captures: &mut Captures) -> Option<usize> {
        if self.lacks_the_required(subject) {
            return None;
        }
        if self.groups == 0 {
            return self.run(|regex| regex.find(subject))?.map(|found| found.end());
        }
        let spare = self.spare_places.lock().ok().and_then(|mut spare| spare.pop());
        let mut places = match spare {
            Some(places) => places,
            None => self.compiled()?.capture_locations(),
        };
        let found = self.run(|regex| regex.captures_read(&mut places, subject));
        let end = found.flatten().map(|found| found.end());
        if end.is_some() {
            for (number, slot) in captures.groups.iter_mut().enumerate() {
                *slot = places.get(number + 1);
            }
        }
        if let Ok(mut spare) = self.spare_places.lock()
            && spare.len() < SPARE_PLACES_MAX
        {
            spare.push(places);
        }
        end
    }

    /// Returns how often the library stopped a match.
    pub(super) fn limit_hits(&self) -> u64 {
        self.limit_hits.load(Ordering::Relaxed)
    }

    fn lacks_the_required(&self, subject: &[u8]) -> bool {
        let needle = || match self.words() {
            [words] => {
                words.first().filter(|_| words.len() == 1).and_then(|word| Needle::new(word))
            }
            _ => None,
        };
        self.required
            .get_or_init(needle)
            .as_ref()
            .is_some_and(|word| word.find(subject, 0).is_none())
    }

    /// Runs the compiled code, or the interpreter if the stack of the code was what failed. A match that was stopped is counted, and is
    /// none.
    fn run<T>(&self, mut ask: impl FnMut(&Regex) -> Result<T, ::pcre2::Error>) -> Option<T> {
        let answer = match ask(self.compiled()?) {
            Err(error) if error.code() == ERROR_JIT_STACK => ask(self.interpreted()?),
            answer => answer,
        };
        if answer.is_err() {
            self.limit_hits.fetch_add(1, Ordering::Relaxed);
        }
        answer.ok()
    }

    /// Counts a run, and returns how many there were before.
    fn count_run(&self) -> u32 {
        let runs = self.runs.load(Ordering::Relaxed);
        if runs < RUNS_BEFORE_NARROW {
            self.runs.fetch_add(1, Ordering::Relaxed);
        }
        runs
    }

    /// Returns the compiled code, or the interpreter where the machine allows no code to be made.
    fn compiled(&self) -> Option<&Regex> {
        let compile = || RegexBuilder::new().jit_if_available(true).build(&self.source).ok();
        self.compiled.get_or_init(compile).as_ref().or_else(|| self.interpreted())
    }

    /// The library takes each pattern that [`Pcre2::compile`] took, so there always is one.
    fn interpreted(&self) -> Option<&Regex> {
        self.interpreted.get_or_init(|| RegexBuilder::new().build(&self.source).ok()).as_ref()
    }

    /// What it is for subjects of a form, if that is another pattern.
    fn narrow(&self, form: Form) -> Option<&NarrowPcre2> {
        let make = || {
            let text = match narrow(self.text().as_bytes())? {
                Narrow::Shorter(text) => Some(text),
                Narrow::Never => None,
            };
            let (compiled, words) = (OnceLock::new(), OnceLock::new());
            Some(Box::new(NarrowPcre2 { text, compiled, words }))
        };
        match form {
            Form::Once => self.narrow.get_or_init(make).as_deref(),
            Form::Any => None,
        }
    }

    /// Draws the outline of what it is for subjects of [`Form::Once`].
    pub(super) fn outline(&self) -> Option<Hir> {
        let text = match self.narrow(Form::Once) {
            Some(narrow) => narrow.text.as_deref()?,
            None => self.text(),
        };
        outline(&tree::read(text.as_bytes())?)
    }

    /// Returns the bytes of which each match begins with one, where that is known.
    pub(super) fn first_bytes(&self) -> Option<Vec<u8>> {
        Some(tree::read(self.text().as_bytes())?.first()?.iter().collect())
    }

    fn text(&self) -> &str {
        self.source.get(LIMITS.len()..).unwrap_or_default()
    }

    /// Returns sets of words of which a matching subject of a form holds one each.
    pub(super) fn words_of(&self, form: Form) -> &[Words] {
        let Some(narrow) = self.narrow(form) else { return self.words() };
        narrow.words.get_or_init(|| match &narrow.text {
            Some(text) => literals::of_pcre2(text.as_bytes()),
            // One of no words: never.
            None => vec![Words::new()],
        })
    }

    /// Returns sets of words: a subject that matches holds one of each. The most telling set stands first.
    pub(super) fn words(&self) -> &[Words] {
        self.words.get_or_init(|| literals::of_pcre2(self.text().as_bytes()))
    }
}

impl NarrowPcre2 {
    /// Answers for a subject of that form, unless the library fails.
    fn is_match(&self, subject: &[u8]) -> Option<bool> {
        let Some(text) = &self.text else { return Some(false) };
        let compile = || {
            let source = format!("{LIMITS}{text}");
            RegexBuilder::new().jit_if_available(true).build(&source).ok()
        };
        self.compiled.get_or_init(compile).as_ref()?.is_match(subject).ok()
    }
}

/// Spells bytes that are no UTF-8 as escapes, because the library's binding takes only text. In text that is UTF-8 the
/// pattern's bytes reach the library as they are.
fn as_text(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => text
            .iter()
            .map(|byte| match byte {
                0..=127 => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            })
            .collect(),
    }
}

fn explain(error: &::pcre2::Error, text: &[u8]) -> PatternError {
    let offset = error.offset().and_then(|at| at.checked_sub(LIMITS.len()));
    let hint = if text.windows(3).any(|three| three == b"?\\<") {
        "`\\<` stays `\\<` for PCRE2, so look-behind cannot be written; name a group with (?'name'…)"
    } else {
        "test the pattern with pcre2test or regex101 (flavour PCRE2)"
    };
    PatternError { offset, problem: error.to_string(), hint }
}

#[cfg(test)]
mod tests;
