# `make demo`, `make test` and the like set up everything they need in .venv, `make bench` in
# .venv-bench, `make docs` in .venv-docs.

PYTHON ?= python3.11
BIN := .venv/bin
# TensorFlow's notes on the hardware it finds.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo web test test-ray test-web fuzz torture addons lint check format bench bench-record \
	bench-quick docs clean

.venv/.installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

demo: .venv/.installed  ## normalise a portrait with the bundled model
	$(BIN)/python tools/demo.py --out demo

web: .venv/.installed  ## a page that runs the network in the browser, with the bundled weights
	$(BIN)/keras-3dmmstn web --out build/web

test: .venv/.installed  ## the whole test suite, doctests included, in two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-web: .venv/.installed  ## that page in Chromium, which has to be installed, as npm has
	KERAS_3DMMSTN_SCREENSHOTS=build/screenshots $(BIN)/python -m pytest tests/web -rs

fuzz: .venv/.installed  ## read mutants of files of every format, and count what came of them
	PYTHONPATH=. $(BIN)/python tools/fuzz.py $(FUZZ)

torture: .venv/.installed  ## kill the commands that write at random, and see what is left
	PYTHONPATH=. $(BIN)/python tools/torture.py $(TORTURE)

.venv-ray/.installed: setup.cfg pyproject.toml
	test -x .venv-ray/bin/python || $(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python -m pip install --quiet --upgrade pip
	.venv-ray/bin/python -m pip install --quiet --editable ".[dev,ray]" "moto[server]"
	touch $@

test-ray: .venv-ray/.installed  ## whole data sets on Ray and on an object store, which `make test` leaves out
	.venv-ray/bin/python -m pytest tests/inference/data_sets tests/cli/test_normalise_data_set.py

.venv-addons/.installed: tests/addons/requirements.txt
	test -x .venv-addons/bin/python || $(PYTHON) -m venv .venv-addons
	.venv-addons/bin/python -m pip install --quiet --requirement $<
	touch $@

addons: .venv-addons/.installed  ## the sampler against tensorflow-addons, in an environment of its own
	.venv-addons/bin/python tests/addons/check_resampler.py

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test  ## lint, format, types, doctests, tests

.venv-bench/.installed: setup.cfg pyproject.toml benchmarks/requirements.txt
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --upgrade pip
	.venv-bench/bin/python -m pip install --quiet --editable ".[export,viz]" \
		--requirement benchmarks/requirements.txt
	.venv-bench/bin/python -m pip install --quiet --no-deps mediapipe==0.10.14  # its models
	touch $@

bench: .venv-bench/.installed  ## measure speed; results and page go to build/benchmarks
	.venv-bench/bin/python benchmarks/suite.py

bench-record: .venv-bench/.installed  ## the same, into benchmarks/results and docs/benchmarks.md
	.venv-bench/bin/python benchmarks/suite.py --record

bench-quick: .venv-bench/.installed  ## the same, roughly, to build/benchmarks
	.venv-bench/bin/python benchmarks/suite.py --quick

.venv-docs/.installed: docs/requirements.txt
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade pip
	.venv-docs/bin/python -m pip install --quiet --requirement $<
	touch $@

build/katex/.installed: docs/_site/package.json
	mkdir -p build/katex
	cp $< build/katex
	npm install --silent --prefix build/katex --no-package-lock --ignore-scripts
	touch $@

# With their outputs, for the site. They are run again when they change, not when the package does.
NOTEBOOKS := $(patsubst examples/%,build/%,$(wildcard examples/notebooks/*.ipynb))

build/notebooks/%.ipynb: examples/notebooks/%.ipynb .venv/.installed
	$(BIN)/python docs/_site/run_notebook.py $< build/notebooks

docs: .venv-docs/.installed build/katex/.installed $(NOTEBOOKS)  ## the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build
	node docs/_site/formulas.js build/site build/katex/node_modules/katex
	.venv-docs/bin/python docs/_site/check.py build/site

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-bench .venv-addons .venv-docs .venv-ray build dist demo *.egg-info .pytest_cache .ruff_cache .mypy_cache
