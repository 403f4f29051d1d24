# Two commands: `make demo` shows the whole thing, `make test` proves it. `make mutants` tests the
# tests, for half an hour: `make mutants MODULES='events door' SAMPLE=30 SEED=7 JOBS=1`.
PYTHON ?= python3
BIN := .venv/bin
# Runs by itself, for it may take three minutes and wants both cores.
CHAOS := tests/chaos/test_chaos.py
export DO_NOT_TRACK = 1

.PHONY: demo test check mutants clean

demo: .venv/ready
	@exec $(BIN)/waboard up --sandbox --demo $(if $(ONCE),--once)

test: .venv/ready
	$(BIN)/pytest -n 4 --ignore $(CHAOS)
	$(BIN)/pytest --durations 1 --durations-min 1 $(CHAOS)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

mutants: .venv/ready
	$(BIN)/python -m tests.mutants $(MODULES) --sample $(or $(SAMPLE),12) --seed $(or $(SEED),1) --jobs $(or $(JOBS),2)

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "waboard needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	@touch $@

clean:
	rm -rf .venv .waboard
