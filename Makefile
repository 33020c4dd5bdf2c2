# `make help` lists what there is. PYTHON=python3.12 chooses the interpreter of .venv.

BIN := .venv/bin
NPM := node_modules
# Debian keeps brokers where only root's PATH looks.
export PATH := $(PATH):/usr/sbin:/sbin
export PYTHON

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

.venv/.set-up: constraints.txt pyproject.toml
	@scripts/set-up

.PHONY: run
run: .venv/.set-up ## Run the demo, or the daemon with CONFIG=file.yml
	@$(BIN)/mqtt-tls-monitor $(if $(CONFIG),run --config "$(CONFIG)",demo)

.PHONY: test
test: .venv/.set-up packages lint ## Run the whole suite: lint, types, structure, tests
	$(BIN)/pytest -n 2 -m "not brokers and not stack"

.PHONY: packages
packages:
	@scripts/debian-packages "the tests" mosquitto:mosquitto nats-server:nats-server promtool:prometheus \
		amtool:prometheus-alertmanager chromium:chromium openssl:openssl systemd-analyze:systemd \
		zsh:zsh fish:fish

.PHONY: lint
lint: .venv/.set-up ## Check style, types and the direction of imports
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: .venv/.set-up ## Format the code, and fix what can be fixed
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format --quiet

.PHONY: stack
stack: .venv/.set-up ## Run the demo, or CONFIG=file.yml, with Prometheus and Alertmanager beside it
	@scripts/debian-packages "the stack" prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager
	@CONFIG="$(CONFIG)" scripts/stack

.PHONY: test-stack
test-stack: .venv/.set-up packages ## Break and mend brokers of the stack, and see who is paged (half an hour)
	$(BIN)/pytest -m stack

.PHONY: test-brokers
test-brokers: .venv/.set-up packages ## Run the tests against RabbitMQ and aedes too
	@scripts/debian-packages "the tests against RabbitMQ and aedes" rabbitmq-server:rabbitmq-server node:nodejs npm:npm
	@test -d $(NPM)/aedes || { echo "Installing aedes with npm into $(NPM)"; \
		npm install --loglevel=error --no-save --no-package-lock --no-audit --no-fund --prefix . aedes@1.2.0; }
	$(BIN)/pytest -m brokers

.PHONY: bench
bench: .venv/.set-up packages ## Measure, each beside its baseline
	$(BIN)/python -m benchmarks

.PHONY: picture
picture: .venv/.set-up ## Draw docs/probe.svg anew
	$(BIN)/python scripts/picture.py

.PHONY: dashboards
dashboards: .venv/.set-up ## Build Grafana's dashboards anew
	$(BIN)/python -m dashboards

.PHONY: fuzz
fuzz: .venv/.set-up ## Damage certificates a hundred thousand times, and see that nothing breaks (some minutes)
	$(BIN)/python -m benchmarks.fuzz

.PHONY: deb
deb: ## Build the Debian package, into build/
	@scripts/deb

.PHONY: test-systemd
test-systemd: deb ## Install, upgrade and purge the package in a Debian tree that is booted (as root)
	@scripts/debian-packages "the Debian tree" debootstrap:debootstrap systemd-nspawn:systemd-container
	@scripts/test-systemd build/mqtt-tls-monitor_*.deb

.PHONY: test-image
test-image: ## Build the container image on a Debian made here, and run the demo and the daemon in it (as root)
	@scripts/debian-packages "the container image" debootstrap:debootstrap buildah:buildah mosquitto:mosquitto \
		openssl:openssl curl:curl ip:iproute2 pgrep:procps
	@scripts/test-image

.PHONY: constraints
constraints: .venv/.set-up ## Pin what pyproject.toml asks for; UPGRADE=1 moves to the newest versions
	@scripts/constraints $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove everything that was made here
	rm -rf .venv build *.egg-info $(NPM) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
