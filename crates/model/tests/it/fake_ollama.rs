//! An Ollama server that behaves as the real one was seen to, and misbehaves when told to.
//!
//! It exists because CI can't have the real one. It reproduces what clients trip over: requests to
//! a loaded model wait without bound, 503 comes only while a model is being loaded, a changed
//! `num_ctx` reloads, a long prompt is cut silently unless that is forbidden, cached tokens are
//! counted in the prompt, and fields that are zero are left out.
//!
//! Promises: no clock; whatever takes time waits at a gate that the test opens, and every event is
//! counted where the test can await it. `recordings.rs` holds its forms against the real ones.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::io::ReaderStream;

/// How a server is set up.
pub(crate) struct Setup {
    /// `OLLAMA_NUM_PARALLEL`.
    pub(crate) parallel: usize,
    /// `OLLAMA_MAX_QUEUE`.
    pub(crate) load_queue: usize,
    /// False for servers that don't know `truncate` and `shift` yet.
    pub(crate) can_refuse_long_prompts: bool,
    /// False for servers that ignore `format`.
    pub(crate) obeys_format: bool,
    /// Name, size, capabilities and remote host of each model.
    pub(crate) models: Vec<(&'static str, &'static str, Vec<&'static str>, &'static str)>,
    /// Characters per token: 4 for prose, 1 for text that the client's estimate falls short of.
    pub(crate) chars_per_token: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            parallel: 1,
            load_queue: 512,
            can_refuse_long_prompts: true,
            obeys_format: true,
            models: vec![("smollm2:q4_0", "134.52M", vec!["completion"], "")],
            chars_per_token: 4,
        }
    }
}

