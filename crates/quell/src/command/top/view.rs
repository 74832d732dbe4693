//! What `quell top` shows and what keys do to it: values only, no terminal and no clock.

use alert::{IncidentId, Timestamp, Verdict};
use store::JudgedRow;
use triage::priority::Deadlines;

use super::rate::{History, Point};
use crate::command::look::{Look, SILENCE_MAX};
use crate::home::Hold;
use crate::stage::tend::Heartbeat;
use crate::standing::span;

/// Verdicts looked at: the newest are listed, the slowest of them too.
pub(super) const JUDGED_MAX: usize = 500;

/// What the keys do, and what the words on the board mean.
const HELP: &str = "\
q, Ctrl-C   quit; on a page: back
p           pause, and go on
s           sort the verdicts: newest, slowest, most dangerous
up, down    mark a verdict; PgUp and PgDn move by ten
Enter       show the incident of the marked verdict
Esc         back; on the board: take the mark away

FUNNEL
received    alerts that came: accepted, or given back to their sender
accepted    stored for good, each in one of the places that add up
folded      joined an incident
incidents   what a person would work on
verdicts    one for each revision of an incident
published   messages that sinks have: one for each verdict and sink
On few columns these are: came, taken, folded, opened, judged, sent.

QUEUE
ask         incidents that ask for a verdict, those being judged too
no verdict  nobody judged them yet
meanwhile   the playbook judged them, a model is still to be asked
past        past the deadline of their severity

VERDICTS
BY          a model, the playbook for good, or the playbook meanwhile
WAIT        from the incident asking for it to the verdict";

/// A key, by what it means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Pause,
    Sort,
    Up,
    Down,
    PageUp,
    PageDown,
    Enter,
    Back,
    Help,
}

/// What the edge is to do after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Quit,
    /// Read this incident and hand it to [`View::show`].
    Show(IncidentId),
}

/// How verdicts are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    #[default]
    Newest,
    Slowest,
    MostDangerous,
}

impl Order {
    const fn next(self) -> Self {
        match self {
            Self::Newest => Self::Slowest,
            Self::Slowest => Self::MostDangerous,
            Self::MostDangerous => Self::Newest,
        }
    }

    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Newest => "NEWEST VERDICTS",
            Self::Slowest => "SLOWEST VERDICTS",
            Self::MostDangerous => "MOST DANGEROUS",
        }
    }
}

/// How all of it stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glance {
    NoStore,
    Wait,
    Broken,
    Gone,
    Ended,
    Late,
    Delayed,
    OnTime,
}

impl Glance {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NoStore => "NO STORE",
            Self::Wait => "WAIT",
            Self::Broken => "BROKEN",
            Self::Gone => "GONE",
            Self::Ended => "ENDED",
            Self::Late => "LATE",
            Self::Delayed => "DELAYED",
            Self::OnTime => "ON TIME",
        }
    }
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Page {
    #[default]
    Board,
    /// An incident or the help, scrolled down by so many lines.
    Text { text: String, scroll: usize },
}

/// What the configuration says that matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promises {
    pub(super) deadlines: Deadlines,
    pub(super) calls_per_minute: u32,
}

/// The state of the view.
#[derive(Debug)]
pub(super) struct View {
    pub(super) promises: Promises,
    /// The last look that worked.
    pub(super) look: Option<Look>,
    /// Why the newest look did not.
    pub(super) trouble: Option<String>,
    pub(super) history: History,
    pub(super) order: Order,
    pub(super) page: Page,
    pub(super) is_paused: bool,
    /// The verdict that is marked, by its key: it stays marked where others come in above it.
    pub(super) marked: Option<(IncidentId, u32)>,
}

impl View {
    pub(super) fn new(promises: Promises) -> Self {
        Self {
            promises,
            look: None,
            trouble: None,
            history: History::default(),
            order: Order::default(),
            page: Page::default(),
            is_paused: false,
            marked: None,
        }
    }

