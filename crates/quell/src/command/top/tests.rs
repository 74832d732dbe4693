//! Screens as a person sees them, and what keys do. Texts in them are as an attacker would write them where he can.

use std::time::Duration;

use alert::verdict::Analyst;
use alert::{IncidentId, Outcome, Timestamp};
use insta::assert_snapshot;
use ratatui_core::layout::Rect;
use store::{Counts, JudgedRow, OutboxTotals, QueueRow};
use triage::priority::Deadlines;

use super::frame::draw;
use super::json::snapshot;
use super::pen::{Colours, text};
use super::view::{Key, Page, Promises, View, Wish};
use crate::command::look::{FileLag, Look};
use crate::home::Hold;
use crate::stage::tend::Heartbeat;
use crate::standing::{ModelStanding, RunningCase, SourceStanding, Spent};

/// 2026-11-29T19:20:11Z
const NOW: i64 = 1_795_980_011;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis((NOW + second) * 1000)
}

fn id(name: &str) -> IncidentId {
    IncidentId::parse(name).expect("an id")
}

fn judged(
    name: &str,
    level: u8,
    asked: i64,
    judged: i64,
    by: &str,
    actor: &str,
    title: &str,
) -> JudgedRow {
    let analyst = match by {
        "model" => Analyst::Model { backend: "lan".to_owned(), model: "qwen2.5:14b".to_owned() },
        _ => Analyst::Playbook,
    };
    let mut verdict = alert::sample::verdict(id(name), 1, level, at(judged));
    verdict.analyst = analyst;
    verdict.asked_at = Some(at(asked));
    verdict.model_pending = by == "interim";
    verdict.draft.title = title.to_owned();
    verdict.draft.outcome = Outcome::Attempted;
    JudgedRow { verdict, actor: actor.to_owned() }
}

fn row(severity: &str, jobs: u64, unjudged: u64, overdue: u64, oldest: i64) -> QueueRow {
    let severity = severity.to_owned();
    QueueRow { severity, jobs, unjudged, interim: jobs - unjudged, overdue, oldest: at(oldest) }
}

fn heartbeat() -> Heartbeat {
    let mut model = ModelStanding {
        name: "lan".to_owned(),
        model: "qwen2.5:14b".to_owned(),
        slots: 1,
        ..ModelStanding::default()
    };
    let spent = Spent {
        took_ms: 8_200,
        prompt_tokens: 3_000,
        completion_tokens: 260,
        generation_ms: 6_500,
    };
    (0..18).for_each(|_| model.note(spent, None));
    model.note(spent, Some("no answer within 120 s"));
    model.running.push(RunningCase {
        incident_id: id("i-7f3a"),
        actor: "198.51.100.7".to_owned(),
        since: at(-12),
    });
    let source = |route: &str, alerts, last| SourceStanding {
        route: route.to_owned(),
        alerts,
        refused: 0,
        last_at: at(last),
    };
    Heartbeat {
        pid: 4211,
        version: "0.1.0".to_owned(),
        started_at: at(-7_980),
        at: at(0),
        models: vec!["lan".to_owned()],
        incidents_in_memory: 143,
        deliveries_waiting: 3,
        bench: vec![model],
        sources: vec![source("tail", 1_204_200, 0), source("hook", 131, -64)],
        has_ended: false,
    }
}

