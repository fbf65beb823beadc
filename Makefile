PYTHON ?= python3
BIN := .venv/bin
# Holds a Ctrl-C back until the program's first line has run: the interpreter makes a traceback of an earlier one.
CALM := $(shell env --block-signal=INT true 2>/dev/null && echo env --block-signal=INT)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run debug status doctor simulator ledger-dump psql deals history spend quarantine scenarios test test-kill test-partitions test-hosts test-chaos test-world mutants bench growth lint fmt types layers check settings samples picture selections reference docs lock sbom audit clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Create .venv and install what the program needs, from the lock
	@$(CALM) $(PYTHON) deploy/bootstrap.py run

setup-dev: ## The same, with what the tests need
	@$(CALM) $(PYTHON) deploy/bootstrap.py dev

run: setup ## Start the supervisor: database, workers, and a simulator when there is no API key
	@exec $(CALM) $(BIN)/sluicegate run $(ARGS)

debug: setup ## Run both jobs in one process, for breakpoints (ARGS="--task upsert --once")
	@exec $(CALM) $(BIN)/sluicegate debug $(ARGS)

status: setup ## Show workers, tokens, gates, rows and faults (ARGS="--watch" or "--json")
	@exec $(CALM) $(BIN)/sluicegate status $(ARGS)

doctor: setup ## Check configuration, state directory, ledger, database and key
	@exec $(CALM) $(BIN)/sluicegate doctor $(ARGS)

simulator: setup ## Run the Keepa-compatible simulator by itself
	@exec $(CALM) $(BIN)/sluicegate simulator $(ARGS)

ledger-dump: setup ## Print the token ledger (ARGS="--json" or "--watch")
	@exec $(CALM) $(BIN)/sluicegate ledger dump $(ARGS)

psql: setup ## Open psql on the database in use
	@exec $(BIN)/sluicegate psql

deals: setup ## Show the best deals of now (ARGS="--top 50 --csv")
	@exec $(BIN)/sluicegate deals $(ARGS)

history: setup ## Show what one product has cost (ARGS="B08N5WRWNW --plot")
	@exec $(BIN)/sluicegate history $(ARGS)

spend: setup ## Show where the tokens went (ARGS="--since 7d --by shape")
	@exec $(BIN)/sluicegate spend $(ARGS)

quarantine: setup ## List what could not be used (ARGS="list --kind product", "show 3")
	@exec $(BIN)/sluicegate quarantine $(or $(ARGS),list)

scenarios: setup-dev ## Simulate days of every plan and strategy, and write docs/scenarios.md (minutes)
	@exec $(BIN)/python -m benchmarks.scenarios $(ARGS)

test: setup-dev ## Run the tests (minutes)
	@exec $(BIN)/python -m pytest -m "not kill and not soak and not world and not hosts" -n 4 --dist worksteal $(ARGS)

test-kill: setup-dev ## Run the tests that take long: random kills above all
	@exec $(BIN)/python -m pytest -m kill -n 3 --dist worksteal $(ARGS)

test-partitions: setup-dev ## Run the tests of the store once more, on tables in 16 partitions
	@exec env TEST_PARTITIONS=16 $(BIN)/python -m pytest -m "not kill and not soak and not world and not hosts" -n 4 --dist worksteal tests/store --ignore=tests/store/embedded_postgres $(ARGS)

test-hosts: setup-dev ## Run three hosts on one key, cut their links and kill them (HOSTS_SEED=1 HOSTS_ROUNDS=1 HOSTS_S=600)
	@exec $(BIN)/python -m pytest -s -m hosts $(ARGS)

test-chaos: setup-dev ## Break everything around a whole system for minutes (CHAOS_SEED=1 CHAOS_S=240)
	@exec $(BIN)/python -m pytest -s -m soak $(ARGS)

test-world: setup-dev ## Spoil one reply in fifty and change the database, and judge what is left (WORLD_S=3600)
	@exec $(BIN)/python -m pytest -s -m world $(ARGS)

mutants: setup-dev ## Change one thing in the pure packages a hundred times; the tests must notice 95 of them (SEED=1)
	@exec $(BIN)/python -m tests.mutants --seed $(or $(SEED),1) $(ARGS)

bench: setup-dev ## Measure everything that has an aim against it (minutes; a quiet machine tells more)
	@for name in ledger_speed ledger_waits store parse pipeline supervision commands web; do PYTHONPATH=. $(BIN)/python benchmarks/$$name.py || exit 1; done

growth: setup-dev ## Measure how cost grows with what is kept, in sizes up to a million deals (ARGS="--only queue,spend")
	@exec $(BIN)/python -m benchmarks.growth $(ARGS)

lint: setup-dev ## Check style and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

fmt: setup-dev ## Format, and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: setup-dev ## Check the types
	@$(BIN)/mypy

layers: setup-dev ## Check that imports keep the layers
	@$(BIN)/lint-imports --no-cache

check: lint types layers test ## Everything CI checks

settings: setup-dev ## Write .env.example and the table of settings in README.md anew
	@exec $(BIN)/python -m tests.settings_documents

samples: setup-dev ## Write the samples of status and ledger-dump in README.md anew
	@exec env TZ=UTC $(BIN)/python -m tests.readme_samples

selections: setup-dev ## Write docs/selection.schema.json and examples/selections anew
	@exec $(BIN)/python -m tests.selection_documents

picture: setup-dev ## Take the picture of the page in README.md anew (minutes; needs Chromium)
	@exec env TZ=UTC $(BIN)/python -m tests.page_picture

reference: setup-dev ## Write docs/reference anew, from the code and from a database
	@exec $(BIN)/python -m tests.reference_documents

docs: build/docs/.made ## Build the documentation as a site, strictly, into build/site
	@# Not quietly: what is not shown does not count as a warning either.
	@NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict --config-file deploy/site/mkdocs.yml
	@echo "build/site/index.html is its first page; no server is needed, for its search neither"

build/docs/.made: requirements-docs.lock | setup
	@rm -rf build/docs && $(BIN)/python -m venv build/docs
	@build/docs/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

lock: ## Write the lock files anew (needs uv on the PATH)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml deploy/build.in -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --extra dev pyproject.toml deploy/build.in -o requirements-dev.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --group docs -o requirements-docs.lock

sbom: ## Write the list of parts (CycloneDX) of what requirements.lock installs to sbom.json (needs pipx)
	@exec pipx run --spec 'cyclonedx-bom>=7,<8' cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json requirements.lock

audit: ## Ask the database of known vulnerabilities about each package of requirements.lock (needs pipx and the network)
	@exec pipx run 'pip-audit>=2.9,<3' --strict --vulnerability-service osv --require-hashes --disable-pip -r requirements.lock

clean: ## Remove the environment and caches; state in var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
