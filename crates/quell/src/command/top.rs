//! `quell top`: a live view of a daemon, from the same place as `quell status`: its store and the word that it leaves there.
//!
//! Here is the edge: looking, waiting for keys, drawing. What is shown and what keys do is decided in `view` and `frame`, which know neither
//! terminal nor clock. It only reads, and its looks get no more than a tenth of the time, so that watching costs the watched little.

mod frame;
mod json;
mod pen;
mod rate;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use alert::{Clock as _, IncidentId, SystemClock, Timestamp};
use anyhow::Context as _;
use ratatui_core::layout::Rect;
use store::{Store, StoreError};

use self::frame::draw;
use self::pen::{Colours, text};
use self::screen::{Screen, Woken};
use self::view::{JUDGED_MAX, Promises, View, Wish};
use super::look::Look;
use super::{Failure, load, print, show};
use crate::cli::Top;
use crate::desk::campaign_of;
use crate::setup;
use crate::stage::gauge::REST_FACTOR;

/// How long a key is waited for between two frames: the clock on the screen goes on.
const KEY_WAIT: Duration = Duration::from_millis(250);

/// Between the two looks that rates are told from, where one frame is printed.
const ONCE_PAUSE: Duration = Duration::from_secs(1);

/// Height of a frame that is printed: what is left empty is not printed.
const ONCE_HEIGHT: u16 = 60;

/// Widest frame that is printed.
const ONCE_WIDTH_MAX: u16 = 400;

pub(super) fn run(file: Option<&Path>, options: &Top) -> Result<(), Failure> {
    let config = load(file)?.config;
    let promises = Promises {
        deadlines: setup::desk(&config).deadlines,
        calls_per_minute: config.judge.calls_per_minute,
    };
    let mut watched = Watched { data_dir: config.general.data_dir, store: None };
    let view = View::new(promises);
    let interval = Duration::from_secs(options.interval);
    if options.follow {
        return follow(&mut watched, view, interval);
    }
    if options.json {
        let (view, now) = two_looks(&mut watched, view)?;
        print(&json::snapshot(&view, now).to_string())?;
        return answer(&view);
    }
    let is_live = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if options.once || !is_live {
        return once(&mut watched, view);
    }
    live(&mut watched, view, interval)
}

/// The store of the daemon that is watched, opened again whenever it failed.
struct Watched {
    data_dir: PathBuf,
    store: Option<Store>,
}

impl Watched {
    fn read<T>(
        &mut self,
        read: impl FnOnce(&Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open_existing(&self.data_dir)?,
        };
        let found = read(&store)?;
        self.store = Some(store);
        Ok(found)
    }

    fn look(&mut self, now: Timestamp) -> Result<Look, StoreError> {
        // A data directory that was made anew has another file under the same name.
        if !Store::path(&self.data_dir).exists() {
            self.store = None;
        }
        let look = self.read(|store| Look::take(store, JUDGED_MAX, now))?;
        Ok(look.with_lock_of(&self.data_dir))
    }

    /// Writes the page of an incident, or why there is none.
    fn page(&mut self, id: &IncidentId) -> String {
        let page = self.read(|store| {
            let Some(incident) = store.incident(id.as_str())? else { return Ok(None) };
            let (verdicts, notes) = (store.verdicts(id)?, store.notes(id)?);
            let campaign = campaign_of(store, &incident)?.map(|campaign| campaign.line());
            Ok(Some(show::page(&incident, &verdicts, &notes, campaign.as_deref())))
        });
        match page {
            Ok(Some(page)) => page,
            Ok(None) => format!("{id} is not in the store any more"),
            Err(error) => error.to_string(),
        }
    }
}

/// Looks twice, so that there are rates to tell.
fn two_looks(watched: &mut Watched, mut view: View) -> Result<(View, Timestamp), Failure> {
    let first = watched.look(SystemClock.now())?;
    view.looked(Ok(first));
    std::thread::sleep(ONCE_PAUSE);
    let now = SystemClock.now();
    view.looked(watched.look(now).map_err(|error| error.to_string()));
    Ok((view, now))
}

/// Says by the exit code whether a daemon runs and its counts add up.
fn answer(view: &View) -> Result<(), Failure> {
    let is_well = |look: &Look| look.runs() && look.counts.are_conserved(0);
    if view.look.as_ref().is_some_and(is_well) { Ok(()) } else { Err(Failure::no()) }
}

/// Prints one frame.
fn once(watched: &mut Watched, view: View) -> Result<(), Failure> {
    let (view, now) = two_looks(watched, view)?;
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = columns.unwrap_or(80).min(ONCE_WIDTH_MAX);
    let frame = draw(&view, now, Rect::new(0, 0, width, ONCE_HEIGHT), Colours::None);
    let text = text(&frame);
    // There are no keys where nothing is live.
    let text = text.rsplit_once('\n').map_or(text.as_str(), |(board, _)| board);
    print(text.trim_end())?;
    answer(&view)
}

/// Prints a line of JSON for each look, until a signal or a reader that is gone ends it. A daemon that goes away is told of, and waited for.
fn follow(watched: &mut Watched, mut view: View, interval: Duration) -> Result<(), Failure> {
    loop {
        let now = SystemClock.now();
        view.looked(watched.look(now).map_err(|error| error.to_string()));
        print(&json::snapshot(&view, now).to_string())?;
        let took = SystemClock.now().since(now);
        std::thread::sleep(interval.max(took.saturating_mul(REST_FACTOR)));
    }
}

/// Shows frames until somebody or a signal ends it.
fn live(watched: &mut Watched, mut view: View, interval: Duration) -> Result<(), Failure> {
    let colours = match std::env::var_os("NO_COLOR") {
        Some(wish) if !wish.is_empty() => Colours::None,
        _ => Colours::Allowed,
    };
    let woken = screen::listen()?;
    let mut screen = Screen::take().context("could not take the terminal over")?;
    let (mut looked_at, mut rest) = (None, Duration::ZERO);
    loop {
        let now = SystemClock.now();
        // A clock that jumped back must not stop the view.
        let is_due = looked_at.is_none_or(|last: Timestamp| now < last || now.since(last) >= rest);
        if is_due && !view.is_paused {
            view.looked(watched.look(now).map_err(|error| error.to_string()));
            let took = SystemClock.now().since(now);
            looked_at = Some(now);
            rest = interval.max(took.saturating_mul(REST_FACTOR));
        }
        let area = Screen::area();
        screen.draw(draw(&view, now, area, colours))?;
        match woken.recv_timeout(KEY_WAIT) {
            Ok(Woken::Key(key)) => match view.press(key, usize::from(area.height)) {
                Wish::Nothing => {}
                Wish::Quit => return Ok(()),
                Wish::Show(id) => {
                    let page = watched.page(&id);
                    view.show(page);
                }
            },
            Ok(Woken::Resized) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Woken::Ended) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
