//! What stands out where it happens: the incident keeps it, and is told when other unusual things come.

use alert::setting::Habit;

use super::*;

fn report(group: &str, level: u8, text: &str) -> Value {
    json!({
        "rule": {"id": format!("9{}{level}", group.len()), "level": level, "description": text, "groups": [group]},
        "agent": {"id": "7", "name": "db01"}, "full_log": text,
    })
}

/// A machine that said one thing on each of four days.
fn lived() -> Scene {
    let mut scene = Scene::new();
    for day in 0..4 {
        scene.join(day * DAY, report("cron", 5, "a job ran"));
    }
    scene
}

#[test]
fn an_incident_that_is_in_larger_company_than_it_knew_asks_again() {
    let mut scene = lived();
    let begin = 4 * DAY;
    let first = scene.join(begin, report("audit", 5, "an odd login"));
    let before = scene.incident(&first);
    assert_eq!((before.setting.habit, before.setting.company, before.revision), (Habit::New, 1, 1));
    let second = scene.join(begin + 60, report("web", 5, "an odd page"));
    let after = scene.incident(&first);
    assert_eq!((after.revision, after.setting.company), (2, 2));
    assert_eq!(scene.reasons(&first), ["it stands out more than before from what is usual there"]);
    assert_eq!(scene.incident(&second).revision, 1, "it knows from the start");
    let changed = scene.fold.take_changed();
    assert!(changed.iter().any(|(incident, asks)| incident.id == first.incident_id && *asks));
    // More of the second is more of the same.
    assert!(!scene.join(begin + 70, report("web", 5, "an odd page")).asks);
    assert_eq!(scene.incident(&first).revision, 2);
}

#[test]
fn what_is_usual_raises_nobody_and_what_joins_makes_nothing_usual() {
    let mut scene = lived();
    let odd = scene.join(4 * DAY, report("audit", 5, "an odd login"));
    let daily = scene.join(4 * DAY + 30, report("cron", 5, "a job ran"));
    assert_eq!(scene.incident(&odd).revision, 1);
    assert_eq!(scene.incident(&daily).setting.habit, Habit::Usual);
    // A scan is one incident whatever rule sees it: a rule that is new there makes all of it new.
    let page = |rule: &str, path: &str| {
        json!({
            "rule": {"id": rule, "level": 5, "description": format!("client error by {rule}"), "groups": ["web", "accesslog"]},
            "agent": {"id": "7", "name": "db01"},
            "data": {"protocol": "GET", "srcip": "203.0.113.9", "id": "404", "url": path},
        })
    };
    for day in 4..9 {
        scene.join(day * DAY + 60, page("31101", "/a"));
    }
    let joined = scene.join(9 * DAY, page("31101", "/a"));
    assert_eq!(scene.incident(&joined).setting.habit, Habit::Usual);
    let joined = scene.join(9 * DAY + 5, page("31151", "/b"));
    assert_eq!(scene.incident(&joined).setting.habit, Habit::New);
    let joined = scene.join(9 * DAY + 9, page("31101", "/c"));
    assert_eq!(scene.incident(&joined).setting.habit, Habit::New, "nothing takes that back");
}

#[test]
fn own_output_that_comes_back_is_nobodys_habit() {
    let mut scene = lived();
    let mut echo = scene.admitted(4 * DAY, report("audit", 5, "a verdict of ours"));
    echo.origin = Origin::Echo;
    let joined = scene.fold.join(&echo);
    assert!(scene.incident(&joined).setting.is_blank());
}

#[test]
fn what_came_another_way_than_ever_is_an_incident_of_its_own() {
    let mut scene = Scene::new();
    let odd = |machine: &str| {
        let mut report = report("dns", 5, "an odd name");
        report["agent"] = json!({"id": machine, "name": machine});
        report
    };
    let mut usual = None;
    for day in 0..4 {
        for hour in [0, 2, 4] {
            let second = day * DAY + hour * 3600;
            scene.join(second, odd("resolver"));
            usual = Some(scene.join(second + 1, odd("gateway")));
        }
    }
    let usual = usual.expect("it joined");
    let begin = 3 * DAY + 7 * 3600;
    let admitted = scene.admitted(begin, odd("gateway"));
    let as_ever = scene.admitted(3 * DAY + 4 * 3600 + 2, odd("gateway"));
    let asked_for = [&admitted, &as_ever].map(|one| scene.fold.missing([one]).len());
    assert_eq!(asked_for, [5, 2], "its incident may be in the store");
    let alone = scene.join(begin, odd("gateway"));
    assert_ne!(alone.incident_id, usual.incident_id);
    assert!(scene.incident(&alone).setting.is_alone && alone.asks);
    assert_eq!(scene.join(begin + 1, odd("gateway")).incident_id, alone.incident_id);
    // What comes the usual way again joins what did.
    scene.join(begin + 1800, odd("resolver"));
    let again = scene.join(begin + 1801, odd("gateway"));
    assert_eq!(again.incident_id, usual.incident_id);
}

#[test]
fn what_came_another_way_among_many_texts_is_found_again_in_the_store() {
    let mut scene = Scene::new();
    let say = |machine: &str, text: &str| {
        let mut report = report("dns", 5, text);
        report["agent"] = json!({"id": machine, "name": machine});
        report
    };
    for (day, name) in (0..4).zip(["ann", "bob", "cid", "dan"]) {
        // So many texts of one rule have incidents of their own; the odd one comes behind them, and is among the rest.
        for letter in "abcdefghijklmnop".chars() {
            // A little later each day: a day after its first, what gathered is forgotten.
            scene.join(day * (DAY + 60), say("gateway", &format!("{name} as {letter}")));
        }
        for hour in [1, 3, 5] {
            let second = day * DAY + hour * 3600;
            scene.join(second, say("resolver", "an odd name"));
            scene.join(second + 1, say("gateway", "an odd name"));
        }
    }
    let begin = 3 * DAY + 7 * 3600;
    let first = scene.join(begin, say("gateway", "an odd name"));
    assert!(scene.incident(&first).setting.is_alone);
    // All of it is committed, and the daemon starts again: what it asks for is what it gets.
    let mut stored: Vec<Incident> =
        scene.fold.take_changed().into_iter().map(|(incident, _)| incident).collect();
    stored.retain(|incident| incident.agent.name == "gateway");
    scene.fold.incidents.clear();
    let next = scene.admitted(begin + 60, say("gateway", "an odd name"));
    let asked = scene.fold.missing([&next]);
    stored.retain(|incident| asked.contains(&incident.fingerprint));
    scene.fold.restore(&asked, stored);
    assert_eq!(scene.fold.join(&next).incident_id, first.incident_id, "it is not opened twice");
}
