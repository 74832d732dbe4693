//! The plot: verdict ages over time, and the queue over time, of Quell and of the hook. Plain SVG, drawn by hand: it needs no script,
//! prints, and reads without colour because each mark has its own form.

use triage::priority::Severity;

use super::Report;
use super::table::span;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
/// The upper plot: ages.
const AGES: (f64, f64) = (92.0, 440.0);
/// The lower plot: the queue.
const QUEUE: (f64, f64) = (520.0, 700.0);
/// Height below the line of one, for an empty queue: a logarithm has no place for nothing.
const EMPTY: f64 = 16.0;
/// Most marks of time below a plot, the first not counted: more would run into each other.
const TICKS_MAX: f64 = 6.0;
/// Steps between marks of time that people read without a sum, in seconds. Beyond the last, days by tens.
const STEPS: [f64; 21] = [
    0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
    7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
];
/// The least age that has a place of its own, in seconds.
const AGE_LEAST: f64 = 0.01;
/// Most marks of the hook: more look the same, and make the file large.
const MARKS_MAX: usize = 1500;

/// Colours that people with any eyesight tell apart, with the form that says the same.
const SEVERITIES: [(Severity, &str); 4] = [
    (Severity::Critical, "#b2182b"),
    (Severity::High, "#e08214"),
    (Severity::Medium, "#2166ac"),
    (Severity::Low, "#7f8c8d"),
];

const HOOK: &str = "#9c7bb5";

/// An axis in powers of ten.
struct Scale {
    least: f64,
    most: f64,
    top: f64,
    bottom: f64,
}

impl Scale {
    fn new(least: f64, most: f64, (top, bottom): (f64, f64)) -> Self {
        Self {
            least: least.log10().floor(),
            most: most.max(least * 10.0).log10().ceil(),
            top,
            bottom,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let value = value.log10().clamp(self.least, self.most);
        self.bottom - (value - self.least) / (self.most - self.least) * (self.bottom - self.top)
    }

    fn powers(&self) -> Vec<f64> {
        let mut powers = Vec::new();
        let mut power = self.least;
        while power <= self.most + 0.5 {
            powers.push(10_f64.powf(power));
            power += 1.0;
        }
        powers
    }
}

/// Draws a report.
pub(super) fn drawn(report: &Report) -> String {
    let mut drawing = Drawing::new(report);
    drawing.frame();
    drawing.ages();
    drawing.queue();
    drawing.legend();
    drawing.body.push_str("</svg>\n");
    drawing.body
}

struct Drawing<'a> {
    report: &'a Report,
    /// Seconds that the upper plot is wide.
    wide: f64,
    /// Seconds that the lower plot is wide: a queue lasts longer than the stream.
    wide_queue: f64,
    ages: Scale,
    queue: Scale,
    body: String,
}

impl<'a> Drawing<'a> {
    fn new(report: &'a Report) -> Self {
        let mut oldest: f64 = 10.0;
        let mut deepest: f64 = 10.0;
        if let Some(quell) = &report.quell {
            let ages = quell.waited.iter().map(|it| it.model.unwrap_or(it.first).max(it.first));
            oldest = ages.fold(oldest, f64::max);
            deepest = deepest.max(count(quell.queue_max));
        }
        if let Some(hook) = shown_hook(report) {
            oldest = oldest.max(hook.verdict.map_or(0.0, |ages| ages.max));
            deepest = deepest.max(count(hook.queue_max));
        }
        let ages = Scale::new(AGE_LEAST, oldest, AGES);
        let queue = Scale::new(1.0, deepest, (QUEUE.0, QUEUE.1 - EMPTY));
        let wide = report.seconds.max(1.0);
        let last = shown_hook(report).and_then(|hook| hook.queue.last()).map(|(at, _)| *at);
        // The hook's queue may last for hours behind Quell's: then it leaves the picture.
        let played = report.quell.as_ref().map(|quell| quell.seconds * 1.1).or(last);
        let wide_queue = wide.max(played.unwrap_or(0.0));
        Self { report, wide, wide_queue, ages, queue, body: String::new() }
    }

    fn x(&self, seconds: f64) -> f64 {
        Self::across(seconds, self.wide)
    }

