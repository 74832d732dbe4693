//! `--cost`: what each pattern costs on texts that were made to make it slow.
//!
//! Whoever writes a request chooses the text, so a pattern must not take much more than twice the work for twice the length. Two
//! measures, because either is blind to something: the steps that PCRE2 counts ([`steps`]), which are the same everywhere and decide
//! nearly always; and the time of the pattern as the engine runs it, for what isn't counted, with a bound that is far from what
//! linear patterns take. A pattern at which the engine's own limit ends a match fails too: there the rule is blind.

mod hostile;
mod steps;
mod witness;

use std::time::Duration;

use alert::sanitize::shown;
use ruleset::pattern::{Language, Pattern};
use ruleset::{PatternInfo, Ruleset};

use super::rulebook;
use super::table::Table;
use crate::Answer;
use crate::conformance::runner::on_threads;
use hostile::Hostile;
use steps::Counter;

/// The lengths whose times are compared. Usual servers take 8 KiB for a request line or a header (nginx, Apache, gunicorn); the
/// long text is a generous one with both at their longest.
const SHORT_BYTES: usize = 4 << 10;
const LONG_BYTES: usize = 16 << 10;

/// A third length and its time, for a suspicion. A long row may use up the stack of compiled code, and the engine begins again
/// without it: at some length the time grows forty times at once, and is linear before and behind. At this length such a pattern
/// was seen to take 2 to 20 ms (much of it is memory), and one that looks through the text from each place takes a quarter of a
/// second.
const SUSPECT_BYTES: usize = 32 << 10;
const SUSPECT_TIME_MAX: Duration = Duration::from_millis(100);

/// How much longer the long text may take: four times is linear, sixteen times quadratic.
const TIME_GROWTH_MAX: u32 = 9;

/// Below this the clock and the machine's other work say more than the pattern: 30 ns for each byte, when a linear pattern takes
/// about one and a quadratic one thousands.
const TIME_NOTICED: Duration = Duration::from_micros(500);

/// Measurements of which the shortest counts, where one is not clearly below what was seen before.
const RUNS: usize = 3;

/// Texts of one pattern that are tried long as well: those that take the most steps when they are short. What grows too fast is
/// among them, because at 512 bytes it has grown already.
const LONG_TEXTS_MAX: usize = 24;

/// A text that takes more steps than these for each byte is tried long at once: what grows too fast is found before the others have
/// cost as much.
const STEPS_SUSPECT: u64 = 256;

/// What timing one pattern may take. Past this the texts that are left are not timed, and the end of the report says so.
const TIME_SPENT_MAX: Duration = Duration::from_millis(200);

/// Patterns shown, costliest first.
const SHOWN_MAX: usize = 15;

/// Most of a text's name that is shown.
const NAME_CHARS_MAX: usize = 40;

/// What one pattern costs.
#[derive(Debug, Default)]
struct Cost {
    /// In the worst of the texts.
    steps_per_byte: u64,
    worst_steps: String,
    /// For the long text.
    time: Duration,
    worst_time: String,
    /// Whether some texts were left out because the others took so long.
    is_cut: bool,
    problems: Vec<String>,
}

/// Measures all patterns of a ruleset, or counts their steps alone, and says whether none is super-linear.
pub(crate) fn run(ruleset: &Ruleset, counts_only: bool) -> anyhow::Result<Answer> {
    let mut patterns = ruleset.patterns();
    patterns.retain(|info| !rulebook::is_stand_in(info.file));
    let costs = on_threads(&patterns, |info| measure(info, counts_only));
    let mut measured = Vec::new();
    for (info, cost) in patterns.iter().zip(costs) {
        let failed = |said| anyhow::anyhow!("measuring {} stopped: {said}", info.place);
        measured.push((info, cost.map_err(failed)?));
    }
    let total: Duration = measured.iter().map(|(_, cost)| cost.time).sum();
    print!("{}", table(&mut measured).text());
    let bad = measured.iter().filter(|(_, cost)| !cost.problems.is_empty()).count();
    for (info, cost) in &measured {
        for problem in &cost.problems {
            println!("{}:{}: {}: {problem}", info.file, info.line, info.place);
        }
    }
    println!("\n{} patterns, {bad} of them super-linear or stopped", measured.len());
    if counts_only {
        return Ok(if bad == 0 { Answer::Fine } else { Answer::No });
    }
    let worst = total.as_micros();
    let cut = measured.iter().filter(|(_, cost)| cost.is_cut).count();
    println!("{cut} patterns took so long that not all texts were timed");
    println!("each on its worst text of {LONG_BYTES} bytes, all together: {worst} us");
    Ok(if bad == 0 { Answer::Fine } else { Answer::No })
}

