//! What stands beside Quell: a hook that asks a model about each alert of a level, one after the other.
//!
//! As such hooks are written: Wazuh starts a script for an alert, the script asks the model and waits, and the next alert waits for it. No folding, no
//! order but arrival's. Its figures are kind to it: it never fails, its answers are short, and its queue has no end.

use std::time::Duration;

use alert::Timestamp;

use super::speed::{Server, Speed};
use super::stream::Stream;

/// What starting a Python script with its imports takes, per alert: measured on the lab's manager.
const HOOK: Duration = Duration::from_millis(780);

/// Tokens of instructions and schema in front of every alert: the measured prompt of such a hook.
const PREFIX_TOKENS: u32 = 288;

/// Tokens of its verdict: class, level and two sentences, as measured.
const ANSWER_TOKENS: u32 = 95;

/// Most tokens of an alert that it sends: what a context of 4,096 has room for.
const ALERT_TOKENS_MAX: usize = 3500;

/// What the hook did.
#[derive(Debug)]
pub(super) struct Fifo {
    /// For each alert of the stream when its verdict came, if ever.
    pub(super) verdicts: Vec<Option<Timestamp>>,
    pub(super) calls: usize,
    pub(super) prompt_tokens: u64,
    pub(super) answer_tokens: u64,
    /// How many alerts waited, whenever that changed.
    pub(super) depth: Vec<(Timestamp, u64)>,
}

/// Plays a stream. The hook is told of alerts from `level_min` on, and of every needle besides if `with_needles`.
pub(super) fn play(stream: &Stream, speed: Speed, level_min: u8, with_needles: bool) -> Fifo {
    let alone = Speed { parallel: 1, ..speed };
    let start = stream.events.first().map_or(Timestamp::EPOCH, |event| event.at);
    let mut server = Server::new(alone, start);
    let mut fifo = Fifo {
        verdicts: vec![None; stream.events.len()],
        calls: 0,
        prompt_tokens: 0,
        answer_tokens: 0,
        depth: Vec::new(),
    };
    let mut free_at = start;
    for (at, event) in stream.events.iter().enumerate() {
        if event.level < level_min && !(with_needles && event.needle.is_some()) {
            continue;
        }
        let begins = free_at.max(event.at).after(HOOK);
        let alert = (event.characters * 10 / 18).min(ALERT_TOKENS_MAX);
        let prompt = PREFIX_TOKENS + u32::try_from(alert).unwrap_or(0);
        let (fresh, load) = server.begin(begins, prompt, PREFIX_TOKENS);
        server.work(begins, at, load + alone.call_seconds(fresh, prompt, ANSWER_TOKENS));
        free_at = server.next_end().unwrap_or(begins);
        server.ended(free_at);
        if let Some(verdict) = fifo.verdicts.get_mut(at) {
            *verdict = Some(free_at);
        }
        fifo.calls += 1;
        fifo.prompt_tokens += u64::from(prompt);
        fifo.answer_tokens += u64::from(ANSWER_TOKENS);
    }
    fifo.depth = depth(stream, &fifo.verdicts);
    fifo
}

/// Counts what had arrived and had no verdict yet.
fn depth(stream: &Stream, verdicts: &[Option<Timestamp>]) -> Vec<(Timestamp, u64)> {
    let mut steps: Vec<(Timestamp, i64)> = Vec::new();
    for (event, verdict) in stream.events.iter().zip(verdicts) {
        if let Some(verdict) = verdict {
            steps.push((event.at, 1));
            steps.push((*verdict, -1));
        }
    }
    steps.sort_unstable();
    let mut waiting = 0_i64;
    let mut depth: Vec<(Timestamp, u64)> = Vec::new();
    for (at, step) in steps {
        waiting += step;
        let now = u64::try_from(waiting).unwrap_or(0);
        match depth.last_mut() {
            Some((last, count)) if *last == at => *count = now,
            _ => depth.push((at, now)),
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hook_judges_one_after_the_other_and_never_what_is_below_its_level() {
        let alert = |id: u32, level: u8| {
            json!({
                "timestamp": "2026-11-24T14:26:00.000+0000", "id": id.to_string(), "full_log": "x".repeat(179),
                "rule": {"id": "1", "level": level, "description": "y"}, "agent": {"id": "1", "name": "a"},
            })
        };
        let stream = Stream::of([alert(1, 10), alert(2, 5), alert(3, 12)]).expect("a stream");
        let speed = Speed {
            name: "test",
            prompt_per_second: 115.0,
            generation_per_second: 9.5,
            parallel: 4,
            load_seconds: 6.0,
            fixed_seconds: 0.0,
        };
        let fifo = play(&stream, speed, 10, false);
        let ages: Vec<Option<u64>> = fifo
            .verdicts
            .iter()
            .zip(&stream.events)
            .map(|(verdict, event)| verdict.map(|at| at.since(event.at).as_secs()))
            .collect();
        // 0.78 s hook, 6 s load, 388 tokens read, 10 s of writing; then 0.78 s, 115 tokens, 10 s.
        assert_eq!(ages, [Some(20), None, Some(32)]);
        assert_eq!((fifo.calls, fifo.depth.iter().map(|(_, n)| *n).max()), (2, Some(2)));
        let told = play(&stream, speed, 13, true);
        assert_eq!(told.calls, 0, "there are no needles");
    }
}
