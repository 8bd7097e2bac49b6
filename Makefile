# Stecker. `make help` lists what can be done here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
ROW ?=
SECONDS ?= 300
SEED ?=
.DEFAULT_GOAL := help

##@ On a fresh machine
.PHONY: run
run: $(VENV)/.ready ## set up and start everything on one machine, on PORT (8080); Ctrl-C stops it
	@$(BIN)/stecker up --port $(PORT)

.PHONY: test
test: $(VENV)/.ready ## set up and run the whole test suite
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

.PHONY: demo
demo: $(VENV)/.ready ## what a newcomer should see first; PARTNER=interdiscount shows one partner's own words
	@$(BIN)/stecker demo $(if $(PARTNER),--partner $(PARTNER))

##@ While working
.PHONY: check
check: $(VENV)/.ready ## formatting, lint, types, import contracts, specification
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/stecker specs check

.PHONY: format
format: $(VENV)/.ready ## put the code into the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(VENV)/.ready ## the benchmarks as a table and bench.json; one row alone: make bench ROW=intake
	@$(BIN)/python -m tests.bench $(ROW)

.PHONY: soak
soak: $(VENV)/.ready ## kills and faults of every kind for SECONDS (300), and a report; SEED=… deals the same again
	@env SECONDS=$(SECONDS) SEED=$(SEED) $(BIN)/python -m pytest -m soak tests/faults/test_soak.py $(ARGS)

.PHONY: seeds
seeds: $(VENV)/.ready ## the long fault runs, with kills of hundreds of seeds; about an hour
	@$(BIN)/python -m pytest -m soak tests/faults --deselect tests/faults/test_soak.py $(ARGS)

.PHONY: matrix
matrix: $(VENV)/.ready ## write what each dialect supports into README.md
	@$(BIN)/stecker adapter list --into README.md

.PHONY: lock
lock: $(VENV)/.ready ## resolve pyproject.toml anew into requirements.lock, with hashes
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --all-extras --no-header \
		--no-emit-index-url --no-emit-find-links --default-index "$${PIP_INDEX_URL:-https://pypi.org/simple}" pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## remove the environment and the data of make run
	rm -rf $(VENV) .stecker .demo build *.egg-info

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Stecker needs Python 3.11, 3.12 or 3.13; say which with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV) (once)…"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
