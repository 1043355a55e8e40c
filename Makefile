# The book's commands. Each prepares the virtual environment .venv by itself (Python 3.11 or newer).
#
#   make book                 run the notebooks once, render the pages
#   make test                 everything that can be tested without the rendered pages
#   make book PYTHON=python3.12     with a certain Python
#   make book VENV="$CONDA_PREFIX"  in an environment that is already there

PYTHON ?= python3
WORKERS ?= 2
CHAPTERS ?=
N ?= 200
SEED ?= 0

VENV ?= .venv
ifneq ($(words $(VENV)),1)
$(error VENV must be one path without a space, got "$(VENV)": make could not tell its parts apart)
endif
RUN := $(VENV)/bin/python
READY := $(VENV)/installed

# One thread a process: notebooks and tests run side by side.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export TQDM_DISABLE ?= 1
# The sources are UTF-8, whatever the locale says.
export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book book-gpu claims unclaimed test test-browser check lab chapter stamp fix mutants mutants-random mutants-print hooks lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1@\2/' \
		| awk -F@ '{ printf "%-20s %s\n", $$1, $$2 }'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else "$(PYTHON) is Python %d.%d, the book needs 3.11 or newer: make PYTHON=python3.12 ..." % v)'
	@echo "environment: preparing $(VENV) (the first time it downloads PyTorch: some minutes)"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || { echo "cannot make $(VENV): $(PYTHON) needs the modules venv and ensurepip (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(RUN) -m pip install --quiet -r requirements.lock
	@$(RUN) -m pip install --quiet --no-deps -e .
	@touch $@
	@echo "environment: ready in $(VENV)"

book: $(READY)  ## run each notebook once, render the pages from that run
	@$(RUN) -m tools.loopback
	@$(RUN) -m tools.run_notebooks --workers $(WORKERS)
	@$(RUN) -m tools.build_site
	@echo "The book is in $(CURDIR)/_build/html/index.html"

book-gpu: $(READY)  ## run the GPU profile of each chapter on this machine's GPU
	@$(RUN) -m tools.loopback
	@$(RUN) -m tools.run_notebooks --profile gpu --workers 1 $(CHAPTERS)
	@echo "The executed notebooks are in $(CURDIR)/_build/runs/gpu, what they cost in $(CURDIR)/_build/status-gpu.json"

claims: $(READY)  ## run the chapters with five other seeds, record which claims hold (hours; goes on where it stopped)
	@$(RUN) -m tools.loopback
	@$(RUN) -m tools.claims --workers $(WORKERS) $(CHAPTERS)

unclaimed: $(READY)  ## list sentences that compare or quantify without a claim near by
	@$(RUN) -m tools.unclaimed $(CHAPTERS)

test: check  ## style, types, lints, unit tests, doctests, and every notebook in its quick profile
	@$(RUN) -m tools.loopback
	@echo "tests: unit tests and doctests ($(WORKERS) processes)"
	@$(RUN) -m pytest -q -n $(WORKERS) --ignore=tests/browser
	@$(RUN) -m tools.quick_notebooks --workers $(WORKERS)
	@echo "All tests passed; the notebooks that ran are in $(CURDIR)/_build/quick"

test-browser: $(READY)  ## look at the rendered pages with a browser (after make book)
	@$(RUN) -m tools.loopback
	@$(RUN) -m pytest -q -n $(WORKERS) tests/browser
	@echo "The pages in $(CURDIR)/_build/html passed in a browser"

check: $(READY)  ## style, types, layers, notebooks' normal form, equations, lints of the sources
	@failed=0; \
	$(RUN) -m ruff check --quiet . && echo "style: no problem" || failed=1; \
	$(RUN) -m ruff format --quiet --check . && echo "format: no problem" \
		|| { echo "format: run make fix" >&2; failed=1; }; \
	$(RUN) -m mypy --no-error-summary && echo "types: no problem" || failed=1; \
	found="$$('$(VENV)/bin/lint-imports' --no-logo --no-cache 2>&1)" && echo "imports: no problem" \
		|| { echo "$$found" >&2; failed=1; }; \
	$(RUN) -m tools.normalise --check || failed=1; \
	$(RUN) -m tools.stamp --check || failed=1; \
	$(RUN) -m tools.equations || failed=1; \
	$(RUN) -m tools.lint_docstrings || failed=1; \
	$(RUN) -m tools.lint_sources || failed=1; \
	exit $$failed
	@echo "All checks of the sources in $(CURDIR) passed"

lab: $(READY)  ## open JupyterLab on the chapters
	@echo "JupyterLab serves $(CURDIR)/book; stop it with Ctrl-C"
	@$(VENV)/bin/jupyter-lab --notebook-dir book

chapter: $(READY)  ## CHAPTERS=vae: bring a chapter into form, run it, store its checked outputs
	@$(RUN) -m tools.stamp --write $(CHAPTERS)
	@$(RUN) -m tools.normalise --write $(CHAPTERS)
	@$(RUN) -m tools.run_notebooks --refresh $(CHAPTERS)
	@$(RUN) -m tools.lint_sources $(CHAPTERS)
	@echo "Chapters in form: $(or $(CHAPTERS),all); look at their stored outputs with: git diff book"

stamp: $(READY)  ## write the current set-up cell into each chapter
	@$(RUN) -m tools.stamp --write
	@echo "The set-up cells in $(CURDIR)/book are current"

fix: $(READY)  ## repair what can be repaired: style, format, set-up cells, normal form
	@$(RUN) -m ruff check --quiet --fix-only .
	@$(RUN) -m ruff format --quiet .
	@$(RUN) -m tools.stamp --write
	@$(RUN) -m tools.normalise --write
	@echo "Repaired in place in $(CURDIR); look with: git diff"

mutants: $(READY)  ## break the code on purpose and list the changes that no test notices
	@$(RUN) -m tools.mutants

mutants-random: $(READY)  ## N=200 SEED=0: break helpers at random places, list what no test notices
	@$(RUN) -m tools.mutants.at_random --number $(N) --seed $(SEED)

mutants-print: $(READY)  ## change each evaluated formula of the pages at each place, list what no test notices
	@$(RUN) -m tools.mutants.printed

hooks: $(READY)  ## let git run `make check` before each commit
	@$(VENV)/bin/pre-commit install
	@echo "git runs make check before each commit in $(CURDIR)"

lock: $(READY)  ## write the versions of this environment into requirements.lock
	@{ echo "# Exact versions of the environment in which the book is built and tested."; \
	echo "# Made with: make lock. Resolves on Python 3.11 to 3.13."; \
	$(RUN) -m pip freeze --exclude-editable | sed -e 's/+cpu$$//'; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@echo "The versions are in $(CURDIR)/requirements.lock; look with: git diff requirements.lock"

clean:  ## remove what the build made (not the environment)
	@rm -rf _build build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@echo "Removed $(CURDIR)/_build and the caches; the environment $(VENV) stays"
