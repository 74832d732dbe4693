//! Sets what worked apart from the flood of attempts that it came in.
//!
//! A tool that tries ten thousand statements and dumps a table with one of them makes one incident by its class and actor, and the dump is one
//! alert of ten thousand in it. As with a guess that was right (see `hit` in the module above), what the flood was for stands beside it: one
//! incident for all that worked of one class, actor and machine, however much of it there is. So whoever makes each of his requests look like
//! a success gets two incidents instead of one, not thousands.
//!
//! It takes an argument of [`effect`] about this very request, and an answer that the rest of the flood does not get. Where the whole
//! flood is the proof (data read bit by bit, scripts that a page gives back), there is nothing to set apart: the flood itself worked.

use alert::Class;
use alert::answer::{Answer, Effect, Proof};
use alert::incident::{Actor, Incident};

use crate::admit::Admitted;
use crate::effect::{self, Known};

/// Attempts from which on what worked is lost among them. What a person tries, and what one tool does at one site (some two to five hundred
/// attempts of a class in the lab's recording), is one story: its evidence begins with what worked, and to tell it twice would cost a call more.
pub(super) const FLOOD_MIN: u64 = 500;

/// Tells whether an attack of a class takes or does something on the server. A script that is given back, and a redirect, wait for others.
pub(super) const fn does_something(class: Class) -> bool {
    class.is_web_exploit() && !matches!(class, Class::Xss | Class::OpenRedirect)
}

/// Says what an alert shows to have worked, if it would join a flood in which it would be lost.
pub(super) fn beside(flood: &Incident, admitted: &Admitted, known: &Known) -> Option<Effect> {
    let seen = &admitted.observation;
    let asked = seen.asked.as_ref().filter(|asked| asked.answer.is_success())?;
    let is_flood = flood.alert_count >= FLOOD_MIN
        // A crowd has as many members as an attacker has addresses: their successes would be as many incidents.
        && flood.actor != Actor::Many
        // What is known to have worked already is nothing that could be lost in it.
        && flood.answers.effect.is_none();
    if !is_flood || !effect::stands_apart(&flood.answers, asked) {
        return None;
    }
    let mut answers = flood.answers.clone();
    let answer = Answer { seen: admitted.time, ..asked.answer.clone() };
    answers.note(asked.place, &asked.name, &answer);
    effect::of(seen.class, &answers, asked, known, false)
        .filter(|effect| is_of_one_request(effect.proof))
}

/// Tells whether a proof is about one request in the light of the others, and not about all of them.
const fn is_of_one_request(proof: Proof) -> bool {
    match proof {
        Proof::Completed
        | Proof::OwnAnswers
        | Proof::FileFollowed
        | Proof::KnownWeak
        | Proof::FarLarger => true,
        Proof::Oracle | Proof::Echoed => false,
    }
}
