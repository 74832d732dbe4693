//! The promises of the program, tested on the built program: each test starts it as a person or systemd would, in a directory of its own.
//!
//! What one part does alone is tested beside that part. Here is what only the whole can break: that no alert is lost or told of twice whatever
//! happens to the process, that counts add up, that needles survive a flood, and what a person reads when something is wrong.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test of the program starts it, waits for it by the clock, and fails by panicking"
)]

mod command;
mod daemon;
mod fake_model;
mod http;
mod sample;
mod terminal;

mod blind;
mod cli;
mod crash;
mod data_dir;
mod detect;
mod doctor;
mod doors;
mod egress;
mod fault;
mod flood;
mod lab;
mod lifecycle;
mod logtest;
mod loop_guard;
mod overload;
mod people;
mod raw_log;
mod recorded;
mod rules;
mod rules_check;
mod simulate;
mod top;
mod web_rules;
