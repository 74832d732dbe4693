//! Reads recorded events: one JSON object a line with `t`, `location`, and `log` or `log_b64`.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::Deserialize;

use super::seen::unpack;
use crate::logfile::{LINE_BYTES_MAX, LogFile};

/// A log line as JSON may have six characters for each of its bytes; the other members are short.
const EVENT_BYTES_MAX: usize = 7 * LINE_BYTES_MAX;

/// One recorded event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RecordedEvent {
    /// When it was received, in seconds since 1970.
    pub(crate) time: i64,
    pub(crate) location: Vec<u8>,
    pub(crate) log: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    t: f64,
    location: Option<String>,
    log: Option<String>,
    log_b64: Option<String>,
}

/// Hands the events of a file to `take`, in order.
pub(crate) fn read(
    path: &Path,
    default_location: &str,
    mut take: impl FnMut(RecordedEvent) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut file = LogFile::open(path)?.with_line_bytes_max(EVENT_BYTES_MAX);
    let mut line = Vec::new();
    while file.read_line(&mut line)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let event = parse(&line, default_location).with_context(|| {
            let name = alert::sanitize::shown(&path.display().to_string(), 200);
            format!("`{name}` line {} is no event", file.lines_read())
        })?;
        take(event)?;
    }
    Ok(())
}

fn parse(line: &[u8], default_location: &str) -> anyhow::Result<RecordedEvent> {
    let line: Line = serde_json::from_slice(line).context(
        "it should be a JSON object with `t` (seconds), `location`, and `log` or `log_b64`",
    )?;
    let log = match (line.log, line.log_b64) {
        (Some(log), _) => log.into_bytes(),
        (None, Some(packed)) => {
            unpack(&packed).ok_or_else(|| anyhow!("`log_b64` is no base64 text"))?
        }
        (None, None) => return Err(anyhow!("neither `log` nor `log_b64` is there")),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from a float stops at the ends of time, and fractions of a second don't count"
    )]
    let time = line.t.floor() as i64;
    let location = line.location.unwrap_or_else(|| default_location.to_owned()).into_bytes();
    Ok(RecordedEvent { time, location, log })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_line_as_text_or_as_bytes() {
        let event = parse(br#"{"t": 7, "location": "/var/log/x", "log": "a"}"#, "stdin").unwrap();
        let wanted =
            RecordedEvent { time: 7, location: b"/var/log/x".to_vec(), log: b"a".to_vec() };
        assert_eq!(event, wanted);
        let event = parse(br#"{"t": 7.9, "log_b64": "Y2Fm6Q=="}"#, "stdin").unwrap();
        assert_eq!(
            (event.time, event.location, event.log),
            (7, b"stdin".to_vec(), b"caf\xe9".to_vec())
        );
        for wrong in ["{}", "[]", r#"{"t": 1}"#, r#"{"t": 1, "log_b64": "%"}"#] {
            assert!(parse(wrong.as_bytes(), "stdin").is_err(), "{wrong}");
        }
    }
}
