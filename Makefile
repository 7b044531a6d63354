# Every target installs what it needs first. PYTHON=python3.13 chooses another Python.
export PYTHON ?= python3
# If this is set, each of the many processes compiles all its imports again.
unexport PYTHONDONTWRITEBYTECODE

help:
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

demo: ## starts the service with example data and a pretend Stripe, and prints the links
	@scripts/install run-time
	@exec .venv/bin/donate demo

test: ## runs every test, with a real PostgreSQL and a real browser
	@scripts/install
	@.venv/bin/python scripts/install_browser.py
	@.venv/bin/python -m scripts.install_servers
	@scripts/test

prove: ## runs the long proofs: schedules, whole machine, books, kills, strangers, attackers, hours of attack; PROVE=0.01 shortens them
	@scripts/install
	@scripts/prove

check: ## runs every checker (ruff, mypy, import-linter, djlint), and looks for known faults of packages
	@scripts/install
	@scripts/check

fix: ## applies ruff's fixes and formats the code
	@scripts/install
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

mutants: ## plants bugs in a copy of the code, one by one, and prints which test catches each
	@scripts/install
	.venv/bin/python -m scripts.mutants

bench: ## measures webhooks: answers, confirmed gifts, latency, backlog, cost curve
	@scripts/install
	.venv/bin/python -m tests.benchmarks

sbom: ## writes the packages of the service and their hashes to sbom.cdx.json (CycloneDX)
	@scripts/sbom

pictures: ## takes the pictures of README and docs from the demo, and draws the architecture
	@scripts/install
	@.venv/bin/python scripts/install_browser.py
	.venv/bin/python -m scripts.pictures

.PHONY: help demo test prove check fix mutants bench sbom pictures