fn table(measured: &mut [(&PatternInfo<'_>, Cost)]) -> Table {
    measured.sort_by_key(|(_, cost)| std::cmp::Reverse((cost.steps_per_byte, cost.time)));
    let head = ["pattern", "bytes", "steps/byte", "on", "us at 16k", "on"];
    let mut table =
        Table::new("Costliest patterns", head.iter().map(|name| (*name).to_owned()).collect());
    for (info, cost) in measured.iter().take(SHOWN_MAX) {
        table.push(vec![
            info.place.clone(),
            info.pattern.text().len().to_string(),
            cost.steps_per_byte.to_string(),
            shown(&cost.worst_steps, NAME_CHARS_MAX),
            cost.time.as_micros().to_string(),
            shown(&cost.worst_time, NAME_CHARS_MAX),
        ]);
    }
    table
}

fn measure(info: &PatternInfo<'_>, counts_only: bool) -> Cost {
    let mut cost = Cost::default();
    let reads_lines = ["decoder", " match", " regex"].iter().any(|word| info.place.contains(word));
    let texts = hostile::all(info.pattern.text(), reads_lines);
    if info.pattern.language() == Language::Pcre2 {
        count_steps(info.pattern, &texts, &mut cost);
    }
    // The engine's limit starts anew at each place of a text: a pattern that is known to be bad may take hours on a long one.
    if cost.problems.is_empty() && !counts_only {
        take_times(info.pattern, &texts, &mut cost);
    }
    cost
}

/// Finds the text with the most steps, and whether one grows too fast.
fn count_steps(pattern: &Pattern, texts: &[Hostile], cost: &mut Cost) {
    let mut counter = Counter::new(pattern.text());
    if let Err(error) = try_count(&mut counter, texts, cost) {
        cost.problems.push(format!("steps can't be counted: {error:#}"));
    }
}

fn try_count(counter: &mut Counter, texts: &[Hostile], cost: &mut Cost) -> anyhow::Result<()> {
    let mut short = Vec::new();
    for hostile in texts {
        let Some(exponent) = counter.short(hostile)? else {
            let most = steps::STEPS_PER_BYTE_MAX;
            let name = shown(&hostile.name(), NAME_CHARS_MAX);
            cost.problems.push(format!("more than {most} steps a byte, on {name}"));
            return Ok(());
        };
        if steps::per_byte(exponent) > STEPS_SUSPECT && !counter.is_linear(hostile, exponent)? {
            cost.problems.push(too_fast(hostile));
            return Ok(());
        }
        short.push((exponent, hostile));
    }
    short.sort_by_key(|(exponent, _)| std::cmp::Reverse(*exponent));
    if let Some((exponent, hostile)) = short.first() {
        cost.steps_per_byte = steps::per_byte(*exponent);
        cost.worst_steps = hostile.name();
    }
    for (exponent, hostile) in short.into_iter().take(LONG_TEXTS_MAX) {
        if !counter.is_linear(hostile, exponent)? {
            cost.problems.push(too_fast(hostile));
            return Ok(());
        }
    }
    Ok(())
}

fn too_fast(hostile: &Hostile) -> String {
    format!("steps grow faster than the text, on {}", shown(&hostile.name(), NAME_CHARS_MAX))
}

/// Finds the text with the longest time, as the engine runs the pattern.
fn take_times(pattern: &Pattern, texts: &[Hostile], cost: &mut Cost) {
    // The words of the pattern stand at the end, in the wrong order, so that looking for a missing word doesn't end the search.
    let mut ending = hostile::words(pattern.text());
    ending.reverse();
    let ending = format!("\u{1}{}", ending.join("\u{1}"));
    let mut spent = Duration::ZERO;
    for hostile in texts {
        if spent > TIME_SPENT_MAX {
            cost.is_cut = true;
            return;
        }
        let of = |bytes| {
            let mut text = hostile.text(bytes);
            text.extend_from_slice(ending.as_bytes());
            time_of(pattern, &text)
        };
        let hits_before = pattern.limit_hits();
        let mut long = of(LONG_BYTES);
        spent += long;
        // Most texts are no worse than one before, and need no second look.
        for _ in 1..RUNS {
            if long > cost.time {
                long = long.min(of(LONG_BYTES));
            }
        }
        if pattern.limit_hits() > hits_before {
            let name = shown(&hostile.name(), NAME_CHARS_MAX);
            cost.problems.push(format!("the engine's limit ends the match, on {name}"));
            return;
        }
        if long > cost.time {
            cost.time = long;
            cost.worst_time = hostile.name();
        }
        let is_noticed = long > TIME_NOTICED;
        if is_noticed
            && long > of(SHORT_BYTES) * TIME_GROWTH_MAX
            && (0..RUNS).all(|_| of(SUSPECT_BYTES) > SUSPECT_TIME_MAX)
        {
            let name = shown(&hostile.name(), NAME_CHARS_MAX);
            cost.problems.push(format!("time grows faster than the text, on {name}"));
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
fn time_of(pattern: &Pattern, text: &[u8]) -> Duration {
    let start = std::time::Instant::now();
    std::hint::black_box(pattern.is_match(std::hint::black_box(text)));
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(language: Language, text: &str) -> Vec<String> {
        let pattern = Pattern::compile(language, text.as_bytes()).unwrap();
        let place = "rule 100200 url".to_owned();
        measure(&PatternInfo { place, file: "r.xml", line: 1, pattern: &pattern }, false).problems
    }

    #[test]
    fn a_pattern_that_searches_to_the_end_from_each_of_its_own_words_is_told() {
        let problems = problems(Language::Pcre2, "wget.*pipe");
        assert!(problems[0].starts_with("steps grow faster than the text, on "), "{problems:?}");
    }

    #[test]
    fn a_comment_without_an_end_behind_each_quote_is_found() {
        let problems = problems(Language::Pcre2, r"(?:'|%27)(?:\s|/\*.*?\*/)*union");
        assert!(problems[0].contains("steps"), "{problems:?}");
    }

    #[test]
    fn a_long_row_that_leaves_compiled_code_is_no_growth() {
        assert!(problems(Language::Pcre2, "\\$\\{%(?:25)*+7b").is_empty());
    }

    #[test]
    fn an_ordinary_pattern_has_no_problem() {
        assert!(problems(Language::Pcre2, "(?i)(?:;|%3b)\\s{0,3}wget\\b").is_empty());
        assert!(problems(Language::OsMatch, "wget|curl").is_empty());
    }
}
