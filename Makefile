# make demo · make test · make lint · make bench      each sets itself up; only Python 3.11 with pip (or uv) is needed
# make test-all                                        the tests that need another process, PostgreSQL, a browser or a
#                                                      proxy, too, and three times as many examples; its last line names
#                                                      what this machine lacks
# make mutants                                         takes each guard of tests/mutants out of a copy of the code, and
#                                                      expects the tests named beside it to fail; some minutes
# make simulate                                        hospital-years in virtual time, under a seed; --years 10 --seed 7
# make fuzz                                            100,000 hostile requests at each platform's route; --requests 5000
# make assurance                                       all of these, and writes what came of them to docs/assurance.md
# make screenshots                                     draws the pictures of the README anew; needs Chromium
#
#   make demo ARGS="--script accompanied-to-the-end"
#   make test ARGS="-k relay"

unexport PYTHONDONTWRITEBYTECODE  # several processes run the same code: it is compiled once

VENV ?= .venv
BIN  := $(VENV)/bin
SET_UP := $(VENV)/.set-up-of-pyproject

PYTEST := -m pytest -q --dist worksteal
CORES := $(shell nproc)
# what one process can show keeps a core busy; the rest waits for other processes and for disks, so one more fits in
QUICK := -n $(CORES) --maxprocesses 4
ALL := -n $(shell expr $(CORES) + 1) --maxprocesses 5
# what tests write need not outlive the machine: it is kept in memory, where 4 GB are free (10 for all)
FREE = "$$(df --output=avail /dev/shm 2>/dev/null | tail -1)"
IN_MEMORY := $(shell test $(FREE) -gt 4000000 2>/dev/null && echo /dev/shm)
ALL_IN_MEMORY := $(shell test $(FREE) -gt 10000000 2>/dev/null && echo /dev/shm)
NEEDS_MORE := process or postgres or browser or proxy

.PHONY: demo test test-all lint bench mutants simulate fuzz assurance screenshots
.DEFAULT_GOAL := test

demo: $(SET_UP)
	@$(BIN)/peersupport demo $(ARGS)

test: $(SET_UP)
	@TMPDIR="$${TMPDIR:-$(IN_MEMORY)}" $(BIN)/python $(PYTEST) $(QUICK) -m "not ($(NEEDS_MORE))" $(ARGS)

test-all: $(SET_UP)
	@TMPDIR="$${TMPDIR:-$(ALL_IN_MEMORY)}" TEST_EXAMPLES=all $(BIN)/python $(PYTEST) $(ALL) $(ARGS)

lint: $(SET_UP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/commit-subjects

bench: $(SET_UP)
	@$(BIN)/python -m bench $(ARGS)

mutants: $(SET_UP)
	@$(BIN)/python -m tests.mutants $(ARGS)

simulate: $(SET_UP)
	@$(BIN)/python -m tests.simulation $(ARGS)

fuzz: $(SET_UP)
	@.ci/set-up $(VENV) --editable '.[dev,fuzz]'
	@$(BIN)/python -m tests.fuzz $(ARGS)

assurance: $(SET_UP)
	@$(BIN)/python -m tests.project.assurance $(ARGS)

screenshots: $(SET_UP)
	@$(BIN)/python -m tests.playground.screenshots $(ARGS)

$(SET_UP): pyproject.toml .ci/set-up
	@.ci/set-up $(VENV)
	@touch $@
