//! The walk of one alternative over a subject.

use super::super::Captures;
use super::{Alternative, Mark, Repeat, Step};

/// How many fallbacks are remembered at a time, as in Wazuh. One more is simply not remembered.
const FALLBACKS_MAX: usize = 4;

/// How many bytes may be looked at in one match of one pattern. A pattern with several `\.+` may go over a line again and
/// again, and the line's author chooses it: a line of 64 KiB is gone over 30 times, in 4 to 7 ms, before the match is given
/// up. Of 5.8 million pairs of a stock pattern with a stock sample line, three hit this.
pub(super) const WORK_MAX: usize = 2_000_000;

/// How a match ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It matches, up to this byte.
    Match(usize),
    /// It does not match.
    NoMatch,
    /// The work that is allowed was used up.
    GivenUp,
}

/// A place to return to: the step, and the byte after the one that it gave away.
#[derive(Clone, Copy, Default)]
struct Fallback {
    step: usize,
    at: usize,
}

/// Runs one alternative from each place it may start at.
pub(super) fn run(
    one: &Alternative,
    subject: &[u8],
    mut captures: Option<&mut Captures>,
    work_left: &mut usize,
) -> Outcome {
    if one.inner.as_ref().is_some_and(|inner| inner.find(subject, 0).is_none()) {
        return Outcome::NoMatch;
    }
    let mut from = 0;
    loop {
        let Some(start) = next_start(one, subject, from) else { return Outcome::NoMatch };
        let mut walk = Walk {
            one,
            subject,
            at: start,
            fallbacks: Fallbacks::default(),
            opening: Opening::default(),
            work_left,
        };
        match walk.run(captures.as_deref_mut()) {
            Outcome::NoMatch if !one.at_start && start < subject.len() => {
                from = walk.opening.tried_up_to().max(start + 1);
            }
            outcome => return outcome,
        }
    }
}

/// Finds the next place from which a match is possible at all.
fn next_start(one: &Alternative, subject: &[u8], from: usize) -> Option<usize> {
    if let Some(leading) = &one.leading {
        return leading.find(subject, from);
    }
    let Some(first) = &one.first else { return Some(from) };
    let mut rest = subject.get(from..)?.iter();
    if one.at_start {
        return rest.next().is_some_and(|byte| first.holds(*byte)).then_some(from);
    }
    rest.position(|byte| first.holds(*byte)).map(|skipped| from + skipped)
}

#[derive(Default)]
struct Fallbacks {
    places: [Fallback; FALLBACKS_MAX],
    used: usize,
}

impl Fallbacks {
    fn push(&mut self, fallback: Fallback) {
        if let Some(place) = self.places.get_mut(self.used) {
            *place = fallback;
            self.used += 1;
        }
    }

    fn pop(&mut self) -> Option<Fallback> {
        self.used = self.used.checked_sub(1)?;
        self.places.get(self.used).copied()
    }
}

/// Where the first step has stopped, when it is a repeating class. A walk that fails has tried all that follows those
/// stops, and a walk from a later start that stops at the same places would do exactly the same again; skipping such
/// starts keeps `\S+:` from going over a long word once for each of its bytes.
#[derive(Default)]
struct Opening {
    first_stop: Option<usize>,
    last_stop: usize,
    passed_over_a_stop: bool,
}

impl Opening {
    fn stops(&mut self, at: usize, passed_over_a_stop: bool) {
        self.first_stop.get_or_insert(at);
        self.last_stop = at;
        self.passed_over_a_stop |= passed_over_a_stop;
    }

    /// Returns the first place from which a walk could end differently.
    fn tried_up_to(&self) -> usize {
        match self.first_stop {
            Some(first) if self.passed_over_a_stop => first,
            Some(_) => self.last_stop,
            None => 0,
        }
    }
}

/// One attempt from one place.
struct Walk<'a> {
    one: &'a Alternative,
    subject: &'a [u8],
    at: usize,
    fallbacks: Fallbacks,
    opening: Opening,
    work_left: &'a mut usize,
}

