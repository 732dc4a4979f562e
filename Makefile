# The commands of README. Each makes its own environment first, in .venv,
# from the pinned requirements.txt, and again only when it or setup.py changes.
# PYTHON=... chooses another interpreter than the first that is new enough.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,\
	$(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
# JOBS=... chooses how many processes share the tests.
JOBS ?= 2
# A test whose process hangs or dies fails, and is not tried again.
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --max-worker-restart 0

.PHONY: quickstart study test test-all test-gpu fuzz matrix matrix-quick audit \
	sbom lint docs clean

quickstart: $(VENV)/ready
	$(BIN)/python tools/quickstart.py

study: $(VENV)/ready
	$(BIN)/python tools/study.py configs/studies/quick.yaml

test: $(VENV)/ready
	$(PYTEST) -m 'not slow'

# Apart, as open_clip imports transformers wherever it is found: other tests
# would start more slowly.
HF := $(VENV)/hf

# The benchmark compares times: it runs alone.
BENCHMARK = tests/test_tools/test_benchmarks

test-all: $(VENV)/ready $(HF)/ready
	PYTHONPATH=$(HF) $(BIN)/python -m pytest -n 0 tests/test_clip/test_hf_tokenizer.py
	$(BIN)/python -m pytest $(BENCHMARK)
	$(PYTEST) --ignore $(BENCHMARK) --durations 20

# The other tests hide the GPU. Three processes share one card.
test-gpu: $(VENV)/ready
	$(BIN)/python -m pytest -n 3 --dist loadgroup -m gpu tests/test_gpu

# CASES=... chooses how many mutated inputs each reader gets, TARGETS=... which.
CASES ?= 10000
fuzz: $(VENV)/ready
	$(BIN)/python -m tests.fuzz $(TARGETS) --cases $(CASES)

# Other versions of the stack; see docs/versions.md. SESSIONS=... chooses some.
NOX := $(VENV)/nox
SESSIONS ?= newest oldest fork

matrix: $(NOX)/ready
	$(NOX)/bin/nox -s $(SESSIONS)

matrix-quick: $(NOX)/ready
	$(NOX)/bin/nox -s $(SESSIONS) -- quick

audit: $(NOX)/ready
	$(NOX)/bin/nox -s audit

sbom: $(NOX)/ready $(VENV)/ready
	$(NOX)/bin/nox -s sbom

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

$(VENV)/docs: $(VENV)/ready requirements-docs.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-docs.txt
	touch $@

# Its other dependencies are open_clip's too.
$(HF)/ready: $(VENV)/ready requirements-hf.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --upgrade --target $(HF) -r requirements-hf.txt
	touch $@

$(NOX)/ready:
	$(PYTHON) -m venv $(NOX)
	$(NOX)/bin/python -m pip install --disable-pip-version-check nox==2026.10.20 uv==0.13.9
	touch $@

$(VENV)/ready: requirements.txt setup.py
	@test -n '$(PYTHON)' || { echo 'CPython 3.11 or newer is needed, and none was found: make PYTHON=/path/to/python'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps -e .
	touch $@

clean:
	rm -rf $(VENV) .nox work_dirs site
