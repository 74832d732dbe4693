//! Draws the view into a buffer of cells: a pure function, so that a test can read the screen that a person would see.
//!
//! The screen of 80 x 24 is the measure: what decides (is it delayed, by how much, do the counts add up) stands at the top, in words and not by
//! colour alone. More rows give the slowest verdicts, the running cases and the followed files a place of their own. All text goes
//! through [`Pen`], which cleans it: whoever writes log lines must not write on this terminal.

use std::time::Duration;

use alert::{Timestamp, sanitize};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;
use store::JudgedRow;

use super::pen::{Colours, Pen, fit, wrap};
use super::view::{Glance, Order, Page, View, judged_by, waited_ms};
use crate::command::look::Look;
use crate::standing::{ModelStanding, by_severity, grouped, span};

/// Fewest columns and rows that a frame is drawn for; on less, it is cut.
const WIDTH_MIN: u16 = 40;

/// Columns from which on words are written out.
const WIDE: usize = 100;

/// Rows from which on there is room for what is left out on 24.
const TALL: u16 = 34;

/// Fewest columns for one step of the funnel: a number of six digits, its comma, and a blank.
const FUNNEL_STEP_MIN: usize = 8;

/// What its steps are called where their names don't fit.
const FUNNEL_NARROW: [&str; 6] = ["came", "taken", "folded", "opened", "judged", "sent"];

/// Draws a frame.
pub(super) fn draw(view: &View, now: Timestamp, area: Rect, colours: Colours) -> Buffer {
    let area = Rect { width: area.width.max(WIDTH_MIN), height: area.height.max(4), ..area };
    let keys_row = area.height.saturating_sub(1);
    let mut pen = Pen { buffer: Buffer::empty(area), colours, row: 0, end: keys_row };
    head(&mut pen, view, now);
    match &view.page {
        Page::Board => board(&mut pen, view, now),
        Page::Text { text, scroll } => page(&mut pen, text, *scroll),
    }
    let keys = match view.page {
        Page::Board => "q quit   p pause   s sort   up/down mark   Enter incident   ? help",
        Page::Text { .. } => "up/down, PgUp/PgDn scroll   q, Esc back",
    };
    (pen.row, pen.end) = (keys_row, area.height);
    pen.line(keys, pen.dim());
    pen.buffer
}

/// Says who is watched, and in one or two lines whether all is well.
fn head(pen: &mut Pen, view: &View, now: Timestamp) {
    let beat = view.look.as_ref().and_then(|look| look.heartbeat.as_ref());
    let names = beat.map_or_else(
        || vec!["no daemon was seen yet".to_owned()],
        |beat| {
            let up = format!("up {}", span(beat.at.since(beat.started_at)));
            vec![
                format!("quell {}   process {}   {up}", beat.version, beat.pid),
                format!("quell {}   {up}", beat.version),
                up,
            ]
        },
    );
    let day_and_time = now.to_string().get(..19).unwrap_or_default().replace('T', " ");
    let time = day_and_time.get(11..).unwrap_or_default();
    let right =
        |clock: &str| format!("{}{clock} UTC", if view.is_paused { "PAUSED  " } else { "" });
    // Where there is no room for all, the day goes first, then the process, then the version. Since when the daemon runs stays.
    let all = names.first().map(|who| (who, right(&day_and_time)));
    let fits = |(who, right): &(&String, String)| {
        pen.width() >= who.chars().count() + right.chars().count() + 4
    };
    let shorter = names.iter().map(|who| (who, right(time)));
    let (who, right) = all
        .into_iter()
        .chain(shorter)
        .find(fits)
        .map_or_else(|| (String::new(), right(time)), |(who, right)| (who.clone(), right));
    pen.reverse();
    let place = pen.width().saturating_sub(right.chars().count() + 1);
    let (plain, bold) = (Style::new(), pen.bold());
    let right_style = if view.is_paused { pen.bold() } else { plain };
    pen.pieces([(1, who.as_str(), bold), (place, right.as_str(), right_style)]);
    let (word, said, style) = verdict_on_all(pen, view, now);
    let indent = 10;
    for (at, line) in wrap(&said, pen.width().saturating_sub(indent + 1)).iter().take(3).enumerate()
    {
        let word = if at == 0 { word } else { "" };
        pen.pieces([(1, word, style), (indent, line.as_str(), style)]);
    }
}

/// The one thing that a glance must tell.
fn verdict_on_all(pen: &Pen, view: &View, now: Timestamp) -> (&'static str, String, Style) {
    let (glance, text) = view.glance(now);
    let (more, style) = match glance {
        Glance::NoStore => ("; still trying", pen.bad()),
        Glance::Gone | Glance::Ended => ("; still looking", pen.bad()),
        Glance::Broken | Glance::Late => ("", pen.bad()),
        Glance::Delayed => ("", pen.warn()),
        Glance::OnTime => ("", pen.good()),
        Glance::Wait => ("", pen.dim()),
    };
    (glance.word(), format!("{text}{more}"), style)
}