    fn across(seconds: f64, wide: f64) -> f64 {
        LEFT + (seconds / wide).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn text(&mut self, x: f64, y: f64, more: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.body.push_str(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {more}>{text}</text>\n"));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), more: &str) {
        self.body.push_str(&format!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {more}/>\n",
            from.0, from.1, to.0, to.1
        ));
    }

    fn frame(&mut self) {
        let report = self.report;
        let title = format!(
            "Verdict ages: {} alerts in {}, simulated model {}",
            report.alerts,
            span(report.seconds),
            report.model.name
        );
        self.body.push_str(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\" role=\"img\">\n<title>{title}</title>\n\
             <desc>Above: for each incident how long it waited for its first verdict. Below: how many incidents waited.</desc>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        ));
        self.text(LEFT, 28.0, "font-size=\"17\" font-weight=\"bold\"", &title);
        self.text(
            LEFT,
            46.0,
            "fill=\"#555\"",
            "Time is virtual, no model was asked. Both scales of height are logarithmic.",
        );
        for (scale, label) in [(0, "verdict age"), (1, "waiting")] {
            let (top, bottom) = if scale == 0 { AGES } else { QUEUE };
            let powers = if scale == 0 { self.ages.powers() } else { self.queue.powers() };
            for power in powers {
                let y = if scale == 0 { self.ages.place(power) } else { self.queue.place(power) };
                self.line((LEFT, y), (WIDTH - RIGHT, y), "stroke=\"#ddd\"");
                let name = if scale == 0 { power_of_seconds(power) } else { format!("{power:.0}") };
                self.text(LEFT - 8.0, y + 4.0, "text-anchor=\"end\"", &name);
            }
            if scale == 1 {
                self.text(LEFT - 8.0, bottom + 4.0, "text-anchor=\"end\"", "0");
            }
            let middle = f64::midpoint(top, bottom);
            let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 18 {middle:.1})\"");
            let unit = if scale == 0 { "" } else { " (incidents; the hook: alerts)" };
            self.text(18.0, middle, &turned, &format!("{label}{unit}"));
            let wide = if scale == 0 { self.wide } else { self.wide_queue };
            for at in ticks(wide) {
                let x = Self::across(at, wide);
                self.line((x, bottom), (x, bottom + 5.0), "stroke=\"#222\"");
                self.text(x, bottom + 19.0, "text-anchor=\"middle\"", &tick_name(at));
            }
            self.line((LEFT, bottom), (WIDTH - RIGHT, bottom), "stroke=\"#222\"");
            self.line((LEFT, top), (LEFT, bottom), "stroke=\"#222\"");
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        self.text(
            middle,
            AGES.1 + 36.0,
            "text-anchor=\"middle\"",
            "when the incident (for the hook: the alert) began, since the start",
        );
        self.text(
            middle,
            QUEUE.1 + 36.0,
            "text-anchor=\"middle\"",
            "time since the start of the stream",
        );
    }

    fn ages(&mut self) {
        if let Some(hook) = shown_hook(self.report) {
            let every = hook.points.len().div_ceil(MARKS_MAX).max(1);
            for (number, (at, age, is_needle)) in hook.points.iter().enumerate() {
                if *is_needle || number % every == 0 {
                    let (x, y) = (self.x(*at), self.ages.place(*age));
                    self.mark(x, y, HOOK, *is_needle, false);
                }
            }
        }
        let Some(quell) = &self.report.quell else { return };
        for (severity, colour) in SEVERITIES.into_iter().rev() {
            for it in quell.waited.iter().filter(|it| it.severity == severity) {
                let x = self.x(it.at);
                let first = self.ages.place(it.first.max(AGE_LEAST));
                if let Some(model) = it.model {
                    let y = self.ages.place(model.max(AGE_LEAST));
                    if it.is_needle {
                        self.line(
                            (x, first),
                            (x, y),
                            &format!("stroke=\"{colour}\" stroke-dasharray=\"2 2\""),
                        );
                    }
                    self.mark(x, y, colour, it.is_needle, true);
                }
                if it.model != Some(it.first) {
                    self.mark(x, first, colour, it.is_needle, false);
                }
            }
        }
    }

    /// A model's mark is filled, the playbook's is hollow; a needle's is a large diamond, any other's a small disc.
    fn mark(&mut self, x: f64, y: f64, colour: &str, is_needle: bool, is_by_model: bool) {
        let fill = if is_by_model { colour } else { "#fff" };
        let shape = if is_needle {
            format!(
                "<path d=\"M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}Z\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.8\"/>\n",
                y - 7.0,
                x + 7.0,
                y + 7.0,
                x - 7.0
            )
        } else {
            format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"{fill}\" stroke=\"{colour}\" fill-opacity=\"0.75\"/>\n"
            )
        };
        self.body.push_str(&shape);
    }

    fn queue(&mut self) {
        let report = self.report;
        if let Some(hook) = shown_hook(report) {
            self.steps(&hook.queue, HOOK, "stroke-dasharray=\"6 3\"");
        }
        if let Some(quell) = &report.quell {
            self.steps(&quell.queue, "#1b7837", "");
        }
    }

