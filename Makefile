# The loop of this repository. `make help` lists the targets; each one installs what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PY := .venv/bin/python
PYTEST := $(PY) -m pytest

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/.build/collections:$(CURDIR)/agent:$(CURDIR)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
export PYTHONDONTWRITEBYTECODE := 1
# Upstream's own manifests, for tests that patch them; without such a folder those tests are skipped.
export UPSTREAM_MANIFESTS ?= $(abspath $(wildcard ../shared/upstream))

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv venv-lab venv-second
venv: ## the Python environment for work on the collection
	@.ci/bootstrap dev
venv-lab:
	@.ci/bootstrap lab
venv-second:
	@.ci/bootstrap second

.PHONY: test test-unit lint sanity bench bench-links bench-services
test: venv venv-second ## everything: gates, unit tests, integration tests on the lab; ends with one closing line
	@$(PYTEST) tests/gates tests/unit $(wildcard tests/integration tests/conformance) -rs

test-unit: venv ## the unit tests only, in under a minute
	@$(PYTEST) tests/unit -n 2 -q

lint: venv ## the gates that need seconds: style, types, import contract, ansible-lint, changelog, Galaxy
	@$(PYTEST) tests/gates -q -m "not slow"

sanity: venv ## ansible-test sanity in a clean copy, without containers
	@$(PYTEST) tests/gates/test_sanity.py -q -rs

bench: venv ## what applying costs: ours against kubernetes.core, on a stub and on the lab if it runs
	@$(PY) -m tests.benchmark

bench-links: venv ## what links carry against the same set up by hand, and what a gateway costs with many peers; as root
	@$(PY) -m tests.benchmark.throughput
	@$(PY) -m tests.benchmark.gateway

bench-services: venv ## how fast exports and endpoints follow in other clusters, and what the sync parts cost
	@$(PY) -m tests.benchmark.services

.PHONY: lab lab-down
lab: venv-lab ## real clusters on this machine; a second call finds them running
	@$(PY) -m tests.lab up
lab-down: venv-lab ## take the lab down and put the machine's settings back
	@$(PY) -m tests.lab down

AGENT_REPOSITORY := docker.io/local/clusterset-agent
INVENTORY ?= examples/lab/clusters.yml
ON_LAB = KUBECONFIG=$(or $(LAB_HOME),$(CURDIR)/.lab)/kubeconfig AGENT_IMAGE=$$(cat .build/agent-image) ANSIBLE_CONFIG=$(CURDIR)/examples/lab/ansible.cfg EAST_PLUGIN=$${EAST_PLUGIN:-$$($(PY) -m tests.lab plugin)}

.PHONY: agent-image demo
agent-image: venv-lab ## build the agent's image and load it into the lab's clusters
	@digest=$$($(PY) agent/build.py); echo "$(AGENT_REPOSITORY):$$digest" >.build/agent-image
	@$(PY) -m tests.lab images build --context agent --tag "$$(cat .build/agent-image)"

demo: lab agent-image ## three real clusters, joined: ends with the matrix of who reaches whom
	@$(ON_LAB) ansible-playbook -i $(INVENTORY) clusterset.fabric.site
	@cat examples/lab/next.txt

.PHONY: clean
clean: ## remove what was built here; the lab's own state is removed by lab-down
	@rm -rf .build/{agent-image,artifact,bench,home,import-linter,lint,mypy,pytest,sanity,sanity-second} agent/build .ruff_cache .ansible
	@find . -path ./.lab -prune -o -name __pycache__ -type d -exec rm -rf {} +