/// What the next chat gets instead of an honest answer.
pub(crate) enum Script {
    /// This text.
    Say(&'static str),
    /// This status and body.
    Reply(u16, &'static str),
    /// A redirect to this address.
    Redirect(String),
    /// 100 MB of body.
    Flood,
    /// Half a body, and then the connection breaks.
    Break,
}

/// What has happened so far.
#[derive(Default, Clone, Debug)]
pub(crate) struct Counts {
    pub(crate) arrived: usize,
    pub(crate) running: usize,
    pub(crate) most_running: usize,
    /// Requests whose client went away.
    pub(crate) cancelled: usize,
    pub(crate) loads: usize,
    pub(crate) loading: usize,
    pub(crate) strangers: usize,
}

struct Server {
    setup: Setup,
    counts: watch::Sender<Counts>,
    load_gate: watch::Sender<bool>,
    answer_gate: watch::Sender<bool>,
    scripts: Mutex<VecDeque<Script>>,
    last: Mutex<(Value, Option<String>)>,
    loaded: tokio::sync::Mutex<Option<u64>>,
    slots: Semaphore,
    cached: Mutex<String>,
}

pub(crate) struct FakeOllama {
    pub(crate) url: String,
    server: Arc<Server>,
    _tasks: JoinSet<()>,
}

impl FakeOllama {
    pub(crate) async fn start(setup: Setup) -> Self {
        let server = Arc::new(Server {
            slots: Semaphore::new(setup.parallel),
            setup,
            counts: watch::Sender::default(),
            load_gate: watch::Sender::new(true),
            answer_gate: watch::Sender::new(true),
            scripts: Mutex::default(),
            last: Mutex::default(),
            loaded: tokio::sync::Mutex::default(),
            cached: Mutex::default(),
        });
        let router = Router::new()
            .route("/", get("Ollama is running"))
            .route("/api/version", get(|| async { ok(&json!({ "version": "0.0.0" })) }))
            .route("/api/tags", get(tags))
            .route("/api/ps", get(running_models))
            .route("/api/show", post(show))
            .route("/api/chat", post(chat))
            .route("/api/generate", post(load))
            .route("/v1/models", get(v1_models))
            .route("/v1/chat/completions", post(v1_chat))
            .fallback(stranger)
            .with_state(Arc::clone(&server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, server, _tasks: tasks }
    }

    pub(crate) fn script(&self, script: Script) {
        self.server.scripts.lock().unwrap().push_back(script);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.server.counts.borrow().clone()
    }

    /// Waits until something has happened.
    pub(crate) async fn until(&self, happened: impl FnMut(&Counts) -> bool) {
        self.server.counts.subscribe().wait_for(happened).await.unwrap();
    }

    pub(crate) fn hold_loading(&self, hold: bool) {
        self.server.load_gate.send_replace(!hold);
    }

    pub(crate) fn hold_answers(&self, hold: bool) {
        self.server.answer_gate.send_replace(!hold);
    }

    /// The body and the authorization of the last chat.
    pub(crate) fn last(&self) -> (Value, Option<String>) {
        self.server.last.lock().unwrap().clone()
    }
}

/// A request at the server: counted while it lives, and as cancelled if it is dropped unfinished,
/// which is what happens when its connection closes.
struct Visit {
    server: Arc<Server>,
    is_running: bool,
    is_finished: bool,
}

impl Visit {
    fn start(server: &Arc<Server>) -> Self {
        server.counts.send_modify(|counts| counts.arrived += 1);
        Self { server: Arc::clone(server), is_running: false, is_finished: false }
    }

    fn run(&mut self) {
        self.is_running = true;
        self.server.counts.send_modify(|counts| {
            counts.running += 1;
            counts.most_running = counts.most_running.max(counts.running);
        });
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.server.counts.send_modify(|counts| {
            counts.running -= usize::from(self.is_running);
            counts.cancelled += usize::from(!self.is_finished);
        });
    }
}

/// A chat in either dialect.
struct Ask {
    model: String,
    prompt: String,
    schema: Value,
    num_ctx: u64,
    num_predict: usize,
    may_truncate: bool,
    may_shift: bool,
}

/// What came of it.
struct Told {
    content: String,
    is_cut: bool,
    prompt_tokens: usize,
    cached_tokens: usize,
    tokens: usize,
    has_waited: bool,
}

type Refused = (u16, String);

impl Server {
    async fn answer(self: &Arc<Self>, ask: &Ask) -> Result<Told, Refused> {
        let mut visit = Visit::start(self);
        let result = self.answer_visit(ask, &mut visit).await;
        visit.is_finished = true;
        result
    }

    async fn answer_visit(self: &Arc<Self>, ask: &Ask, visit: &mut Visit) -> Result<Told, Refused> {
        self.load(ask.num_ctx).await?;
        let has_waited = self.slots.available_permits() == 0;
        let _slot = self.slots.acquire().await.unwrap();
        visit.run();
        self.answer_gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();

        let chars = ask.prompt.chars().count();
        let mut prompt_tokens = 9 + chars.div_ceil(self.setup.chars_per_token);
        let context = usize::try_from(ask.num_ctx).unwrap();
        let mut content = self.write(ask);
        if prompt_tokens > context {
            if self.setup.can_refuse_long_prompts && !ask.may_truncate {
                let inner = json!({ "error": {
                    "code": 400,
                    "message": format!("request ({prompt_tokens} tokens) exceeds"),
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": prompt_tokens, "n_ctx": context,
                }});
                return Err((400, inner.to_string()));
            }
            if self.setup.can_refuse_long_prompts && !ask.may_shift {
                let text = "the prompt is longer than the context length currently available";
                return Err((400, text.to_owned()));
            }
            prompt_tokens = context / 2 + 2;
            content = String::new();
        }
        let mut cached = self.cached.lock().unwrap();
        let common = cached.chars().zip(ask.prompt.chars()).take_while(|(a, b)| a == b).count();
        let cached_tokens = (common / self.setup.chars_per_token).min(prompt_tokens);
        *cached = ask.prompt.clone();
        // An answer is taken to have three characters per token.
        let tokens = content.chars().count().div_ceil(3).max(1);
        let is_cut = tokens > ask.num_predict;
        if is_cut {
            content = content.chars().take(ask.num_predict * 3).collect();
        }
        let tokens = tokens.min(ask.num_predict);
        Ok(Told { content, is_cut, prompt_tokens, cached_tokens, tokens, has_waited })
    }

    /// Loads the model, unless it is loaded with this very context. Only here is a 503.
    async fn load(&self, num_ctx: u64) -> Result<(), Refused> {
        if self.loaded.try_lock().is_ok_and(|loaded| *loaded == Some(num_ctx)) {
            return Ok(());
        }
        if self.counts.borrow().loading > self.setup.load_queue {
            let text = "server busy, please try again.  maximum pending requests exceeded";
            return Err((503, text.to_owned()));
        }
        self.counts.send_modify(|counts| counts.loading += 1);
        let mut loaded = self.loaded.lock().await;
        if *loaded != Some(num_ctx) {
            self.load_gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
            *loaded = Some(num_ctx);
            self.counts.send_modify(|counts| counts.loads += 1);
        }
        self.counts.send_modify(|counts| counts.loading -= 1);
        Ok(())
    }

    fn write(&self, ask: &Ask) -> String {
        match &ask.schema {
            Value::Object(_) if self.setup.obeys_format => example(&ask.schema).to_string(),
            Value::String(_) if self.setup.obeys_format => "{}".to_owned(),
            _ => "Hi, I am a model that would rather talk.".to_owned(),
        }
    }

    /// Gives the scripted reply, if one is due.
    fn scripted(&self) -> Option<Script> {
        self.scripts.lock().unwrap().pop_front()
    }

    fn has(&self, model: &str) -> bool {
        self.setup.models.iter().any(|(name, ..)| *name == model)
    }
}

/// Makes the smallest value that a schema allows.
fn example(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            properties.iter().map(|(name, inner)| (name.clone(), example(inner))).collect()
        }
        Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(0)),
        Some("array") => json!([]),
        _ => json!("x"),
    }
}

