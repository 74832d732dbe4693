//! The part of the settings table about what is judged, by whom, and how soon.
//!
//! Each limit says why it is what it is, either in its explanation, which the operator reads, or
//! in a comment. It leaves the meaning of a kind to the table's main file.

use super::{Kind, Privacy, Section, Standard, hours, minutes, seconds, setting};

pub(super) static POLICY: Section = Section {
    path: "policy",
    repeated: false,
    doc: "Which alerts are looked at. An alert must reach the level, match every `include_` list \
          that is not empty, and match no `exclude_` list. The others are counted and left alone.",
    settings: &[
        setting(
            "min_level",
            // Wazuh's rule levels are 0 to 16.
            Kind::Integer { min: 0, max: 16 },
            Standard::Integer(3),
            "The lowest Wazuh rule level, from 0 to 16, that is looked at.",
        ),
        setting(
            "include_rules",
            Kind::Rules,
            Standard::Nothing,
            "Only these rule ids. Write numbers such as `5710` and ranges such as \
             `\"100000-100100\"`.",
        ),
        setting("exclude_rules", Kind::Rules, Standard::Nothing, "Never these rule ids."),
        setting("include_groups", Kind::Texts, Standard::Nothing, "Only these rule groups."),
        setting("exclude_groups", Kind::Texts, Standard::Nothing, "Never these rule groups."),
        setting(
            "include_agents",
            Kind::Texts,
            Standard::Nothing,
            "Only these agents, each by its id or its name.",
        ),
        setting(
            "exclude_agents",
            Kind::Texts,
            Standard::Nothing,
            "Never these agents, each by its id or its name.",
        ),
        setting(
            "include_locations",
            Kind::Texts,
            Standard::Nothing,
            "Only alerts whose location contains one of these texts.",
        ),
        setting(
            "exclude_locations",
            Kind::Texts,
            Standard::Nothing,
            "Never alerts whose location contains one of these texts.",
        ),
    ],
};

pub(super) static ASSET: Section = Section {
    path: "asset",
    repeated: true,
    doc: "How much a machine matters. Incidents on heavier assets are judged first.",
    settings: &[
        setting(
            "agent",
            Kind::Text,
            Standard::Required("web-01"),
            "The Wazuh agent, by its id or its name.",
        ),
        setting(
            "weight",
            // Ten steps are as many as a person can tell apart.
            Kind::Integer { min: 1, max: 10 },
            Standard::Integer(5),
            "How much it matters, from 1 (a toy) to 10 (the business stops without it). An agent \
             that is not listed counts as 5.",
        ),
        setting(
            "note",
            Kind::Text,
            Standard::Text(""),
            "What an analyst should know about it. It is given to the model as a fact.",
        )
        .or_empty("nothing to add"),
    ],
};

pub(super) static MODEL: Section = Section {
    path: "model",
    repeated: true,
    doc: "A model server that can judge incidents. They are tried in the order of the file, and \
          the playbook judges when none answers.",
    settings: &[
        setting(
            "name",
            Kind::Text,
            Standard::Required("local"),
            "Your name for it, in verdicts, logs and metrics.",
        ),
        setting(
            "kind",
            Kind::Choice(&["ollama", "openai"]),
            Standard::Required("ollama"),
            "The protocol that the server speaks: Ollama's own, or the OpenAI chat protocol.",
        ),
        setting(
            "url",
            Kind::Url(Privacy::Open),
            Standard::Required("http://127.0.0.1:11434"),
            "The server's base address, such as `http://127.0.0.1:11434`.",
        ),
        setting(
            "model",
            Kind::Text,
            Standard::Required("qwen2.5:14b"),
            "The model, as the server names it.",
        ),
        setting(
            "context_tokens",
            // Less than 2,048 tokens does not hold the instructions and one alert. A million is
            // the largest context that servers advertise today.
            Kind::Integer { min: 2_048, max: 1_048_576 },
            Standard::Integer(8_192),
            "The context window to ask for, in tokens. Evidence is chosen to fit it.",
        ),
        setting(
            "timeout",
            Kind::Duration { min: seconds(1), max: hours(1) },
            Standard::Text("120s"),
            "How long one call may take, loading the model included, before the next analyst is \
             asked.",
        ),
        setting(
            "concurrency",
            Kind::Integer { min: 1, max: 64 },
            Standard::Integer(1),
            "How many calls may run at once. More than the server has slots for only makes each \
             of them slower.",
        ),
        setting(
            "api_key_file",
            Kind::SecretFile,
            Standard::Text(""),
            "The file that holds the key for the server.",
        )
        .or_empty("no key is sent"),
        setting(
            "keep_alive",
            Kind::Duration { min: seconds(0), max: hours(24 * 7) },
            Standard::Text("30m"),
            "How long Ollama keeps the model in memory after a call.",
        ),
        setting(
            "max_tokens",
            // 128 tokens barely hold a verdict; nobody reads one of more than 16,384.
            Kind::Integer { min: 128, max: 16_384 },
            Standard::Integer(700),
            "The longest answer, in tokens. A verdict usually takes 300 to 500.",
        ),
    ],
};

pub(super) static EGRESS: Section = Section {
    path: "egress",
    repeated: false,
    doc: "Where prompts may go. Models at loopback, private and overlay addresses are always \
          allowed; any other host must be named here.",
    settings: &[
        setting(
            "allowed_hosts",
            Kind::Texts,
            Standard::Nothing,
            "Host names of public model servers that may be sent alerts.",
        ),
        setting(
            "ca_file",
            Kind::Path,
            Standard::Text(""),
            "A PEM file with the certificates that are trusted for `https` model servers and \
             webhooks, beside the usual ones.",
        )
        .or_empty("only the usual ones"),
    ],
};

pub(super) static JUDGE: Section = Section {
    path: "judge",
    repeated: false,
    doc: "How much the models are asked.",
    settings: &[
        setting(
            "enabled",
            Kind::Switch,
            Standard::Switch(true),
            "Whether models are asked at all. Without them every verdict comes from the playbook.",
        ),
        setting(
            "calls_per_minute",
            Kind::Integer { min: 1, max: 10_000 },
            Standard::Integer(30),
            "The most model calls per minute, all models together.",
        ),
        setting(
            "calls_per_actor_per_hour",
            Kind::Integer { min: 1, max: 10_000 },
            Standard::Integer(20),
            "The most model calls per hour that the incidents of one actor may use, so that one \
             noisy source cannot use up the budget.",
        ),
        setting(
            "redact",
            Kind::Switch,
            Standard::Switch(true),
            "Whether passwords, tokens, keys, cookies, mail addresses and card numbers are masked \
             before a prompt is sent.",
        ),
    ],
};

pub(super) static SCHEDULE: Section = Section {
    path: "schedule",
    repeated: false,
    doc: "How soon an incident should have its first verdict. A miss is counted, never hidden.",
    settings: &[
        setting(
            "deadline_critical",
            Kind::Duration { min: seconds(1), max: hours(24 * 7) },
            Standard::Text("2m"),
            "For incidents of critical severity.",
        ),
        setting(
            "deadline_high",
            Kind::Duration { min: seconds(1), max: hours(24 * 7) },
            Standard::Text("10m"),
            "For incidents of high severity.",
        ),
        setting(
            "deadline_medium",
            Kind::Duration { min: seconds(1), max: hours(24 * 7) },
            Standard::Text("1h"),
            "For incidents of medium severity.",
        ),
        setting(
            "deadline_low",
            Kind::Duration { min: minutes(1), max: hours(24 * 30) },
            Standard::Text("24h"),
            "For incidents of low severity.",
        ),
    ],
};