    /// Takes in what a look saw, or why there was none.
    pub(super) fn looked(&mut self, seen: Result<Look, String>) {
        match seen {
            Ok(look) => {
                self.history.add(Point::of(&look));
                self.look = Some(look);
                self.trouble = None;
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
    }

    /// Tells the one thing that a glance must tell, in a word and in a sentence.
    pub(super) fn glance(&self, now: Timestamp) -> (Glance, String) {
        if let Some(trouble) = &self.trouble {
            return (Glance::NoStore, trouble.clone());
        }
        let Some(look) = &self.look else { return (Glance::Wait, String::new()) };
        if !look.counts.are_conserved(0) {
            return (Glance::Broken, "the counts do not add up: please report it".to_owned());
        }
        let is_silent = |beat: &Heartbeat| !self.is_paused && now.since(beat.at) > SILENCE_MAX;
        let ago = |beat: &Heartbeat| span(now.since(beat.at));
        match &look.heartbeat {
            None => (Glance::Gone, "no daemon ran here yet".to_owned()),
            Some(beat) if beat.has_ended => {
                (Glance::Ended, format!("the daemon ended {} ago", ago(beat)))
            }
            Some(beat) if !look.runs() || is_silent(beat) => {
                let why = match look.hold {
                    Hold::Held => ", though it runs (is the disk full?)",
                    Hold::Free => ": it died",
                    Hold::Unknown => "",
                };
                (Glance::Gone, format!("no word from the daemon for {}{why}", ago(beat)))
            }
            Some(_) => {
                let delay = look.delay(self.promises.calls_per_minute);
                let glance = match (delay.past_deadline, delay.is_felt()) {
                    (1.., _) => Glance::Late,
                    (0, true) => Glance::Delayed,
                    (0, false) => Glance::OnTime,
                };
                (glance, delay.text())
            }
        }
    }

    /// Gives the verdicts in an order.
    pub(super) fn rows(&self, order: Order) -> Vec<&JudgedRow> {
        let judged = self.look.as_ref().map(|look| look.judged.as_slice()).unwrap_or_default();
        let mut rows: Vec<&JudgedRow> = judged.iter().collect();
        match order {
            Order::Newest => {}
            // Sorting is stable, so the newest come first among equals.
            Order::Slowest => rows.sort_by_key(|row| std::cmp::Reverse(waited_ms(row))),
            Order::MostDangerous => {
                rows.sort_by_key(|row| std::cmp::Reverse(row.verdict.draft.threat_level));
            }
        }
        rows
    }

    /// Gives the place of the marked verdict in the list.
    pub(super) fn mark_place(&self, rows: &[&JudgedRow]) -> Option<usize> {
        let (id, revision) = self.marked.as_ref()?;
        rows.iter()
            .position(|row| row.verdict.incident_id == *id && row.verdict.revision == *revision)
    }

    /// Does what a key says. `height` is that of the screen.
    pub(super) fn press(&mut self, key: Key, height: usize) -> Wish {
        let page_step = height.saturating_sub(3).max(1);
        match (&mut self.page, key) {
            (Page::Board, Key::Quit) => return Wish::Quit,
            (Page::Text { .. }, Key::Quit | Key::Back) => self.page = Page::Board,
            (Page::Text { text, .. }, Key::Help) if text == HELP => self.page = Page::Board,
            (_, Key::Help) => self.show(HELP.to_owned()),
            (Page::Text { text, scroll }, _) => {
                let last = text.lines().count().saturating_sub(1);
                *scroll = match key {
                    Key::Up => scroll.saturating_sub(1),
                    Key::Down => scroll.saturating_add(1),
                    Key::PageUp => scroll.saturating_sub(page_step),
                    Key::PageDown => scroll.saturating_add(page_step),
                    _ => *scroll,
                }
                .min(last);
            }
            (Page::Board, Key::Pause) => self.is_paused = !self.is_paused,
            (Page::Board, Key::Sort) => {
                self.order = self.order.next();
                self.marked = None;
            }
            (Page::Board, Key::Up) => self.mark(-1),
            (Page::Board, Key::Down) => self.mark(1),
            (Page::Board, Key::PageUp) => self.mark(-10),
            (Page::Board, Key::PageDown) => self.mark(10),
            (Page::Board, Key::Enter) => {
                if self.marked.is_none() {
                    self.mark(1);
                }
                if let Some((id, _)) = &self.marked {
                    return Wish::Show(id.clone());
                }
            }
            (Page::Board, Key::Back) => self.marked = None,
        }
        Wish::Nothing
    }

    /// Shows a text in place of the board.
    pub(super) fn show(&mut self, text: String) {
        self.page = Page::Text { text, scroll: 0 };
    }

    /// Moves the mark; the first move marks the first row.
    fn mark(&mut self, by: isize) {
        let rows = self.rows(self.order);
        let place = match self.mark_place(&rows) {
            Some(place) => place.saturating_add_signed(by).min(rows.len().saturating_sub(1)),
            None => 0,
        };
        self.marked =
            rows.get(place).map(|row| (row.verdict.incident_id.clone(), row.verdict.revision));
    }
}

/// Says in a word who gave a verdict.
pub(super) const fn judged_by(verdict: &Verdict) -> &'static str {
    match (verdict.analyst.is_model(), verdict.model_pending) {
        (true, _) => "model",
        (false, true) => "meanwhile",
        (false, false) => "playbook",
    }
}

/// How long an incident had asked for this verdict.
pub(super) fn waited_ms(row: &JudgedRow) -> i64 {
    let since = |asked: Timestamp| row.verdict.judged_at.as_millis() - asked.as_millis();
    row.verdict.asked_at.map_or(0, since)
}
