# `make app` and `make test` set up what is missing and go; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: accessibility address app attack batch-test bench check clean corpus docs examples format fuzz help lint load notebooks
.PHONY: notebooks-test screenshots setup space spandrel-test test types wheel

VENV ?= .venv
# Any Python from 3.10 on; by default the first that is found. PYTHON=... names another.
PYTHON ?=
# An index of PyTorch builds, for machines on which a plain `torch` would bring several GB of CUDA.
TORCH_INDEX ?=
# The extras of pyproject.toml to install.
EXTRAS ?= fast,heif,notebooks,dev
PORT ?=
# The Space of `make space`, org/name.
SPACE ?=
# The folder of photos for `make corpus`.
DIR ?=
ARGS ?=
PYTEST_WORKERS ?= 2
SPANDREL_VENV ?= .venv-spandrel

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf '  make %-15s %s\n' "$$name" "$$what"; done

app: $(STAMP) ## start the app and print its address (PORT=7860, ARGS="--host 0.0.0.0")
	@$(BIN)/lowlight app $(if $(PORT),--port $(PORT)) $(ARGS)

# Linters come first but do not stop the tests; the test summary is the last thing printed.
test: $(STAMP) ## lint, check types, run all tests (ARGS="-k raw")
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check --quiet . || { echo "Run make format: some files are not formatted."; status=1; }; \
	$(BIN)/mypy || status=1; \
	if [ $$status != 0 ]; then echo "ruff or mypy found problems (above): this run fails whatever the tests say."; fi; \
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile $(ARGS) || status=1; \
	exit $$status

accessibility: $(STAMP) ## scan every tab with axe, in light and dark
	@EXPLORER_ACCESSIBILITY=1 $(BIN)/python -m pytest -n 0 tests/app/test_browser_tabs.py -k accessibility

setup: $(STAMP) ## create the virtual environment and install everything

lint: $(STAMP) ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(STAMP) ## ruff, with automatic fixes
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## mypy
	@$(BIN)/mypy

check: lint types ## lint and types without the tests

# Ray is an extra that few need; this target installs it.
batch-test: $(STAMP) ## archives on a local Ray cluster: 500 photos, a lost node, a killed driver
	@$(PIP) install --quiet -e '.[ray]' -c constraints.txt
	@EXPLORER_BATCH_PHOTOGRAPHS=500 $(BIN)/python -m pytest tests/batch --timeout 1800 $(ARGS)

# Spandrel needs torchvision, which must fit torch: both come from one index, into an environment of their own.
spandrel-test: $(STAMP) ## import and run networks of the library spandrel, in a separate environment
	@$(BIN)/python -m venv $(SPANDREL_VENV)
	@$(SPANDREL_VENV)/bin/python -m pip install --quiet torch torchvision $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(SPANDREL_VENV)/bin/python -m pip install --quiet -e '.[spandrel,dev]'
	@EXPLORER_SPANDREL=1 $(SPANDREL_VENV)/bin/python -m pytest tests/weights/test_spandrel.py $(ARGS)

bench: $(STAMP) ## run every benchmark except `make load`
	@set -e; shopt -s nullglob; for each in benchmarks/[a-z]*.py; do case $$each in */load.py) continue;; esac; echo "== $$each"; $(BIN)/python $$each $(ARGS); done

fuzz: $(STAMP) ## 20,000 damaged photos, and the property tests with many more examples
	@$(BIN)/python scripts/fuzz.py $(ARGS)
	@$(BIN)/python -m pytest --timeout 1800 --hypothesis-profile fuzz -m hypothesis

corpus: $(STAMP) ## compare every photo under a folder with other decoders (DIR=photos)
	@$(BIN)/python scripts/corpus.py "$(DIR)" $(ARGS)

attack: $(STAMP) ## attack a fresh server for five minutes (ARGS="--seconds 60 --seed 7")
	@$(BIN)/python scripts/attack.py $(ARGS)

load: $(STAMP) ## 32 clients use the app for two minutes, then again next to an abusive one (ARGS="--clients 8 --seconds 20")
	@$(BIN)/python benchmarks/load.py $(ARGS)

notebooks: $(STAMP) ## open the notebooks
	@$(BIN)/jupyter lab --notebook-dir notebooks $(ARGS)

notebooks-test: $(STAMP) ## run all eight notebooks from top to bottom, and two of them as pages
	@EXPLORER_NOTEBOOKS=all $(BIN)/python -m pytest tests/notebooks --timeout 1800 -s $(ARGS)

# The site's generator is an extra that few need; this target installs it.
docs: $(STAMP) ## build the documentation into out/docs, with the Python reference and the lessons
	@$(PIP) install --quiet -e '.[docs]' -c constraints.txt
	@$(BIN)/python scripts/lesson_pages.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet $(ARGS) && echo "out/docs/index.html"

examples: $(STAMP) ## rebuild the bundled example photos
	@$(BIN)/python scripts/make_examples.py $(ARGS)

address: $(STAMP) ## write the repository's address everywhere (REPOSITORY=owner/name)
	@$(BIN)/python scripts/address.py "$(REPOSITORY)"

screenshots: $(STAMP) ## retake the pictures of README.md and the docs from the real app
	@$(BIN)/python scripts/screenshots.py $(ARGS)

# The Hub accepts binary files only through its API (or Git LFS), not by a plain `git push`, hence `hf upload`.
space: $(STAMP) ## push the current commit to the Hub as a Space, as it is (SPACE=org/name)
	@test -n "$(SPACE)" || { echo "Name the Space: make space SPACE=org/name"; exit 1; }
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && git archive HEAD | tar -x -C "$$copy" && \
	$(BIN)/hf upload "$(SPACE)" "$$copy" . --repo-type space --delete '*' --commit-message "$$(git log -1 --format=%s)"

wheel: $(STAMP) ## build dist/*.whl, with the weights in it
	@$(PIP) wheel --no-deps --wheel-dir dist .

clean: ## remove the virtual environment and all caches
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that the next `make` resumes an interrupted install.
$(STAMP): pyproject.toml constraints.txt
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
	    for each in python3 python3.13 python3.12 python3.11 python3.10 python; do \
	        if $$each -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then python=$$each; break; fi; \
	    done; \
	fi; \
	if [ -z "$$python" ]; then echo "No Python >= 3.10 was found: install one, or name it with PYTHON=/path/to/python3."; exit 1; fi; \
	if ! $$python -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then \
	    echo "$$python is not a Python >= 3.10: name another with PYTHON=/path/to/python3."; exit 1; \
	fi; \
	if ! $(PIP) --version >/dev/null 2>&1; then \
	    if ! $$python -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	        echo "$$python cannot make a virtual environment: install its venv module (Debian and Ubuntu: apt install python3-venv)."; exit 1; \
	    fi; \
	    echo "Making $(VENV) with $$($$python --version)"; \
	    $$python -m venv --clear $(VENV) || exit 1; \
	fi
	@echo "Installing the explorer and what it needs into $(VENV) (once; some minutes)"
	@$(if $(TORCH_INDEX),$(PIP) install --quiet torch -c constraints.txt --index-url $(TORCH_INDEX))
	@mkdir -p weights  # the package's build takes it along, and git does not keep an empty folder
	@$(PIP) install --quiet -e '.[$(EXTRAS)]' -c constraints.txt
	@touch $@