    fn steps(&mut self, queue: &[(f64, u64)], colour: &str, more: &str) {
        let mut path = String::new();
        let mut last = QUEUE.1;
        for (at, waiting) in queue.iter().filter(|(at, _)| *at <= self.wide_queue) {
            let x = Self::across(*at, self.wide_queue);
            // Nobody waits: below the line of one.
            let y = if *waiting == 0 { QUEUE.1 } else { self.queue.place(count(*waiting)) };
            if path.is_empty() {
                path = format!("M{x:.1} {y:.1}");
            } else {
                path.push_str(&format!("L{x:.1} {last:.1}L{x:.1} {y:.1}"));
            }
            last = y;
        }
        path.push_str(&format!("L{:.1} {last:.1}", WIDTH - RIGHT));
        self.body.push_str(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" {more}/>\n"
        ));
    }

    fn legend(&mut self) {
        let mut x = LEFT;
        for (severity, colour) in SEVERITIES {
            self.mark(x + 5.0, 64.0, colour, false, true);
            self.text(x + 14.0, 68.0, "", severity.as_str());
            x += 70.0;
        }
        self.mark(x + 5.0, 64.0, "#222", true, true);
        self.text(x + 17.0, 68.0, "", "needle");
        self.mark(x + 84.0, 64.0, "#222", false, true);
        self.text(x + 93.0, 68.0, "", "by the model");
        self.mark(x + 190.0, 64.0, "#222", false, false);
        self.text(x + 199.0, 68.0, "", "by the playbook until then");
        if self.report.baseline.is_some() {
            self.mark(x + 366.0, 64.0, HOOK, false, false);
            self.text(x + 375.0, 68.0, "", hook_name(self.report));
        }
        self.line(
            (LEFT, QUEUE.0 - 12.0),
            (LEFT + 24.0, QUEUE.0 - 12.0),
            "stroke=\"#1b7837\" stroke-width=\"1.6\"",
        );
        self.text(LEFT + 30.0, QUEUE.0 - 8.0, "", "Quell");
        if self.report.baseline.is_some() {
            let y = QUEUE.0 - 12.0;
            self.line(
                (LEFT + 84.0, y),
                (LEFT + 108.0, y),
                &format!("stroke=\"{HOOK}\" stroke-width=\"1.6\" stroke-dasharray=\"6 3\""),
            );
            self.text(LEFT + 114.0, QUEUE.0 - 8.0, "", hook_name(self.report));
        }
    }
}

/// The hook that is told of the needles says more than one that never hears of them.
fn shown_hook(report: &Report) -> Option<&super::figures::OfFifo> {
    report.baseline_told.as_ref().or(report.baseline.as_ref())
}

/// Names the hook that is drawn: what it is told of makes much of its figures.
fn hook_name(report: &Report) -> &'static str {
    if report.baseline_told.is_some() { "the hook, told of every needle" } else { "the hook" }
}

fn power_of_seconds(seconds: f64) -> String {
    match seconds {
        // What is less stands here too.
        least if least <= AGE_LEAST => format!("\u{2264} {AGE_LEAST} s"),
        part if part < 1.0 => format!("{part} s"),
        whole => format!("{whole:.0} s"),
    }
}

/// Gives the times that are marked below a plot: whole steps of a size that people read without a sum.
fn ticks(wide: f64) -> Vec<f64> {
    let mut steps = STEPS.into_iter();
    let mut step = steps.next().unwrap_or(1.0);
    while wide / step > TICKS_MAX {
        step = steps.next().unwrap_or(step * 10.0);
    }
    let mut ticks = vec![0.0];
    let mut number = 1_u8;
    while f64::from(number) * step <= wide {
        ticks.push(f64::from(number) * step);
        number += 1;
    }
    ticks
}

/// Names a mark of time in the largest unit that holds it without a rest.
fn tick_name(seconds: f64) -> String {
    let is_whole = |unit: f64| seconds >= unit && (seconds / unit).fract() < 1e-9;
    match seconds {
        0.0 => "0".to_owned(),
        days if is_whole(86_400.0) => format!("{:.0} d", days / 86_400.0),
        hours if is_whole(3600.0) => format!("{:.0} h", hours / 3600.0),
        minutes if is_whole(60.0) => format!("{:.0} min", minutes / 60.0),
        whole if is_whole(1.0) => format!("{whole:.0} s"),
        part => format!("{part:.1} s"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a queue has far fewer than 2^52 entries")]
fn count(waiting: u64) -> f64 {
    waiting as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wide: f64) -> Vec<String> {
        ticks(wide).into_iter().map(tick_name).collect()
    }

    #[test]
    fn marks_of_time_are_round_and_stand_where_they_say() {
        assert_eq!(names(75.0), ["0", "15 s", "30 s", "45 s", "1 min", "75 s"]);
        assert_eq!(names(537.0), ["0", "2 min", "4 min", "6 min", "8 min"]);
        assert_eq!(names(79_200.0), ["0", "6 h", "12 h", "18 h"]);
        assert_eq!(names(1.0), ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s"]);
        assert_eq!(names(6.0 * 86_400.0), ["0", "1 d", "2 d", "3 d", "4 d", "5 d", "6 d"]);
        let far = names(2_912_078.0 * 86_400.0);
        assert!(
            (2..=7).contains(&far.len()) && far.iter().skip(1).all(|it| it.ends_with(" d")),
            "{far:?}"
        );
    }

    #[test]
    fn an_empty_queue_and_a_queue_of_one_are_drawn_at_different_heights() {
        let queue = Scale::new(1.0, 10.0, (QUEUE.0, QUEUE.1 - EMPTY));
        assert!((queue.place(1.0) - (QUEUE.1 - EMPTY)).abs() < 1e-9);
        assert!((queue.place(10.0) - QUEUE.0).abs() < 1e-9);
    }
}
