# Everything runs in .venv, which is made on first use from pyproject.toml and constraints.txt (Python 3.11 or newer).
#   make demo        the whole method on the built-in world, in minutes: runs/demo/report.html
#   make test        lint, types, fast tests and the wheel check; the same command runs in CI
#   make test-slow   the tests that train for longer
#   make results     fills the tables of README.md and docs/results.md from the runs stored in docs/benchmark
#   make clean       removes .venv, runs/demo and what the tools cached

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Two busy OpenMP processes on two cores are ten times slower than one thread each; a test file stays with one worker, so that
# what its tests share is made once.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadscope

.PHONY: help demo test lint types test-slow results clean

help:
	@sed -n 's/^#   //p' Makefile

# The stamp is written last and '--clear' starts from nothing, so a half-made environment is made again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "signseg needs Python 3.11 or newer, and '$(PYTHON)' is not; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	echo "environment: installing into .venv (about a minute)"
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -qq -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)
	@$(BIN)/signseg demo --out runs/demo

test: lint types
	@echo "tests: pytest and the wheel check"
	$(PYTEST)

lint: $(READY)
	@echo "lint: ruff"
	$(BIN)/ruff check -q .

types: $(READY)
	@echo "types: pyright"
	$(BIN)/pyright --pythonpath $(BIN)/python

test-slow: $(READY)
	@echo "slow tests: pytest"
	$(PYTEST) -m slow

results: $(READY)
	@$(BIN)/python docs/standing.py

clean:
	@rm -rf .venv .ruff_cache .pytest_cache .hypothesis build dist runs/demo
