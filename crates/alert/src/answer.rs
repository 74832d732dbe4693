//! What a server answered to attacks, place by place, so that the answers can be compared with each other.
//!
//! An access log tells the status and the size of an answer, not what was in it. One answer says little; several do: a page that ignores
//! an attack answers each alike, a page that obeys it answers each differently. Here is only what an incident keeps for that
//! comparison, in bounded space. What follows from it is decided in `triage::effect`.
//!
//! What fails has room of its own: a flood of failures pushes no success out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, Untrusted};

/// Places kept per incident: those attacked last. An attacker by hand tries one after the other; a tool does too.
pub const PLACES_MAX: usize = 6;

/// Kinds of answers with success kept per place, the latest. Three that differ are enough to tell; a repeat takes no room.
pub const ANSWERED_MAX: usize = 12;

/// Kinds of failures kept per place, the latest.
pub const FAILED_MAX: usize = 6;

/// The part of its size by which an answer may differ from another and be called about as large.
const ALIKE_PART: u64 = 8;

/// The longest time between two answers that are compared. Pages change in the course of a day for reasons of their own.
pub const COMPARED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Ways in which a page can write out a value: as it came, four habits of escaping markup, and as it was logged.
pub const FORMS: usize = 6;

/// A request and what was answered, as far as a comparison needs it. Texts are hashes: they are compared, never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The attacking value.
    pub value: u32,
    /// The number it begins with, if it does: `3` in `3 OR 1=1`. A page may well look up that number and ignore the rest.
    pub stem: u32,
    /// The value with its numbers masked: requests that ask one question again and again share it.
    pub shape: u32,
    /// The file it names, however the way there is spelled.
    pub object: u32,
    /// It takes something, and not only tries whether it could.
    pub takes: bool,
    /// The status of the answer.
    pub status: u16,
    /// Its size in bytes.
    pub size: u64,
    /// The length of the value in each form in which a page can write it out.
    pub forms: [u32; FORMS],
    /// Times that this was seen.
    pub count: u64,
    /// When it was seen last.
    pub seen: Timestamp,
}

impl Answer {
    /// Tells whether two are the same question with the same answer, so that counting is enough.
    fn is_like(&self, other: &Self) -> bool {
        self.stem == other.stem
            && self.shape == other.shape
            && self.object == other.object
            && self.status == other.status
            // What failed is of interest for that it failed.
            && (self.size == other.size || !self.is_success())
    }

    /// Tells whether it was answered as if all were well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A path and the parameter of it that was attacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The two, hashed.
    pub key: u32,
    /// The two, for people.
    pub name: Untrusted,
    /// Answers with success, the one seen last at the end.
    pub answered: Vec<Answer>,
    /// Other answers, likewise.
    pub failed: Vec<Answer>,
}

/// What was answered at the places that an incident's attacks went to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    places: Vec<Place>,
    /// Something found no room any more: what is kept is not all.
    pub is_partial: bool,
    /// All answers with success are alike, as those of a page that ignores what it is sent. Never said of part of them.
    pub are_alike: bool,
    /// What the answers give away about whether it worked: the first that was noticed. It stays.
    pub effect: Option<Effect>,
}

impl Answers {
    /// Notes an answer.
    pub fn note(&mut self, key: u32, name: &Untrusted, answer: &Answer) {
        let mut place = match self.places.iter().position(|place| place.key == key) {
            Some(at) => self.places.remove(at),
            None => Place { key, name: name.clone(), answered: Vec::new(), failed: Vec::new() },
        };
        for list in [&mut place.answered, &mut place.failed] {
            list.retain(|known| {
                answer.seen.since(known.seen).max(known.seen.since(answer.seen)) <= COMPARED_WITHIN
            });
        }
        let (list, most) = if answer.is_success() {
            (&mut place.answered, ANSWERED_MAX)
        } else {
            (&mut place.failed, FAILED_MAX)
        };
        let mut fresh = answer.clone();
        if let Some(at) = list.iter().position(|known| known.is_like(answer)) {
            let known = list.remove(at);
            fresh.count = known.count.saturating_add(answer.count);
            fresh.seen = known.seen.max(answer.seen);
        } else if list.len() >= most {
            list.remove(least_telling(list));
            self.is_partial |= answer.is_success();
        }
        list.push(fresh);
        if self.places.len() >= PLACES_MAX {
            // One where nothing had success has nothing to compare.
            let failed = self.places.iter().position(|place| place.answered.is_empty());
            self.places.remove(failed.unwrap_or(0));
            self.is_partial = true;
        }
        self.places.push(place);
    }

    /// Gives a place by its key.
    pub fn place(&self, key: u32) -> Option<&Place> {
        self.places.iter().find(|place| place.key == key)
    }

    /// Goes through the places, the one attacked last at the end.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter()
    }
}

/// Finds what can best be spared: the oldest answer of which another is about as large, else the oldest. So a flood of requests that a page
/// answers all alike pushes none out that it answered otherwise.
fn least_telling(answers: &[Answer]) -> usize {
    let has_twin = |(at, one): (usize, &Answer)| {
        let near = one.size / ALIKE_PART;
        answers
            .iter()
            .enumerate()
            .any(|(other, answer)| other != at && answer.size.abs_diff(one.size) <= near)
    };
    (0..answers.len()).zip(answers).position(has_twin).unwrap_or(0)
}

/// What gave away that an attack worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The same question with other numbers is answered in two ways: data are read bit by bit.
    Oracle,
    /// Broken statements make the server fail, whole ones are answered.
    Completed,
    /// Each command or statement has an answer of its own size.
    OwnAnswers,
    /// What comes back depends on the file that was named.
    FileFollowed,
    /// The page grows by exactly the length of the script: nothing of it is masked.
    Echoed,
    /// The place gave in to the same kind of attack before.
    KnownWeak,
    /// The answer is many times larger than what the place gives otherwise.
    FarLarger,
}

impl Proof {
    /// Says what it means, without a word of the attacker's.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Oracle => {
                "the same statement with other numbers was answered in two ways, so it reads data bit by bit: it worked"
            }
            Self::Completed => {
                "broken statements made the server fail, whole ones that read data were answered: it worked"
            }
            Self::OwnAnswers => {
                "answers differ in size by more than repeating the requests explains, so they hold output: it worked"
            }
            Self::FileFollowed => "the answer depends on which file is named: it was read",
            Self::Echoed => {
                "the page grew by exactly the length of the script, so it is given back unmasked: it worked"
            }
            Self::KnownWeak => "the place gave in to this kind of attack before: it worked",
            Self::FarLarger => "the answer is many times larger than others there: it worked",
        }
    }
}

/// What gave an attack away as one that worked, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What gave it away.
    pub proof: Proof,
    /// Path and parameter.
    pub place: Untrusted,
    /// The count or size that speaks for it.
    pub seen: u64,
    /// What it is compared with.
    pub beside: u64,
}

/// Longest name of a place in a sentence, in characters.
const PLACE_CHARACTERS_MAX: usize = 80;

