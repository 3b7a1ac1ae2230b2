# Every command of the project. `make help` lists them.
#
# Variables: PYTHON      the Python that makes .venv                    make lab PYTHON=python3.12
#            LECTURE_... a setting of lecture_lib                       make lab LECTURE_PROFILE=real
#            NOTEBOOKS   the folder that is opened, instead of my-work  make lab NOTEBOOKS=notebooks
#            LAB_OPTIONS more options for JupyterLab                    make lab LAB_OPTIONS="--port 9999"
#            TORCH_INDEX where torch comes from, if not from PyPI       make setup TORCH_INDEX=https://...
#            ONLY        some notebooks instead of all                  make notebooks ONLY=00_start_here
#            WORKERS     tests at a time                                make test WORKERS=8

PYTHON ?= python3
WORKERS ?= 2
RUN = .venv/bin/python

# Jupyter, IPython and matplotlib keep their own files (kernels, settings, histories, fonts) inside .venv,
# so that nothing is written to the home folder and nothing there (an old kernel, say) gets in the way.
export JUPYTER_CONFIG_DIR := $(CURDIR)/.venv/var/jupyter/config
export JUPYTER_DATA_DIR := $(CURDIR)/.venv/var/jupyter/data
export IPYTHONDIR := $(CURDIR)/.venv/var/ipython
export MPLCONFIGDIR := $(CURDIR)/.venv/var/matplotlib

# OpenMP's threads sleep while they wait; by default they spin, and one busy neighbour stops them all.
export OMP_WAIT_POLICY ?= passive

.DEFAULT_GOAL := help
.PHONY: help setup lab test browser notebooks slides book pages lint format bench clean

help:  ## list these commands
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /:/' | awk -F: '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: .venv/.ready  ## install everything into .venv (the other commands do it when needed)

lab: .venv/.ready  ## open your copies of the notebooks, in my-work/; what you wrote there is kept
	@exec $(RUN) notebooks/start.py $(NOTEBOOKS) $(LAB_OPTIONS)

test: .venv/.ready  ## run all tests and all notebooks
	@$(RUN) -m pytest -n $(WORKERS) --dist loadscope --durations=20

browser: .venv/.pages  ## try the notebooks in JupyterLab as a student would; needs Chromium
	@$(RUN) -m pytest -m browser --durations=10 $(if $(ONLY),-k "$(ONLY)") tests/browser

notebooks: .venv/.ready  ## run all notebooks and save them with their outputs
	@$(RUN) notebooks/execute.py $(ONLY)

slides: .venv/.pages  ## write the notebooks as decks of slides, a file each that needs no network, to build/slides/
	@$(RUN) notebooks/slides.py $(ONLY)

book: .venv/.pages  ## write notebooks and the instructor's pages as a site that needs no server, to build/book/
	@$(RUN) -m sphinx -q -W --keep-going -c docs . build/book && echo "build/book/index.html"

pages: .venv/.pages  ## install what slides, book and tests in a browser need beyond the set-up

lint: .venv/.ready  ## look for mistakes of style
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

format: .venv/.ready  ## put modules and notebooks into the common style
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: .venv/.ready  ## measure speed against what one would use instead, in one table and build/bench.json
	@$(RUN) tests/benchmarks/table.py

clean:  ## remove build/ and caches; .venv and my-work/ stay
	rm -rf build .pytest_cache .ruff_cache *.egg-info
	find lecture_lib tests notebooks -name __pycache__ -prune -exec rm -rf {} +

.venv/.pages: .venv/.ready requirements-pages.txt
	@echo "Installing the packages of requirements-pages.txt into .venv, this once."
	@$(RUN) -m pip install --quiet -r requirements-pages.txt
	@touch .venv/.pages

# The set-up is done once, and again when its two files change.
.venv/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, and \"$(PYTHON)\" is not one: install it from python.org or your system's packages, then for example: make lab PYTHON=python3.13"; exit 1; }
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(RUN) -m ensurepip >/dev/null 2>&1 \
	    || $(PYTHON) -m venv --clear .venv || { rm -rf .venv; \
	    echo "This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv. Elsewhere install Python from python.org, then try again."; exit 1; }
	@echo "Installing the packages of requirements.txt into .venv: some minutes, this once."
	@quiet=; [ -t 1 ] || quiet=-qq; \
	if [ -n "$(TORCH_INDEX)" ]; then \
	    grep -E '^torch(vision)?==' requirements.txt | sed 's/ *#.*//' >.venv/torch.txt; \
	    $(RUN) -m pip install $$quiet --no-deps --index-url "$(TORCH_INDEX)" -r .venv/torch.txt || exit 1; \
	fi; \
	$(RUN) -m pip install $$quiet -r requirements.txt && $(RUN) -m pip install --quiet --no-deps -e . || { \
	    echo "The installation stopped; pip says why above. With a network and about 8 GB of free disk, the same command goes on from here."; exit 1; }
	@# the fonts are listed now, not in a lesson
	@$(RUN) -c "import matplotlib.font_manager"
	@touch .venv/.ready
