# Every need has one command; `make` alone says what each does.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

E2E_SUITES := $(patsubst tests/e2e/%.rs,--test %,$(wildcard tests/e2e/*.rs))

.PHONY: help
help: ## What each target does
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: demo
demo: ## What the hub would do for an application, step by step and why, before any write
	cargo run --quiet --locked -p ramen-examples --bin plan

.PHONY: test
test: ## Everything that needs only package registries: unit, table, property, simulated
	cargo test --workspace --all-features --locked

.PHONY: e2e
# Each file of tests/e2e is a suite; cargo refuses a name that tests/Cargo.toml does not declare, so none is forgotten.
e2e: ## Against real API servers, etcd and S3 stores (built with Go on the first run, then cached)
	RAMEN_E2E_SERVERS=$$(tests/servers/build.sh) && export RAMEN_E2E_SERVERS \
		&& cargo test -p ramen-tests --all-features --locked $(E2E_SUITES)

.PHONY: bench
bench: ## The simulated API server and the direct transport beside real API servers: requests, latencies, memory
	RAMEN_E2E_SERVERS=$$(tests/servers/build.sh) && export RAMEN_E2E_SERVERS \
		&& cargo run --release -p ramen-tests --all-features --locked --bin bench \
		&& cargo run --release -p ramen-tests --all-features --locked --bin bench-transport

.PHONY: lint
lint: ## Formatting, clippy and dependency rules; warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-features --all-targets --locked -- -D warnings
	cargo clippy -p ramen-tests --all-features --locked $(E2E_SUITES) -- -D warnings
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --debug
	cargo deny --all-features check bans licenses sources

.PHONY: doc
doc: ## API documentation into target/doc; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

.PHONY: crds
crds: ## Write config/crd and config/crd-compat from the types, and compare the former with upstream's structure
	cargo run --quiet --locked -p ramen-tests --bin crds
	cargo run --quiet --locked -p ramen-tests --bin crd-check
