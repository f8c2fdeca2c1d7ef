.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
INSTALLED := .venv/.installed
CHROMIUM := /usr/bin/chromium
WRK := /usr/bin/wrk
LOCK := $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-annotate --no-header
SOURCES := services infra scripts loadtest tests
INFRA := PYTHONPATH=infra $(BIN)/python
LOAD_OPTIONS = $(if $(FAULT),--fault $(FAULT)) $(if $(TARGET),--target $(TARGET)) $(if $(SEED),--seed $(SEED)) \
	$(if $(LAUNCHES),--launches $(LAUNCHES)) \
	$(if $(PROCESSES),--processes $(PROCESSES)) $(OPTIONS)
PULUMI_VERSION := v3.259.0
PULUMI := tools/pulumi/bin/pulumi
PULUMI_COMMAND := github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
PULUMI_STAMP := github.com/pulumi/pulumi/sdk/v3/go/common/version.Version

# Containers often forbid bytecode: every process would compile Azure's SDK anew, for seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install run demo test test-api test-postgres test-browser test-sandbox portal-story promote-chaos errors \
	load load-smoke soak bench bench-floor bench-scale bench-growth test-load test-infra test-pulumi infra-rehearsal pulumi-cli golden \
	golden-diff image-check coverage check lint format data-inventory lock clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with the locked dependencies

$(INSTALLED): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

run: install ## start the whole sandbox and print where everything is; Ctrl-C stops it (RESET=1 starts afresh)
	@$(BIN)/python scripts/sandbox.py

demo: install ## drive the test-to-production story headless; fails at the first broken promise
	@$(BIN)/python scripts/demo.py

test: install ## every test that needs no other server
	$(BIN)/pytest -n logical --dist loadgroup -m "not browser and not postgres and not sandbox and not portal_story and not schemathesis and not pulumi"

test-infra: install ## the infrastructure's tests: no engine, no network, no account
	$(BIN)/pytest -n logical --dist loadgroup -m "not pulumi" tests/infra tests/unit/release tests/unit/image

test-api: install ## the API against its own OpenAPI document, by schemathesis
	$(BIN)/pytest -m schemathesis tests/integration/connector

test-postgres: install ## the storage contracts on a throw-away PostgreSQL
	$(BIN)/python scripts/postgres_test_server.py -- $(BIN)/pytest -m postgres tests/contracts/sql tests/e2e/test_on_postgres.py

test-browser: install $(CHROMIUM) ## the clinician's and the patient's part, by clicking in Chromium
	$(BIN)/pytest -m browser tests/e2e
	$(BIN)/pytest -m browser tests/loadtest

portal-story: install $(CHROMIUM) ## configure, refuse, fix, approve, promote, roll back by two people in two browsers; screenshots in artefacts/
	$(BIN)/pytest -m portal_story tests/e2e

promote-chaos: install ## kill the promotion at every step and run it again
	$(BIN)/python scripts/promote_chaos.py

errors: install ## produce E1-E14 in the sandbox and open the page that explains each (NAME=E4 for one)
	$(BIN)/python scripts/errors.py $(NAME)

test-sandbox: install ## on the running sandbox: kill -9 loses nothing, fifty launches make one meeting
	$(BIN)/pytest -m sandbox tests/e2e

test-load: install ## the load test's runner: a killed web process, a hosted sandbox, Ctrl-C; load-smoke is its short form
	$(BIN)/pytest -m sandbox tests/loadtest

load-smoke: install ## the shortest load test with a verdict, under two minutes (FAULT=delay-300ms|drop-writeback|starve-generator must fail)
	@$(BIN)/python -m loadtest --scenario smoke $(LOAD_OPTIONS)

load: install ## one question of loadtest/scenarios (SCENARIO=), here or on a stamp (TARGET=, LAUNCHES=file of its own EHR, OPTIONS=), verdict in artefacts/load
	@$(BIN)/python -m loadtest --scenario $(or $(SCENARIO),load) $(LOAD_OPTIONS)

