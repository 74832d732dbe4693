//! What a store promises: what was committed is there after a restart, each thing once, and damage is named.
#![cfg(test)]

mod damage;
mod keeping;
mod listing;
mod memory;
mod people;
mod privacy;
mod queue;
mod sample;
mod standing;
mod upgrade;
