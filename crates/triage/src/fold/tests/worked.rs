//! What worked stands beside the flood of attempts that it came in, and never in more than one incident.

use std::collections::BTreeSet;

use super::*;
use crate::fold::worked::FLOOD_MIN;

const FLOOD: i64 = FLOOD_MIN.cast_signed();

/// A request whose answer has a size.
fn sized(address: &str, url: &str, (status, size): (u16, u64)) -> Value {
    let mut alert = web(address, url, status);
    alert["full_log"] = json!(format!(
        "{address} - - [24/Nov/2026:17:00:00 +0000] \"GET {url} HTTP/1.1\" {status} {size} \"-\" \"x\""
    ));
    alert
}

/// A try whether the place reads statements.
fn probe(number: i64) -> Value {
    let url = format!("/item/?id={}%27%20AND%20{number}=8%20--%20", number % 97);
    sized("203.0.113.9", &url, (200, 512))
}

fn dump(table: &str, size: u64) -> Value {
    let url = format!("/item/?id=-1%27%20UNION%20SELECT%20a,b%20FROM%20{table}--%20");
    sized("203.0.113.9", &url, (200, size))
}

fn incidents_of(joined: &[Joined]) -> usize {
    joined.iter().map(|joined| joined.incident_id.to_string()).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_dump_is_not_lost_among_the_statements_that_were_tried_before_and_after() {
    let mut scene = Scene::new();
    let before: Vec<Joined> = (0..FLOOD).map(|number| scene.join(number, probe(number))).collect();
    let dumped = scene.join(FLOOD, dump("cards", 90_512));
    let after: Vec<Joined> =
        (FLOOD..2 * FLOOD).map(|number| scene.join(number, probe(number))).collect();
    let more = scene.join(2 * FLOOD, dump("users", 40_100));
    assert_ne!(dumped.incident_id, before[0].incident_id);
    assert_eq!(more.incident_id, dumped.incident_id, "all that worked is one incident");
    let worked = scene.incident(&dumped);
    assert_eq!(
        (worked.class, worked.success, worked.alert_count),
        (Class::SqlInjection, Success::Shown, 2)
    );
    assert_eq!(worked.evidence[0].success, Success::Shown);
    assert_eq!(incidents_of(&[before, after.clone()].concat()), 1);
    let flood = scene.incident(&after[0]);
    assert_eq!((flood.success, flood.alert_count), (Success::Answered, 2 * FLOOD_MIN));
}

#[test]
fn a_file_that_was_read_is_not_lost_among_those_that_were_not_there() {
    let mut scene = Scene::new();
    let file = |name: &str, answer| {
        sized("203.0.113.9", &format!("/download/?file=../../../{name}"), answer)
    };
    // A page for each of three places: there is none that stands for all refusals.
    for (number, page) in ["a", "b", "c"].into_iter().enumerate() {
        let url = format!("/{page}/?file=../../etc/hosts");
        scene.join(0, sized("203.0.113.9", &url, (200, 300 + 900 * number as u64)));
    }
    let tried: Vec<Joined> = (0..FLOOD)
        .map(|number| scene.join(number, file(&format!("srv/f{number}"), (404, 180))))
        .collect();
    let read = scene.join(FLOOD, file("etc/passwd", (200, 1910)));
    let missed = scene.join(FLOOD + 1, file("srv/none", (404, 180)));
    assert_ne!(read.incident_id, tried[0].incident_id);
    assert_eq!(missed.incident_id, tried[0].incident_id);
    assert_eq!(scene.incident(&read).success, Success::Shown);
    assert_ne!(scene.incident(&missed).success, Success::Shown);
}

#[test]
fn a_command_that_ran_is_not_lost_among_those_that_were_ignored() {
    let mut scene = Scene::new();
    let command = |text: &str, size| {
        sized("203.0.113.9", &format!("/ping/?host=127.0.0.1;{text}"), (200, size))
    };
    let mut joined: Vec<Joined> = (0..FLOOD)
        .map(|number| scene.join(number, command(&format!("echo%20{number}"), 900)))
        .collect();
    // A second kind of answer may be a page of refusal; a third can't.
    joined.push(scene.join(FLOOD, command("cat%20/etc/passwd", 2700)));
    let ran = scene.join(FLOOD + 1, command("cat%20/etc/shadow", 5300));
    let again = scene.join(FLOOD + 2, command("ls%20-R%20/", 44_000));
    assert_eq!(incidents_of(&joined), 1);
    assert_ne!(ran.incident_id, joined[0].incident_id);
    assert_eq!(again.incident_id, ran.incident_id);
    assert_eq!(scene.incident(&ran).success, Success::Shown);
}

#[test]
fn who_makes_every_request_look_like_a_success_gets_two_incidents() {
    let mut scene = Scene::new();
    let mut joined: Vec<Joined> =
        (0..FLOOD).map(|number| scene.join(number, probe(number))).collect();
    for number in 0..500_i64 {
        // At many places, each answer larger than all before.
        let url =
            format!("/p{}/?id=-1%27%20UNION%20SELECT%20a{number}%20FROM%20t--%20", number % 9);
        let answer = (200, 5000 + 4000 * number.unsigned_abs());
        joined.push(scene.join(FLOOD + number, sized("203.0.113.9", &url, answer)));
        joined.push(scene.join(FLOOD + number, dump(&format!("t{number}"), answer.1 * 9)));
    }
    assert_eq!(incidents_of(&joined), 2);
}

#[test]
fn a_site_that_answers_everything_alike_has_one_incident() {
    for size in [512_u64, 90_000] {
        let mut scene = Scene::new();
        let all = |number: i64| match number % 3 {
            0 => dump(&format!("t{number}"), size),
            _ => {
                let url = format!("/item/?id={number}%27%20OR%20{number}=8--%20");
                sized("203.0.113.9", &url, (200, size + number.unsigned_abs() % 5))
            }
        };
        let joined: Vec<Joined> =
            (0..5 * FLOOD).map(|number| scene.join(number, all(number))).collect();
        assert_eq!(incidents_of(&joined), 1, "{size}");
    }
}

#[test]
fn a_few_attempts_by_hand_and_what_came_of_them_are_one_story() {
    let mut scene = Scene::new();
    let tried = scene.join(0, probe(0));
    for number in 1..FLOOD / 2 {
        scene.join(number, probe(number));
    }
    let dumped = scene.join(FLOOD, dump("cards", 90_512));
    assert_eq!(dumped.incident_id, tried.incident_id);
    assert_eq!(scene.incident(&tried).success, Success::Shown);
}

#[test]
fn what_worked_comes_back_from_the_store() {
    let mut scene = Scene::new();
    for number in 0..FLOOD {
        scene.join(number, probe(number));
    }
    let dumped = scene.join(FLOOD, dump("cards", 90_512));
    let stored = scene.fold.take_changed().into_iter().map(|(incident, _)| incident);
    let mut restarted = Scene { fold: Fold::new(FoldLimits::default()), number: 1000 };
    let more = restarted.admitted(FLOOD + 1, dump("users", 80_000));
    let missing = restarted.fold.missing(std::slice::from_ref(&more));
    let worked = scene.incident(&dumped);
    assert!(missing.contains(&worked.fingerprint));
    restarted.fold.restore(&missing, stored.collect::<Vec<_>>());
    // What is known of the place is not stored; what a person reads is.
    restarted.fold.join(&more);
    assert_eq!(restarted.incident(&dumped).answers.effect, worked.answers.effect);
}