/// A daemon in a flood, `second` seconds after now.
fn flooded(second: i64) -> Look {
    let folded = 1_203_900 + 1_000 * u64::try_from(second + 10).expect("after");
    Look {
        at: at(second),
        heartbeat: Some(heartbeat()),
        counts: Counts {
            accepted: folded + 431,
            folded,
            own_output: 12,
            below_policy: 400,
            duplicate: 9,
            malformed: 10,
        },
        incidents: 143,
        model_verdicts: 18,
        playbook_verdicts: 123,
        queue: vec![
            row("high", 3, 1, 3, -724),
            row("medium", 10, 0, 0, -300),
            row("low", 28, 0, 0, -290),
        ],
        outbox: vec![
            OutboxTotals { sink: "file".to_owned(), sent: 141, ..OutboxTotals::default() },
            OutboxTotals {
                sink: "wazuh".to_owned(),
                waiting: 3,
                sent: 138,
                ..OutboxTotals::default()
            },
        ],
        files: vec![FileLag {
            path: "/var/ossec/logs/alerts/alerts.json".to_owned(),
            behind_bytes: Some(12_400_000),
        }],
        judged: vec![
            judged("i-new", 2, -20, -3, "interim", "203.0.113.50", "Pages that are not there"),
            judged(
                "i-evil",
                8,
                -724,
                -9,
                "model",
                "198.51.100.7",
                "\u{1b}[2J\u{1b}]0;owned\u{7}SQL injection in /products\u{202e} that was answered",
            ),
            judged(
                "i-wide",
                5,
                -60,
                -31,
                "playbook",
                "\u{5f20}\u{4f1f}\u{5f20}\u{4f1f}\u{5f20}\u{4f1f}\u{5f20}\u{4f1f}\u{5f20}\u{4f1f}",
                "\u{767b}\u{5f55}\u{5931}\u{8d25} many logins failed for one user of the machine",
            ),
        ],
        hold: Hold::Unknown,
    }
}

fn view() -> View {
    let promises = Promises { deadlines: Deadlines::default(), calls_per_minute: 30 };
    let mut view = View::new(promises);
    view.looked(Ok(flooded(-10)));
    view.looked(Ok(flooded(0)));
    view
}

fn screen(view: &View, width: u16, height: u16) -> String {
    text(&draw(view, at(0), Rect::new(0, 0, width, height), Colours::None))
}

#[test]
fn a_flood_on_80_columns_and_24_rows() {
    assert_snapshot!(screen(&view(), 80, 24));
}

#[test]
fn a_flood_on_120_columns_and_40_rows() {
    assert_snapshot!(screen(&view(), 120, 40));
}

#[test]
fn on_narrow_screens_the_columns_of_the_funnel_keep_apart() {
    for width in [40, 52, 60, 72] {
        let shown = screen(&view(), width, 24);
        let mut lines = shown.lines().skip_while(|line| !line.contains("FUNNEL")).take(3);
        let columns = |line: &str| line.split_whitespace().count();
        let [heads, sums, rates] = [(); 3].map(|()| columns(lines.next().unwrap_or_default()));
        // `in all` and `a second` are two words, `FUNNEL` is one.
        assert_eq!((sums, rates), (heads + 1, heads + 1), "{shown}");
        assert_eq!(
            heads,
            if width >= 60 { 7 } else { 1 + (usize::from(width) - 12) / 8 },
            "{shown}"
        );
    }
    assert!(screen(&view(), 60, 24).contains("up 2h13m         19:20:11 UTC"));
    let mut view = view();
    if let Some(beat) = view.look.as_mut().and_then(|look| look.heartbeat.as_mut()) {
        beat.pid = 741_810;
    }
    let head = |view: &View| screen(view, 40, 10).lines().next().unwrap_or_default().to_owned();
    assert_eq!(head(&view), " quell 0.1.0   up 2h13m    19:20:11 UTC");
    view.is_paused = true;
    assert_eq!(head(&view), " up 2h13m          PAUSED  19:20:11 UTC");
    assert!(screen(&view, 60, 24).contains("came   taken  folded  opened  judged    sent"));
}

#[test]
fn all_is_well_on_80_columns_and_24_rows() {
    let mut view = view();
    let mut look = flooded(0);
    look.queue.clear();
    look.files.clear();
    if let Some(beat) = &mut look.heartbeat {
        beat.deliveries_waiting = 0;
        beat.bench.iter_mut().for_each(|model| model.running.clear());
    }
    view.looked(Ok(look));
    assert_snapshot!(screen(&view, 80, 24));
}

/// Gives the line that says whether all is well.
fn glance(view: &View, now: Timestamp) -> String {
    let frame = draw(view, now, Rect::new(0, 0, 100, 24), Colours::None);
    text(&frame).lines().nth(1).unwrap_or_default().trim().to_owned()
}

