# Every target makes the environment it needs: .venv, with the tested versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

# Tests start many processes: where bytecode is not kept, each compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-fast test-slurm coverage lint typecheck format options docs bench bench-gpu evidence evidence-page build clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	# torch by itself and pinned: asked for through another package, pip may choose a build with CUDA.
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

install: $(READY) ## make the environment alone

demo: $(READY) ## train 4 cells on digits and 2 on short ListOps; print the table, draw the figure
	$(BIN)/wavspa-train -m experiment=demo/digits model/wavelet=none,ada,ortho,lift
	$(BIN)/wavspa-train -m experiment=demo/listops model/wavelet=none,ada
	$(BIN)/wavspa-report runs/demo --figure runs/demo/accuracy.png

test: $(READY) ## all tests but those that start a SLURM
	$(BIN)/pytest -n 2 --ignore tests/slurm

test-fast: $(READY) ## the tests to run at each save (about two minutes)
	$(BIN)/pytest -n 2 --ignore tests/slurm -m "not slow"

coverage: $(READY) ## all tests, and the lines of wavspa that none of them runs
	$(BIN)/pytest -n 2 --ignore tests/slurm --cov=wavspa --cov-report=term-missing:skip-covered

test-slurm: $(READY) ## tests on a SLURM that they start themselves (root, Debian's slurm-wlm and munge)
	$(BIN)/pytest -rs tests/slurm

lint: typecheck ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

typecheck: $(READY) ## types alone
	$(BIN)/mypy

format: $(READY) ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

options: $(READY) ## write docs/reference/all_options.md from conf/
	$(BIN)/python scripts/site/options.py

docs: $(READY) ## the documentation as a site, in site/
	# Material's notice of its successor is no warning; it is left out.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY) ## measure our speed against peers, to benchmarks/results (5 minutes; nothing else should run)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.cpu

bench-gpu: $(READY) ## measure the kernels and layers on a CUDA device, to benchmarks/results (about 4 minutes)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.gpu

evidence: $(READY) ## run the studies, about 10 hours of two cores; STUDY=, DATA=, DATA_ROOT=, MINUTES= choose; type it again to resume
	$(BIN)/python -m scripts.evidence.run $(if $(STUDY),--study $(STUDY)) $(if $(DATA),--data $(DATA)) \
	  $(if $(DATA_ROOT),--data-root $(DATA_ROOT)) $(if $(MINUTES),--minutes $(MINUTES))

evidence-page: $(READY) ## collect the runs of make evidence into results/, and write docs/science/evidence.md
	$(BIN)/python -m scripts.evidence.collect
	$(BIN)/python -m scripts.evidence.page

build: $(READY) ## the source distribution and the wheel, in dist/
	$(BIN)/python -m build

clean: ## remove the environment, the site and caches
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
