# make run: install into .venv and run the quickstart bake-off.  make test: install and pass the tests.
# Another Python: make run PYTHON=/path/to/python3.12
PYTHON ?= $(shell for v in 3.14 3.13 3.12 3.11; do if python$$v -c "import ensurepip, venv" >/dev/null 2>&1; then echo python$$v; break; fi; done)
BIN := .venv/bin

.PHONY: run test test-slow test-plugins lint format types bench pictures clean

run: .venv/installed
	$(BIN)/bakeoff

test: .venv/installed-dev
	$(BIN)/python -m pytest

test-slow: .venv/installed-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,ray,slurm,postgres]"
	$(BIN)/python -m pytest -m slow

test-plugins: .venv/installed-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(foreach plugin,$(wildcard plugins/*),--editable ./$(plugin))
	$(BIN)/python -m pytest plugins

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev
	for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# The pictures in README.md: the report of outputs/quickstart, as `make run` leaves it. Needs Chromium.
pictures: .venv/installed
	$(BIN)/bakeoff report outputs/quickstart
	mkdir -p docs/pictures
	chromium --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --window-size=1280,1400 \
		--user-data-dir="$$(mktemp -d)" --screenshot=docs/pictures/report.png "file://$(CURDIR)/outputs/quickstart/report.html"

clean:
	rm -rf .venv build dist

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "bakeoff needs Python 3.11, 3.12, 3.13 or 3.14 with venv and pip, and none of python3.11 … python3.14 works here. Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch .venv/installed $@