impl Effect {
    /// Says it in a sentence.
    pub fn text(&self) -> String {
        let place = self.place.shown(PLACE_CHARACTERS_MAX);
        let (seen, beside) = (self.seen, self.beside);
        match self.proof {
            Proof::Oracle => format!(
                "At {place} the same statement with other numbers was answered in two ways ({seen} and {beside} times): it reads data bit by bit."
            ),
            Proof::Completed => format!(
                "At {place} broken statements made the server fail ({beside}), and whole ones that read data were answered with success ({seen})."
            ),
            Proof::OwnAnswers => format!(
                "At {place} the answers to {seen} attacks differ in size by more than repeating the requests explains ({beside} kinds): they hold output."
            ),
            Proof::FileFollowed => format!(
                "At {place} the answer ({seen} bytes) depends on which file is named: the file was read."
            ),
            Proof::Echoed => format!(
                "At {place} the page grew by exactly the length of the script ({seen} answers): it is given back unmasked."
            ),
            Proof::KnownWeak => format!(
                "{place} gave in to this kind of attack before, and answered this one with success."
            ),
            Proof::FarLarger => format!(
                "At {place} the answer has {seen} bytes, where others had at most {beside}: it gave out more than it should."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: u32, status: u16) -> Answer {
        Answer {
            value: number,
            stem: 0,
            shape: number,
            object: 0,
            takes: false,
            status,
            size: 100,
            forms: [3; FORMS],
            count: 1,
            seen: Timestamp::from_millis(1_795_530_360_000),
        }
    }

    #[test]
    fn repeats_take_no_room_and_are_counted() {
        let mut answers = Answers::default();
        for _ in 0..1000 {
            answers.note(1, &Untrusted::from("/a x"), &answer(7, 200));
        }
        let place = answers.place(1).expect("noted");
        assert_eq!((place.answered.len(), place.answered[0].count), (1, 1000));
    }

    #[test]
    fn what_is_long_ago_is_not_compared() {
        let mut answers = Answers::default();
        answers.note(1, &Untrusted::from("/a x"), &answer(1, 200));
        let mut later = answer(2, 200);
        later.seen = Timestamp::from_millis(later.seen.as_millis() + 16 * 60 * 1000);
        answers.note(1, &Untrusted::from("/a x"), &later);
        assert_eq!(answers.place(1).expect("noted").answered, [later]);
    }

    #[test]
    fn a_flood_of_failures_pushes_no_success_out() {
        let mut answers = Answers::default();
        answers.note(1, &Untrusted::from("/a x"), &answer(0, 200));
        for number in 1..10_000 {
            answers.note(1, &Untrusted::from("/a x"), &answer(number, 404));
        }
        let place = answers.place(1).expect("noted");
        assert_eq!((place.answered.len(), place.failed.len()), (1, FAILED_MAX));
    }

    #[test]
    fn a_flood_that_is_answered_alike_pushes_no_other_answer_out() {
        let mut answers = Answers::default();
        let sized = |number: u32, size: u64| Answer { size, ..answer(number, 200) };
        answers.note(1, &Untrusted::from("/a x"), &sized(0, 400));
        answers.note(1, &Untrusted::from("/a x"), &sized(1, 9000));
        for number in 2..10_000 {
            answers.note(
                1,
                &Untrusted::from("/a x"),
                &sized(number, 1000 + u64::from(number % 90)),
            );
            answers.note(2 + number, &Untrusted::from("/b x"), &answer(number, 404));
        }
        let kept = &answers.place(1).expect("noted").answered;
        assert!(
            [400, 9000].iter().all(|size| kept.iter().any(|one| one.size == *size)),
            "{kept:?}"
        );
    }

    #[test]
    fn space_is_bounded_whatever_comes() {
        let mut answers = Answers::default();
        for number in 0..10_000_u32 {
            answers.note(number % 50, &Untrusted::from("/a x"), &answer(number, 200));
            answers.note(number % 50, &Untrusted::from("/a x"), &answer(number, 500));
        }
        assert_eq!(answers.places().count(), PLACES_MAX);
        for number in 0..10_000_u32 {
            answers.note(1, &Untrusted::from("/a x"), &answer(number, 200));
        }
        assert_eq!(answers.place(1).expect("noted").answered.len(), ANSWERED_MAX);
        let stored = serde_json::to_string(&answers).expect("serialises");
        assert!(stored.len() < 20_000, "{}", stored.len());
        assert_eq!(serde_json::from_str::<Answers>(&stored).expect("reads"), answers);
    }
}