#[test]
fn a_glance_tells_whether_it_is_late_delayed_on_time_gone_or_broken() {
    let mut view = view();
    assert!(
        glance(&view, at(0)).starts_with("LATE     40 incidents wait"),
        "{}",
        glance(&view, at(0))
    );
    let mut look = flooded(0);
    look.queue = vec![row("low", 28, 0, 0, -290)];
    view.looked(Ok(look));
    assert!(glance(&view, at(0)).starts_with("DELAYED  27 incidents wait"));
    let mut look = flooded(0);
    look.counts.folded -= 1;
    view.looked(Ok(look));
    assert_eq!(glance(&view, at(0)), "BROKEN   the counts do not add up: please report it");
    // The heartbeat stays as it was, and time goes on.
    view.looked(Ok(flooded(34)));
    assert_eq!(glance(&view, at(34)), "GONE     no word from the daemon for 34s; still looking");
    let mut look = flooded(34);
    look.hold = Hold::Held;
    view.looked(Ok(look));
    assert_eq!(
        glance(&view, at(34)),
        "GONE     no word from the daemon for 34s, though it runs (is the disk full?); still looking"
    );
    // Nobody has to wait for the word of the dead.
    let mut look = flooded(2);
    look.hold = Hold::Free;
    view.looked(Ok(look));
    assert_eq!(
        glance(&view, at(2)),
        "GONE     no word from the daemon for 2s: it died; still looking"
    );
    let mut look = flooded(34);
    look.heartbeat = look.heartbeat.map(|beat| Heartbeat { has_ended: true, ..beat });
    view.looked(Ok(look));
    assert_eq!(glance(&view, at(34)), "ENDED    the daemon ended 34s ago; still looking");
    view.looked(Err("could not open `/var/lib/quell/quell.db`: it is not there".to_owned()));
    assert_eq!(
        glance(&view, at(34)),
        "NO STORE could not open `/var/lib/quell/quell.db`: it is not there; still trying"
    );
    view.looked(Ok(flooded(0)));
    assert!(glance(&view, at(0)).starts_with("LATE"), "it comes back");
}

#[test]
fn nothing_that_an_attacker_wrote_acts_on_the_terminal() {
    for (width, height) in [(40, 4), (80, 24), (120, 40), (300, 80)] {
        let frame = draw(&view(), at(0), Rect::new(0, 0, width, height), Colours::Allowed);
        for cell in frame.content() {
            let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!cell.symbol().contains(bad), "{:?}", cell.symbol());
        }
    }
}

#[test]
fn small_screens_are_cut_and_nothing_breaks() {
    for width in [1, 10, 39, 40, 79] {
        for height in [1, 3, 5, 12, 23] {
            let mut view = view();
            for page in [Page::Board, Page::Text { text: "a b".repeat(99), scroll: 0 }] {
                view.page = page;
                let shown = screen(&view, width, height);
                let last = shown.lines().last().unwrap_or_default();
                assert!(
                    height < 4 || last.starts_with("q quit") || last.starts_with("up/down"),
                    "{width} x {height}:\n{shown}"
                );
                assert!(height < 4 || !last.contains('-'), "{shown}");
            }
        }
    }
}

#[test]
fn without_colours_there_are_none() {
    let is_coloured = |colours| {
        let frame = draw(&view(), at(0), Rect::new(0, 0, 80, 24), colours);
        frame.content().iter().any(|cell| cell.fg != ratatui_core::style::Color::Reset)
    };
    assert!(is_coloured(Colours::Allowed) && !is_coloured(Colours::None));
}

#[test]
fn the_mark_stays_on_its_verdict_when_others_come_in_above_it() {
    let mut view = view();
    view.press(Key::Down, 24);
    assert_eq!(view.marked, Some((id("i-new"), 1)));
    view.press(Key::Down, 24);
    let mut look = flooded(1);
    look.judged.insert(0, judged("i-newer", 3, 0, 1, "model", "203.0.113.51", "x"));
    view.looked(Ok(look));
    assert_eq!(view.press(Key::Enter, 24), Wish::Show(id("i-evil")));
    let shown = screen(&view, 80, 24);
    assert!(shown.contains("\n> 8 model"), "{shown}");
    view.press(Key::Up, 24);
    assert_eq!(view.press(Key::Enter, 24), Wish::Show(id("i-new")));
}

