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

.PHONY: help setup demo test test-long lint format types imports declared cov bench lock wheel clean

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

declared: setup ## what is imported is declared in pyproject.toml, and the other way round
	@$(BIN)/deptry include/retail_sync dags plugins --no-ansi
	@$(BIN)/deptry include/sandbox include/demo tests --no-ansi --ignore DEP002,DEP004

cov: setup ## which branches of the engine and the records the tests near them take: 90 % at least
	@$(PYTEST) -q --cov=retail_sync.sync.engine --cov=retail_sync.records --cov-branch --cov-report=term:skip-covered \
	  --cov-fail-under=90 -m "not benchmark and not long" $(ARGS)

bench: setup ## time, memory and requests at size
	@$(BIN)/python -m pytest -m benchmark -s $(ARGS)

lock: setup ## resolve what is declared: exact releases, with hashes
	@uv=$$(command -v uv || echo .runtime/tools/bin/uv); \
	lock() { $$uv pip compile --quiet --universal --python-version 3.11 --custom-compile-command "make lock" "$$@"; } && \
	lock include/demo/uv.txt --generate-hashes --output-file include/demo/uv.lock && \
	lock pyproject.toml --all-extras --generate-hashes --output-file requirements.lock && \
	lock pyproject.toml --all-extras --group dev --generate-hashes --output-file requirements-dev.lock && \
	lock pyproject.toml --all-extras --no-deps --constraint requirements.lock --no-strip-extras --no-annotate \
	  --no-emit-package apache-airflow --no-emit-package apache-airflow-task-sdk --output-file requirements.txt

wheel: setup ## build the package into dist/
	@$(BIN)/python -m hatchling build -d dist

clean: ## remove what runs leave behind (keeps .venv)
	@rm -rf .runtime dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
