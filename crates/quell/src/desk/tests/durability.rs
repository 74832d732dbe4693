//! The daemon on a disk that dies, fills up, tears and forgets, between an outside that rotates its files, hangs and goes away.
//!
//! The store lies on a [`faultdisk::Disk`], so every flush, write and cut of SQLite is a place where things can go wrong, and the product runs as
//! it is. One [`World`] is one daemon with its sources (a sender, a followed file), its models, its two sinks and a person; a [`Ledger`]
//! beside it remembers what was promised to each of them. After every restart and at the end, the file and the sinks are held to it:
//! conservation, nothing acknowledged is lost, exactly-once publication in order, no verdict gone or lowered, the audit chain whole.
//!
//! Random days are drawn from seeds, `QUELL_SEEDS` of them in all, and `QUELL_SEED` replays one; fixed days are stopped at every operation
//! in turn (`QUELL_STOP` replays one place). What fails names its command.

mod ledger;
mod outside;
mod swept;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use faultdisk::{Aftermath, Fault};

use super::*;
use world::World;

/// Random days in an ordinary run, in [`SHARES`] tests that run side by side.
const SEEDS: u64 = 1_000;

/// Tests that share the seeds, so that as many cores work on them.
const SHARES: u64 = 4;

/// Steps of a random day.
const STEPS: u32 = 28;

/// Plays one day, and says how to play it again if it fails.
fn replayable(again: &str, day: impl FnOnce()) {
    if let Err(cause) = catch_unwind(AssertUnwindSafe(day)) {
        eprintln!("failed. Again: {again}");
        resume_unwind(cause);
    }
}

fn random_day(seed: u64) -> world::Trace {
    let again = format!("QUELL_SEED={seed} cargo test -p quell durability::random_days_first");
    let mut trace = world::Trace::default();
    replayable(&again, || {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        trace = world.end();
    });
    trace
}

fn random_days(share: u64) {
    if let Some(seed) = number_from("QUELL_SEED") {
        // One of the shares replays it.
        if share == 0 {
            eprintln!("{:?}", random_day(seed));
        }
        return;
    }
    let seeds = number_from("QUELL_SEEDS").unwrap_or(SEEDS);
    let mut total = world::Trace::default();
    for seed in (0..seeds).filter(|seed| seed % SHARES == share) {
        total.add(&random_day(seed));
    }
    eprintln!("{total:?}");
    // Days on which nothing goes wrong would prove nothing.
    let days = seeds / SHARES;
    assert!(days < 20 || (total.crashes > days && total.refusals > days / 2), "{total:?}");
}

#[test]
fn a_seed_gives_the_same_day_again() {
    let day = |seed| {
        let mut world = World::new(seed);
        // What a rotated file's times say is up to the system's clock, and so is how much is read again to be sure.
        world.rotates = false;
        for _ in 0..STEPS {
            world.step();
        }
        world.end()
    };
    for seed in 0..8 {
        assert_eq!(day(seed), day(seed), "seed {seed}");
    }
}

#[test]
fn a_disk_that_only_says_that_it_flushed_is_noticed() {
    // The harness itself is tested here: what it is to find is there, and it must find it.
    let fails = |seed, lies| {
        catch_unwind(move || {
            let mut world = World::quiet(seed);
            world.aftermath = Some(Aftermath::PowerCut);
            if lies {
                world.lie();
            }
            world.start();
            world.post(5);
            world.judge(Capacity::NoModel);
            world.publish();
            world.arm(0, Fault::Stop);
            world.post(1);
        })
        .is_err()
    };
    assert!((0..5).all(|seed| fails(seed, true)));
    assert!(!(0..5).any(|seed| fails(seed, false)));
}

