//! The part of the settings table about where verdicts go, and about the daemon's limits.
//!
//! Each limit says why it is what it is, either in its explanation, which the operator reads, or
//! in a comment. It leaves the meaning of a kind to the table's main file.

use super::{Kind, Privacy, Section, Standard, minutes, seconds, setting};

pub(super) static WAZUH: Section = Section {
    path: "publish.wazuh",
    repeated: false,
    doc: "Verdicts back into Wazuh, as one JSON event each.",
    settings: &[
        setting(
            "mode",
            Kind::Choice(&["socket", "file", "off"]),
            Standard::Text("socket"),
            "How events get there: through the manager's queue socket, through a JSON file that \
             the manager follows, or not at all.",
        ),
        setting(
            "socket",
            Kind::Path,
            Standard::Text("/var/ossec/queue/sockets/queue"),
            "The manager's queue socket, for the mode `socket`.",
        ),
        setting(
            "file",
            Kind::Path,
            Standard::Text("/var/ossec/logs/quell.json"),
            "The file to append to, for the mode `file`. The manager needs a `<localfile>` for it.",
        ),
        setting(
            "integration",
            Kind::Text,
            Standard::Text("quell"),
            "The name in the event's `integration` field. Quell's own Wazuh rules expect `quell`.",
        ),
        setting(
            "min_level",
            Kind::Integer { min: 0, max: 10 },
            Standard::Integer(0),
            "The lowest threat level of a verdict, from 0 to 10, that is published here.",
        ),
    ],
};

pub(super) static FILE: Section = Section {
    path: "publish.file",
    repeated: false,
    doc: "Verdicts into a file of your own, one JSON object a line.",
    settings: &[
        setting(
            "enabled",
            Kind::Switch,
            Standard::Switch(false),
            "Whether verdicts are written to the file.",
        ),
        setting(
            "path",
            Kind::Path,
            Standard::Text("/var/lib/quell/verdicts.ndjson"),
            "The file to append to.",
        ),
    ],
};

pub(super) static WEBHOOK: Section = Section {
    path: "webhook",
    repeated: true,
    doc: "An address that is told about serious verdicts.",
    settings: &[
        setting(
            "name",
            Kind::Text,
            Standard::Required("chat"),
            "Your name for it, in logs and metrics.",
        ),
        setting(
            "url",
            Kind::Url(Privacy::Masked),
            Standard::Required("https://chat.example.com/hook"),
            "Where to post. Only its host is ever shown, since chat services put a key into the \
             rest.",
        ),
        setting(
            "secret_file",
            Kind::SecretFile,
            Standard::Text(""),
            "The file that holds the secret with which deliveries are signed.",
        )
        .or_empty("deliveries are not signed"),
        setting(
            "min_level",
            Kind::Integer { min: 0, max: 10 },
            Standard::Integer(7),
            "The lowest threat level of a verdict, from 0 to 10, that is delivered.",
        ),
        setting(
            "timeout",
            Kind::Duration { min: seconds(1), max: minutes(5) },
            Standard::Text("10s"),
            "How long one delivery may take before it is tried again.",
        ),
    ],
};

pub(super) static HTTP: Section = Section {
    path: "http",
    repeated: false,
    doc: "The daemon's own pages for monitoring: `/metrics`, `/healthz` and `/readyz`.",
    settings: &[setting(
        "listen",
        Kind::Address,
        Standard::Text("127.0.0.1:9481"),
        "The address and port to listen on. These pages ask for no token.",
    )
    .or_empty("no such pages")],
};

pub(super) static LIMITS: Section = Section {
    path: "limits",
    repeated: false,
    doc: "How much is held at once. Reaching a limit is counted and logged.",
    settings: &[
        setting(
            "incidents_open",
            Kind::Integer { min: 100, max: 10_000_000 },
            Standard::Integer(8_000),
            "The most incidents that are open at once. Beyond it the quietest are closed early. \
             Each takes about 10 kB of memory.",
        ),
        setting(
            "dead_letters",
            Kind::Integer { min: 0, max: 10_000_000 },
            Standard::Integer(10_000),
            "The most malformed alerts that are kept with their reasons. The oldest go first.",
        ),
        setting(
            "intake_queue",
            Kind::Integer { min: 1, max: 65_536 },
            Standard::Integer(64),
            "The most deliveries, of up to 256 alerts each, that wait to be stored. Beyond it \
             senders have to wait.",
        ),
        setting(
            "outbox_messages",
            Kind::Integer { min: 1, max: 1_000_000 },
            Standard::Integer(10_000),
            "The most messages that wait for one sink with their text, about 6 kB each. Beyond it \
             only the name of a verdict is queued, and its text is written when its turn comes: \
             none is left out, and the order stays. Of a million names the oldest are given up, \
             and counted.",
        ),
    ],
};
