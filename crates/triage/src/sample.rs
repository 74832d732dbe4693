//! Incidents for tests of this crate, as the core itself makes them: an alert is admitted and folded.

use alert::Timestamp;
use alert::incident::Incident;
use alert::tag::TagKey;
use serde_json::{Value, json};

use crate::{Admission, Fold, FoldLimits, Gate, Policy};

/// An injection that reads another table.
pub(crate) const ATTACK: &str = "/item/?id=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-";

/// Makes an incident of one alert.
pub(crate) fn incident_of(alert: &Value) -> Incident {
    let gate = Gate::new(Policy { level_min: 0, ..Policy::default() }, TagKey::new([1; 32]));
    let Admission::Admitted(admitted) =
        crate::admit::admit(&gate, alert.to_string().as_bytes(), Timestamp::from_millis(0))
    else {
        panic!("not admitted")
    };
    let mut fold = Fold::new(FoldLimits::default());
    fold.join(&admitted);
    fold.take_changed().remove(0).0
}

/// Makes an incident of one request for `url` that a rule of `level` flagged.
pub(crate) fn incident_of_request(url: &str, status: u16, level: u8) -> Incident {
    incident_of(&json!({
        "id": "1.1",
        "rule": {"id": "31101", "level": level, "description": "a request", "groups": ["web", "accesslog"]},
        "agent": {"id": "001", "name": "web01", "ip": "10.0.0.12"},
        "full_log": format!("203.0.113.9 - - [24/Nov/2026:17:00:00 +0000] \"GET {url} HTTP/1.1\" {status} 512 \"-\" \"x\""),
        "data": {"protocol": "GET", "srcip": "203.0.113.9", "id": status.to_string(), "url": url},
    }))
}
