//! The command line: every command with the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) mod simulate;

use simulate::Simulate;

/// Turns a flood of security alerts into a handful of judged incidents, on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "quell",
    version,
    about = "Turns a flood of security alerts into a handful of judged incidents, on your own machines",
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
    #[command(
        after_help = "Examples:\n  quell run\n  quell run --log /var/log/nginx/access.log --ruleset /etc/quell/ruleset"
    )]
    Run(Run),
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
    /// Play a stream of alerts in virtual time against a model of a given speed: verdict ages, queue, needles
    ///
    /// The desk is the daemon's own, only the model is imagined: no model is asked, and hours pass in seconds. A hook that asks about one
    /// alert after the other can stand beside it.
    #[command(
        after_help = "Examples:\n  quell simulate alerts.json --truth needles.tsv --svg ages.svg\n  quell simulate --generate botnet:5000 --seed 7 --goals\n  quell simulate alerts.json --preset m4-llama3.1-8b --rate 1000 --json | jq .needles"
    )]
    Simulate(Box<Simulate>),
    /// Run raw log lines through Wazuh's rules: alerts out
    ///
    /// Reads files (plain, gzip, zstd), globs or standard input, and prints one alert a line, as `alerts.json` has them.
    #[command(
        after_help = "Examples:\n  quell detect --ruleset /var/ossec access.log\n  zcat access.log.*.gz | quell detect --ruleset rules/ - | quell triage -\n  quell detect --ruleset local_rules.xml --follow /var/log/nginx/access.log"
    )]
    Detect(Detect),
    /// Try log lines on rules and see why: decoder, fields, rule, and which rules were close
    ///
    /// Interactive on a terminal; reads lines from standard input else. Frequency rules count over the lines of a session.
    Logtest(Logtest),
    /// Check, test and compare rules and decoders
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Tell how the daemon stands: what came in, what waits, what was judged
    Status(Output),
    /// Watch the daemon: the funnel, what waits and how long, the models, the newest and the slowest verdicts
    ///
    /// Keys: q quits, p pauses, s sorts, the arrows choose a verdict, Enter shows its incident, ? helps.
    #[command(
        after_help = "Examples:\n  quell top\n  quell top --once | tee standing.txt\n  quell top --json --follow --interval 10 | jq .overload.oldest_s"
    )]
    Top(Top),
    /// List, show, close and annotate incidents
    #[command(subcommand)]
    Incidents(Incidents),
    /// Check, show and explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what keeps Quell from working, and say what to do
    Doctor(Doctor),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Follow this raw log too, and raise alerts by the rules of --ruleset; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) log: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) ruleset: RulesetOptions,
}

/// Which rules.
#[derive(Debug, Args)]
pub(crate) struct RulesetOptions {
    /// Rules and decoders: a file, a folder of files, a folder with `rules`, `decoders` and `lists`, or a Wazuh home; may be repeated
    /// [default: /var/ossec, or without one the rules that Quell carries]
    #[arg(long, value_name = "PATH")]
    pub(crate) ruleset: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Detect {
    #[command(flatten)]
    pub(crate) ruleset: RulesetOptions,
    /// The logs: files, globs, or - for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Keep reading as the file grows, across rotation
    #[arg(long, short = 'F')]
    pub(crate) follow: bool,
    /// Print every event, with `alert` as false where it is none
    #[arg(long)]
    pub(crate) all: bool,
    /// The location that events get [default: the file's path]
    #[arg(long, value_name = "TEXT")]
    pub(crate) location: Option<String>,
    /// How many threads may share the work: with 1, one reads, decides and writes [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Take each event's time from its line where it has one, or all as they come
    #[arg(long, value_enum, default_value = "line", value_name = "WHERE")]
    pub(crate) time: EventTime,
}

/// Where an event's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventTime {
    /// The time stamp in the line
    Line,
    /// The clock
    Now,
}

