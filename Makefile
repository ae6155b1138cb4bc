# Two commands on a bare machine: `make demo` runs the main job, `make test` passes the tests.
# Needs python3 >= 3.11, pip, make and git; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
STAMP := $(VENV)/.synced

export OMP_NUM_THREADS ?= 1
# Where it is set, each of a workflow's processes compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

# Where the goldens lie, and which python has a GPU.
GOLDENS ?= ../shared/goldens
GPU_PYTHON ?= $(BIN)/python

.PHONY: demo editor test test-gpu parity test-browser test-slurm lint format clean train samples benchmark quality gallery

$(UV):
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv "uv>=0.5"

$(STAMP): pyproject.toml uv.lock $(UV)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --inexact --python $(PYTHON)
	touch $@

## Edit the sample photos and write results/report.html and results/measure.json.
demo: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake

## A page with sliders at http://127.0.0.1:7860; other options: make editor EDITOR_OPTIONS="--port 0".
editor: $(STAMP)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --inexact --extra editor --python $(PYTHON)
	$(BIN)/unripple editor $(EDITOR_OPTIONS)

## Train every embedded model from nothing (hours on two cores; resumes).
train: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake train

## Render the sample photos again.
samples: $(STAMP)
	$(BIN)/unripple faceworld photos --out data/photos

## Measure the edit against the truth on 64 held-out photos.
benchmark: $(STAMP)
	$(BIN)/python benchmarks/edit.py

## How good each model is, on 256 held-out photos, and what each part of the recipe is good for.
quality: $(STAMP)
	$(BIN)/python benchmarks/quality.py

## Make docs/gallery.md from the first 12 photos of the benchmark.
gallery: $(STAMP)
	$(BIN)/python benchmarks/gallery.py

test: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 --dist worksteal -m "not browser"

## The editor and the report in a real browser: Chromium, and npm for the accessibility rules.
test-browser: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -m browser -rs tests/browser
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -m browser -rs tests/editor

## Compare every network with the published code's outputs.
parity: $(STAMP)
	OMP_NUM_THREADS=2 $(BIN)/python -m tests.parity $(GOLDENS)

## Parity and speed on a GPU; a bare box needs torch, numpy, opencv and pytest alone.
test-gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),$(STAMP))
	$(GPU_PYTHON) -m pytest -m gpu tests/gpu tests/faceworld/test_gpu.py

## The workflow on a Slurm that is installed (Debian's packages, as root) and started for the tests.
test-slurm: $(STAMP)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --inexact --extra slurm --python $(PYTHON)
	PATH="$(CURDIR)/$(BIN):$$PATH" UNRIPPLE_SLURM=1 $(BIN)/pytest -m slurm -rs tests/slurm

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile rules
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --lint

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

clean:
	rm -rf results .snakemake
