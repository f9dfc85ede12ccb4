# Two commands do everything on a fresh machine: `make demo` and `make test`.
# They make their own environment in .venv first, and again whenever what it is made from has changed.

PYTHON ?= python3
VENV ?= .venv
# Where else to look for torch, e.g. https://download.pytorch.org/whl/cpu for the build without CUDA.
TORCH_INDEX ?=
# What else to tell pytest, e.g. PYTEST_ARGS="-n 2" or PYTEST_ARGS="-k schema".
PYTEST_ARGS ?=

CONSTRAINTS := .ci/constraints.txt
INSTALLED := $(VENV)/.installed
PIP_INSTALL := $(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --constraint $(CONSTRAINTS)

# One thread for every numeric library: the machines that run this share their cores.
export OMP_NUM_THREADS ?= 1
export VENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-slow lint format benchmark peers clean

help:
	@echo "make demo       fill the sample catalogue and write demo.json"
	@echo "make test       lint, then the tests"
	@echo "make test-slow  the tests that 'make test' leaves out"
	@echo "make benchmark  compare with mean, median and nearest neighbours on small tables, in about two minutes"
	@echo "make peers      the environments of peers that need other versions of packages, for benchmarks"
	@echo "make lint       format, lint, types, floors, docstrings"
	@echo "make format     put the code into its format"
	@echo "make clean      remove the environment and everything built"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP_INSTALL) --editable ".[dev]"
	touch $@

demo: $(INSTALLED)
	$(VENV)/bin/python examples/demo.py

test: lint
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

# pytest ends with 5 where no test is marked slow.
test-slow: $(INSTALLED)
	$(VENV)/bin/python -m pytest -m slow $(PYTEST_ARGS) || [ $$? -eq 5 ]

# Each benchmarks/envs/NAME.txt becomes an environment benchmarks/envs/NAME. The lists are complete: nothing is resolved,
# so that what a package asks for and does not need stays out. torch comes first, for it depends on the build you want.
peers: $(patsubst %.txt,%/.installed,$(wildcard benchmarks/envs/*.txt))

benchmarks/envs/%/.installed: benchmarks/envs/%.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	torch="$$(grep '^torch==' $< || true)"; test -z "$$torch" || \
	    $(@D)/bin/python -m pip install --disable-pip-version-check --quiet \
	        $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "$$torch"
	$(@D)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --requirement $<
	touch $@

lint: $(INSTALLED)
	.ci/lint

format: $(INSTALLED)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

benchmark: $(INSTALLED)
	$(VENV)/bin/gain-impute benchmark smoke -o benchmark-report --processes 2

clean:
	rm -rf $(VENV) build dist benchmark-report benchmarks/report *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis demo.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
