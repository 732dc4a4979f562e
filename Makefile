# The commands of README. Each makes its own environment first, in .venv,
# from the pinned requirements.txt, and again only when that file changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: quickstart test test-all lint clean

quickstart: $(VENV)/ready
	$(BIN)/python tools/quickstart.py

test: $(VENV)/ready
	$(BIN)/python -m pytest -m 'not slow'

test-all: $(VENV)/ready
	$(BIN)/python -m pytest

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/ready: requirements.txt setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"CPython 3.11 or newer is needed, $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps -e .
	touch $@

clean:
	rm -rf $(VENV) work_dirs
