//! The part of the settings table about the daemon itself and about how alerts come in.
//!
//! Each limit says why it is what it is, either in its explanation, which the operator reads, or
//! in a comment. It leaves the meaning of a kind to the table's main file.

use super::{Kind, Section, Standard, days, hours, minutes, setting};

pub(super) static GENERAL: Section = Section {
    path: "general",
    repeated: false,
    doc: "The daemon itself: where it keeps its state, how it logs, and how long things last.",
    settings: &[
        setting(
            "data_dir",
            Kind::Path,
            Standard::Text("/var/lib/quell"),
            "The folder that holds the store. Quell needs to write here, and nobody else should.",
        ),
        setting(
            "log_format",
            Kind::Choice(&["text", "json"]),
            Standard::Text("text"),
            "How log lines are written to standard error: for a person, or one JSON object a line.",
        ),
        setting(
            "log_level",
            Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
            Standard::Text("info"),
            "The least serious log lines that are written. `QUELL_LOG` takes finer filters and wins.",
        ),
        setting(
            "user_group",
            Kind::Text,
            Standard::Text("wazuh"),
            "The group that is given the hook's socket and spool, so that Wazuh's integrator can \
             use them.",
        )
        .or_empty("leave the group as it is"),
        setting(
            "window_max",
            // A minute is the least that still folds a scan; beyond a month an incident is no
            // longer one thing that a person could work on.
            Kind::Duration { min: minutes(1), max: days(30) },
            Standard::Text("24h"),
            "The longest time between an incident's first alert and the last one that may join it. \
             It is counted from the first alert, so a flood cannot keep an incident open.",
        ),
        setting(
            "quiet_after",
            Kind::Duration { min: minutes(1), max: days(30) },
            Standard::Text("30m"),
            "An incident without a new alert for this long is quiet. A later return is a new \
             revision.",
        ),
        setting(
            "retention",
            // Ten years is longer than any rule on keeping logs that we know of.
            Kind::Duration { min: hours(1), max: days(3650) },
            Standard::Text("90d"),
            "How long closed incidents and their alerts are kept in the store.",
        ),
    ],
};

pub(super) static HOOK: Section = Section {
    path: "intake.hook",
    repeated: false,
    doc: "Alerts from `custom-quell`, the program that Wazuh's integrator runs for each alert.",
    settings: &[
        setting(
            "enabled",
            Kind::Switch,
            Standard::Switch(true),
            "Whether the daemon listens for the hook and empties its spool.",
        ),
        setting(
            "socket",
            Kind::Path,
            Standard::Text("/run/quell/hook.sock"),
            "The Unix socket on which the daemon listens for the hook. If you change it, set \
             `QUELL_HOOK_SOCKET` for the hook too.",
        ),
        setting(
            "spool_dir",
            Kind::Path,
            Standard::Text("/var/lib/quell/spool"),
            "The folder where the hook leaves alerts while no daemon listens. If you change it, \
             set `QUELL_SPOOL_DIR` for the hook too.",
        ),
    ],
};

pub(super) static TAIL: Section = Section {
    path: "intake.tail",
    repeated: false,
    doc: "Alerts from the file that the Wazuh manager writes. This is the preferred source: it \
          needs no change to Wazuh and loses nothing while Quell is down.",
    settings: &[
        setting(
            "enabled",
            Kind::Switch,
            Standard::Switch(true),
            "Whether the daemon follows the file.",
        ),
        setting(
            "path",
            Kind::Path,
            Standard::Text("/var/ossec/logs/alerts/alerts.json"),
            "The file to follow. It may be absent at first, and it may be rotated or truncated.",
        ),
        setting(
            "start_at",
            Kind::Choice(&["end", "beginning"]),
            Standard::Text("end"),
            "Where to begin in a file that Quell has never read. Later starts go on where the last \
             one stopped.",
        ),
    ],
};

pub(super) static HTTP: Section = Section {
    path: "intake.http",
    repeated: false,
    doc: "Alerts by `POST /api/v1/alerts`: one object, an array, or one object a line.",
    settings: &[
        setting(
            "enabled",
            Kind::Switch,
            Standard::Switch(false),
            "Whether the daemon accepts alerts over HTTP.",
        ),
        setting(
            "listen",
            Kind::Address,
            Standard::Text("127.0.0.1:9480"),
            "The address and port to listen on. Without a token nothing is taken, and only a loopback address is allowed.",
        ),
        setting(
            "token_file",
            Kind::SecretFile,
            Standard::Text(""),
            "The file that holds the token which senders must present.",
        )
        .or_empty("nothing is taken"),
    ],
};

pub(super) static SOURCE: Section = Section {
    path: "source",
    repeated: true,
    doc: "Raw logs that Quell itself runs Wazuh's rules over, with no manager in between. The alerts \
          are treated as those of a manager are. `quell run --log` adds one for the time being.",
    settings: &[
        setting(
            "type",
            Kind::Choice(&["log"]),
            Standard::Text("log"),
            "What is read: a log file with one event a line.",
        ),
        setting(
            "path",
            Kind::Path,
            Standard::Required("/var/log/nginx/access.log"),
            "The file to follow. It may be absent at first, and it may be rotated or truncated. How \
             far it was read is kept over a restart; what frequency rules had counted by then is \
             not.",
        ),
        setting(
            "ruleset",
            Kind::Texts,
            Standard::Nothing,
            "Absolute paths of rules and decoders: files, folders, or a Wazuh installation. Without \
             any, those of `/var/ossec`. They are read at the start only.",
        ),
        setting(
            "location",
            Kind::Text,
            Standard::Text(""),
            "What rules and alerts see as the event's location. To keep an agent's name, write \
             `[001] (web01) 10.0.0.21->/var/log/nginx/access.log`.",
        )
        .or_empty("the path"),
        setting(
            "start_at",
            Kind::Choice(&["end", "beginning"]),
            Standard::Text("end"),
            "Where to begin in a file that Quell has never read. Later starts go on where the last \
             one stopped.",
        ),
    ],
};
