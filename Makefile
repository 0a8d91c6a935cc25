# Threadline. `make help` lists what can be done here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECONDS ?= 60
RATE ?= 20
OPS ?= 2000
SEED ?= 1
COUNT ?= 20000
SCHEDULES ?= 20000
ARGS ?=

RULES := tests/security/rules/threadline
SEMGREP := $(VENV)/semgrep/bin/semgrep scan --quiet --metrics=off --disable-version-check --config $(RULES).yml

.DEFAULT_GOAL := help
.PHONY: help install demo demo-script test check format e2e day bench crash crash-points mutants outage simulate soak fuzz words pins clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	@echo "==> Making a virtual environment in $(VENV) and installing what Threadline needs (about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "==> Installing the tools for tests and checks ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.runtime ## Install Threadline into .venv (the command is .venv/bin/threadline)
	@echo "==> Installed: $(BIN)/threadline"

$(VENV)/.semgrep: $(VENV)/.runtime requirements/semgrep.txt
	@echo "==> Installing semgrep, in an environment of its own ..."
	@test -x $(VENV)/semgrep/bin/python || $(BIN)/python -m venv $(VENV)/semgrep
	@$(VENV)/semgrep/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/semgrep.txt
	@touch $@

demo: $(VENV)/.runtime ## Try Threadline on this machine, without any account (ARGS="--desk whmcs")
	@echo "==> Starting the demo; stop it with Ctrl-C ..."
	@$(BIN)/threadline demo $(ARGS)

demo-script: $(VENV)/.runtime ## Run the journey without a browser for each desk and print it (DESK=local)
	@for desk in $(or $(DESK),local whmcs superoffice_soap superoffice_rest keliweb); do \
		echo "==> The journey with --desk $$desk"; \
		$(BIN)/threadline demo --script --desk $$desk || exit 1; \
	done

test: $(VENV)/.dev ## Run the tests (real Redis server, loopback only)
	@echo "==> Running the tests ..."
	@$(BIN)/python -m pytest -q -n 8 --dist worksteal -m "not e2e and not crash" --ignore tests/e2e $(ARGS)

check: $(VENV)/.dev $(VENV)/.semgrep ## Format, lint, types, architecture and safety
	@echo "==> ruff format" && $(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check . ; exit 1; }
	@echo "==> ruff check" && $(BIN)/ruff check --quiet .
	@echo "==> mypy --strict" && $(BIN)/mypy
	@echo "==> import-linter" && $(BIN)/lint-imports
	@echo "==> bandit" && $(BIN)/bandit --quiet --recursive --configfile pyproject.toml bot adapters
	@echo "==> semgrep" && $(SEMGREP) --test $(RULES).py && $(SEMGREP) --error --exclude bot/sandbox bot adapters

format: $(VENV)/.dev ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

e2e: $(VENV)/.dev ## Drive the page in headless Chromium; screenshots go to out/e2e
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { echo "==> Chromium is missing: apt-get install chromium"; exit 1; }
	@$(BIN)/python -m pytest -q -m e2e --timeout=300 tests/e2e $(ARGS)

day: $(VENV)/.dev ## Live a busy day at a desk and hold threads against tickets (DESK=local, ARGS="--threads 20 --messages 400")
	@$(BIN)/python -m tests.journeys.day --kind $(or $(DESK),local) $(ARGS)

bench/bolt_js/node_modules: bench/bolt_js/package.json
	@command -v npm >/dev/null || { echo "==> There is no npm: the reference in JavaScript is skipped"; exit 0; }; \
		echo "==> Installing bolt-js and ioredis, a reference of the benchmark ..."; \
		(cd bench/bolt_js && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel error) \
		&& touch $@ || echo "==> They cannot be installed here: the reference in JavaScript is skipped"

bench: $(VENV)/.dev bench/bolt_js/node_modules ## Measure; prints a table and one JSON line
	@$(BIN)/python -m bench $(ARGS)

crash: $(VENV)/.dev ## Kill processes for a while and compare (OPS=, SECONDS=, SEED=)
	@$(BIN)/python -m tests.crash --ops $(OPS) --seconds $(SECONDS) --seed $(SEED) $(ARGS)

crash-points: $(VENV)/.dev ## Kill a process before and after each request of each kind of operation (ARGS="--desk local --kind reply")
	@$(BIN)/python -m tests.crash.points $(ARGS)

mutants: $(VENV)/.dev ## Leave out seven rules one at a time; the crash test must miss each
	@$(BIN)/python -m pytest -q -m crash tests/crash/test_crash_mutants.py $(ARGS)

outage: $(VENV)/.dev ## Let a desk be away for four hours of a scaled clock while people write on (ARGS="--messages 1000 --hours 1")
	@$(BIN)/python -m tests.crash.outage $(ARGS)

simulate: $(VENV)/.dev ## Live through schedules in virtual time and shrink the first that fails (SCHEDULES=, SEED=)
	@$(BIN)/python -m tests.simulation --schedules $(SCHEDULES) --seed $(SEED) $(ARGS)

soak: $(VENV)/.dev ## Work evenly for a while, draw what the bot holds, and say what grows (SECONDS=, RATE=, ARGS="--desk whmcs")
	@$(BIN)/python -m tests.soak --seconds $(SECONDS) --rate $(RATE) $(ARGS)

fuzz: $(VENV)/.dev ## Send spoilt payloads to each door and count what came of them (COUNT= for each, SEED=)
	@$(BIN)/python -m tests.security.fuzz --count $(COUNT) --seed $(SEED) $(ARGS)

words: $(VENV)/.dev ## Gather the texts that people read; says what has no translation yet
	@$(BIN)/python -m tests.words.catalogue

pins: $(VENV)/.dev ## Make the pinned requirements anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements/runtime.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml -o requirements/dev.txt
	@echo "semgrep>=1.182" | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements/semgrep.txt
	@awk '/^setuptools==/{on=1} on{print} on&&!/\\$$/{exit}' requirements/dev.txt > requirements/build.txt

clean: ## Take away what was made here
	rm -rf $(VENV) out build *.egg-info
