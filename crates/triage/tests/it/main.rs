//! What holds for every sequence of alerts, not only for those that somebody thought of.
#![cfg(test)]

mod fold;
mod identity;
mod sequence;
