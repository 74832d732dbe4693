//! Guesses at passwords and what comes of them: a login is the success of those before it, and stands beside them.

use super::*;

#[test]
fn a_login_after_failures_is_the_success_of_the_guessing() {
    let mut scene = Scene::new();
    let mut joined = Vec::new();
    for number in 0..6 {
        joined.push(scene.join(number, failure("198.51.100.23")));
    }
    let got_in = scene.join(9, login("198.51.100.23"));
    assert_ne!(got_in.incident_id, joined[0].incident_id, "it is not one of thousands that failed");
    let incident = scene.incident(&got_in);
    assert_eq!((incident.class, incident.success), (Class::BruteForce, Success::Confirmed));
    assert_eq!(scene.incident(&joined[0]).success, Success::None);
    let again = scene.join(25 * MINUTE, login("198.51.100.23"));
    let later = scene.join(50 * MINUTE, login("198.51.100.23"));
    assert_eq!(
        [again.incident_id, later.incident_id],
        [got_in.incident_id.clone(), got_in.incident_id]
    );
    let next_day = scene.join(10 * 60 * MINUTE, login("198.51.100.23"));
    assert_eq!(scene.incident(&next_day).class, Class::Login);
}

#[test]
fn what_a_scan_finds_is_not_lost_among_what_it_does_not() {
    let mut scene = Scene::new();
    let scan: Vec<Joined> = (0..30)
        .map(|number| scene.join(number, web("203.0.113.9", &format!("/p{number}"), 404)))
        .collect();
    let found = scene.join(40, web("203.0.113.9", "/.git/config", 200));
    let more = scene.join(41, web("203.0.113.9", "/backup/shop.sql.gz", 200));
    assert_ne!(found.incident_id, scan[0].incident_id);
    assert_eq!(found.incident_id, more.incident_id);
    let incident = scene.incident(&found);
    assert_eq!((incident.class, incident.success), (Class::ForcedBrowsing, Success::Answered));
    assert_eq!(scene.incident(&scan[0]).alert_count, 30);
}

#[test]
fn guesses_at_a_form_are_guesses_and_the_one_that_led_on_stands_beside_them() {
    let form = |rule: &str, outcome: &str, status: u16| {
        let mut alert = web("198.51.100.23", "/wp-login.php", status);
        alert["rule"] = json!({"id": rule, "level": 10, "description": "Brute force: many tries.", "groups": ["web", "web_attack", "brute_force", outcome]});
        alert
    };
    let mut scene = Scene::new();
    let guess = scene.join(0, form("116805", "authentication_failures", 200));
    scene.join(8, form("116805", "authentication_failures", 200));
    let led_on = scene.join(9, form("116810", "authentication_success", 302));
    assert_ne!(led_on.incident_id, guess.incident_id);
    let incident = scene.incident(&led_on);
    assert_eq!((incident.class, incident.success), (Class::BruteForce, Success::Confirmed));
    assert_eq!(scene.incident(&guess).class, Class::BruteForce);
}

#[test]
fn a_login_without_failures_is_a_login() {
    let mut scene = Scene::new();
    for number in 0..3 {
        scene.join(number, failure("198.51.100.23"));
    }
    let mistyped = scene.join(9, login("198.51.100.23"));
    let other = scene.join(10, login("198.51.100.24"));
    for joined in [mistyped, other] {
        let incident = scene.incident(&joined);
        assert_eq!((incident.class, incident.success), (Class::Login, Success::None));
    }
}

#[test]
fn a_login_long_after_failures_is_a_login() {
    let mut scene = Scene::new();
    for number in 0..8 {
        scene.join(number, failure("198.51.100.23"));
    }
    let joined = scene.join(30 * DAY, login("198.51.100.23"));
    let incident = scene.incident(&joined);
    assert_eq!((incident.class, incident.success), (Class::Login, Success::None));
}

#[test]
fn one_of_a_crowd_that_gets_in_has_an_incident_of_its_own() {
    let mut scene = Scene::new();
    // More guessers than an incident can name.
    for number in 0..200 {
        scene.join(number, failure(&format!("198.18.{}.{}", number / 100, number % 100 + 1)));
    }
    let crowd = scene.join(200, failure("198.18.1.100"));
    assert_eq!(scene.incident(&crowd).actor, Actor::Many);
    let got_in = scene.join(210, login("198.18.1.100"));
    let incident = scene.incident(&got_in);
    assert_eq!(
        (incident.class, incident.success, incident.alert_count),
        (Class::BruteForce, Success::Confirmed, 1)
    );
    assert_eq!(incident.actor, Actor::Address("198.18.1.100".to_owned()));
    assert_eq!(scene.incident(&crowd).success, Success::None);
    // Who guessed nothing just logs in, whatever the crowd does.
    let ordinary = scene.join(211, login("192.0.2.7"));
    assert_eq!(scene.incident(&ordinary).class, Class::Login);
}

#[test]
fn who_does_many_times_as_much_as_the_others_leaves_the_crowd() {
    let mut scene = Scene::new();
    let bot = |number: i64| failure(&format!("198.18.{}.{}", number / 100, number % 100 + 1));
    for number in 0..400 {
        scene.join(number, bot(number % 200));
    }
    let loud: Vec<Joined> =
        (0..300).map(|number| scene.join(400 + number, failure("203.0.113.200"))).collect();
    assert_eq!(scene.incident(&loud[0]).actor, Actor::Many);
    let own = scene.incident(&loud[299]);
    assert_eq!(own.actor, Actor::Address("203.0.113.200".to_owned()));
    assert_eq!(own.alert_count, 201, "from the hundredth on");
    assert_eq!((own.revision, &own.reasons[..]), (1, &[Reason::New, Reason::Loud][..]));
    assert_eq!(crate::threat::assess(&own).typical, 5, "it is a hundred guesses from its first");
    assert!(!crate::likeness::of(&own, 5).may_be_like);
    // Where all do as much, nobody stands out.
    for number in 0..40_000 {
        scene.join(1000 + number / 10, bot(number % 200));
    }
    let all = scene.join(5000, bot(199));
    assert_eq!(scene.incident(&all).actor, Actor::Many);
}
