# Everything a fresh machine needs is Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -q

.PHONY: demo test test-data test-services test-slow check bench clean

demo: $(STAMP)  ## from the raw log in data/ to a served recommendation
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/shortlist demo

test: $(STAMP)  ## the whole suite, without what needs a service, a download or minutes
	$(PYTEST)
	@echo "Not run here: make test-data (MovieLens 100k from a package), make test-services (servers), make test-slow (minutes), tests marked gpu."

test-data: $(STAMP)  ## tests that read a data set from a downloaded package
	BIN=$(BIN) sh scripts/test-data

test-services: $(STAMP)  ## tests that need an installed or started service
	BIN=$(BIN) sh scripts/test-services

test-slow: $(STAMP)  ## tests that train for minutes
	$(PYTEST) -m slow

check: $(STAMP)  ## formatting, lint, types, import contracts
	BIN=$(BIN) sh scripts/check

bench: $(STAMP)  ## every benchmark at its small size
	BIN=$(BIN) sh scripts/bench

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) demo-output
