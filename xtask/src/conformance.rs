//! `xtask conformance PATH`: how much of the rule engine behaves as Wazuh 4.14 was recorded to.
//!
//! PATH holds recordings (`conformance/`) and Wazuh's own rules and rule tests (`wazuh-4.14.7/`).
//! They are read where they lie and never copied, and a machine that has none of them skips the
//! comparison. Every recording gives rule files, events and results; it counts when the engine
//! refuses or accepts the files as Wazuh did, says the same about loading them, and gives the
//! same result for every event. Every sample of a rule test counts as its own file says.
//!
//! The answer is no when a whole run stays under the committed [`mark`], or when anything
//! differs in a run that was narrowed to a feature or a case.

mod alert;
pub(crate) mod case;
mod compare;
pub(crate) mod engine;
mod mark;
mod report;
pub(crate) mod runner;
mod sample;
pub(crate) mod stock;

use std::path::PathBuf;

use crate::{Answer, Usage};
use case::Case;
use stock::Stock;

/// What to compare.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    path: PathBuf,
    feature: Option<String>,
    case: Option<String>,
    is_verbose: bool,
}

impl Options {
    /// Reads the words after `conformance`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options, Usage> {
        let [path, words @ ..] = words else {
            return Err(Usage(
                "`conformance` needs the folder that holds the recordings".to_owned(),
            ));
        };
        if path.starts_with("--") {
            return Err(Usage(format!("`{path}` stands where the folder should be")));
        }
        let path = PathBuf::from(path);
        let mut options = Options { path, feature: None, case: None, is_verbose: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let place = match *word {
                "--verbose" => {
                    options.is_verbose = true;
                    continue;
                }
                "--feature" => &mut options.feature,
                "--case" => &mut options.case,
                _ => return Err(Usage(format!("don't know the option `{word}`"))),
            };
            let name = words.next().ok_or_else(|| Usage(format!("`{word}` lacks a name")))?;
            *place = Some((*name).to_owned());
        }
        Ok(options)
    }

    /// Says whether only some of the recordings are wanted, and no samples.
    fn is_narrowed(&self) -> bool {
        self.feature.is_some() || self.case.is_some()
    }

    fn wants(&self, case: &Case) -> bool {
        self.feature.as_ref().is_none_or(|feature| case.features.contains(feature))
            && self.case.as_ref().is_none_or(|name| case.name == *name)
    }
}

/// Compares, prints and judges.
pub(crate) fn run(options: &Options) -> anyhow::Result<Answer> {
    let cases_path = options.path.join("conformance");
    let stock_path = options.path.join("wazuh-4.14.7");
    if !cases_path.is_dir() || !stock_path.is_dir() {
        println!(
            "skipped: `{}` lacks `conformance/` or `wazuh-4.14.7/`, so there is nothing to compare",
            options.path.display()
        );
        return Ok(Answer::Fine);
    }
    let stock = Stock::read(&stock_path)?;
    let base = case::Base::read(&cases_path.join("base"))?;
    let mut cases = case::read_all(&cases_path.join("cases"))?;
    cases.retain(|case| options.wants(case));
    if cases.is_empty() {
        return Err(Usage("no recording has that name or feature".to_owned()).into());
    }

    let results = runner::run_cases(&cases, &base, &stock);
    print!("{}", report::cases(&cases, &results, options.is_verbose));
    let tally = mark::Tally::of(&results);
    if options.is_narrowed() {
        return Ok(if tally.exact == results.len() { Answer::Fine } else { Answer::No });
    }
    let samples = sample::run_all(&stock_path.join("testing"), &stock)?;
    print!("{}", report::samples(&samples, options.is_verbose));
    Ok(mark::judge(&tally, &samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_narrow_the_run_to_a_feature_or_a_case() {
        let options = Options::parse(&["a/b", "--verbose", "--feature", "srcip"]).unwrap();
        let feature = Some("srcip".to_owned());
        let wanted = Options { path: "a/b".into(), feature, case: None, is_verbose: true };
        assert_eq!(options, wanted);
        assert!(options.is_narrowed());
        assert!(!Options::parse(&["a/b"]).unwrap().is_narrowed());
    }

    #[test]
    fn an_option_that_cannot_be_obeyed_is_named() {
        for words in [&["a", "--x"][..], &["a", "--case"], &["a", "b"]] {
            let error = Options::parse(words).unwrap_err().to_string();
            assert!(error.contains(words[1]), "{error}");
        }
        assert!(Options::parse(&["--case"]).is_err());
        assert!(Options::parse(&[]).is_err());
    }

    #[test]
    fn without_recordings_the_comparison_is_skipped() {
        let options = Options::parse(&["no-such-folder"]).unwrap();
        assert_eq!(run(&options).unwrap(), Answer::Fine);
    }
}
