# Two commands: `make run` starts the server on a fresh machine, `make test` proves the project.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Debian packages whose programs the tests start; see `services`.
APT := apt-get -qq -o Dpkg::Use-Pty=0

.PHONY: help run test lint style types docs-are-fresh format soak fuzz bench services clean

help:  ## What can be done here
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## (.*)/make \1\t\2/' | expand -t 18

run: $(VENV)/.server  ## Install what is missing, start the server with some pictures in it
	@exec $(BIN)/origin serve --demo

# `make test JOBS=1` runs the tests one after the other.
JOBS ?= auto

test:  ## Linters, types, docs and every test, as many at once as there are cores
	@$(MAKE) --no-print-directory --jobs=2 $(VENV)/.dev services
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target style types docs-are-fresh
	exec $(BIN)/python -m pytest --numprocesses=$(JOBS) --maxprocesses=8 --dist=worksteal

lint: style types  ## Style and types

style: $(VENV)/.dev
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

docs-are-fresh: $(VENV)/.dev
	@$(BIN)/origin docs --check

format: $(VENV)/.dev  ## Write the code as the linter wants it
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# `make soak SOAK_MINUTES=20`: load, faults and killed workers for that long, then pictures that crash decoders
# (CRASH_SECONDS in each of four ways), then every mutated file.
SOAK_MINUTES  ?= 20
CRASH_SECONDS ?= 60
MUTANTS       ?= 20000

soak: $(VENV)/.dev services  ## Faults under load for SOAK_MINUTES (20), and MUTANTS (20000) damaged files
	@$(BIN)/python -m tests.soak --minutes $(SOAK_MINUTES)
	$(BIN)/python -m tests.soak.crashes --seconds $(CRASH_SECONDS)
	exec $(BIN)/python -m tests.soak.files --count $(MUTANTS)

# `make fuzz MINUTES=5`: that long for each target.
MINUTES ?= 5

fuzz: $(VENV)/.dev  ## Search for inputs that break the readers of URLs and uploads, for MINUTES (5) each
	@$(BIN)/python -m tests.fuzz paths --minutes $(MINUTES)
	exec $(BIN)/python -m tests.fuzz bodies --minutes $(MINUTES)

# Where the figures, the charts and a page of them go; `make bench BENCH=docs/bench` also puts them into the
# README. Other servers are installed beside the project, into the user's cache folder, the first time.
BENCH ?= build/bench

bench: $(VENV)/.dev services  ## The short form of every benchmark (10 minutes), as a page in BENCH (build/bench)
	@exec $(BIN)/python -m benchmarks --out $(BENCH) $(if $(filter docs/bench,$(BENCH)),--readme README.md)

clean:  ## Remove what was installed and built; data folders stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp stands for "done to the end", so that an interrupted installation begins again.

$(VENV)/.created:
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
		echo "Python 3.11 or newer is needed, found: $$("$(PYTHON)" --version 2>/dev/null || echo none). Debian: apt install python3; else: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2
		exit 1
	fi
	if ! "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null; then
		echo "Python's venv module is incomplete. Debian: apt install python3-venv" >&2
		exit 1
	fi
	echo "Creating $(VENV) with $$("$(PYTHON)" --version)"
	"$(PYTHON)" -m venv $(VENV)
	touch $@

$(VENV)/.server: requirements.lock pyproject.toml | $(VENV)/.created
	@echo "Installing the server (once, and again when requirements.lock changes)"
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.created
	@echo "Installing the server and its development tools"
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --editable .
	touch $@ $(VENV)/.server

# The tests talk to real servers, which they start themselves on ports of their own.
services:
	@missing=()
	PATH="$$PATH:/usr/sbin:/sbin"
	command -v redis-server >/dev/null || missing+=(redis-server)
	command -v nginx >/dev/null || missing+=(nginx)
	command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
	[ -e /etc/fonts/fonts.conf ] || missing+=(fontconfig-config)
	[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
	[ -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf ] || missing+=(fonts-noto-color-emoji)
	# 2 MB of Chinese and Japanese; fonts-noto-cjk has all of it in 57 MB.
	[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] ||
		compgen -G '/usr/share/fonts/truetype/droid/DroidSansFallback*.ttf' >/dev/null ||
		missing+=(fonts-droid-fallback)
	[ $${#missing[@]} -eq 0 ] && exit 0
	if ! command -v apt-get >/dev/null; then
		echo "The tests need these programs (Debian's package names): $${missing[*]}" >&2
		exit 1
	fi
	as_root=()
	if [ "$$(id -u)" -ne 0 ]; then
		as_root=(sudo -n)
		if ! sudo -n true 2>/dev/null; then
			echo "The tests need some packages: sudo apt-get install $${missing[*]}" >&2
			exit 1
		fi
	fi
	echo "Installing $${missing[*]}"
	"$${as_root[@]}" $(APT) update
	# RUNLEVEL=1 keeps Debian from starting the services it installs; the tests start their own.
	"$${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $(APT) install --yes --no-install-recommends "$${missing[@]}"
