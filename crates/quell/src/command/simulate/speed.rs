//! The imagined model server: how long a call takes, alone or beside another.
//!
//! A call is work in seconds of the whole machine: a fixed part, the tokens of the prompt that no cache holds, the tokens of the answer.
//! Calls side by side share the machine. It holds no decision of Quell's; who is asked, and when, is the desk's affair.

use std::time::Duration;

use alert::Timestamp;

use crate::cli::simulate::{Preset, SimulatedModel};

/// What two calls at once get together, as against one: measured on an M4. More than two at once get the same, for want of a figure.
const TOGETHER: f64 = 1.14;

/// How much slower writing gets with a context of [`SLOWER_AT_TOKENS`]: an assumption of those who measured.
const SLOWER: f64 = 0.1;

/// The context at which writing is slower by [`SLOWER`].
const SLOWER_AT_TOKENS: f64 = 4000.0;

/// Tokens of a prompt that are read anew although the cache holds its beginning: the marks between the parts.
const SEAM_TOKENS: u32 = 15;

/// How long a server keeps a model that nobody asks: what Quell tells Ollama.
const KEEP_ALIVE: Duration = Duration::from_secs(30 * 60);

/// How fast the model is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    /// The machine and the model.
    pub(super) name: &'static str,
    pub(super) prompt_per_second: f64,
    pub(super) generation_per_second: f64,
    pub(super) parallel: usize,
    pub(super) load_seconds: f64,
    pub(super) fixed_seconds: f64,
}

impl Speed {
    /// Reads the options.
    pub(super) fn of(options: &SimulatedModel) -> Self {
        let (name, prompt, generation) = match options.preset {
            Preset::M4Qwen14b => ("m4-qwen2.5-14b", 120.0, 11.3),
            Preset::M4Llama8b => ("m4-llama3.1-8b", 225.0, 20.9),
            Preset::M4ProQwen14b => ("m4pro-qwen2.5-14b", 200.0, 25.7),
            Preset::M4ProLlama8b => ("m4pro-llama3.1-8b", 370.0, 47.0),
            Preset::M4Pro20Qwen14b => ("m4pro20-qwen2.5-14b", 240.0, 25.7),
            Preset::M4Pro20Llama8b => ("m4pro20-llama3.1-8b", 440.0, 47.0),
        };
        let own = options.prompt_tokens_per_second.is_some()
            || options.generation_tokens_per_second.is_some();
        Self {
            name: if own { "own-speed" } else { name },
            prompt_per_second: options.prompt_tokens_per_second.unwrap_or(prompt),
            generation_per_second: options.generation_tokens_per_second.unwrap_or(generation),
            parallel: usize::from(options.parallel),
            load_seconds: options.load_seconds,
            fixed_seconds: options.fixed_seconds,
        }
    }

    /// Tells how long one call takes alone: `fresh` tokens are read, `context` tokens stand in the prompt in all.
    pub(super) fn call_seconds(&self, fresh: u32, context: u32, written: u32) -> f64 {
        let slower = 1.0 + SLOWER * f64::from(context) / SLOWER_AT_TOKENS;
        self.fixed_seconds
            + f64::from(fresh) / self.prompt_per_second
            + f64::from(written) / self.generation_per_second * slower
    }
}

/// A call on its way.
#[derive(Debug)]
struct Running {
    number: usize,
    /// Seconds of the whole machine that it still needs.
    left: f64,
}

/// The server: calls that share one machine.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) speed: Speed,
    running: Vec<Running>,
    now: Timestamp,
    /// Until when the model stays loaded without a call.
    loaded_until: Option<Timestamp>,
    /// Calls since the model was loaded: each of the first ones fills the cache of its slot.
    since_load: usize,
}

impl Server {
    pub(super) fn new(speed: Speed, now: Timestamp) -> Self {
        Self { speed, running: Vec::new(), now, loaded_until: None, since_load: 0 }
    }