fn board(pen: &mut Pen, view: &View, now: Timestamp) {
    let Some(look) = &view.look else { return };
    let is_tall = pen.buffer.area().height >= TALL;
    let gap = |pen: &mut Pen| {
        if is_tall {
            pen.row = pen.row.saturating_add(1);
        }
    };
    gap(pen);
    funnel(pen, view, look);
    gap(pen);
    queue(pen, view, look);
    gap(pen);
    models(pen, look, is_tall);
    gap(pen);
    sources(pen, look, is_tall);
    gap(pen);
    if is_tall {
        let slowest = pen.room().saturating_sub(3) / 3;
        verdicts(pen, view, view.order, slowest.saturating_mul(2), now);
        gap(pen);
        let other = if view.order == Order::Slowest { Order::Newest } else { Order::Slowest };
        verdicts(pen, view, other, usize::MAX, now);
    } else {
        verdicts(pen, view, view.order, usize::MAX, now);
    }
}

fn funnel(pen: &mut Pen, view: &View, look: &Look) {
    let step = (pen.width().saturating_sub(12) / 6).clamp(FUNNEL_STEP_MIN, 18);
    // A column that is cut would show another number: it is left out.
    let shown = pen.width().saturating_sub(12) / step;
    let column =
        |at: usize, text: &str| 12 + at * step + step.saturating_sub(text.chars().count() + 1);
    let bold = pen.bold();
    let steps = super::rate::Point::of(look).steps();
    let totals: Vec<String> = steps.iter().map(|(_, count)| compact(*count, step)).collect();
    let rates: Vec<String> = match view.history.rates() {
        Some(rates) => rates.iter().map(|rate| rate_text(*rate)).collect(),
        None => vec!["-".to_owned(); steps.len()],
    };
    pen.put(1, "FUNNEL", bold);
    let is_narrow = steps.iter().any(|(name, _)| name.len() >= step);
    for (at, ((name, _), short)) in steps.iter().zip(FUNNEL_NARROW).enumerate().take(shown) {
        let name = if is_narrow { short } else { name };
        pen.put(column(at, name), name, bold);
    }
    pen.row = pen.row.saturating_add(1);
    for (label, texts) in [("in all", &totals), ("a second", &rates)] {
        pen.put(1, label, Style::new());
        for (at, text) in texts.iter().enumerate().take(shown) {
            pen.put(column(at, text), text, Style::new());
        }
        pen.row = pen.row.saturating_add(1);
    }
    let is_conserved = look.counts.are_conserved(0);
    let (label, style) = if is_conserved { ("adds up", pen.dim()) } else { ("BROKEN", pen.bad()) };
    let text = sum_text(look, pen.width() >= WIDE || !is_conserved);
    pen.pieces([(1, label, style), (10, text.as_str(), style)]);
}

/// Says where the accepted alerts went. Where there is room, also where none went.
fn sum_text(look: &Look, has_room: bool) -> String {
    let parts: Vec<String> = look
        .counts
        .named()
        .into_iter()
        .skip(1)
        .filter(|(_, count)| has_room || *count > 0)
        .map(|(name, count)| {
            let name = if has_room { name.replace('_', " ") } else { name.replace("_output", "") };
            format!("{} {}", grouped(count), name.replace('_', " "))
        })
        .collect();
    if parts.is_empty() {
        "nothing came yet".to_owned()
    } else {
        parts.join(if has_room { " + " } else { ", " })
    }
}

fn queue(pen: &mut Pen, view: &View, look: &Look) {
    let columns = [12, 23, 35, 46, 57, 68];
    let right = |at: usize, text: &str| {
        let start = columns.get(at).copied().unwrap_or(0);
        start + 10_usize.saturating_sub(text.chars().count())
    };
    let bold = pen.bold();
    pen.put(1, "QUEUE", bold);
    for (at, name) in
        ["ask", "no verdict", "meanwhile", "oldest", "deadline", "past"].iter().enumerate()
    {
        pen.put(right(at, name), name, bold);
    }
    pen.row = pen.row.saturating_add(1);
    for (severity, row) in by_severity(&look.queue) {
        let deadline = view.promises.deadlines.of(severity);
        let oldest = row.map(|row| look.at.since(row.oldest));
        let is_late = row.is_some_and(|row| row.overdue > 0);
        let style = match row {
            None => pen.dim(),
            Some(_) if is_late => pen.bad(),
            Some(_) => Style::new(),
        };
        let count = |count: u64| if count == 0 { "-".to_owned() } else { grouped(count) };
        let texts = [
            count(row.map_or(0, |row| row.jobs)),
            count(row.map_or(0, |row| row.unjudged)),
            count(row.map_or(0, |row| row.interim)),
            oldest.map_or_else(|| "-".to_owned(), span),
            span(deadline),
            count(row.map_or(0, |row| row.overdue)),
        ];
        pen.put(1, severity.as_str(), style);
        for (at, text) in texts.iter().enumerate() {
            pen.put(right(at, text), text, style);
        }
        pen.row = pen.row.saturating_add(1);
    }
}

