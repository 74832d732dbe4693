//! Tests of the engine as a whole, through what the crate offers.
#![cfg(test)]

mod ahead;
mod door;
mod prefilter;
