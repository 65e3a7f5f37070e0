# `make book` and `make test` do all their own set-up; they need Python 3.11+, make and git.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SITE := _build/html
GPU := _build/gpu
DEVICE ?= cuda
export TAG ?=
# Kernels started for notebooks must find this environment's packages first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONHASHSEED := 0
# Nothing that is built or tested here may look for a hub.
export HF_HUB_OFFLINE ?= 1
# Kernels take no settings of the user's own, and do not announce that they talk TCP on this machine.
export IPYTHONDIR := $(CURDIR)/_build/ipython
KERNEL := $(IPYTHONDIR)/profile_default/ipython_kernel_config.py

.PHONY: help book serve test lint types unit nbval pages browser reference requirements bench clean
.PHONY: pdf archive dist release links vendored audit newest gpu

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "this book needs Python 3.11 or newer; set PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(KERNEL):
	@mkdir -p $(@D)
	@echo 'c.IPKernelApp.log_level = "ERROR"' > $@

book: $(READY) $(KERNEL) ## Execute every chapter and build the book into _build/html
	@rm -rf $(SITE) _build/.doctrees _build/jupyter_execute
	jupyter-book build book --config $(CURDIR)/_config.yml --toc $(CURDIR)/_toc.yml --path-output . \
	  -W -n --keep-going --quiet
	CHROMIUM="$$(python tools/chromium.py)" python -m beyond_scaling.bookbuild.finish $(SITE)
	@echo "The book: file://$(CURDIR)/$(SITE)/index.html  (make serve opens it)"

serve: $(READY) ## Open the book in a browser (PORT=8000)
	@test -f $(SITE)/index.html || $(MAKE) book
	@(sleep 1; python -m webbrowser http://localhost:$(PORT)/ >/dev/null) & \
	  echo "http://localhost:$(PORT)/  (Ctrl-C ends it)"; python -m http.server --bind 127.0.0.1 --directory $(SITE) $(PORT)

test: $(READY) ## Lint, types, unit and property tests, the book, its PDF and archive, notebook regression, browser tests
	@$(MAKE) --no-print-directory browser lint types unit book pdf archive nbval pages

lint: $(READY)
	ruff check .

types: $(READY)
	mypy

unit: $(READY)
	OMP_NUM_THREADS=1 pytest -q -m "not browser and not book" -n 2 --dist loadscope --no-loadscope-reorder

nbval: $(READY) $(KERNEL) ## Run every chapter again and compare with tests/reference
	python tools/reference.py check

pages: $(READY)
	pytest -q -m "(browser or book) and not alone" -n 3 --dist loadscope
	pytest -q -m "(browser or book) and alone"

browser: $(READY)
	@python tools/chromium.py
	@python tools/firefox.py

reference: $(READY) $(KERNEL) ## Execute the chapters and rewrite tests/reference (look at the diff)
	python tools/reference.py refresh

requirements: $(READY) ## Compile requirements.txt anew from pyproject.toml
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --no-emit-index-url --no-annotate \
	  --upgrade --quiet --custom-compile-command "make requirements" -o requirements.txt

pdf: $(READY) ## Print the built book as one PDF, which its page of downloads then offers
	CHROMIUM="$$(python tools/chromium.py)" python tools/pdf.py

archive: $(READY) ## Pack the built book, its notebooks and the package as one zip, with a checksum
	python tools/archive.py make

dist: $(READY) ## Build the package (sdist and wheel) into dist/
	python -m hatchling build -d dist

release: $(READY) ## Do version, citation, changelog and tag agree? (TAG=v1.2.0) What is new goes to _build/notes.md
	python tools/release.py check "$$TAG"
	@mkdir -p _build
	python tools/release.py notes > _build/notes.md

links: $(READY) ## Check every link that leads out of the built book (asks the network)
	python tools/links.py $(SITE) README.md CHANGELOG.md CONTRIBUTING.md docs/*.md

vendored: $(READY) ## Compare what is carried from others, and the built site, with the list
	python tools/vendored.py verify $(wildcard $(SITE))

audit: $(READY) ## Look for known vulnerabilities of the pinned packages (asks the network)
	python tools/audit.py

newest: $(READY) ## Compile requirements.txt from the newest versions that pyproject.toml allows, tested or not
	uv pip compile pyproject.toml --no-config --universal --python-version 3.11 --extra dev --no-emit-index-url \
	  --no-annotate --upgrade --quiet --custom-compile-command "make newest" -o requirements.txt

gpu: $(READY) $(KERNEL) ## On a GPU: measure the model in the box, run the GPU notebook (BEYOND_SCALING_SETTING=paper)
	@mkdir -p $(GPU)
	beyond-scaling radius --device $(DEVICE) --layers all --controls all --out $(GPU) --force
	jupytext --quiet --to ipynb --output $(GPU)/radius-gpu.ipynb book/experiments/radius-gpu.md
	jupyter execute --inplace $(GPU)/radius-gpu.ipynb

bench: $(READY) ## Print the benchmarks' tables
	for script in benchmarks/*.py; do python $$script || exit 1; done

clean: ## Remove what was built (the environment stays)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache
