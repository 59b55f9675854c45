# make demo · make test · make lint · make bench      each sets itself up; only Python 3.11 with pip (or uv) is needed
# make screenshots                                     draws the pictures of the README anew; needs Chromium
#
#   make demo ARGS="--script accompanied-to-the-end"
#   make test ARGS="-k relay"

VENV ?= .venv
BIN  := $(VENV)/bin
SET_UP := $(VENV)/.set-up-of-pyproject

.PHONY: demo test lint bench screenshots
.DEFAULT_GOAL := test

demo: $(SET_UP)
	@$(BIN)/peersupport demo $(ARGS)

test: $(SET_UP)
	@$(BIN)/python -m pytest $(ARGS)

lint: $(SET_UP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(SET_UP)
	@failed=0; for each in bench/*.py; do $(BIN)/python "$$each" $(ARGS) || failed=1; done; exit $$failed

screenshots: $(SET_UP)
	@$(BIN)/python -m tests.screenshots $(ARGS)

$(SET_UP): pyproject.toml .ci/set-up
	@.ci/set-up $(VENV)
	@touch $@
