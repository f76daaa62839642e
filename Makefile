# Plain `make` lists what there is.  Works with GNU make 3.81 and newer.
# Everything but `env` is one call of the package in src/tutor.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME DJANGO_SETTINGS_MODULE

# -P: the checkout itself is never on the import path.  By exec, so that a signal to
# make reaches it, and no shell between the two takes it instead.
RUN := exec .venv/bin/python -P -m
TUTOR := $(RUN) tutor

# The steps there are, as numbers: 1 2 3 ...
steps := $(foreach s,$(wildcard steps/[0-9][0-9]-*),$(patsubst 0%,%,$(firstword \
	$(subst -, ,$(notdir $s)))))
# $(call step,verb[,more]): runs the verb with the number that `%` stands for,
# one of the steps or of `more`.
number = $(or $(patsubst 0%,%,$*),0)
step = $(if $(filter $(number),$(steps) $2),.ci/bootstrap -q && $(TUTOR) $1 $(number) \
	$(ARGS),$(error There is no step "$*"; the steps are: $(steps)))

### Learner

## lab: set all up, open the tutorial (no screen: ARGS=--no-browser)
lab: env.quiet
	@$(TUTOR) lab $(ARGS)

## workspace: make or update my copy, to be opened in VS Code or on a hub
workspace: env.quiet
	@$(TUTOR) workspace $(ARGS)

## check: which step has my workspace reached, and what is wrong
check: env.quiet
	@$(TUTOR) check $(ARGS)

## check-N: does my workspace do what step N asks for
check-%:
	@$(call step,check)

## hint-N: the next hint for the exercise of step N
hint-%:
	@$(call step,hint)

## diff-N: what step N changes, and what mine has instead
diff-%:
	@$(call step,diff)

## goto-N: bring my workspace to the end of step N; saves mine first
goto-%:
	@$(call step,goto,0)

## reset: back to the last checkpoint I passed; saves mine first
reset: env.quiet
	@$(TUTOR) reset $(ARGS)

## doctor: diagnose any Channels project (PROJECT=path; else mine)
doctor: env.quiet
	@$(TUTOR) doctor $(if $(PROJECT),"$(PROJECT)") $(ARGS)

## referee: judge a live board by eight points (PROJECT=path; else mine)
referee: env.quiet
	@$(TUTOR) referee $(if $(PROJECT),"$(PROJECT)") $(ARGS)

### Instructor

## step-N: run the checkpoint of step N and say what the step adds
step-%:
	@$(call step,step)

## serve-N: the server of step N, on port 8000 (PORT=... chooses)
serve-%:
	@$(call step,serve) $(if $(PORT),--port $(PORT))

## schedule: a timetable for a class (MINUTES=180; notes: ARGS=--notes)
schedule: env.quiet
	@$(TUTOR) schedule $(if $(MINUTES),--minutes "$(MINUTES)") $(ARGS)

## html: the whole course as one page that needs no network
html: env.quiet
	@$(TUTOR) html $(ARGS)

## handout: the notebook without its solutions
handout: env.quiet
	@$(TUTOR) handout $(ARGS)

## offline-kit: a folder that installs and runs without a network, proved
offline-kit: env.quiet
	@$(TUTOR) offline-kit $(ARGS)

### Maintainer

## env: build .venv from requirements.lock (PYTHON=... chooses)
env:
	@.ci/bootstrap

## edit: open the original notebook, the one source of everything
edit: env.quiet
	@$(TUTOR) edit $(ARGS)

## test: prove everything: every output, every step, every test
test: env.quiet
	@$(RUN) tutor.browser --get
	@$(RUN) tutor.nginx --get
	@$(RUN) pytest -c pyproject.toml -n logical $(ARGS)

## stress: the suite in random order on a machine under load (TIMES=10)
stress: env.quiet
	@$(RUN) tutor.browser --get
	@$(TUTOR) stress $(if $(TIMES),--times "$(TIMES)") $(ARGS)

## checkpoints: derive the steps from the notebook, outputs included
checkpoints: env.quiet
	@$(TUTOR) checkpoints $(ARGS)

## lint: style, types, and the rules of the notebook
lint: env.quiet
	@$(TUTOR) lint $(ARGS)

## bench: measure every figure we claim
bench: env.quiet
	@for one in benchmarks/[a-z]*.py; do .venv/bin/python -P "$$one" $(ARGS) || exit; done

## matrix: the checks over the committed steps, without the notebook
matrix: env.quiet
	@$(TUTOR) matrix $(ARGS)

## lock: write requirements.lock anew (newer: ARGS=--upgrade)
lock: env.quiet
	@.venv/bin/uv pip compile -q --universal --generate-hashes --no-strip-extras \
		--no-emit-index-url --no-emit-find-links --python-version 3.11 --group lint \
		--custom-compile-command "make lock" -o requirements.lock pyproject.toml $(ARGS)
	@echo "Wrote requirements.lock. Next: make test"

## clean: remove what can be made again; keeps .venv and workspace/
clean:
	@rm -rf build .pytest_cache .ruff_cache .mypy_cache
	@find src tests benchmarks steps webapp master_app counter -name __pycache__ \
		-exec rm -rf {} + 2>/dev/null || true
	@echo "Removed build/ and the caches. workspace/ and .venv stay."

help:
	@awk -f .ci/targets.awk Makefile

env.quiet:
	@.ci/bootstrap -q

# Not the Makefile itself, which make would try to make.
Makefile: ;

.DEFAULT:
	$(error $(shell awk -v wanted='$(subst ','\'',$@)' -f .ci/targets.awk Makefile))

.PHONY: lab workspace check reset doctor referee schedule html handout offline-kit env \
	edit test stress checkpoints lint bench matrix lock clean help env.quiet
