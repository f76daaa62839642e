"""What several test files share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tutor import notebook, places
from tutor.doctor import browsing

# A suite that was started in the background ignores Ctrl-C, and so would its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Many tests run a project in their `tmp_path`, and its database must not wait for a
# disk that others use, too.
if memory := places.scratch():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)


def code(source: str, *outputs: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A code cell."""
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": list(outputs),
        "source": source,
        **keys,
    }


def text(source: str, **tutor: Any) -> dict[str, Any]:
    """A Markdown cell, with our metadata."""
    return {
        "cell_type": "markdown",
        "metadata": {"tutor": tutor} if tutor else {},
        "source": source,
    }


def printed(words: Any, name: str = "stdout") -> dict[str, Any]:
    """What a cell printed."""
    return {"output_type": "stream", "name": name, "text": words}


def shown(mime: str, value: Any) -> dict[str, Any]:
    """What a cell displayed."""
    return {"output_type": "display_data", "data": {mime: value}, "metadata": {}}


def book(*cells: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A notebook of these cells."""
    return {
        "cells": list(cells),
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    } | keys


@dataclass(frozen=True)
class Case:
    """How one test of a run under test went: passed, failed, error or skipped."""

    outcome: str
    said: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """A pytest that ran as a child: its exit status, its words, its tests by id."""

    code: int
    out: str
    cases: dict[str, Case]

    def outcomes(self, file: str) -> list[str]:
        """The outcomes of a file's tests, in order."""
        return [case.outcome for id, case in self.cases.items() if id.startswith(file)]


@pytest.fixture(scope="module")
def one_browser(browser_path: Path) -> Iterator[None]:
    """The same for all of a file: starting one takes longer than a page."""
    with browsing.keeping_a_browser():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own for a pytest under test; one for each test file."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pytest.ini").write_text(
        "[pytest]\n"
        "addopts = -p tutor.prove --nbval\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    return folder


Prove = Callable[..., Run]


@pytest.fixture(scope="module")
def prove(folder: Path) -> Prove:
    """Run pytest with our plugin over notebooks in `folder`."""

    def run(*args: str, env: dict[str, str] | None = None, **books: Any) -> Run:
        for name, nb in books.items():
            if nb is not None:
                path = folder / f"{name}.ipynb"
                path.write_text(notebook.dump(nb) if isinstance(nb, dict) else nb)
        names = [f"{name}.ipynb" for name in books]
        environment = {k: v for k, v in os.environ.items() if "PYTEST" not in k}
        environment |= env or {}
        report = folder / "report.xml"
        report.unlink(missing_ok=True)
        child = subprocess.run(
            [sys.executable, "-m", "pytest", "--junitxml=report.xml", *args, *names],
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        cases = {}
        if report.exists():
            for element in ElementTree.parse(report).getroot().iter("testcase"):
                name = f"{element.get('classname')}::{element.get('name')}"
                outcome, said = "passed", ""
                for kind in ("failure", "error", "skipped"):
                    for found in element.iter(kind):
                        outcome = "failed" if kind == "failure" else kind
                        said += f"{found.get('message')}\n{found.text}"
                cases[name] = Case(outcome, said, float(element.get("time", "0")))
        return Run(child.returncode, child.stdout + child.stderr, cases)

    return run
