//! Backends against a server that behaves like the real one, and against one that misbehaves.
#![cfg(test)]

mod asking;
mod fake_ollama;
mod openai;
mod probing;
mod recordings;
mod tls;
