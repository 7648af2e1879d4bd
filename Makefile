# What people type. A fresh clone needs Python 3.11 to 3.13 and nothing else.
PYTHON ?= python3
BIN := .venv/bin
RUN = outputs/demo/$(shell date +%Y-%m-%d_%H-%M-%S)
unexport PYTHONDONTWRITEBYTECODE   # where it is set, every process of the tests compiles the project again

.PHONY: help setup demo test test-fast test-slow test-cluster test-browser docs check format clean

help:           ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: .venv/.ready   ## create .venv and install what constraints.txt pins

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 needed, found {v[0]}.{v[1]}; make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,check]'
	@touch $@

demo: setup     ## render street scenes, train a small GridNet, evaluate it, draw pictures
	$(eval RUN := $(RUN))
	$(BIN)/python -m segexp.train experiment=demo hydra.run.dir=$(RUN)
	$(BIN)/python -m segexp.evaluate run=$(RUN)

test: setup     ## the default tests: no root, no network, and none that takes long
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: setup   ## the edit loop, a minute and a half: contracts of every option on small inputs, one training, one evaluation
	$(BIN)/python -m pytest -n 2 -m fast

test-slow: setup   ## the tests that take minutes: make demo itself, losses of two million pixels, kills and resumes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

test-cluster: setup   ## root on Debian: install SLURM, start two virtual nodes, run sweeps on them, stop them
	$(BIN)/python -m pytest -m cluster tests/cluster

test-browser: setup   ## open reports and a server's page in Chromium, which root on Debian gets by apt-get
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[browser]'
	command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || { apt-get update -qq && apt-get install -y -qq chromium; }
	$(BIN)/python -m pytest -m browser tests/browser

docs: setup     ## build the site of README, docs/ and the Python API in build/docs/site; broken links are errors
	$(BIN)/python docs/site/write_pages.py
	$(BIN)/zensical build --strict --config-file build/docs/zensical.toml
	@echo "open build/docs/site/index.html, or, to search: python3 -m http.server --directory build/docs/site"

check: setup    ## style, formatting, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup   ## let ruff format and mend the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:          ## remove .venv, outputs and the site
	rm -rf .venv outputs build/docs