#[derive(Debug, Args)]
pub(crate) struct Logtest {
    #[command(flatten)]
    pub(crate) ruleset: RulesetOptions,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Read events with time and location, one JSON object a line: {"t", "location", "log" or "log_b64"}
    #[arg(long, value_name = "FILE", conflicts_with = "ini")]
    pub(crate) events: Option<PathBuf>,
    /// Run a file of Wazuh's rule tests
    #[arg(long, value_name = "FILE")]
    pub(crate) ini: Option<PathBuf>,
    /// Where the lines come from: a path, or `[id] (name) address->path` for an agent's
    #[arg(long, value_name = "TEXT", default_value = "stdin")]
    pub(crate) location: String,
    /// Show every rule that was tried, not just the close ones
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Find mistakes in rules and decoders: what Wazuh refuses, what can never match, what means something else
    Check(RulesCheck),
    /// Run Wazuh's `.ini` tests, with time steps for frequency rules
    Test(RulesTest),
    /// Tell which rules and decoders a set of tests or logs touches
    Coverage(RulesCoverage),
    /// Run old and new rules over old logs, and show what would change
    Backtest(RulesBacktest),
    /// Make rules of the signs of attacks that Quell knows
    Build(RulesBuild),
}

#[derive(Debug, Args)]
pub(crate) struct RulesBuild {
    /// A folder with files of signs instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) signs: Option<PathBuf>,
    /// Write the rules and their tests into this folder instead of printing the rules
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Only say whether the files in the folder are up to date
    #[arg(long, requires = "out")]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RulesCheck {
    /// What to check, as --ruleset takes it [default: /var/ossec, or without one the rules that Quell carries]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Rules that these build on; they are loaded first and not checked themselves
    #[arg(long, value_name = "PATH")]
    pub(crate) base: Vec<PathBuf>,
    /// Files of tests, to tell which rules have none
    #[arg(long, value_name = "PATH")]
    pub(crate) tests: Vec<PathBuf>,
    /// How to print: for people, for GitHub's annotations, or SARIF 2.1
    #[arg(long, value_enum, default_value = "text", value_name = "HOW")]
    pub(crate) format: CheckFormat,
    /// Fail on warnings too
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people: line and caret
    Text,
    /// GitHub's workflow commands
    Github,
    /// SARIF 2.1
    Sarif,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct RulesTest {
    #[command(flatten)]
    pub(crate) ruleset: RulesetOptions,
    /// Files of tests, or folders of them
    #[arg(value_name = "PATH", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesCoverage {
    #[command(flatten)]
    pub(crate) ruleset: RulesetOptions,
    /// Files of tests (`.ini`), logs, or folders of either
    #[arg(value_name = "PATH", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Fail unless each rule of this file or folder has a sample that must end with it and a near one that must not
    #[arg(long, value_name = "PATH")]
    pub(crate) prove: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RulesBacktest {
    /// The rules as they are
    #[arg(long, value_name = "PATH")]
    pub(crate) old: Vec<PathBuf>,
    /// The rules as they would be
    #[arg(value_name = "RULES")]
    pub(crate) rules: PathBuf,
    /// Logs: files (plain, gzip, zstd) or folders of them
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,
    /// What if these rules, by id, were silent
    #[arg(long, value_name = "ID")]
    pub(crate) silence: Vec<u32>,
    /// How many examples of each change to show
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) samples: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The Wazuh manager whose rules are looked at [default: the one that the configuration's paths lie in, or /var/ossec]
    #[arg(long, value_name = "HOME")]
    pub(crate) wazuh: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) interval: u64,
    /// Print one frame as plain text, as is done where input or output is no terminal
    #[arg(long)]
    pub(crate) once: bool,
    /// Print what the screen shows as one JSON object, for scripts
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on with --json: one object a line, as often as --interval says, until you end it
    #[arg(long, requires = "json", conflicts_with = "once")]
    pub(crate) follow: bool,
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
        /// At most this many; 0 for all
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Show everything about one incident, or its alerts as they came
    Show {
        /// Its name, or an unambiguous beginning
        id: String,
        /// Print its alerts instead, one a line, byte by byte as they came (on a terminal made harmless), in the order of their arrival
        #[arg(long)]
        alerts: bool,
        /// At most so many alerts, the newest; 0 for all
        #[arg(long, value_name = "N", default_value_t = 100, requires = "alerts")]
        limit: u64,
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