#[test]
fn keys_sort_pause_open_scroll_and_go_back() {
    let mut view = view();
    view.press(Key::Sort, 24);
    assert_eq!(view.press(Key::Enter, 24), Wish::Show(id("i-evil")), "the slowest comes first");
    view.show((0..100).map(|line| format!("line {line}\n")).collect());
    view.press(Key::PageDown, 24);
    view.press(Key::Down, 24);
    assert!(screen(&view, 80, 24).contains("line 22\n"), "{}", screen(&view, 80, 24));
    (0..30).for_each(|_| drop(view.press(Key::PageDown, 24)));
    assert!(screen(&view, 80, 24).contains("line 99"));
    assert_eq!(view.press(Key::Quit, 24), Wish::Nothing);
    assert_eq!(view.page, Page::Board);
    view.press(Key::Pause, 24);
    assert!(screen(&view, 80, 24).contains("PAUSED"));
    view.press(Key::Help, 24);
    assert!(screen(&view, 80, 24).contains("take the mark away"));
    view.press(Key::Help, 24);
    assert_eq!(view.page, Page::Board, "the key that shows the help takes it away");
    view.press(Key::Help, 24);
    view.press(Key::Back, 24);
    assert_eq!(view.press(Key::Quit, 24), Wish::Quit);
}

#[test]
fn a_script_gets_what_the_screen_shows_with_figures_as_numbers_and_nothing_that_acts_on_a_terminal()
{
    let shown = snapshot(&view(), at(0));
    let at = |pointer: &str| shown.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {shown}"));
    assert_eq!(at("/standing/word"), "LATE");
    assert_eq!(at("/overload/text"), at("/standing/text"));
    assert_eq!(
        (at("/funnel/2/step"), at("/funnel/2/per_second")),
        (&"folded".into(), &1000.0.into())
    );
    assert_eq!(
        (at("/queue/jobs"), at("/queue/by_severity/1/severity")),
        (&41.into(), &"high".into())
    );
    assert_eq!((at("/alerts/folded"), at("/conserved")), (&1_213_900.into(), &true.into()));
    assert_eq!((at("/newest/0/by"), at("/newest/1/by")), (&"meanwhile".into(), &"model".into()));
    assert_eq!(
        (at("/slowest/0/incident_id"), at("/slowest/0/waited_ms")),
        (&"i-evil".into(), &715_000.into())
    );
    assert_eq!(at("/most_dangerous/1/threat_level"), 5);
    assert!(
        !shown.to_string().contains(['\u{1b}', '\u{202e}'])
            && !shown.to_string().contains("\\u001b"),
        "{shown}"
    );
    // Where the store is gone, no figure of before is passed off as one of now.
    let mut view = view();
    view.looked(Err("it is not there".to_owned()));
    let shown = snapshot(&view, super::tests::at(5));
    assert_eq!(
        shown["standing"],
        serde_json::json!({"word": "NO STORE", "text": "it is not there"})
    );
    assert_eq!(shown.as_object().map(serde_json::Map::len), Some(2), "{shown}");
}

#[test]
fn keys_on_an_empty_screen_do_nothing() {
    let mut view = View::new(Promises { deadlines: Deadlines::default(), calls_per_minute: 30 });
    for key in [Key::Down, Key::Up, Key::PageDown, Key::Enter, Key::Sort] {
        assert_eq!(view.press(key, 24), Wish::Nothing);
    }
    assert!(screen(&view, 80, 24).contains("no daemon was seen yet"));
}

#[test]
fn a_pause_is_not_mistaken_for_a_daemon_that_is_gone() {
    let mut view = view();
    view.is_paused = true;
    assert!(glance(&view, at(0).after(Duration::from_secs(60))).starts_with("LATE"));
}