fn reply(status: u16, kind: &'static str, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

fn ok(value: &Value) -> Response {
    reply(200, "application/json; charset=utf-8", value.to_string())
}

fn error(status: u16, text: &str) -> Response {
    reply(status, "application/json; charset=utf-8", json!({ "error": text }).to_string())
}

async fn stranger(State(server): State<Arc<Server>>) -> Response {
    server.counts.send_modify(|counts| counts.strangers += 1);
    reply(404, "text/plain", "404 page not found")
}

fn details(size: &str) -> Value {
    json!({
        "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"],
        "parameter_size": size, "quantization_level": "Q4_0",
    })
}

async fn tags(State(server): State<Arc<Server>>) -> Response {
    let models = server.setup.models.iter().map(|(name, size, capabilities, remote)| {
        let mut details = details(size);
        details["context_length"] = json!(8192);
        details["embedding_length"] = json!(576);
        let mut model = json!({
            "name": name, "model": name, "modified_at": "2026-11-24T15:27:48Z", "size": 91_727_225,
            "digest": "28bc", "details": details, "capabilities": capabilities,
        });
        if !remote.is_empty() {
            model["remote_host"] = json!(remote);
        }
        model
    });
    ok(&json!({ "models": models.collect::<Vec<_>>() }))
}

async fn running_models(State(server): State<Arc<Server>>) -> Response {
    let loaded = *server.loaded.lock().await;
    let models = loaded.iter().map(|context| {
        json!({
            "name": "smollm2:q4_0", "model": "smollm2:q4_0", "size": 154_769_816, "digest": "28bc",
            "details": details("134.52M"), "expires_at": "2026-11-24T15:48:03Z", "size_vram": 0,
            "context_length": context,
        })
    });
    ok(&json!({ "models": models.collect::<Vec<_>>() }))
}

