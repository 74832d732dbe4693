//! Telling the outside: the event that carries a verdict, and the sinks it goes to.

pub(crate) mod event;
pub(crate) mod sink;

/// The sink that gives verdicts back to Wazuh.
pub(crate) const WAZUH: &str = "wazuh";

/// The sink that writes verdicts to a file of the user's choice.
pub(crate) const FILE: &str = "file";
