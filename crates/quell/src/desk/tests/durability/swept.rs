//! The broom on a disk that dies: it is stopped at every operation in turn, and sweeps on after the restart.
//!
//! It is the only part of the daemon that removes anything, so the ledger of the other days, which knows of nothing that may go, can't hold
//! it to account. Here is told beforehand what is past its time and what must stay: an incident that goes on, with its old alerts as they came; a message that waits,
//! and where it waits by its name alone, the verdict that it will be written from; and what is new.

use alert::{Clock as _, ManualClock};
use faultdisk::{Aftermath, Disk, Fault};
use store::Retention;

use super::*;

/// When the old things happened, when the new ones, and what lies between, in seconds.
const OLD: i64 = 0;
const CUT: i64 = 12 * 3_600;
const NEW: i64 = 20 * 3_600;

/// Addresses whose incidents are over and told of, and the one whose incident goes on.
const OVER: [&str; 3] = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
const GOES_ON: &str = "203.0.113.4";
/// Addresses whose verdicts a sink was not told of yet: the first with its text, the second by its name.
const WAIT: [&str; 2] = ["203.0.113.5", "203.0.113.6"];
const IS_NEW: &str = "203.0.113.7";

/// What must hold while a sweep is half done, each with the question that counts where it is broken.
const HALF_DONE: [(&str, &str); 4] = [
    (
        "every alert has its incident",
        "SELECT count(*) FROM alert a WHERE NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = a.incident_id)",
    ),
    (
        "every alert is there as it came",
        "SELECT count(*) FROM alert a WHERE NOT EXISTS (SELECT 1 FROM raw_block b WHERE a.seq BETWEEN b.first AND b.last)",
    ),
    (
        "every verdict has its incident",
        "SELECT count(*) FROM verdict v WHERE NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = v.incident_id)",
    ),
    (
        "what waits by its name has its verdict",
        "SELECT count(*) FROM outbox o WHERE o.state = 'waiting' AND o.body = ''
             AND NOT EXISTS (SELECT 1 FROM verdict v WHERE o.key = v.incident_id || ':' || v.revision)",
    ),
];

fn opened(disk: &Disk, now: Timestamp) -> Desk {
    let mut desk = open(disk.folder(), now);
    desk.store.bound_outbox(1);
    desk
}

/// Takes attacks in and has them judged by the playbook.
fn attacked(desk: &mut Desk, number: u32, addresses: &[&str], second: i64) {
    let now = at(second);
    let attacks =
        addresses.iter().zip(number..).map(|(address, number)| attack(number, address, 200));
    desk.take_in(&arrivals(attacks.collect()), now).expect("taken in");
    let clock = ManualClock::at(now);
    loop {
        let cases = desk.next_cases(clock.now(), &[], Capacity::NoModel).expect("cases");
        if cases.is_empty() {
            break;
        }
        for case in cases {
            let said = crate::panel::by_playbook(&case, String::new(), &clock);
            assert!(desk.settle(&case, &said.verdict).expect("settled"));
        }
    }
}

/// Notes that a sink has everything that waits for it.
fn told(desk: &mut Desk, sink: &str) {
    for entry in desk.messages(sink, at(OLD), 100).expect("messages") {
        desk.store.mark_sent(entry.seq).expect("noted");
    }
}

/// A desk with all of it. Wazuh is down when those come that wait, so the second of them waits by its name.
fn filled(disk: &Disk) -> Desk {
    let mut desk = opened(disk, at(OLD));
    attacked(&mut desk, 10, &OVER, OLD);
    attacked(&mut desk, 20, &[GOES_ON], OLD);
    told(&mut desk, crate::publish::WAZUH);
    attacked(&mut desk, 30, &WAIT, OLD);
    told(&mut desk, crate::publish::FILE);
    attacked(&mut desk, 40, &[GOES_ON, IS_NEW], NEW);
    desk
}

fn sweep(desk: &mut Desk) -> Result<(), StoreError> {
    let retention = Retention { older_than: at(CUT), dead_letters_max: 10 };
    while desk.give_up(retention.older_than)? || desk.store.sweep(&retention)? > 0 {}
    Ok(())
}

fn number(observer: &Connection, sql: &str) -> i64 {
    observer.query_row(sql, [], |row| row.get(0)).expect("a number")
}

fn holds(disk: &Disk, desk: &Desk) {
    let observer = observer(disk.folder());
    for (promise, sql) in HALF_DONE {
        assert_eq!(number(&observer, sql), 0, "{promise}");
    }
    let rows = desk.store.incidents(&store::IncidentFilter::default()).expect("read");
    for address in [WAIT[1], GOES_ON, IS_NEW] {
        let is_there = rows.iter().any(|row| row.incident.actor.name() == address);
        assert!(is_there, "{address} is gone");
    }
    // Those of an incident that goes on come in two blocks.
    let ids =
        number(&observer, "SELECT count(*) FROM alert WHERE alert_id IN ('9.20', '9.40', '9.41')");
    assert_eq!(ids, 3, "alerts of what goes on are gone");
    let counts = desk.store.counts().expect("read");
    assert!(counts.are_conserved(0) && counts.folded == 8, "{counts:?}");
    assert_eq!(desk.store.faults().expect("checked"), Vec::<String>::new());
}

fn stopped_everywhere(aftermath: Aftermath) {
    let mut stops = 0;
    for stop in 0.. {
        let disk = Disk::new(stop);
        let mut desk = filled(&disk);
        disk.arm(stop, Fault::Stop);
        let swept = sweep(&mut desk);
        if !disk.is_stopped() {
            swept.expect("swept");
            break;
        }
        stops += 1;
        drop(desk);
        disk.restart(aftermath);
        let mut desk = opened(&disk, at(NEW));
        holds(&disk, &desk);
        sweep(&mut desk).expect("swept");
        holds(&disk, &desk);
        let observer = observer(disk.folder());
        let left = "SELECT count(*) FROM alert WHERE alert_id IN ('9.10', '9.11', '9.12')";
        assert_eq!(number(&observer, left), 0, "what is past its time stays");
        // What waited is told of, with its text, whether it waited with it or by its name.
        let waiting = desk.messages(crate::publish::WAZUH, at(NEW), 100).expect("messages");
        assert_eq!(waiting.len(), WAIT.len() + 2, "messages that wait");
        assert!(waiting.iter().all(|entry| entry.body.contains(&entry.key)));
    }
    assert!(stops > 10, "only {stops} operations");
}

#[test]
fn a_kill_at_every_operation_of_a_sweep_takes_nothing_that_must_stay() {
    stopped_everywhere(Aftermath::Killed);
}

#[test]
fn a_power_cut_at_every_operation_of_a_sweep_takes_nothing_that_must_stay() {
    stopped_everywhere(Aftermath::PowerCut);
}