async fn show(State(server): State<Arc<Server>>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let name = asked["model"].as_str().unwrap();
    let found = server.setup.models.iter().find(|(model, ..)| *model == name);
    let Some((_, size, capabilities, remote)) = found else {
        return error(404, &format!("model '{name}:latest' not found"));
    };
    let mut value = json!({
        "details": details(size), "capabilities": capabilities,
        "model_info": { "general.architecture": "llama", "llama.context_length": 8192 },
    });
    if !remote.is_empty() {
        value["remote_host"] = json!(remote);
    }
    ok(&value)
}

/// Loads or unloads, as `/api/generate` does without a prompt.
async fn load(State(server): State<Arc<Server>>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let name = asked["model"].as_str().unwrap();
    if !server.has(name) {
        return error(404, &format!("model '{name}' not found"));
    }
    let reason = match asked["keep_alive"] == 0 {
        true => {
            *server.loaded.lock().await = None;
            "unload"
        }
        false => match server.load(asked["options"]["num_ctx"].as_u64().unwrap_or(4096)).await {
            Ok(()) => "load",
            Err((status, text)) => return error(status, &text),
        },
    };
    ok(&json!({
        "model": name, "created_at": "2026-11-24T15:42:58Z", "response": "", "done": true,
        "done_reason": reason,
    }))
}

async fn chat(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = match parse(&server, &headers, &body) {
        Ok(asked) => asked,
        Err((status, text)) => return error(status, &text),
    };
    if asked["think"] == true {
        let text = format!("{} does not support thinking", asked["model"]);
        return error(400, &text);
    }
    let options = &asked["options"];
    if !options["num_ctx"].is_null() && !options["num_ctx"].is_u64() {
        return error(500, "option \"num_ctx\" must be of type integer");
    }
    if let Value::String(format) = &asked["format"]
        && format != "json"
    {
        return error(500, &format!("invalid format: {format:?}; expected \"json\" or a schema"));
    }
    if asked["format"]["type"] == "strange" {
        let inner = json!({ "error": { "code": 400, "message": "unrecognized type strange" } });
        return error(400, &inner.to_string());
    }
    let ask = Ask {
        model: asked["model"].as_str().unwrap().to_owned(),
        prompt: prompt_of(&asked),
        schema: asked["format"].clone(),
        num_ctx: options["num_ctx"].as_u64().unwrap_or(4096),
        num_predict: limit_of(&options["num_predict"]),
        may_truncate: asked["truncate"] != false,
        may_shift: asked["shift"] != false,
    };
    if let Some(script) = server.scripted() {
        return perform(script, &ask, &server).await;
    }
    match server.answer(&ask).await {
        Ok(told) => ok(&told_as_chat(&ask.model, &told)),
        Err((status, text)) => error(status, &text),
    }
}

fn told_as_chat(model: &str, told: &Told) -> Value {
    // A millisecond for a prompt token that isn't cached, ten for one of the answer.
    let load = 652_041;
    let prompt = (told.prompt_tokens - told.cached_tokens) * 1_000_000;
    let generation = told.tokens * 10_000_000;
    let queue = if told.has_waited { 3_600_000_000 } else { 0 };
    let mut value = json!({
        "model": model, "created_at": "2026-11-24T15:42:58Z",
        "message": { "role": "assistant", "content": told.content }, "done": true,
        "done_reason": if told.is_cut { "length" } else { "stop" },
        "total_duration": load + prompt + generation + queue, "load_duration": load,
        "prompt_eval_count": told.prompt_tokens, "prompt_eval_duration": prompt,
        "eval_count": told.tokens, "eval_duration": generation,
    });
    let fields: &mut Map<String, Value> = value.as_object_mut().unwrap();
    fields.retain(|_, value| *value != 0);
    value
}

