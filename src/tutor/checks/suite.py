"""Step 9: a project's own tests, as they are, and with the project spoilt on purpose.

Tests that pass on a project that works say little.  So the same tests run again with
a consumer that says something else, with a door open to strangers, and with handlers
that block the loop: each time at least one of them has to fail.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tutor import children, places
from tutor.checks.question import Ask, Question
from tutor.project_cell import settings_module

SECONDS = 90.0  # for one run of the tests, browser included
SPOILT = ("words", "strangers", "blocked")  # see sabotage.py
_FOUND = re.compile(r"^Found (\d+) test", re.MULTILINE)
_ERROR = re.compile(r"(E +)?[\w.]*(Error|Exception|Improperly\w+|Failed)\b")
_COUNTS = re.compile(r"(\d+) (?:passed|failed|skipped|errors?)\b")


@dataclass(frozen=True)
class Run:
    """How one run of the tests went.

    Args:
        tests: how many there are, skipped ones included.
        passed: whether it ended as a run does in which no test fails.
        out: what it printed.
    """

    tests: int = 0
    passed: bool = False
    out: str = ""

    @property
    def last_words(self) -> str:
        """What the first failed test said; else the last line."""
        lines = [line.strip() for line in self.out.splitlines() if line.strip()]
        for line in lines:
            if _ERROR.match(line):
                return line.removeprefix("E ").strip()
        return (lines or ["nothing"])[-1]


@dataclass(frozen=True)
class Look:
    """What came of a project's tests.

    Args:
        django: by ``manage.py test``.
        pytest: by ``pytest``.
        spoilt: by ``manage.py test``, once for each of ``SPOILT``.
    """

    django: Run = field(default_factory=Run)
    pytest: Run = field(default_factory=Run)
    spoilt: dict[str, Run] = field(default_factory=dict)


def look(project: Path, python: Path | None = None) -> Look:
    """Run a project's tests in copies of it.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    own = str(python or "python")
    # Step 7 asks the browser; here it would take half of the time.
    one = partial(run, project, CHROMIUM="none")
    django = one([own, "manage.py", "test", "--noinput"])
    if not (django.tests and django.passed):
        return Look(django)
    script = str(Path(__file__).with_name("sabotage.py"))
    settings = settings_module(project)
    commands = [["pytest"] if python is None else [own, "-P", "-m", "pytest"]]
    commands[0] += ["-q"]
    commands += [[own, "-P", script, what, settings] for what in SPOILT]
    with ThreadPoolExecutor(2) as pool:
        by_pytest, *spoilt = pool.map(one, commands)
    return Look(django, by_pytest, dict(zip(SPOILT, spoilt, strict=True)))


def run(project: Path, argv: Sequence[str], **extra: str) -> Run:
    """Run tests in a copy of a project, which also keeps their database apart.

    Args:
        project: the folder of ``manage.py``.
        argv: the command.
        extra: variables for its environment.
    """
    with places.copied(project) as folder:
        done = children.run(argv, folder, SECONDS, extra)
    found = _FOUND.search(done.out)
    last = (done.out.strip().splitlines() or [""])[-1]
    count = int(found[1]) if found else sum(map(int, _COUNTS.findall(last)))
    return Run(count, done.code == 0, done.out)


def _tests_pass(seen: Look) -> str | None:
    run = seen.django
    if not run.tests:
        return "no test was found"
    return None if run.passed else run.last_words


def _pytest_too(seen: Look) -> str | None:
    run, wanted = seen.pytest, seen.django.tests
    if run.tests < max(1, wanted):
        return f"{run.tests} tests of {wanted}; {run.last_words}"
    return None if run.passed else run.last_words


def _bites(what: str) -> Ask:
    def ask(seen: Look) -> str | None:
        run = seen.spoilt.get(what)
        if run is None:
            return "no tests that pass to begin with"
        if not run.tests:
            return run.last_words
        return f"all {run.tests} tests pass" if run.passed else None

    return ask


QUESTIONS = (
    Question("manage.py test runs tests, and all pass", "manage.py test", _tests_pass),
    Question("pytest runs the same tests, and all pass", "pytest", _pytest_too),
    Question(
        "a test fails when a consumer says something else",
        "the tests, with every message changed on its way out",
        _bites("words"),
    ),
    Question(
        "a test fails when strangers are let in",
        "the tests, with any Origin accepted",
        _bites("strangers"),
    ),
    Question(
        "a test fails when a handler blocks the loop",
        "the tests, with a time.sleep before each consumer's first messages",
        _bites("blocked"),
    ),
)
