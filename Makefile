# deskclerk: `make run` serves MCP on the sandbox, `make test` passes the tests; both make what they need.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
HOST ?= 127.0.0.1
PORT ?= 8765
# The tests start hundreds of processes: without bytecode each would compile deskclerk anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run bench test test-faults test-fuzz test-endurance test-wheel wheel bundle registry test-postgres test-hosted test-browser test-js test-docs test-conformance test-mutations check format lint types docs docs-site index index-check lock clean

run: $(VENV)/run.stamp
	$(BIN)/deskclerk serve --host $(HOST) --port $(PORT)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal --ignore tests/browser --ignore tests/conformance --ignore tests/fuzz \
	  --ignore tests/endurance --ignore tests/js --ignore tests/published --ignore tests/hosted \
	  --ignore tests/docs

# The console in a real browser; needs Chromium (CHROMIUM=path if it is not on PATH) and npm for axe-core.
test-browser: $(VENV)/dev.stamp tests/js/node_modules/axe-core
	$(BIN)/python -m pytest tests/browser

tests/js/node_modules/axe-core: tests/js/package-lock.json
	cd tests/js && npm ci --silent
	@touch $@

# What is kept in a database, on PostgreSQL: the tests start a server of their own (Debian: postgresql).
test-postgres: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal --postgres tests/sandbox tests/test_database.py tests/desk/journal/test_stores.py \
	  tests/desk/rates \
	  tests/faces/cli/test_sandbox_commands.py

# Many workspaces on one desk: the tests start PostgreSQL and Redis of their own (Debian: postgresql, redis-server).
test-hosted: $(VENV)/dev.stamp tests/js/node_modules/axe-core
	$(BIN)/python -m pytest -n auto --dist worksteal tests/hosted

# Every action before every fault that Clerk, a proxy or the network can answer with; a hundred killed processes.
test-faults: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal --faults tests/faults tests/journeys/test_kill.py

# Made-up input to every tool, to standard input, HTTP, the console and the sandbox's API; every run tries others.
test-fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal tests/fuzz

# Five hundred sessions for a minute, a disk that is full, read-only, held or damaged, a clock that jumps.
test-endurance: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -s tests/endurance

# Breaks the lines that keep the most important promises, one by one in a copy: the test of each has to notice.
test-mutations: $(VENV)/dev.stamp
	$(BIN)/python tools/mutate.py

# As it is published: an sdist, the wheel made of that, and the MCP bundle. The demo runs in an environment with nothing
# else but what it needs, the types are checked as somebody who imports it has them checked, and the tests have uvx,
# pipx and a client of bundles start what was built.
PUBLISHED := build/published
test-wheel: bundle
	$(BIN)/python -m venv $(PUBLISHED)/venv
	$(PUBLISHED)/venv/bin/pip --disable-pip-version-check --quiet install --require-hashes --requirement requirements/run.txt
	$(PUBLISHED)/venv/bin/pip --disable-pip-version-check --quiet install --no-deps $(PUBLISHED)/deskclerk-*.whl
	$(PUBLISHED)/venv/bin/deskclerk demo
	$(BIN)/mypy --config-file= --strict --python-executable $(PUBLISHED)/venv/bin/python tests/usage/library.py
	$(BIN)/python -m pytest tests/published

wheel: $(VENV)/dev.stamp
	rm -rf $(PUBLISHED)
	$(BIN)/hatchling build --target sdist --directory $(PUBLISHED)
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir $(PUBLISHED) $(PUBLISHED)/deskclerk-*.tar.gz

# The MCP bundle (.mcpb) that desktop clients install with a click; needs npm.
bundle: wheel packaging/node_modules/.package-lock.json
	$(BIN)/python tools/package.py bundle $(PUBLISHED)/deskclerk-*.whl $(PUBLISHED)/bundle
	cd packaging && npx mcpb validate ../$(PUBLISHED)/bundle/manifest.json
	cd packaging && npx mcpb pack ../$(PUBLISHED)/bundle ../$(PUBLISHED)/deskclerk.mcpb

packaging/node_modules/.package-lock.json: packaging/package-lock.json
	cd packaging && npm ci --silent
	@touch $@

# server.json for the MCP registry, under the namespace of whoever publishes it: make registry NAMESPACE=io.github.you
registry: $(VENV)/dev.stamp
	$(BIN)/python tools/package.py registry $(NAMESPACE) build/server.json

# The protocol's referees: its conformance suite, MCP Inspector and the TypeScript SDK; needs npm.
test-conformance: $(VENV)/dev.stamp tests/conformance/node_modules/.package-lock.json
	$(BIN)/python -m pytest -n auto --dist worksteal tests/conformance

tests/conformance/node_modules/.package-lock.json: tests/conformance/package-lock.json
	cd tests/conformance && npm ci --silent
	@touch $@

# Clerk's JavaScript SDK against the sandbox; needs Node 20 or newer.
test-js: $(VENV)/dev.stamp
	cd tests/js && npm ci --silent && DESKCLERK=$(abspath $(BIN))/deskclerk npm test --silent
	$(BIN)/python -m pytest tests/js

# The commands and programs of the pages, typed on a terminal page by page (Go and Ruby: Debian's golang-go and ruby).
test-docs: $(VENV)/dev.stamp tests/js/node_modules/axe-core
	$(BIN)/python -m pytest -n auto --dist worksteal tests/docs

# What it costs beside peers, one program a row; writes docs/performance.md. Needs wrk, npm and PostgreSQL's server.
bench: $(VENV)/dev.stamp benchmarks/peers/node_modules/.package-lock.json
	$(BIN)/python benchmarks/run.py

benchmarks/peers/node_modules/.package-lock.json: benchmarks/peers/package-lock.json
	cd benchmarks/peers && npm ci --silent
	@touch $@

check: lint types docs test test-faults test-fuzz test-endurance test-wheel test-postgres test-hosted test-browser test-docs test-conformance test-mutations

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin

docs: $(VENV)/dev.stamp
	$(BIN)/python tools/generate_docs.py --check

# The pages as a site that works from a folder, in build/site; a link that leads nowhere is an error.
docs-site: $(VENV)/dev.stamp
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/site

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/generate_docs.py

# Derives the referee's index of facts from Clerk's OpenAPI documents: make index SPECS=folder
index: $(VENV)/dev.stamp
	$(BIN)/python tools/derive_index.py $(SPECS)

index-check: $(VENV)/dev.stamp
	$(BIN)/python tools/derive_index.py $(SPECS) --check

# Pins what pyproject.toml asks for, with hashes and without addresses; needs uv.
lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate --quiet --upgrade --output-file requirements/run.txt
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate --quiet --upgrade --output-file requirements/dev.txt
	uv pip compile pyproject.toml --extra hosted --extra telemetry --extra vault --group build --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet \
	  --constraint requirements/dev.txt --output-file requirements/hosted.txt

clean:
	rm -rf $(VENV) build dist

# On Windows it is python.exe, which make takes for another name.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "deskclerk needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing deskclerk and what it needs into $(VENV) (once) …"
	$(PIP) install --require-hashes --requirement requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing deskclerk, what it needs and what checks it into $(VENV) (once) …"
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/run.stamp
