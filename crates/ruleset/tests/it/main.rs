//! Tests of the engine as a whole, through what the crate offers.
#![cfg(test)]

mod door;
mod prefilter;
