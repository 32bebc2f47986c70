# make run   everything on this machine: provider, demo relying party
# make check what a commit must pass: format, lint, types, import contracts, tests
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := $(CURDIR):$(CURDIR)/guard
export PYTHONDONTWRITEBYTECODE := 1
WORKERS ?= 2

ifneq ($(shell command -v uv 2>/dev/null),)
install = VIRTUAL_ENV=$(VENV) uv pip sync -q --require-hashes $(1) || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r $(1)
else
install = $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r $(1)
endif

.PHONY: run test test-clients check fmt lint types bench lock docs translations browser

run: $(VENV)/.run
	@exec $(BIN)/python -m idp dev

test: $(VENV)/.dev browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup tests --ignore=tests/clients/installed

test-clients: $(VENV)/.dev browser
	tests/clients/install.sh
	$(BIN)/python -m pytest tests/clients/installed

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	! grep -nE 'https?://|--index|--find-links' requirements/*.txt
	$(MAKE) test

fmt: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	$(BIN)/python -m bench

browser: $(VENV)/.dev
	@$(BIN)/python -m tests.support.browser --ensure

docs: $(VENV)/.dev
	$(BIN)/python -m docs.settings_page > docs/settings.md

translations: $(VENV)/.dev
	$(BIN)/pybabel -q extract -F templates/locale/babel.cfg --omit-header --sort-output --no-location --no-wrap -o templates/locale/messages.pot .
	$(BIN)/pybabel -q update -i templates/locale/messages.pot -d templates/locale --no-fuzzy-matching --ignore-obsolete --no-wrap
	sed -i.bak -e '/^"\(Project-Id-Version\|Report-Msgid-Bugs-To\|POT-Creation-Date\|PO-Revision-Date\|Last-Translator\|Language-Team\|Generated-By\)/d' -e '1{/^$$/d;}' templates/locale/*/LC_MESSAGES/messages.po
	rm -f templates/locale/*/LC_MESSAGES/messages.po.bak

lock:
	for set in run dev; do uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url requirements/$$set.in -o requirements/$$set.txt; done

# Made whole or made again: an interrupted venv has a python and no pip.
$(VENV)/.made:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (set PY=python3.x)"; exit 1; }
	@rm -rf $(VENV)
	@$(PY) -m venv $(VENV) || { echo "python venv is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@touch $(VENV)/.made

$(VENV)/.dev: requirements/dev.txt $(VENV)/.made
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.dev $(VENV)/.run

$(VENV)/.run: requirements/run.txt $(VENV)/.made
	@test -e $(VENV)/.dev || { $(call install,requirements/run.txt); }
	@touch $(VENV)/.run
