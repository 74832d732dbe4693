//! What a rule can ask about an event besides patterns: addresses, times, lists.

pub mod address;
pub mod list;
pub mod time;
