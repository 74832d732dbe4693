//! The way back: verdicts into Wazuh, as datagrams to analysisd or as lines of a JSON file.
//!
//! The socket gives a verdict the agent that it is about, but needs group `wazuh` and a running analysisd.
//! The file needs neither and survives a restart of analysisd, but every event then belongs to the host
//! that reads it. Both only move finished JSON text; what is in it is the daemon's business.

pub mod json_file;
pub mod queue_socket;
