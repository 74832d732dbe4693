//! `quell demo`: the main job on a recorded real flood, in seconds, with everything inside the program.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::offline::{Progress, Session};
use super::triage::{model_progress, print_json, say_who_judges, summary, summary_text};
use super::{Failure, Talk, load, print, show};
use crate::cli::Demo;

/// 14,067 alerts that Wazuh 4.14.7 raised from 14,252 requests against our honeypot.
const FLOOD: &[u8] = include_bytes!("../../../../fixtures/flood14k/alerts.json.gz");

/// Alerts in the recording, for the length of the bar.
const FLOOD_ALERTS: u64 = 14_067;

pub(super) fn run(file: Option<&Path>, options: &Demo) -> Result<(), Failure> {
    // The demo shows Quell, not somebody's settings: without a file by name it runs on the defaults.
    let config = load(file)?.config;
    let mut session = Session::new(&config, &options.model, None)?;
    Talk::say(
        "a recorded flood: 14,252 requests against a honeypot in 52 seconds, 14,067 Wazuh alerts, attacks hidden in them",
    );
    say_who_judges(&session, &options.model);
    let start = session.now();
    read(&mut session)?;
    judge(&mut session)?;
    if options.json {
        return print_json(&session, start, false);
    }
    let rows = session.incidents()?;
    print(&show::table(&rows))?;
    if let Some(worst) = rows.first() {
        let verdicts = session.desk.store.verdicts(&worst.incident.id)?;
        let campaign = session.desk.campaign(&worst.incident)?.map(|campaign| campaign.line());
        print(&format!(
            "\nthe most dangerous one, as an analyst gets it:\n\n{}",
            show::page(&worst.incident, &verdicts, &[], campaign.as_deref())
        ))?;
    }
    Talk::say(&summary_text(&summary(&session, start)?));
    Ok(())
}

/// Reads the flood with a bar that shows where alerts go.
fn read(session: &mut Session) -> Result<(), Failure> {
    let bar = bar(FLOOD_ALERTS, "{spinner} {pos}/{len} alerts {wide_bar} {msg}");
    session.read(FLOOD, |progress| {
        if let Progress::Read(alerts) = progress {
            bar.set_position(alerts);
        }
    })?;
    let (counts, totals) = (session.desk.store.counts()?, session.desk.store.totals()?);
    bar.finish_and_clear();
    Talk::say(&format!(
        "{} alerts accepted, {} folded into {} incidents",
        counts.accepted, counts.folded, totals.incidents
    ));
    Ok(())
}

fn judge(session: &mut Session) -> Result<(), Failure> {
    let (waiting, _) = session.desk.store.queue_depth()?;
    if !Talk::is_watched() {
        return session.judge(model_progress());
    }
    let bar = bar(
        waiting,
        "{spinner} {pos}/{len} verdicts {wide_bar} queue {msg}, verdict age {elapsed}",
    );
    bar.enable_steady_tick(Duration::from_millis(120));
    session.judge(|progress| {
        if let Progress::Judged(judged, of) = progress {
            bar.set_position(judged);
            bar.set_message(of.saturating_sub(judged).to_string());
        }
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
