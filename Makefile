# The commands of this repository; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

UV_BIN := $(HOME)/.cache/c2d/uv/bin
export PATH := $(PATH):$(UV_BIN)
RUN := uv run --quiet

.PHONY: help
help:  ## List the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: tools
tools:
	@command -v uv >/dev/null || (python3 -m venv $(UV_BIN)/.. && $(UV_BIN)/pip install --quiet uv)
	@uv sync --quiet --locked

.PHONY: up down status env
up: tools  ## A Kubernetes with the operator in it, on whatever this machine offers. POSTGRES=1 adds a PostgreSQL.
	@$(RUN) python -m cluster up $(if $(POSTGRES),--postgres)
down: tools  ## Remove it, and everything that it changed on this machine.
	@$(RUN) python -m cluster down
status: tools  ## What runs.
	@$(RUN) python -m cluster status
env: tools  ## Shell exports for scripts, to be evaluated by them.
	@$(RUN) python -m cluster env

.PHONY: demo
demo: up  ## A whole compute job: data in, algorithm beside it, results out, with a picture.
	@eval "$$($(RUN) python -m cluster env)" && $(RUN) python -m examples.demo

.PHONY: test unit
test: up  ## All tests, on a real kubelet where they are about one.
	@cd runner && go vet ./... && go test ./...
	@eval "$$($(RUN) python -m cluster env)" && $(RUN) pytest -n 3 --dist worksteal
unit: tools  ## Tests that need no cluster.
	@cd runner && go vet ./... && go test ./...
	@$(RUN) pytest -n 2 --ignore tests/cluster

.PHONY: bench
bench: tools  ## Figures as ratios to the least that could do the same, on a control plane of its own.
	@$(RUN) python -m bench

.PHONY: lint format crds docs
lint: tools  ## ruff, mypy, import-linter, gofmt.
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy && $(RUN) lint-imports
	@test -z "$$(gofmt -l runner images)" || (gofmt -l runner images; exit 1)
format: tools  ## Put everything in the house's format.
	@$(RUN) ruff check --fix . && $(RUN) ruff format . && gofmt -w runner images
crds: tools  ## Write crds/ from the models.
	@$(RUN) python -m c2d.api.schema
docs: tools  ## Write docs/reference and the phase diagram from the code.
	@$(RUN) python -m docs.generate