async fn perform(script: Script, ask: &Ask, server: &Arc<Server>) -> Response {
    match script {
        Script::Say(text) => {
            let told = server.answer(ask).await.ok().unwrap();
            ok(&told_as_chat(&ask.model, &Told { content: text.to_owned(), ..told }))
        }
        Script::Reply(status, body) => reply(status, "application/json; charset=utf-8", body),
        Script::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Script::Flood => {
            let flood = tokio::io::repeat(b' ').take(100_000_000);
            reply(200, "application/json", Body::from_stream(ReaderStream::new(flood)))
        }
        Script::Break => {
            let half = Half(Some(br#"{"model":"smollm2:q4_0","message":{"content":"{\"thr"#));
            reply(200, "application/json", Body::from_stream(ReaderStream::new(half)))
        }
    }
}

/// Gives its bytes and then an error, on which the server breaks the connection.
struct Half(Option<&'static [u8]>);

impl AsyncRead for Half {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.0.take() {
            Some(bytes) => {
                buffer.put_slice(bytes);
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into())),
        }
    }
}

async fn v1_models(State(server): State<Arc<Server>>) -> Response {
    let models = server.setup.models.iter().map(|(name, ..)| {
        json!({ "id": name, "object": "model", "created": 1_795_534_068, "owned_by": "library" })
    });
    let value = json!({ "object": "list", "data": models.collect::<Vec<_>>() });
    reply(200, "application/json", value.to_string())
}

async fn v1_chat(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    let refuse = |(status, text): Refused| {
        let kind = if status == 404 { "not_found_error" } else { "api_error" };
        let error = json!({ "message": text, "type": kind, "param": null, "code": null });
        reply(status, "application/json", json!({ "error": error }).to_string())
    };
    let asked = match parse(&server, &headers, &body) {
        Ok(asked) => asked,
        Err(refused) => return refuse(refused),
    };
    let ask = Ask {
        model: asked["model"].as_str().unwrap().to_owned(),
        prompt: prompt_of(&asked),
        schema: asked["response_format"]["json_schema"]["schema"].clone(),
        // This dialect can't set the context, so the server's own is used.
        num_ctx: 4096,
        num_predict: limit_of(&asked["max_tokens"]),
        may_truncate: true,
        may_shift: true,
    };
    if let Some(script) = server.scripted() {
        return perform(script, &ask, &server).await;
    }
    let told = match server.answer(&ask).await {
        Ok(told) => told,
        Err(refused) => return refuse(refused),
    };
    let value = json!({
        "id": "chatcmpl-320", "object": "chat.completion", "created": 1_795_534_984,
        "model": ask.model, "system_fingerprint": "fp_ollama",
        "choices": [{
            "index": 0, "message": { "role": "assistant", "content": told.content },
            "finish_reason": if told.is_cut { "length" } else { "stop" },
        }],
        "usage": {
            "prompt_tokens": told.prompt_tokens, "completion_tokens": told.tokens,
            "total_tokens": told.prompt_tokens + told.tokens,
        },
    });
    reply(200, "application/json", value.to_string())
}

fn parse(server: &Server, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    if body.is_empty() {
        return Err((400, "missing request body".to_owned()));
    }
    let asked: Value = serde_json::from_slice(body)
        .map_err(|_| (400, "invalid character looking for beginning of object key".to_owned()))?;
    let Some(model) = asked["model"].as_str() else {
        return Err((400, "model is required".to_owned()));
    };
    if !server.has(model) {
        return Err((404, format!("model '{model}' not found")));
    }
    let key = headers.get(header::AUTHORIZATION).map(|key| key.to_str().unwrap().to_owned());
    *server.last.lock().unwrap() = (asked.clone(), key);
    Ok(asked)
}

fn prompt_of(asked: &Value) -> String {
    let messages = asked["messages"].as_array().cloned().unwrap_or_default();
    messages.iter().filter_map(|message| message["content"].as_str()).collect()
}

fn limit_of(value: &Value) -> usize {
    value.as_u64().map_or(usize::MAX, |limit| usize::try_from(limit).unwrap())
}
