//! What a ruleset says about each row: the rule that makes the alert, if one does.
//!
//! Every line meets a session without any memory. A score per line must not depend on the lines before it, and they come from few
//! addresses within hours: with memory, a frequency rule would take the place of the rule that read the line, and a wrong class
//! would be told for it; a burst of harmless 404s would be a false alarm of the lines, which it isn't. What correlation adds is
//! measured on recorded traffic, not here.

use std::collections::BTreeMap;
use std::sync::Arc;

use ruleset::{Record, Ruleset, Session, SessionOptions};

use super::class::RuleKind;
use super::corpus::{Corpus, Form, Part, Row};
use crate::conformance::runner::on_threads;

/// When the lines happen: no rule asks.
const EPOCH_SECONDS: i64 = 1_795_600_000;

/// Where the lines come from. Stock rules on web logs don't look at it.
const LOCATION: &[u8] = b"/var/log/access.log";

/// A ruleset, or two together, under the name that the tables have.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) name: String,
    /// Whether the targets are its own.
    pub(crate) is_judged: bool,
    pub(crate) ruleset: Arc<Ruleset>,
}

/// All that a ruleset said.
#[derive(Debug)]
pub(crate) struct Ruling {
    pub(crate) name: String,
    pub(crate) is_judged: bool,
    pub(crate) rules: BTreeMap<u32, RuleKind>,
    answers: Vec<(Form, Answers)>,
}

/// For each row, in order, the rule of its alert.
#[derive(Debug, Default)]
struct Answers {
    attacks: Vec<Option<u32>>,
    benign: Vec<Option<u32>>,
}

/// Which half of the corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Attacks,
    Benign,
}

/// A row with what was said about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) row: &'a Row,
    pub(crate) line: &'a [u8],
    /// The rule of the alert, whatever it is about; none where there is no alert.
    pub(crate) rule: Option<&'a RuleKind>,
}

impl Said<'_> {
    /// An attack rule made an alert.
    pub(crate) fn is_found(&self) -> bool {
        self.rule.is_some_and(RuleKind::is_attack)
    }

    /// An attack rule made an alert, and it has the row's class.
    pub(crate) fn is_named(&self) -> bool {
        self.rule.is_some_and(|rule| rule.is_attack() && rule.names(&self.row.label))
    }
}

/// Runs the corpus through the rulesets, in each form.
pub(crate) fn run(books: &[Book], corpus: &Corpus, forms: &[Form]) -> anyhow::Result<Vec<Ruling>> {
    let jobs: Vec<(&Book, Form)> =
        books.iter().flat_map(|book| forms.iter().map(move |form| (book, *form))).collect();
    let mut done = on_threads(&jobs, |(book, form)| answers(book, corpus, *form)).into_iter();
    let mut rulings = Vec::new();
    for book in books {
        let mut answers = Vec::new();
        for form in forms {
            let job = done.next().unwrap_or_else(|| Err("it never ran".to_owned()));
            let failed = |said| anyhow::anyhow!("`{}` on {form} stopped: {said}", book.name);
            answers.push((*form, job.map_err(failed)?));
        }
        rulings.push(Ruling {
            name: book.name.clone(),
            is_judged: book.is_judged,
            rules: kinds(&book.ruleset),
            answers,
        });
    }
    Ok(rulings)
}

fn kinds(ruleset: &Ruleset) -> BTreeMap<u32, RuleKind> {
    let kind = |rule: ruleset::RuleInfo<'_>| {
        (rule.id, RuleKind::new(rule.id, rule.level, rule.groups, &rule.description))
    };
    ruleset.rules().map(kind).collect()
}

fn answers(book: &Book, corpus: &Corpus, form: Form) -> Answers {
    let of = |part: &Part| {
        part.log(form).iter().map(|line| alerting_rule(&book.ruleset, line)).collect()
    };
    Answers { attacks: of(&corpus.attacks), benign: of(&corpus.benign) }
}

/// The rule of the alert that one line makes by itself.
fn alerting_rule(ruleset: &Arc<Ruleset>, line: &[u8]) -> Option<u32> {
    let mut session = Session::new(Arc::clone(ruleset), SessionOptions::default());
    let record = Record { time: EPOCH_SECONDS, location: LOCATION, log: line };
    let outcome = session.process(&record);
    outcome.rule().filter(|_| outcome.is_alert()).map(|rule| rule.id)
}

impl Ruling {
    /// The rows of one side with what was said, without those that this form doesn't show.
    pub(crate) fn said<'a>(
        &'a self,
        corpus: &'a Corpus,
        side: Side,
        form: Form,
    ) -> impl Iterator<Item = Said<'a>> {
        let answers = self.answers.iter().find(|(known, _)| *known == form);
        let (part, rules) = match (side, answers) {
            (Side::Attacks, Some((_, answers))) => (&corpus.attacks, answers.attacks.as_slice()),
            (Side::Benign, Some((_, answers))) => (&corpus.benign, answers.benign.as_slice()),
            (_, None) => (&corpus.attacks, &[][..]),
        };
        let rows = part.rows.iter().zip(part.log(form)).zip(rules);
        let said = rows.map(|((row, line), rule)| Said {
            row,
            line,
            rule: rule.and_then(|id| self.rules.get(&id)),
        });
        said.filter(move |said| form.shows(said.row))
    }
}
