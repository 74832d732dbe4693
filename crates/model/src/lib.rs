//! Analysts that are language models: one question in, one answer or a telling error out.
//!
//! A [`Backend`] is one model server, Ollama or anything that speaks OpenAI's chat dialect. It
//! counts tokens before it sends, bounds its own calls, time and bytes, and says exactly why a
//! call gave no answer, so that the caller can shorten the prompt, repair, go on to the next
//! backend or fall back to the playbook. [`probe`](fn@probe) tells what a server is worth. Nothing
//! leaves the network that [`Egress`] guards.
//!
//! Everything that a server sends is hostile input. An answer's text is handed on as it came: to
//! validate, ground and clamp it is the caller's work.
//!
//! ```no_run
//! # async fn example(prompt: model::Prompt) -> Result<(), Box<dyn std::error::Error>> {
//! use model::{Backend, BackendConfig, Egress, Kind};
//!
//! let config = BackendConfig::new("lan", Kind::Ollama, "http://10.0.0.5:11434");
//! let backend = Backend::new(config, &Egress::default())?;
//! match backend.ask(&prompt).await {
//!     Ok(answer) => println!("{}", answer.text),
//!     Err(error) => eprintln!("{error}\nhint: {}", error.hint()),
//! }
//! # Ok(())
//! # }
//! ```

pub mod ask;
pub mod backend;
mod catalogue;
mod complaint;
pub mod egress;
pub mod estimate;
mod ollama;
mod openai;
pub mod playbook;
pub mod probe;
pub mod prompt;
mod wire;

pub use ask::{Answer, AskError, Prompt};
pub use backend::{Backend, BackendConfig, DEFAULT_NUM_CTX, Kind};
pub use egress::{Egress, SetupError};
pub use estimate::estimate_tokens;
pub use probe::{LOCAL_OLLAMA_URL, LocalOllama, Probe, SchemaObedience, find_local_ollama, probe};
