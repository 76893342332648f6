PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
PROGRAM := $(VENV)/.program
READY   := $(VENV)/.installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11
T       ?=

.PHONY: demo test e2e check-kustomize corpus schemas lint audit site accuracy fleets bench golden readme transcript coverage messages lock clean
.DEFAULT_GOAL := demo

# Every target makes its own set-up: a virtual environment with the locked dependencies. The demo needs only those of the
# program, a third of all: a newcomer waits for nothing else.
$(PROGRAM): requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fluxdoctor needs Python 3.11 or newer; set PYTHON=...")'
	@echo "Installing fluxdoctor into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements.lock -r requirements-build.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(PROGRAM) requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(PROGRAM) ## what a newcomer runs first: the embedded incident
	@$(BIN)/fluxdoctor demo --fail-on never

test: $(READY) ## rule pages, recorded incidents, properties (T="-k name" for some)
	$(BIN)/python -m pytest $(T)

e2e: $(READY) ## real servers, built once and kept in ~/.cache/fluxdoctor-e2e: needs Go 1.26 and, without etcd on PATH, Debian (T="-k name" for some)
	$(BIN)/python -m tests.e2e.build
	PATH="$$(tools/kustomize.sh):$$PATH" $(BIN)/python -m pytest tests/e2e tests/redteam tests/unit/app/test_check.py tests/unit/cli/test_check_command.py tests/docs/test_docs.py $(T)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

accuracy: $(READY) ## how often the root cause is found, recorded and generated; writes docs/accuracy.md
	$(BIN)/python tools/accuracy.py fixtures/incidents --held-out fixtures/held-out --fleets 1000 --write docs/accuracy.md

fleets: $(READY) ## 10,000 generated fleets: exactly what is broken, nothing else
	FLUXDOCTOR_FLEETS=10000 $(BIN)/python -m pytest tests/incidents

bench: $(READY) ## replay fleets of growing size, as ratios
	$(BIN)/python benchmarks/replay.py
	$(BIN)/python benchmarks/fold.py
	$(BIN)/python benchmarks/rules.py
	$(BIN)/python benchmarks/git_sharing.py
	$(BIN)/python benchmarks/mcp.py

check-kustomize: $(READY) ## the tests that need kustomize, with one built by Go outside of this tree
	PATH="$$(tools/kustomize.sh):$$PATH" $(BIN)/python -m pytest tests/unit/app/test_check.py tests/unit/cli/test_check_command.py tests/docs/test_docs.py $(T)

corpus: $(READY) ## check the repositories of a list: make corpus CORPUS=DIR REPOSITORIES=DIR
	PATH="$$(tools/kustomize.sh):$$PATH" $(BIN)/python tools/corpus.py $(CORPUS) --repositories $(REPOSITORIES)

schemas: $(READY) ## the JSON schemas of Flux's kinds, and how kustomize merges lists, from Go modules
	$(BIN)/python tools/schemas.py
	$(BIN)/python tools/merge_keys.py

golden: $(READY) ## rewrite the golden reports; read the difference
	$(BIN)/python -m pytest tests/incidents/test_incidents.py --update

readme: $(READY) ## put the real demo report and the measured table into README.md
	$(BIN)/python tools/readme.py

transcript: $(READY) ## put a real client's calls of the MCP server into docs/mcp.md
	$(BIN)/python tools/mcp_transcript.py

coverage: $(READY) ## write rules/COVERAGE.md: which rule recognises which fault
	$(BIN)/python tools/coverage.py

messages: $(READY) ## check every pattern against the controllers' messages that are known
	$(BIN)/python tools/messages.py

audit: $(READY) ## vulnerabilities that are known of what is locked, and bandit
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive fluxdoctor rules tools
	$(BIN)/python tools/audit.py

site: $(READY) ## the documentation site, into build/site
	$(BIN)/python tools/docsite.py build/site

# The program is locked to what the tests run with, so the lock of development comes first.
lock: $(READY) ## lock what pyproject.toml asks for, with hashes, and keep the versions (UPGRADE=1 for the newest ones)
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) --upgrade pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(COMPILE) --upgrade --group build -c requirements-dev.lock -o requirements-build.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
