# `make` alone lists the targets. On Windows, which has no make, see README.md.
PYTHON ?= python3
BIN = .venv/bin
READY = .venv/ready
PYTEST = $(BIN)/python -m pytest -n logical --dist worksteal

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 12

book: $(READY) ## build the site from the executed notebooks
	$(BIN)/jupyter-book build . -W -n --keep-going
	@echo "Open $(CURDIR)/_build/html/index.html"

slides: book ## build the decks of slides, each a file that needs nothing else
	@echo "Open $(CURDIR)/_build/html/book/slides/workshop.html, budget.html, seminar.html or inside.html"

report: book ## print the seminar report as a PDF; needs Chromium or Chrome
	$(BIN)/python tools/print_report.py

check: lint ## run what is fast of the tests, in about a minute
	$(PYTEST) -m "not slow"

test: lint ## run everything that guards the course
	$(PYTEST)

lint: $(READY) ## check the style of package, tests, notebooks and scripts, and the package's types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/oxlint --deny-warnings
	$(BIN)/mypy

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

data: $(READY) ## fetch the full data sets
	$(BIN)/python -m cnncourse.data

results: $(READY) ## run the recipes that results/recipes lacks
	$(BIN)/python -m cnncourse.experiments run

notebooks: $(READY) ## execute all chapters in full and keep the outputs
	$(BIN)/python tools/run_notebooks.py

benchmark: book ## measure the speed of the course on this machine
	$(BIN)/pip install -q -r requirements.txt -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.frameworks
	$(BIN)/python -m benchmarks.time_to_accuracy
	$(BIN)/python -m benchmarks.where_time_goes
	$(BIN)/python -m benchmarks.pad

address: $(READY) ## write your repository's address wherever it stands: make address URL=https://github.com/you/yours
	$(BIN)/python tools/set_address.py "$(URL)"

release: $(READY) ## write a new version wherever it stands, and say how to publish it: make release VERSION=1.2.0
	$(BIN)/python tools/set_address.py --release "$(VERSION)"

$(READY): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("The course needs Python 3.11 or newer: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -r requirements.txt
	@touch $@

.PHONY: help book slides report check test lint lab data results notebooks benchmark address release