bench: install $(WRK) ## cost of launches, webhook, outbox, feed and portal as ratios to a hello page, in turns (PART=, BEFORE=checkout, KEEP=1 stores a baseline)
	@$(BIN)/python -m loadtest.bench.parts $(if $(PART),--part $(PART)) $(if $(BEFORE),--before $(BEFORE)) $(if $(KEEP),--keep) $(OPTIONS)

bench-floor: install $(WRK) ## CPU of a provider launch in turns with the floor (FLOOR=its program) and an earlier checkout (BEFORE=)
	@$(BIN)/python -m loadtest.bench $(if $(FLOOR),--floor $(FLOOR)) $(if $(BEFORE),--before $(BEFORE))

bench-scale: install $(WRK) ## 1, 2, 4 web processes on PostgreSQL: launches/s, CPU, memory, connections, writes; is the capacity model right?
	@$(BIN)/python -m loadtest.bench.scale $(OPTIONS)

bench-growth: install $(WRK) ## CPU of a launch with 100,000 visits, 1,000,000 audit lines, 10,000 configurations: at most a tenth more
	@$(BIN)/python -m loadtest.bench.growth $(OPTIONS)

soak: install ## the longest of them: does anything grow?
	@$(BIN)/python -m loadtest --scenario soak $(LOAD_OPTIONS)

test-pulumi: install pulumi-cli ## what breaks under the real engine is named: the rehearsal's own tests
	$(BIN)/pytest -m pulumi tests/infra

infra-rehearsal: install pulumi-cli ## the life of every stamp by the real Pulumi CLI against a simulated Azure (STACK=emea-test for one)
	$(INFRA) -m rehearsal $(if $(STACK),--stack $(STACK))

pulumi-cli: ## the Pulumi CLI: the one on PATH, else built from Go modules, once (4 minutes)
	@test -x $(PULUMI) || command -v pulumi >/dev/null || { \
		command -v go >/dev/null || { echo "Install Pulumi (https://www.pulumi.com/docs/install) or Go 1.26, then run this again."; exit 1; }; \
		echo "building the Pulumi CLI $(PULUMI_VERSION) from Go modules, about 4 minutes the first time"; \
		cd tools/pulumi && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -trimpath \
			-ldflags "-s -w -X $(PULUMI_STAMP)=$(PULUMI_VERSION)" -o bin/ $(PULUMI_COMMAND); }

golden: install ## write down anew what every stack registers (tests/infra/golden)
	$(INFRA) scripts/golden_inputs.py --write

golden-diff: install ## what this checkout would register otherwise than written down
	$(INFRA) scripts/golden_inputs.py

image-check: install ## what the Dockerfile's build stages do, without Docker
	$(BIN)/python scripts/image_check.py

coverage: install ## every branch of domain and use cases is tested
	$(BIN)/coverage run --source=services/connector/domain,services/connector/usecases -m pytest tests/unit/domain tests/unit/usecases
	$(BIN)/coverage report --skip-covered --fail-under=100

$(CHROMIUM):
	apt-get update -q && apt-get install -y -q --no-install-recommends chromium

$(WRK):
	apt-get update -q && apt-get install -y -q --no-install-recommends wrk

check: lint test ## everything lint says, then the tests

lint: install ## format, lint, types, import contracts, dependency hygiene
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/mypy scripts loadtest
	PYTHONPATH=infra $(BIN)/lint-imports --no-cache
	$(BIN)/deptry services scripts infra loadtest
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck scripts/*.sh
	$(BIN)/zizmor --offline --no-progress --config docs/ci/zizmor.yml docs/ci/*.yaml

format: install ## put every file into its form
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

data-inventory: install ## write docs/data.md's table anew from the database's own metadata
	$(BIN)/python scripts/data_inventory.py

lock: install ## resolve the dependencies anew
	$(LOCK) pyproject.toml --all-extras -o requirements.lock
	$(LOCK) -c requirements.lock pyproject.toml -o requirements.image.lock
	$(LOCK) -c requirements.lock pyproject.toml --extra simulators --extra sandbox -o requirements.simulators.lock
	echo 'setuptools>=80' | $(LOCK) -c requirements.lock - -o requirements.build.lock

clean: ## remove everything a command made
	rm -rf tools/pulumi/bin .venv .sandbox artefacts build .mypy_cache .ruff_cache .pytest_cache
