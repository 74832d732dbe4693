//! The pass mark: how much must agree with Wazuh for a change to be let in.
//!
//! Raise it with the change that earns it. It never goes down without a note that says why.

use super::runner::CaseResult;
use super::sample::SampleResult;
use crate::Answer;

/// Recordings that must be the same in every respect, as of the engine's first version.
const CASES_EXACT_MIN: usize = 554;

/// Recordings whose verdicts must be the same, whatever the details.
const CASES_WITH_VERDICTS_MIN: usize = 554;

/// Recordings whose results in wazuh-logtest must be the same.
const CASES_IN_LOGTEST_MIN: usize = 552;

/// Samples of Wazuh's own rule tests that must be right.
const SAMPLES_RIGHT_MIN: usize = 1291;

/// How many recordings agree.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) cases: usize,
    pub(crate) with_verdicts: usize,
    pub(crate) exact: usize,
    /// Cases that logtest shows as recorded; those whose daemon verdicts are wrong don't count.
    pub(crate) in_logtest: usize,
}

impl Tally {
    pub(crate) fn of<'a>(results: impl IntoIterator<Item = &'a CaseResult>) -> Tally {
        let mut tally = Tally::default();
        for result in results {
            tally.cases += 1;
            tally.with_verdicts += usize::from(result.has_verdicts());
            tally.exact += usize::from(result.is_exact());
            tally.in_logtest += usize::from(result.has_verdicts() && result.logtest.is_empty());
        }
        tally
    }
}

/// Compares a whole run with the pass mark and says what is short of it.
pub(crate) fn judge(tally: &Tally, samples: &[SampleResult]) -> Answer {
    let right = samples.iter().filter(|sample| sample.is_right).count();
    let marks = [
        ("recordings the same", tally.exact, CASES_EXACT_MIN),
        ("recordings with the same verdicts", tally.with_verdicts, CASES_WITH_VERDICTS_MIN),
        ("recordings the same in logtest", tally.in_logtest, CASES_IN_LOGTEST_MIN),
        ("samples right", right, SAMPLES_RIGHT_MIN),
    ];
    let mut answer = Answer::Fine;
    for (what, count, least) in marks {
        if count < least {
            println!("below the mark: {what}: {count}, and it takes {least}");
            answer = Answer::No;
        }
    }
    if answer == Answer::Fine {
        println!("the pass mark is reached");
    }
    answer
}