    /// Says how much of a prompt must be read, and how long the model takes to load before that.
    pub(super) fn begin(&mut self, now: Timestamp, prompt: u32, prefix: u32) -> (u32, f64) {
        self.advance(now);
        let is_loaded =
            !self.running.is_empty() || self.loaded_until.is_some_and(|until| now <= until);
        if !is_loaded {
            self.since_load = 0;
        }
        self.since_load += 1;
        let load = if is_loaded { 0.0 } else { self.speed.load_seconds };
        let is_cached = self.since_load > self.speed.parallel;
        let fresh = if is_cached { prompt.saturating_sub(prefix) + SEAM_TOKENS } else { prompt };
        (fresh, load)
    }

    /// Gives the machine `seconds` of work under a number.
    pub(super) fn work(&mut self, now: Timestamp, number: usize, seconds: f64) {
        self.advance(now);
        self.running.push(Running { number, left: seconds });
    }

    /// Tells when the next call ends if no other begins.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        let least = self.running.iter().map(|call| call.left).min_by(f64::total_cmp)?;
        let wait = Duration::try_from_secs_f64((least / self.share()).max(0.0)).ok()?;
        // Rounded up to the millisecond in which it is over.
        Some(self.now.after(wait + Duration::from_micros(999)))
    }

    /// Gives the numbers of the calls that are over by now.
    pub(super) fn ended(&mut self, now: Timestamp) -> Vec<usize> {
        self.advance(now);
        let (over, running): (Vec<Running>, Vec<Running>) =
            self.running.drain(..).partition(|call| call.left <= 1e-6);
        self.running = running;
        over.into_iter().map(|call| call.number).collect()
    }

    /// The speed of each call, as against one that is alone.
    fn share(&self) -> f64 {
        match self.running.len() {
            0 | 1 => 1.0,
            #[expect(clippy::cast_precision_loss, reason = "at most 64 calls")]
            calls => TOGETHER / calls as f64,
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let worked = now.since(self.now).as_secs_f64() * self.share();
        if !self.running.is_empty() {
            self.loaded_until = Some(now.after(KEEP_ALIVE));
        }
        for call in &mut self.running {
            call.left -= worked;
        }
        self.now = self.now.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(parallel: usize) -> Speed {
        Speed {
            name: "test",
            prompt_per_second: 100.0,
            generation_per_second: 10.0,
            parallel,
            load_seconds: 6.0,
            fixed_seconds: 0.5,
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_call_takes_its_fixed_part_its_prompt_and_its_answer() {
        let seconds = speed(1).call_seconds(200, 0, 100);
        assert!((seconds - 12.5).abs() < 1e-9, "{seconds}");
        let with_long_context = speed(1).call_seconds(200, 4000, 100);
        assert!((with_long_context - 13.5).abs() < 1e-9, "{with_long_context}");
    }

    #[test]
    fn the_first_call_loads_the_model_and_reads_the_whole_prompt() {
        let mut server = Server::new(speed(1), at(0));
        assert_eq!(server.begin(at(0), 1000, 600), (1000, 6.0));
        server.work(at(0), 0, 10.0);
        assert_eq!(server.ended(at(10_000)), [0]);
        assert_eq!(server.begin(at(11_000), 1000, 600), (415, 0.0));
        // After half an hour without a call it is gone.
        assert_eq!(server.begin(at(10_000 + 1_800_001), 1000, 600), (1000, 6.0));
    }

    #[test]
    fn two_calls_at_once_get_1_14_times_the_speed_of_one() {
        let mut server = Server::new(speed(2), at(0));
        server.work(at(0), 0, 5.7);
        server.work(at(0), 1, 11.4);
        // Each goes at 0.57 of the speed until the first is over, then the other has all of it.
        assert_eq!(server.next_end(), Some(at(10_000)));
        assert_eq!(server.ended(at(10_000)), [0]);
        assert_eq!(server.next_end(), Some(at(15_700)));
        assert_eq!(server.ended(at(15_699)), Vec::<usize>::new());
        assert_eq!(server.ended(at(15_700)), [1]);
        assert_eq!(server.next_end(), None);
    }
}
