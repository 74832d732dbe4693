//! The triage core: from alerts to incidents, and from incidents to the question what to judge next.
//!
//! Everything here is a function of values and of the time that is passed in. No clock, no file, no socket, no thread: the same code runs
//! in the daemon, in `quell triage`, and in simulation. The parts, in the order in which an alert meets them:
//!
//! 1. [`admit`]: bytes become an alert that passed the loop [`guard`] and the [`policy`], with an [`observe::Observation`] of what it shows.
//! 2. [`fold`]: it joins the incident it belongs to. A merge may never hide anything: what is more serious makes a new revision.
//!    [`effect`] compares what was answered, and says whether an attack worked.
//! 3. [`threat`]: what code alone can say about the danger: the range a verdict is held to.
//! 4. [`priority`] and [`schedule`]: which incident is judged next, by whom, and why.
//! 5. [`checks`]: what is left of an analyst's draft after code has checked it.
//! 6. [`campaign`]: the incidents of one actor, in order.

pub mod admit;
pub mod budget;
pub mod campaign;
pub mod checks;
pub mod classify;
pub mod effect;
pub mod fold;
pub mod guard;
pub mod observe;
pub mod policy;
pub mod priority;
#[cfg(test)]
mod sample;
pub mod schedule;
pub mod template;
pub mod threat;

pub use admit::{Admission, Admitted, Gate};
pub use fold::{Fold, FoldLimits, Joined};
pub use policy::Policy;
