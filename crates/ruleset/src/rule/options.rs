//! The words of a rule's `<options>`.

/// Switches that change what becomes of a match. All off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RuleOptions {
    pub(crate) alert_by_email: bool,
    pub(crate) no_email_alert: bool,
    /// Alerts whatever the level.
    pub(crate) log_alert: bool,
    /// Counts and remembers, but doesn't alert.
    pub(crate) no_log: bool,
    /// Leaves the log line out of the alert.
    pub(crate) no_full_log: bool,
    /// Leaves `firedtimes` out of the alert.
    pub(crate) no_counter: bool,
}

impl RuleOptions {
    /// Sets the switch that a word names; false when there is none of that name.
    pub(crate) fn set(&mut self, word: &[u8]) -> bool {
        match word {
            b"alert_by_email" => self.alert_by_email = true,
            b"no_email_alert" => self.no_email_alert = true,
            b"log_alert" => self.log_alert = true,
            b"no_log" => self.no_log = true,
            // Active response isn't run from here: nothing to switch off.
            b"no_ar" => {}
            b"no_full_log" => self.no_full_log = true,
            b"no_counter" => self.no_counter = true,
            _ => return false,
        }
        true
    }
}
