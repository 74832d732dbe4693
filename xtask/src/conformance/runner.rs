//! Runs the recordings through the engine, on two threads, and gathers where it differs.
//!
//! A recording that makes the engine panic has failed, and the others go on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::case::{Base, Case};
use super::compare::{self, Mismatch, Weight};
use super::engine::{self, Engine, Mode};
use super::stock::Stock;

/// Loading the stock ruleset takes a whole core and some memory, and more threads than this gain
/// little on the machines that run it.
pub(crate) const THREADS: usize = 2;

/// What came of a recording.
#[derive(Debug, Default)]
pub(crate) struct CaseResult {
    /// Where the result differs from the daemon's.
    pub(crate) daemon: Vec<Finding>,
    /// Where it differs from what wazuh-logtest shows.
    pub(crate) logtest: Vec<Finding>,
}

/// A difference, and the event that it was seen at, counted from 1; 0 is the loading.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) event: usize,
    pub(crate) mismatch: Mismatch,
}

impl CaseResult {
    /// Says whether all verdicts are as recorded, whatever the details.
    pub(crate) fn has_verdicts(&self) -> bool {
        self.daemon.iter().all(|finding| finding.mismatch.weight != Weight::Verdict)
    }

    /// Says whether nothing at all differs from the daemon.
    pub(crate) fn is_exact(&self) -> bool {
        self.daemon.is_empty()
    }
}

/// Runs all recordings; the results are in their order.
pub(crate) fn run_cases(cases: &[Case], base: &Base, stock: &Stock) -> Vec<CaseResult> {
    on_threads(cases, |case| run_case(case, base, stock))
        .into_iter()
        .map(|result| result.unwrap_or_else(panicked))
        .collect()
}

fn run_case(case: &Case, base: &Base, stock: &Stock) -> CaseResult {
    let loaded = engine::load(&case.material(base, stock));
    let is_accepted = loaded.engine.is_some();
    let differences =
        compare::load(&case.load, is_accepted, loaded.rules_in_tree, &loaded.messages);
    let found = differences.into_iter().map(|mismatch| Finding { event: 0, mismatch });
    let mut result = CaseResult { daemon: found.collect(), logtest: Vec::new() };
    if let (Some(engine), false) = (&loaded.engine, case.is_refused()) {
        result.daemon.extend(run_events(case, engine, Mode::Daemon));
        result.logtest.extend(run_events(case, engine, Mode::Logtest));
    }
    result
}

fn run_events(case: &Case, engine: &Engine, mode: Mode) -> Vec<Finding> {
    let mut session = engine.session(mode);
    let mut findings = Vec::new();
    for (index, event) in case.events.iter().enumerate() {
        let got = session.process(event.epoch_seconds, event.location.as_bytes(), &event.log);
        let differences = compare::event(event, &got, mode);
        let found = differences.into_iter();
        findings.extend(found.map(|mismatch| Finding { event: index + 1, mismatch }));
    }
    findings
}

fn panicked(said: String) -> CaseResult {
    let mismatch = Mismatch {
        weight: Weight::Verdict,
        what: "panic".to_owned(),
        expected: Value::Null,
        got: Value::String(said),
    };
    CaseResult { daemon: vec![Finding { event: 0, mismatch }], logtest: Vec::new() }
}

/// Works through the items on a few threads, and gives the results in the order of the items. A
/// piece of work that panics gives what it said.
pub(crate) fn on_threads<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Result<R, String>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            let result = catch_unwind(AssertUnwindSafe(|| work(item)));
            done.push((index, result.map_err(|panic| message_of(panic.as_ref()))));
        }
    };
    let mut done: Vec<(usize, Result<R, String>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_a_panic_spoils_only_its_own() {
        let items: Vec<usize> = (0..50).collect();
        let results = on_threads(&items, |item| {
            assert!(*item != 7, "seven");
            item * 2
        });
        assert_eq!(results.len(), 50);
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(twice) => assert_eq!(twice, index * 2),
                Err(said) => assert_eq!((index, said.as_str()), (7, "seven")),
            }
        }
    }

    #[test]
    fn a_panic_is_no_verdict() {
        let result = panicked("boom".to_owned());
        assert!(!result.has_verdicts() && !result.is_exact());
        assert!(CaseResult::default().is_exact());
    }
}
