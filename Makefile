# Needs git, make and a Python with pip and venv. Everything is installed into folders of this tree, as uv.lock says.

PYTHON ?= python3
# How many processes run the tests; 0 for one that a debugger can be attached to.
WORKERS ?= 4
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BIN := .venv/bin

# One interpreter for everything: the one that was asked for, never a downloaded one.
SYNC := $(UV) sync --frozen --quiet --python .tools/bin/python
export UV_PYTHON_DOWNLOADS := never
# Trust the certificates that the machine trusts, as pip does.
export UV_SYSTEM_CERTS := true

.PHONY: demo test check bench format clean
.DELETE_ON_ERROR:

demo: .venv-demo/.stamp
	.venv-demo/bin/keepthread demo

test: .venv/.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

# The lock names the public index only, so it is compared without the mirror that this shell may prefer.
check: .venv/.stamp
	env -u UV_DEFAULT_INDEX -u UV_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
		$(UV) lock --check --no-config --quiet
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: .venv-bench/.stamp
	.venv-bench/bin/python -m bench $(ARGS)

format: .venv/.stamp
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean:
	rm -rf .tools .venv .venv-demo .venv-bench dist .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.tools/.stamp: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'keepthread needs Python 3.11 or newer: name one with "make PYTHON=python3.11 ...".' >&2; exit 1; }
	$(PYTHON) -m venv --clear .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

.venv/.stamp: .tools/.stamp pyproject.toml uv.lock
	UV_PROJECT_ENVIRONMENT=.venv $(SYNC)
	touch $@

.venv-demo/.stamp: .tools/.stamp pyproject.toml uv.lock
	UV_PROJECT_ENVIRONMENT=.venv-demo $(SYNC) --no-dev
	touch $@

.venv-bench/.stamp: .tools/.stamp pyproject.toml uv.lock
	UV_PROJECT_ENVIRONMENT=.venv-bench $(SYNC) --no-dev --group bench
	touch $@
