# SPDX-License-Identifier: Apache-2.0
# The names to type. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test run check fmt lint tidy prepare unit e2e security bench docs

# cargo-nextest is faster and prints better; plain cargo does the same work.
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
PYTEST := .venv/bin/python -m pytest -c tests/pytest.ini --rootdir .
# Where cargo puts the server that the end-to-end tests start.
TARGET := $(or $(CARGO_TARGET_DIR),target)
export TINDERBOX_BIN ?= $(abspath $(TARGET)/debug/tinderbox)

help: ## list these names
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## /\1\t/' | expand -t 12

demo: ## deploy functions in Python, Node and Rust and a pipeline, and time them; FLAGS=--keep leaves the server running
	@python3 demo/demo.py $(FLAGS)

test: lint unit e2e security ## everything a change must pass

run: ## build the server and run it on 127.0.0.1:4566; FLAGS goes to `tinderbox serve`
	cargo run --release --package tinderbox -- serve $(FLAGS)

check: ## type-check the workspace
	cargo check --workspace --all-targets

fmt: ## format Rust and Python
	cargo fmt --all
	$(MAKE) --no-print-directory prepare
	.venv/bin/ruff format --quiet .

lint: tidy prepare ## formatting, spelling, AWS's models, clippy, and licences where cargo-deny is installed
	cargo fmt --all --check
	.venv/bin/ruff format --check --quiet . || { echo 'hint: make fmt' >&2; exit 1; }
	.venv/bin/ruff check --quiet .
	.venv/bin/typos --quiet || .venv/bin/typos
	cargo xtask shapes
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --all-features check; \
	 else echo 'lint: cargo-deny is not installed: licences and advisories were not checked' >&2; fi

tidy: ## layers, names, licences, links and the other rules of the tree
	cargo xtask tidy

prepare: ## install what the Python and JavaScript tests use
	@tests/prepare.sh

unit: ## unit and wire tests
ifdef NEXTEST
	cargo nextest run --workspace --locked
else
	cargo test --workspace --locked --quiet
endif

e2e: prepare ## the AWS CLI, boto3 and the JavaScript SDK against the real server
	cargo build --package tinderbox --locked
	$(PYTEST) --numprocesses 2 --dist loadfile $(wildcard runtimes/tests) tests/e2e $(FLAGS)

security: prepare ## attempts to break out of a sandbox, one file per wall
	cargo build --package tinderbox --locked
	$(PYTEST) tests/security $(FLAGS)

bench: ## cold and warm latency, throughput and memory, next to a bare server in the same run
	$(MAKE) --no-print-directory -C bench

docs: ## the API documentation of the crates
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --document-private-items
