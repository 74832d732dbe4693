//! The command line: every command with the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns a flood of security alerts into a handful of judged incidents, on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "quell",
    version,
    about,
    long_about = "Turns a flood of security alerts into a handful of judged incidents, on your own machines.\n\n\
        Quell sits beside a Wazuh manager. It takes every alert, folds repeats into incidents, asks a local language model what \
        happened, how bad it is (0-10) and what to do, checks the answer, and hands the verdict back. No log line leaves the site.\n\n\
        Start with `quell demo`. Then `quell config reference` and `quell run`.",
    after_help = "Exit codes: 0 fine, 1 the answer is no, 2 usage or configuration, 3 environment (can't reach, can't open).\n\
        Results go to stdout, talk goes to stderr. NO_COLOR is honoured.",
    max_term_width = 110
)]
pub(crate) struct Cli {
    /// The configuration file [default: /etc/quell/quell.toml, if it is there]
    #[arg(long, short, global = true, env = "QUELL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon: sources, triage, sinks
    ///
    /// Takes alerts from the sources of the configuration until SIGTERM, which drains. SIGHUP reads policy, assets,
    /// budgets and deadlines again.
    Run,
    /// Show the main job on a recorded real flood: alerts in, judged incidents out
    ///
    /// 14,067 real Wazuh alerts of a directory scan with attacks hidden in it. Uses a local Ollama if one answers with a usable
    /// model, else the playbook, and says which.
    Demo(Demo),
    /// Judge alerts from a file, offline: incidents with verdicts out
    ///
    /// Reads Wazuh alerts, one JSON object a line. Without a model in the configuration the playbook judges.
    #[command(
        after_help = "Examples:\n  quell triage /var/ossec/logs/alerts/alerts.json\n  zcat alerts.json.gz | quell triage - --json | jq .verdict.title"
    )]
    Triage(Triage),
    /// Tell how the daemon stands: what came in, what waits, what was judged
    Status(Output),
    /// List, show, close and annotate incidents
    #[command(subcommand)]
    Incidents(Incidents),
    /// Check, show and explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what keeps Quell from working, and say what to do
    Doctor(Output),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnalystChoice {
    /// The models of the configuration, else a local Ollama, else the playbook
    Auto,
    /// The playbook alone
    Playbook,
    /// A model; fail if none answers
    Model,
}

#[derive(Debug, Args)]
pub(crate) struct ModelOptions {
    /// Who judges
    #[arg(long, value_enum, default_value = "auto", value_name = "WHO")]
    pub(crate) analyst: AnalystChoice,
    /// A model server that speaks OpenAI's dialect (llama.cpp, vLLM, LM Studio) or Ollama's
    #[arg(long, value_name = "URL")]
    pub(crate) model_url: Option<String>,
    /// The model to ask there
    #[arg(long, value_name = "NAME", requires = "model_url")]
    pub(crate) model: Option<String>,
    /// The server's context, in tokens
    #[arg(long, value_name = "N", requires = "model_url", default_value_t = 8192)]
    pub(crate) context_tokens: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) model: ModelOptions,
    /// Print JSON lines as `quell triage --json` does
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Triage {
    /// The alerts: a file, plain or gzip, or - for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelOptions,
    /// Print one JSON line per incident, and a last one with the counts
    #[arg(long)]
    pub(crate) json: bool,
    /// Give all alert ids, however many
    #[arg(long, requires = "json")]
    pub(crate) alert_ids: bool,
    /// The data directory of the installation whose own output is to be recognised
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Incidents {
    /// List incidents, the most dangerous first
    List {
        /// Only with this threat level (0-10) or a higher one
        #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=10))]
        level: Option<u8>,
        /// Only in this state
        #[arg(long, value_parser = ["open", "quiet", "closed"])]
        state: Option<String>,
        /// Only by this actor
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Show everything about one incident
    Show {
        /// Its name, or an unambiguous beginning
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Close an incident: repeats still count, more serious news opens it again
    Close {
        /// Its name, or an unambiguous beginning
        id: String,
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
    },
    /// Open a closed incident again
    Reopen {
        /// Its name, or an unambiguous beginning
        id: String,
    },
    /// Write a note on an incident; analysts get to read it
    Note {
        /// Its name, or an unambiguous beginning
        id: String,
        /// The note
        text: String,
    },
    /// Ask for a new verdict
    Judge {
        /// Its name, or an unambiguous beginning
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration; all errors at once
    Check,
    /// Show every value and where it comes from
    Show(Output),
    /// Explain every setting
    Reference,
    /// Print a commented starter file
    Example,
}
