SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

# Where the peer tests look for commercetools-mock; `.ci/run` installs it there, without it they are skipped.
export COMMERCETOOLS_MOCK_DIR ?= $(CURDIR)/.runtime/node/commercetools-mock

# Tests run in this many processes, each with a PostgreSQL of its own.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# More arguments for pytest: make test ARGS="tests/sync -k merge"
ARGS ?=

.PHONY: help setup demo test test-long lint format types imports declared bench lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## make .venv from the lock (needs Python 3.11+ only)
	@PYTHON="$(PYTHON)" include/demo/setup.sh

demo: setup ## sync a sample shop in a real Airflow (SHOP=path: another shop; ONCE=1: check and end)
	@exec $(BIN)/python -m demo.demo $(if $(SHOP),--shop "$(SHOP)") $(if $(filter-out 0,$(ONCE)),--once)

test: setup ## run the tests, but for those that take long
	@$(PYTEST) -m "not benchmark and not long" $(ARGS)

test-long: setup ## run the tests that take long: histories, whole shops, Airflow's own processes, browsers
	@$(PYTEST) -m "long and not benchmark" $(ARGS)

lint: setup ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: setup ## mypy --strict on include/
	@$(BIN)/mypy

imports: setup ## who may import whom
	@PYTHONPATH=.:include $(BIN)/lint-imports

declared: setup ## what is imported is in requirements.txt
	@$(BIN)/deptry include plugins dags --no-ansi --config .ci/deptry.toml

bench: setup ## time, memory and requests at size
	@$(BIN)/python -m pytest -m benchmark -s $(ARGS)

lock: setup ## resolve what is required into the lock files, with hashes
	@uv=$$(command -v uv || echo .runtime/tools/bin/uv); for name in include/demo/uv requirements requirements-dev; do \
	  $$uv pip compile --quiet $$name.txt --universal --python-version 3.11 \
	    --generate-hashes --custom-compile-command "make lock" --output-file $$name.lock; done

clean: ## remove what runs leave behind (keeps .venv)
	@rm -rf .runtime .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