#[test]
fn what_is_acknowledged_behind_a_flush_that_failed_survives_a_restart_and_a_power_cut() {
    for seed in 0..20 {
        let mut world = World::quiet(seed);
        world.start();
        world.post(3);
        world.arm(0, Fault::FlushFails(1));
        world.post(3);
        // The system lives: what was not flushed can still be read, and is on no disk.
        world.crash(Aftermath::Killed);
        world.post(2);
        world.crash(Aftermath::PowerCut);
        world.end();
    }
}

#[test]
fn sinks_that_are_down_for_a_day_cost_little_and_get_everything_in_order() {
    let mut world = World::quiet(24);
    world.whole_messages_max = 20;
    world.start();
    world.outside.set_wazuh(false);
    world.outside.set_file(false);
    for minute in 0..24 * 60 {
        if minute % 20 == 0 {
            world.post(6);
            world.judge(Capacity::NoModel);
        }
        if minute % 400 == 399 {
            // The daemon dies in the middle of it, several times.
            world.arm(3, Fault::Stop);
        }
        world.publish();
        world.pass(Duration::from_secs(60));
    }
    assert!(world.crashes >= 3, "{} crashes", world.crashes);
    let waiting =
        "SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending') AND sink = 'wazuh'";
    let with_text = format!("{waiting} AND body <> ''");
    assert!(world.count(waiting) > 100, "{} messages wait", world.count(waiting));
    // Those that were being read when the daemon died were written out already.
    assert!(
        world.count(&with_text) <= 20 + 64,
        "{} of them with their text",
        world.count(&with_text)
    );
    // A try a minute for the first in the queue, and none for those behind it.
    let tries = world.count("SELECT sum(attempts) FROM outbox WHERE sink = 'wazuh'");
    assert!((24..=24 * 60 + 10).contains(&tries), "{tries} tries");
    world.check();
    let told = world.end();
    assert!(told.verdicts > 100, "{told:?}");
}

#[test]
fn random_days_first() {
    random_days(0);
}

#[test]
fn random_days_second() {
    random_days(1);
}

#[test]
fn random_days_third() {
    random_days(2);
}

#[test]
fn random_days_fourth() {
    random_days(3);
}

/// A short day of everything: alerts by both ways, a rotation, verdicts, both sinks, a person, a checkpoint of the log, a clean restart.
fn whole_day(world: &mut World) {
    world.post(3);
    world.write_lines(2);
    world.follow();
    world.judge(Capacity::Slots(2));
    world.publish();
    world.ask_as_person();
    world.outside.rotate();
    world.write_lines(1);
    world.follow();
    world.post(2);
    world.settle_one();
    world.judge(Capacity::NoModel);
    world.checkpoint_log();
    world.publish();
    world.restart_cleanly();
    world.post(1);
    world.follow();
    world.judge(Capacity::NoModel);
    world.publish();
}

/// Stops a day at every operation of the disk in turn, and sees each time that the rest of the day goes on from what was promised.
fn stopped_everywhere(aftermath: Aftermath, name: &str) {
    let only = number_from("QUELL_STOP");
    let mut stops = 0;
    for stop in only.unwrap_or(0).. {
        let mut is_over = false;
        let again = format!("QUELL_STOP={stop} cargo test -p quell durability::{name}");
        replayable(&again, || {
            let mut world = World::quiet(stop);
            world.aftermath = Some(aftermath);
            world.arm(stop, Fault::Stop);
            world.start();
            whole_day(&mut world);
            is_over = world.crashes == 0;
            world.end();
        });
        if is_over || only.is_some() {
            break;
        }
        stops += 1;
    }
    assert!(only.is_some() || stops > 300, "only {stops} operations");
    eprintln!("{name}: stopped at {stops} operations");
}

#[test]
fn a_kill_at_every_operation_keeps_every_promise() {
    stopped_everywhere(Aftermath::Killed, "a_kill_at_every_operation_keeps_every_promise");
}

#[test]
fn a_power_cut_at_every_operation_keeps_every_promise() {
    stopped_everywhere(Aftermath::PowerCut, "a_power_cut_at_every_operation_keeps_every_promise");
}
