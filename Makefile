# Every target makes what it needs: a virtualenv in .venv, nothing else on the machine is touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_HOME ?= .demo
PROMPT ?= A REST API to track books (title, author, year) and loans (book, borrower, due date)
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test again check fix format lint types layers bench coverage docs screens clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/smaker: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "smaker needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "» making a virtualenv in $(VENV) and installing smaker"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(BIN)/.dev: $(BIN)/smaker
	@echo "» installing what tests and checks need"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(BIN)/smaker ## Build a real project from a prompt, and show what it is
	@echo '» smaker init "$(PROMPT)"'
	@if command -v bwrap >/dev/null || [ -n "$$SMAKER_SANDBOX__KIND" ]; then :; else \
	  echo "» bubblewrap is not installed: the demo's own code runs WITHOUT a sandbox (install bubblewrap to have one)"; fi
	@if command -v bwrap >/dev/null; then :; else export SMAKER_SANDBOX__KIND=process; fi; \
	  $(BIN)/smaker --home $(DEMO_HOME) init "$(PROMPT)"
	@$(BIN)/smaker --home $(DEMO_HOME) list

test: $(BIN)/.dev ## Run all tests
	@echo "» running the tests"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: lint types layers ## Format, lint, types and layers

lint: $(BIN)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(BIN)/.dev
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

layers: $(BIN)/.dev
	@$(BIN)/lint-imports

fix: $(BIN)/.dev ## Mend what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

again: $(BIN)/.dev ## Run the tests that failed last, one at a time
	@$(BIN)/python -m pytest -n 1 --last-failed --last-failed-no-failures none $(ARGS)

coverage: ## Run all tests and measure what they cover
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report= $(ARGS)"
	@$(BIN)/coverage report --fail-under=90

bench: $(BIN)/.dev ## Measure what docs/performance.md reports
	@$(BIN)/python -m benchmarks

clean: ## Remove what the targets made
	rm -rf $(VENV) $(DEMO_HOME) dist .pytest_cache .ruff_cache .coverage .import_linter_cache

screens: $(BIN)/.dev ## Draw the screens of the terminal app for its page
	@$(BIN)/python docs/screens/make.py

docs: $(BIN)/.dev ## Write the pages that are made from the code
	@$(BIN)/python -c 'from smaker.cli.reference import reference; print(reference(), end="")' > docs/cli.md
