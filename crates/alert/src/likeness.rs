//! What an incident is like, as names that incidents share which one judgement fits. `triage::likeness` gives the names.

use serde::{Deserialize, Serialize};

use crate::incident::Success;

/// What an incident is like. One of which nothing is known (a job that an earlier version left waiting) is like no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Likeness {
    /// Incidents of one sort are the same thing, said in the same words.
    pub sort: u64,
    /// Incidents of one kin are the same thing at the same place, in whatever words.
    pub kin: u64,
    /// Twins are the same thing at the same place, in words that differ in nothing but numbers, whichever rule says them.
    #[serde(default)]
    pub twin: Option<u64>,
    /// The same serious thing at whatever place: by the same rule in the same words, or by the same address.
    pub fleet: Option<u64>,
    /// Its class says all that there is to say: nothing else of its fleet's words can differ.
    #[serde(default)]
    pub is_told_by_class: bool,
    /// What users do every day, in the words of one rule, whoever does it and wherever.
    #[serde(default)]
    pub practice: Option<u64>,
    /// Unusual things that came to one place together.
    pub burst: Option<u64>,
    /// Attacks in requests by one address.
    #[serde(default)]
    pub volley: Option<u64>,
    /// It may be taken for a part of its volley: nothing shows that it worked, and nothing else sets it apart.
    #[serde(default)]
    pub may_be_part: bool,
    /// The same requests with the same answers, byte for byte, whoever sent them.
    #[serde(default)]
    pub copy: Option<u64>,
    /// How far the target gave in.
    #[serde(default)]
    pub success: Success,
    /// It stands out from what is usual at its place.
    pub stands_out: bool,
    /// It may be taken for one of its like: nothing in it says more than that it is one of them.
    pub may_be_like: bool,
    /// It has no class of an attack, is not serious, and stands out in nothing.
    pub is_ordinary: bool,
    /// The threat level that the evidence suggests.
    pub level: u8,
}