impl Walk<'_> {
    fn run(&mut self, mut captures: Option<&mut Captures>) -> Outcome {
        let mut number = 0;
        loop {
            let went_on = match self.one.steps.get(number) {
                None if !self.one.at_end || self.at == self.subject.len() => {
                    record(&self.one.last_marks, self.at, captures);
                    return Outcome::Match(self.at);
                }
                None => false,
                Some(step) => {
                    record(&step.marks, self.at, captures.as_deref_mut());
                    match &step.word {
                        Some(word) => {
                            number += word.len() - 1;
                            self.take_word(word)
                        }
                        None if step.repeat == Repeat::Once => self.take_one(step),
                        None => self.take(number, step, step.repeat == Repeat::OneOrMore),
                    }
                }
            };
            if went_on {
                number += 1;
                continue;
            }
            match self.fall_back() {
                Ok(step) => number = step + 1,
                Err(outcome) => return outcome,
            }
        }
    }

    /// Returns to fallbacks until one gets past its step, and tells which step that was.
    fn fall_back(&mut self) -> Result<usize, Outcome> {
        loop {
            if *self.work_left == 0 {
                return Err(Outcome::GivenUp);
            }
            let Some(fallback) = self.fallbacks.pop() else { return Err(Outcome::NoMatch) };
            let Some(step) = self.one.steps.get(fallback.step) else {
                return Err(Outcome::NoMatch);
            };
            self.at = fallback.at;
            if self.take(fallback.step, step, step.takes_after_return) {
                return Ok(fallback.step);
            }
        }
    }

    #[inline]
    fn take_one(&mut self, step: &Step) -> bool {
        let accepted = self.subject.get(self.at).is_some_and(|byte| step.accepts.holds(*byte));
        self.at += usize::from(accepted);
        *self.work_left = self.work_left.saturating_sub(1);
        accepted
    }

    /// Takes a run of plain bytes, and tells whether it was there.
    fn take_word(&mut self, word: &[u8]) -> bool {
        *self.work_left = self.work_left.saturating_sub(word.len());
        let text = self.subject.get(self.at..self.at.saturating_add(word.len()));
        let found = text.is_some_and(|text| text.eq_ignore_ascii_case(word));
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Takes what a repeating class accepts, and tells whether it is satisfied.
    fn take(&mut self, number: usize, step: &Step, must_take: bool) -> bool {
        let Some(rest) = self.subject.get(self.at..) else { return false };
        let (taken, stopped_at) = advance(rest, step, must_take);
        self.at += taken;
        if number == 0 && (taken > 0 || !must_take) {
            let returned = self.opening.first_stop.is_some();
            let passed = returned
                && must_take
                && rest.first().is_some_and(|byte| step.gives_way.holds(*byte));
            self.opening.stops(self.at, passed);
        }
        *self.work_left = self.work_left.saturating_sub(taken + 1);
        if let Some(byte) = stopped_at
            && step.accepts.holds(byte)
        {
            self.fallbacks.push(Fallback { step: number, at: self.at + 1 });
        }
        taken > 0 || !must_take
    }
}

/// Counts the bytes that a repeating class takes before it gives way or must stop, and returns the byte it stopped at.
fn advance(rest: &[u8], step: &Step, must_take: bool) -> (usize, Option<u8>) {
    let skip = usize::from(must_take);
    if must_take && !rest.first().is_some_and(|byte| step.accepts.holds(*byte)) {
        return (0, None);
    }
    let found = rest.get(skip..).and_then(|behind| step.stop.find(behind));
    let taken = found.map_or(rest.len(), |more| skip + more);
    (taken, rest.get(taken).copied())
}

fn record(marks: &[Mark], at: usize, captures: Option<&mut Captures>) {
    let Some(captures) = captures else { return };
    for mark in marks {
        match *mark {
            Mark::Open(group) => captures.set(group, Some((at, at))),
            Mark::Close(group) => {
                let start = captures.groups.get(group).copied().flatten().map_or(at, |span| span.0);
                captures.set(group, Some((start, at)));
            }
        }
    }
}
