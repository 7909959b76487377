# fleet-migrate: every verb makes .venv and installs into it what is missing, then does its one thing.
# `make demo ARGS="--stations 20 --faults none"` and `make test ARGS=tests/domain` pass words on.

SHELL  := /bin/sh
.SHELLFLAGS := -eu -c
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CODE   := migrate vendor_profiles batches reports tests
ARGS   ?=
# One more than there are processors: a story over real sockets waits more than it works.  `ARGS="-n 0 …"` runs in one.
SPREAD := -n $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))) --dist loadscope --no-loadscope-reorder
# The first Python on the path that is new enough; name another with `make PYTHON=/opt/python3.12/bin/python3 …`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
    "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

.PHONY: help demo test check format bench chaos wide mutants pictures wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     the whole job against a simulated fleet, about a minute"
	@echo "make test     every test, the import contracts among them"
	@echo "make check    test, and before it format, lint, types and import contracts: what CI runs"
	@echo "make format   let ruff put the code in its format"
	@echo "make bench    ratios on this machine, into docs/performance.md"
	@echo "make chaos    kill it after every journaled state and at 100 random moments, there and back"
	@echo "make wide     3,000 simulated stations of every family, faults by seed, a bad model, a wave taken back"
	@echo "make mutants  switch rules off one by one and see a test notice"
	@echo "make pictures draw the terminal of a demonstration anew, into docs/"
	@echo "make wheel    the wheel, into dist/"
	@echo "make clean    remove .venv, caches and what was built"

demo: $(STAMP)
	@$(BIN)/migrate demo $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

check: $(STAMP)
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "The files above are not in format: run \`make format\`." >&2; exit 1; }
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >$(VENV)/contracts.txt 2>&1 || { cat $(VENV)/contracts.txt >&2; exit 1; }
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

format: $(STAMP)
	@$(BIN)/ruff check --quiet --fix --exit-zero $(CODE)
	@$(BIN)/ruff format --quiet $(CODE)

bench: $(STAMP)
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	    && echo "Installing nginx, which the relay is measured against." >&2 && apt-get install -y -qq nginx-light >/dev/null; } \
	    || echo "Without nginx the relay is measured alone; on Debian and Ubuntu: apt install nginx-light" >&2
	@[ -x $(VENV)/ansible/bin/ansible ] || { $(PYTHON) -m venv $(VENV)/ansible && \
	    $(VENV)/ansible/bin/pip install --quiet --disable-pip-version-check 'ansible-core>=2.17,<3'; } \
	    || echo "Without ansible-core scripts over SSH are measured alone; it goes into $(VENV)/ansible." >&2
	@ANSIBLE=$(CURDIR)/$(VENV)/ansible/bin/ansible $(BIN)/python tests/benchmarks/run.py $(ARGS)

chaos: $(STAMP)
	@$(BIN)/python tests/chaos/run.py $(ARGS)

wide: $(STAMP)
	@$(BIN)/python tests/wide/run.py $(ARGS)

mutants: $(STAMP)
	@$(BIN)/python tests/mutants/run.py $(ARGS)

pictures: $(STAMP)
	@$(BIN)/python tests/pictures/run.py

wheel: $(STAMP)
	@$(BIN)/python -m build --wheel $(ARGS)

clean:
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when pyproject.toml changes, and when the interpreter behind .venv is gone.
$(STAMP): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed and none is on the path. Name one: make PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	    echo "Making $(VENV) with $$($(PYTHON) --version) and installing into it (about a minute, once)." >&2; \
	    $(PYTHON) -m venv --clear $(VENV) || { echo "$(PYTHON) cannot make an environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; }
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --editable ".[dev]" \
	    || { echo "Installing failed, see above; the package index must be reachable once." >&2; exit 1; }
	@touch $@
