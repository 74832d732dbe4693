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
        let ages = Scale::new(0.01, oldest, AGES);
        let queue = Scale::new(1.0, deepest, QUEUE);
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
            let middle = f64::midpoint(top, bottom);
            let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 18 {middle:.1})\"");
            let unit = if scale == 0 { "" } else { " (incidents; the hook: alerts)" };
            self.text(18.0, middle, &turned, &format!("{label}{unit}"));
            for step in 0..=4 {
                let wide = if scale == 0 { self.wide } else { self.wide_queue };
                let at = wide * f64::from(step) / 4.0;
                let x = Self::across(at, wide);
                self.line((x, bottom), (x, bottom + 5.0), "stroke=\"#222\"");
                let name = if step == 0 { "0".to_owned() } else { span(at) };
                self.text(x, bottom + 19.0, "text-anchor=\"middle\"", &name);
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
                let first = self.ages.place(it.first.max(0.01));
                if let Some(model) = it.model {
                    let y = self.ages.place(model.max(0.01));
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
        let mut last = self.queue.bottom;
        for (at, waiting) in queue.iter().filter(|(at, _)| *at <= self.wide_queue) {
            let (x, y) =
                (Self::across(*at, self.wide_queue), self.queue.place(count(*waiting).max(1.0)));
            // Nobody waits: below the line of one.
            let y = if *waiting == 0 { self.queue.bottom } else { y };
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
            x += 74.0;
        }
        self.mark(x + 5.0, 64.0, "#222", true, true);
        self.text(x + 17.0, 68.0, "", "needle");
        self.mark(x + 84.0, 64.0, "#222", false, true);
        self.text(x + 93.0, 68.0, "", "by the model");
        self.mark(x + 190.0, 64.0, "#222", false, false);
        self.text(x + 199.0, 68.0, "", "by the playbook until then");
        if self.report.baseline.is_some() {
            self.mark(x + 374.0, 64.0, HOOK, false, false);
            self.text(x + 383.0, 68.0, "", "the hook");
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
            self.text(LEFT + 114.0, QUEUE.0 - 8.0, "", "the hook");
        }
    }
}

/// The hook that is told of the needles says more than one that never hears of them.
fn shown_hook(report: &Report) -> Option<&super::figures::OfFifo> {
    report.baseline_told.as_ref().or(report.baseline.as_ref())
}

fn power_of_seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{seconds} s") } else { format!("{seconds:.0} s") }
}

#[expect(clippy::cast_precision_loss, reason = "a queue has far fewer than 2^52 entries")]
fn count(waiting: u64) -> f64 {
    waiting as f64
}