fn models(pen: &mut Pen, look: &Look, is_tall: bool) {
    let (bold, dim) = (pen.bold(), pen.dim());
    let models = look.models();
    if models.is_empty() {
        let why = if look.runs() { "none is configured: the playbook judges" } else { "-" };
        pen.pieces([(1, "MODELS", bold), (10, why, dim)]);
        return;
    }
    let most = if is_tall { 6 } else { 2 };
    for (at, model) in models.iter().take(most).enumerate() {
        let heading = if at == 0 { "MODELS" } else { "" };
        let style = match model.state(look.at) {
            "resting" => pen.bad(),
            _ => Style::new(),
        };
        pen.pieces([(1, heading, bold), (10, model_text(model, look.at).as_str(), style)]);
        if !is_tall {
            continue;
        }
        for case in model.running.iter().take(4) {
            let since = span(look.at.since(case.since));
            let text = format!("{since:>7}  {}  {}", case.incident_id, case.actor);
            pen.pieces([(12, text.as_str(), dim)]);
        }
        if model.failures > 0 {
            let text = format!("failed last of: {}", model.last_failure);
            pen.pieces([(12, text.as_str(), dim)]);
        }
    }
    if models.len() > most {
        let more = format!("and {} more", models.len() - most);
        pen.pieces([(10, more.as_str(), dim)]);
    }
}

/// Says what a model does, the most important first: a narrow screen cuts the end.
fn model_text(model: &ModelStanding, now: Timestamp) -> String {
    // By its configured name, as `quell status` calls it: two servers may have one model.
    let mut text = sanitize::shown(&model.name, 24);
    if !model.model.is_empty() && model.model != model.name {
        text.push_str(&format!(" ({})", sanitize::shown(&model.model, 24)));
    }
    text.push_str(&format!(" {}", model.state(now)));
    if let Some(until) = model.rests_until.filter(|until| *until > now) {
        text.push_str(&format!(" for {} after failures", span(until.since(now))));
    } else if let Some(first) = model.running.first() {
        let since = span(now.since(first.since));
        text.push_str(&format!(" {}/{} for {since}", model.running.len(), model.slots));
    }
    if let Some(time) = model.case_time() {
        text.push_str(&format!(", {:.1} s each", time.as_secs_f64()));
    }
    text.push_str(&format!(", {}/{} failed", model.failures, model.cases));
    if let Some(speed) = model.tokens_per_second() {
        text.push_str(&format!(", {speed:.0} tokens/s"));
    }
    text
}

fn sources(pen: &mut Pen, look: &Look, is_tall: bool) {
    let (bold, dim) = (pen.bold(), pen.dim());
    let waiting =
        look.heartbeat.as_ref().filter(|_| look.runs()).map_or(0, |beat| beat.deliveries_waiting);
    // What is wrong comes first: a narrow screen cuts the end.
    let mut parts: Vec<String> = Vec::new();
    let refused: u64 = look.sources().iter().map(|source| source.refused).sum();
    if refused > 0 {
        parts.push(format!("{} REFUSED", grouped(refused)));
    }
    if waiting > 0 {
        parts.push(format!("{waiting} deliveries wait"));
    }
    let unread: u64 = look.files.iter().filter_map(|file| file.behind_bytes).sum();
    if unread > 0 {
        parts.push(format!("{} not read yet", bytes(unread)));
    }
    parts.extend(look.sources().iter().map(|source| {
        let ago = span(look.at.since(source.last_at));
        format!("{} {} ({ago} ago)", source.route, grouped(source.alerts))
    }));
    let text = match (parts.is_empty(), look.runs()) {
        // What came before its start is in the sums.
        (true, true) => "nothing came since the start of the daemon".to_owned(),
        (true, false) => "-".to_owned(),
        (false, _) => parts.join("   "),
    };
    pen.pieces([(1, "SOURCES", bold), (10, text.as_str(), Style::new())]);
    if is_tall {
        for file in look.files.iter().filter(|file| file.behind_bytes != Some(0)).take(4) {
            let behind = file.behind_bytes.map_or_else(
                || "the place that was read last is in another file".to_owned(),
                |behind| format!("{} not read yet", bytes(behind)),
            );
            let text = format!("{}: {behind}", sanitize::shown(&file.path, 60));
            pen.pieces([(12, text.as_str(), dim)]);
        }
    }
    let (sent, queued) = look.messages();
    let refused: u64 = look.outbox.iter().map(|sink| sink.refused).sum();
    let mut text = format!("{} sent, {} waiting", grouped(sent), grouped(queued));
    if refused > 0 {
        text.push_str(&format!(", {} REFUSED", grouped(refused)));
    }
    let held: Vec<String> = look
        .outbox
        .iter()
        .filter(|sink| sink.waiting > 0)
        .map(|sink| format!("{} {}", sink.sink, grouped(sink.waiting)))
        .collect();
    if !held.is_empty() {
        text.push_str(&format!(": {}", held.join(", ")));
    }
    pen.pieces([(1, "SINKS", bold), (10, text.as_str(), Style::new())]);
}

