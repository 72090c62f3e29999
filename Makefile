# The same verbs locally and in CI. All that they install stays inside this folder.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
# Each Python of .venv knows where our tools are: tools/toolchain.pth.
FORGE := $(PYTHON) -c 'import os, sys; os.execvp("forge", ["forge", *sys.argv[1:]])'
# It calls forge, which its own Python doesn't know.
SLITHER := $(PYTHON) -c \
	'import os, sys; os.execv(".cache/slither/bin/slither", ["slither", *sys.argv[1:]])'
PYTEST_ARGS ?=
# Three processes keep two cores busy, since tests often wait for a chain's next block. All tests
# of a file run in one of them, in their order. With PYTEST_ARGS there is one process alone.
PYTEST_ALL := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help preflight setup setup-hardhat demo up down test test-long check slither format bench
.PHONY: lock clean

help: ## list the verbs
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

preflight:
	@tools/preflight.sh >/dev/null

setup: preflight ## install everything into this folder; a repeat does nothing
	@$(MAKE) -s -j2 .venv/.installed node_modules/.installed
	@$(MAKE) -s -j2 .cache/solcx/.installed .cache/lanes/.compiled

# pip and npm have no part in common, so they run side by side. With the .pth file each program of
# .venv finds our tools, whoever starts it: `ape run deploy` in a bare shell, too.
.venv/.installed: requirements.lock pyproject.toml sdk/pyproject.toml tools/toolchain.pth
	@echo "Installing Python packages (about a minute the first time) …"
	@"$$(tools/preflight.sh)" -m venv .venv
	@$(PYTHON) -m pip install -qq --require-hashes --no-deps -r requirements.lock
	@$(PYTHON) -m pip install -qq --no-deps --no-build-isolation -e . -e sdk
	@cp tools/toolchain.pth "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@

node_modules/.installed: package-lock.json .npmrc
	@echo "Installing anvil, forge, solc and OpenZeppelin Contracts …"
	@npm ci --silent
	@touch $@

.cache/solcx/.installed: scripts/setup_solc.py .venv/.installed node_modules/.installed
	@$(PYTHON) scripts/setup_solc.py
	@touch $@

.cache/lanes/.compiled: .venv/.installed $(wildcard backend/engine/vector/*.py)
	@echo "Compiling the vector kernel for this CPU …"
	@$(PYTHON) -m backend.engine.vector.compile
	@mkdir -p $(@D) && touch $@

setup-hardhat: setup tools/hardhat/node_modules/.installed ## install the second EVM of the long tests

tools/hardhat/node_modules/.installed: tools/hardhat/package-lock.json
	@echo "Installing Hardhat …"
	@cd tools/hardhat && npm ci --silent
	@touch $@

demo: setup ## pay, settle and withdraw on a chain of its own
	@$(PYTHON) -m scripts.demo

up: setup ## start the platform
	@.venv/bin/causeway up

down: setup ## stop the platform
	@.venv/bin/causeway down

test: setup ## all tests but those of hours: Python, contracts on anvil, forge
	@$(PYTHON) -m pytest tests $(or $(PYTEST_ARGS),$(PYTEST_ALL))

test-long: setup-hardhat ## all tests, those that take minutes too
	@$(PYTHON) -m pytest tests -m "" $(or $(PYTEST_ARGS),$(PYTEST_ALL))

check: setup ## style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(FORGE) fmt --check

# Slither's licence is the AGPL, so it stays a program of its own. It reads whatever forge left in
# the folder, so that begins empty. Its log names our files only where it failed to read them.
# docs/security/slither.md says what it leaves out.
slither: setup .cache/slither/.installed ## search the contracts for known faults
	@rm -rf .cache/slither/out .cache/slither/cache
	@$(FORGE) build contracts --build-info --quiet \
		--out .cache/slither/out --cache-path .cache/slither/cache
	@$(SLITHER) . --config-file tools/slither/config.json >.cache/slither/log 2>&1 \
		|| { cat .cache/slither/log; exit 1; }
	@! grep -F '(contracts/' .cache/slither/log
	@tail -n 1 .cache/slither/log

.cache/slither/.installed: tools/slither/requirements.lock
	@echo "Installing Slither …"
	@"$$(tools/preflight.sh)" -m venv --clear .cache/slither
	@.cache/slither/bin/pip install -qq --require-hashes --no-deps -r tools/slither/requirements.lock
	@touch $@

format: setup ## write what check wants
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .
	@$(FORGE) fmt

bench: setup ## measure payments per second on this machine
	@$(PYTHON) -m scripts.bench

# Run it after a change to the dependencies in pyproject.toml or package.json, and commit the
# lock files. uv resolves for 3.11 and 3.12 at once; to upgrade all, delete the lock files first.
lock: preflight ## resolve the dependencies again
	@"$$(tools/preflight.sh)" -m venv .cache/lock && .cache/lock/bin/pip install --quiet uv
	@.cache/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--extra dev --extra bench \
		--generate-hashes --no-emit-index-url --no-header --no-annotate \
		pyproject.toml --output-file requirements.lock
	@.cache/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate \
		tools/slither/requirements.in --output-file tools/slither/requirements.lock
	@npm install --package-lock-only --silent
	@cd tools/hardhat && npm install --package-lock-only --silent

clean: ## remove what setup and the tests made; keeps var/, the data of a running node
	@rm -rf .venv node_modules tools/hardhat/node_modules .cache .build .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +
