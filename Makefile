# Two commands for a newcomer: `make demo` and `make test`. Both set everything up first.
PYTHON ?= python3
export UV_PROJECT_ENVIRONMENT ?= .venv
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --all-extras
# glibc returns the memory of every tensor to the kernel, which takes longer than a step of a small model.
KEEP_MEMORY := MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592

# `--dist loadfile` keeps a file's fixtures on one worker; tests/conftest.py starts the long files first.
# Tests run in an order that changes from day to day; `make test SEED=N` repeats one.
SEED ?= $(shell date -u +%Y%m%d)
PYTEST := $(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder --randomly-seed=$(SEED)

.PHONY: demo test test-long test-study test-spark41 test-python coverage lint format package environment setup java browser \
  notebooks benchmark claims claims-smoke clean
# A lake with two crawls, one of which has a cut image, and a short training run: what the notebooks show.
NOTEBOOK_FOLDER := /tmp/rooms

demo: environment
	$(RUN) spatiallake demo --lake demo-lake

test: setup browser
	$(RUN) spatiallake setup --s3
	$(PYTEST) --ignore tests/studies

# What takes minutes each: kills, a lake on S3, two executors, the demo, mutated rows through all stages.
test-long: setup browser
	$(RUN) spatiallake setup --s3
	$(PYTEST) -m long tests

# Tests of studies/, which are no part of the package.
test-study: setup
	$(PYTEST) tests/studies

# Short tests of the engine on another Spark, which is installed beside the one of the environment.
SPARK41 := build/spark-4.1
test-spark41: setup
	test -d $(SPARK41) || $(UV) pip install --quiet --no-deps --target $(SPARK41) pyspark==4.1.1 delta-spark==4.2.0
	PYTHONPATH=$(SPARK41) $(RUN) spatiallake setup
	PYTHONPATH=$(SPARK41) $(RUN) pytest tests/jobs/test_stream.py tests/jobs/test_commits.py

# The same on another Python, in an environment of its own with all extras, some GB: OTHER=3.12 make test-python
OTHER ?= 3.12
test-python: java $(UV)
	UV_PROJECT_ENVIRONMENT=build/python-$(OTHER) $(UV) sync --frozen --all-extras --quiet --python $(OTHER)
	build/python-$(OTHER)/bin/spatiallake setup
	build/python-$(OTHER)/bin/pytest tests/jobs/test_stream.py tests/jobs/test_commits.py

# The tests again, measured. This takes almost twice the processor time, so `make test` does without.
coverage: setup browser
	$(RUN) spatiallake setup --s3
	$(PYTEST) --ignore tests/studies --cov --cov-report term:skip-covered

lint: setup
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) pyright
	$(RUN) pyright -p pyright-tests.json
	$(RUN) lint-imports
	$(RUN) deptry .

format: setup
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

# What Databricks and EMR are given, see docs/deploy.md. PACKAGE_OPTIONS="--extra experts" adds the learned experts.
package: setup
	UV=$(UV) $(RUN) python -m infra.package --out build/package $(PACKAGE_OPTIONS)
# Runs the notebooks and writes docs/notebooks, the pages with their outputs.
notebooks: setup
	rm -rf $(NOTEBOOK_FOLDER) docs/notebooks
	$(RUN) spatiallake render --out $(NOTEBOOK_FOLDER)/offices --count 40 --seed 5 --width 320 --height 240 --room office
	$(RUN) spatiallake render --out $(NOTEBOOK_FOLDER)/kitchens --count 40 --seed 6 --width 320 --height 240 --room kitchen
	truncate -s 9000 "$$(find $(NOTEBOOK_FOLDER)/offices -name '*.jpg' | sort | head -1)"
	$(RUN) spatiallake run --crawl $(NOTEBOOK_FOLDER)/offices --lake $(NOTEBOOK_FOLDER)/lake --experts sensor
	$(RUN) spatiallake run --crawl $(NOTEBOOK_FOLDER)/kitchens --lake $(NOTEBOOK_FOLDER)/lake
	$(RUN) spatiallake examples --lake $(NOTEBOOK_FOLDER)/lake
	$(RUN) python -c "from pathlib import Path; from tests.model import tiny; tiny.write_encoder(Path('$(NOTEBOOK_FOLDER)/encoder'), 'siglip'); tiny.write_decoder(Path('$(NOTEBOOK_FOLDER)/decoder'))"
	$(RUN) spatiallake train --lake $(NOTEBOOK_FOLDER)/lake --vision-encoder $(NOTEBOOK_FOLDER)/encoder --decoder $(NOTEBOOK_FOLDER)/decoder --out $(NOTEBOOK_FOLDER)/run --steps 40
	PYTHONWARNINGS=ignore SPATIALLAKE_LAKE=$(NOTEBOOK_FOLDER)/lake $(RUN) python -m nbconvert --execute --to markdown --output-dir docs/notebooks notebooks/*.ipynb

benchmark: setup
	$(RUN) python -m benchmarks.lifting
	$(RUN) python -m benchmarks.synthesis

# The published claims in miniature; takes some hours. If it is killed, run it again: it continues.
claims: setup
	$(KEEP_MEMORY) $(RUN) python -m studies.claims --work claims --processes 2 --write studies/claims/README.md

# The same steps at the smallest sizes, in minutes.
claims-smoke: setup
	rm -rf claims-smoke
	$(KEEP_MEMORY) $(RUN) python -m studies.claims --work claims-smoke --smoke

environment: $(UV)
	$(UV) sync --frozen --all-extras --quiet

setup: java environment
	$(RUN) spatiallake setup

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv

java:
	@command -v java >/dev/null 2>&1 || [ -x "$${JAVA_HOME:-/nowhere}/bin/java" ] || { \
	  echo "spatiallake: Spark needs Java 17 or 21 and none was found; install one (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME." >&2; exit 3; }

browser:
	@[ "$$SPATIALLAKE_SKIP_BROWSER" = 1 ] || command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1 || { \
	  echo "Installing Chromium for the page tests."; \
	  apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null || { \
	  echo "spatiallake: the page tests need chromium and chromedriver; install both (Debian: apt-get install chromium chromium-driver) or set SPATIALLAKE_SKIP_BROWSER=1." >&2; exit 3; }; }

clean:
	rm -rf .venv .tools demo-lake claims claims-smoke .pytest_cache .ruff_cache build dist
