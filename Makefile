# make demo, make test and make check each do all of their set-up on a bare machine with Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.set-up

.PHONY: help setup demo test check setup-benchmarks bench fuzz soundness chaos format clean

help:
	@echo "make setup   put all that is needed into .venv"
	@echo "make demo    run two workflows on a PostgreSQL that starts by itself, and kill a worker under them"
	@echo "make test    run all tests"
	@echo "make check   lint, types, layers, SQL, docs"
	@echo "make setup-benchmarks   what make bench can measure only then: Temporal's server, built with Go"
	@echo "make bench   measure this engine beside others on one server; results, table and plots into benchmarks/results"
	@echo "make fuzz    look for bad input that is met badly, for about half an hour (TIMES=20 SECONDS=120)"
	@echo "make soundness  run 50,000 programs that the checker may accept, and 100,000 expressions, about an hour (CASES=5000 EXPRESSIONS=3000)"
	@echo "make chaos   break the engine on purpose, and judge: SECONDS=1800 SEED=7 REPORT=chaos.json"
	@echo "make format  put the code into its format"
	@echo "make clean   take away .venv and the tools' caches"

setup: $(SETUP)

$(SETUP): pyproject.toml uv.lock checks/setup.sh
	PYTHON=$(PYTHON) sh checks/setup.sh
	@touch $@

demo: $(SETUP)
	$(BIN)/tasker demo

test: $(SETUP)
	sh checks/setup_debian.sh
	sh checks/setup_typescript.sh
	$(BIN)/python -m tasker_benchmarks.peers.tools pgflow
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile tests/engine
	$(BIN)/python -m pytest --ignore tests/engine  # one by one: some measure time

check: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tasker_sql.initial --check
	$(BIN)/python checks/sql_style.py
	$(BIN)/python checks/docs.py
	sh checks/typescript.sh

# Temporal's server is built with Go, for a quarter of an hour: never as a part of anything else.
setup-benchmarks: $(SETUP)
	$(BIN)/python -m tasker_benchmarks.peers.tools

bench: $(SETUP)
	sh checks/setup_debian.sh
	$(BIN)/python -m tasker_benchmarks.peers.tools pgflow
	$(BIN)/python -m tasker_benchmarks run single chain_4 diamond --rounds 3 --scale 0.5
	$(BIN)/python -m tasker_benchmarks run fanout_1000 batch_1000 mixed latency --on tasker --rounds 3

TIMES ?= 20
# Of schemas, held against each other.
PAIRS ?= 20000
# For each guided target of make fuzz; in all for make chaos.
SECONDS ?= 120

fuzz: $(SETUP)
	TASKER_FUZZ=$(TIMES) $(BIN)/python -m pytest tests/fuzz --timeout 3600
	TASKER_PAIRS=$(PAIRS) $(BIN)/python -m pytest tests/unit/grammar/test_fitting_pairs.py --timeout 3600
	$(BIN)/uv pip install --quiet --python $(BIN)/python 'atheris>=3,<4'
	for target in loader filter duration schedule expression binding; do \
		$(BIN)/python -m tests.fuzz.guided $$target $(SECONDS) || exit 1; \
	done

CASES ?= 50000
EXPRESSIONS ?= 100000

soundness: $(SETUP)
	TASKER_EXPRESSIONS=$(EXPRESSIONS) $(BIN)/python -m pytest tests/unit/grammar/expressions --timeout 36000
	TASKER_SOUNDNESS=$(CASES) $(BIN)/python -m pytest tests/soundness --timeout 36000

chaos: $(SETUP)
	sh checks/setup_debian.sh
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(SEED:%=--seed %) $(REPORT:%=--report %)

format: $(SETUP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .fuzz
