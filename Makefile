# The commands of this project. `make demo` and `make test` need Python 3.11 to 3.13 and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Compiling all that is installed took a third of the time. Python compiles what it imports, and is to keep that: where
# this variable is set, each process would do it anew.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable
MILVUS := tests/support/milvus_2_3.requirements.txt
LLM := tests/support/llama_server.requirements.txt
DEMO_STORE := $(VENV)/demo.db
PICK_LLM := from config.settings import Settings; print("deepseek" if Settings().secret("DEEPSEEK_API_KEY") else "offline")
QUESTION ?= What does ingest do with files that did not change?

.PHONY: demo test check format clean

demo: $(VENV)/installed
	@echo '$$ askmd ingest docs'
	@MILVUS_URI=$(DEMO_STORE) $(BIN)/askmd ingest docs
	@llm=$$($(BIN)/python -c '$(PICK_LLM)'); \
	    printf '\n$$ askmd ask "%s" --llm %s\n' '$(QUESTION)' "$$llm"; \
	    MILVUS_URI=$(DEMO_STORE) $(BIN)/askmd ask '$(QUESTION)' --llm "$$llm"
	@echo
	@echo 'Now with your own folder of Markdown:'
	@echo '    $(BIN)/askmd ingest PATH'
	@echo '    $(BIN)/askmd ask "..." --llm offline'
	@echo 'and with DeepSeek, with a key from https://platform.deepseek.com/api_keys:'
	@echo '    export DEEPSEEK_API_KEY=...'
	@echo '    $(BIN)/askmd ask "..."'

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/yamllint --strict deploy .yamllint
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[offline]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt $(LLM) $(MILVUS)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[offline,serve,otel,experiments,ray,remote,dev]'
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --only-binary :all: --requirement $(LLM)
	$(PYTHON) -m venv $(VENV)/milvus-2.3
	-$(VENV)/milvus-2.3/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $(MILVUS)
	@touch $(VENV)/installed $@
