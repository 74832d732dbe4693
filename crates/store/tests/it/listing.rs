//! The list of incidents: its order under every filter. That a page costs the same however many there are is tested beside its code.

use alert::incident::{Actor, State};
use store::{Batch, IncidentFilter, Store};

use crate::sample::{incident, verdict};

const STATES: [State; 3] = [State::Open, State::Closed, State::Quiet];

/// Numbers that look random and are not.
fn dice(number: usize, end: usize) -> usize {
    let mut mixed = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
    for shift in [13, 7, 17] {
        mixed = (mixed ^ (mixed >> shift)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    }
    usize::try_from((mixed >> 33) % end as u64).expect("small")
}

/// An incident of a list as a test knows it.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    level: Option<u8>,
    second: i64,
    state: State,
    actor: String,
}

/// Fills a store; `judged` of ten incidents have a verdict.
fn filled(store: &mut Store, from: usize, count: usize, judged: usize) -> Vec<Known> {
    let mut known = Vec::new();
    let mut batch = Batch::default();
    for number in from..from + count {
        // Some have the same time.
        let second = i64::try_from(dice(number, count)).expect("small");
        let mut one = incident(&format!("Q-{:04}", number), second);
        one.state = STATES[dice(number + 7, 3)];
        let actor = format!("203.0.113.{}", dice(number + 11, 40));
        one.actor = Actor::Address(actor.clone());
        let level = (dice(number + 3, 10) < judged)
            .then(|| u8::try_from(dice(number + 5, 11)).expect("a level"));
        known.push(Known { id: one.id.to_string(), level, second, state: one.state, actor });
        batch.incidents.push(one);
    }
    store.commit_batch(&batch).expect("committed");
    for (one, known) in batch.incidents.iter().zip(&known) {
        if let Some(level) = known.level {
            store.commit_verdict(&verdict(one, level, 1), &[], None).expect("committed");
        }
    }
    known
}

/// What the list must be: sorted as a person would sort it.
fn expected(known: &[Known], filter: &IncidentFilter) -> Vec<String> {
    let mut kept: Vec<&Known> = known
        .iter()
        .filter(|one| filter.state.as_deref().is_none_or(|state| state == one.state.as_str()))
        .filter(|one| filter.actor.as_deref().is_none_or(|actor| actor == one.actor))
        .filter(|one| filter.threat_level_min.is_none_or(|min| one.level.is_some_and(|l| l >= min)))
        .collect();
    // No level is less than every level.
    kept.sort_by(|one, other| {
        (other.level, other.second).cmp(&(one.level, one.second)).then(one.id.cmp(&other.id))
    });
    let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
    kept.into_iter().take(limit).map(|one| one.id.clone()).collect()
}

#[test]
fn the_list_has_its_order_under_every_filter_and_of_every_length() {
    for judged in [0, 1, 5, 10] {
        let mut store = Store::open_in_memory().expect("a store");
        let known = filled(&mut store, 0, 300, judged);
        let states = [None, Some("open"), Some("quiet"), Some("closed")];
        for state in states {
            for threat_level_min in [None, Some(0), Some(6)] {
                for actor in [None, Some("203.0.113.7")] {
                    for limit in [0, 1, 25, 299, 1_000] {
                        let filter = IncidentFilter {
                            state: state.map(str::to_owned),
                            threat_level_min,
                            actor: actor.map(str::to_owned),
                            limit,
                        };
                        let rows = store.incidents(&filter).expect("read");
                        let listed: Vec<String> =
                            rows.iter().map(|row| row.incident.id.to_string()).collect();
                        assert_eq!(listed, expected(&known, &filter), "{judged} {filter:?}");
                        let levels = rows.iter().filter(|row| row.verdict.is_some()).count();
                        let is_judged =
                            |id: &String| known.iter().any(|k| k.id == *id && k.level.is_some());
                        assert_eq!(levels, listed.iter().filter(|id| is_judged(id)).count());
                    }
                }
            }
        }
    }
}