fn verdicts(pen: &mut Pen, view: &View, order: Order, rows_max: usize, now: Timestamp) {
    let rows = view.rows(order);
    let bold = pen.bold();
    pen.pieces([
        (0, "LVL", bold),
        (4, "BY", bold),
        (17, "AGO", bold),
        (23, "WAIT", bold),
        (28, "ACTOR", bold),
        (44, order.heading(), bold),
    ]);
    let room = pen.room().min(rows_max);
    let marked = (order == view.order).then(|| view.mark_place(&rows)).flatten();
    // The list scrolls only where the mark would leave it.
    let skip = marked.map_or(0, |place| (place + 1).saturating_sub(room.max(1)));
    for (at, row) in rows.iter().enumerate().skip(skip).take(room) {
        verdict_row(pen, row, now, marked == Some(at));
    }
}

fn verdict_row(pen: &mut Pen, row: &JudgedRow, now: Timestamp, is_marked: bool) {
    let verdict = &row.verdict;
    let level = verdict.draft.threat_level;
    let by = judged_by(verdict);
    let style = match level {
        8.. => pen.bad(),
        5..=7 => pen.warn(),
        _ => Style::new(),
    };
    let waited = match verdict.asked_at {
        Some(_) => span(Duration::from_millis(u64::try_from(waited_ms(row)).unwrap_or(0))),
        None => "?".to_owned(),
    };
    let ago = span(now.since(verdict.judged_at));
    let what = what_text(row);
    if is_marked {
        pen.reverse();
    }
    let mark = if is_marked { ">" } else { "" };
    pen.pieces([
        (0, mark, pen.bold()),
        (1, format!("{level:>2}").as_str(), style),
        (4, by, Style::new()),
        (14, format!("{ago:>6}").as_str(), Style::new()),
        (21, format!("{waited:>6}").as_str(), Style::new()),
        (28, fit(&row.actor, 15).as_str(), Style::new()),
        (44, what.as_str(), style),
    ]);
}

/// Says what it was: the title without the actor, who has a column, and the class where the title does not begin with it.
fn what_text(row: &JudgedRow) -> String {
    let draft = &row.verdict.draft;
    let title = draft.title.replacen(&format!(" from {}", row.actor), "", 1);
    let class = draft.class.as_str();
    let begins = |word: &str| title.to_lowercase().starts_with(&word.to_lowercase());
    let first = class.split('_').next().unwrap_or(class);
    if begins(first) || begins("unclassified") { title } else { format!("{class}: {title}") }
}

/// Shows a text from a line on.
fn page(pen: &mut Pen, text: &str, scroll: usize) {
    pen.row = pen.row.saturating_add(1);
    let width = pen.width().saturating_sub(2);
    for line in text.lines().skip(scroll) {
        for part in wrap(line, width) {
            if pen.room() == 0 {
                return;
            }
            pen.pieces([(1, part.as_str(), Style::new())]);
        }
    }
}

/// Writes a count so that it fits a column.
fn compact(count: u64, width: usize) -> String {
    [grouped(count), format!("{}k", grouped(count / 1_000))]
        .into_iter()
        .find(|text| text.len() < width)
        .unwrap_or_else(|| format!("{}M", grouped(count / 1_000_000)))
}

fn rate_text(rate: f64) -> String {
    match rate {
        rate if rate <= 0.0 => "0".to_owned(),
        rate if rate < 100.0 => format!("{rate:.1}"),
        rate => {
            let seconds = Duration::try_from_secs_f64(rate.round()).unwrap_or(Duration::MAX);
            grouped(seconds.as_secs())
        }
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} bytes"),
        10_000..10_000_000 => format!("{} kB", grouped(count / 1_000)),
        _ => format!("{} MB", grouped(count / 1_000_000)),
    }
}
