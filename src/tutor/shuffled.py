"""The tests in an order drawn by lot: ``pytest --shuffle=0``.  A pytest plugin.

It prints a number that draws the same order again: ``pytest --shuffle=NUMBER``.  Files
are shuffled, and the tests within a file; a notebook's cells stay as they are, since
each needs those above it.  What a file shares, it goes on sharing.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

INPUT = "tutor-shuffle"  # in what xdist hands to its workers
MOST = 1_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("general").addoption(
        "--shuffle",
        type=int,
        metavar="NUMBER",
        help="run the tests in the order that this number draws; 0 draws a number",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw a number; a worker of xdist's has its master's."""
    if config.option.shuffle == 0:
        given = getattr(config, "workerinput", {})
        config.option.shuffle = given.get(INPUT) or random.randint(1, MOST)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[INPUT] = node.config.option.shuffle


def pytest_report_header(config: pytest.Config) -> str | None:
    number = config.option.shuffle
    return None if number is None else f"shuffled; the same order: --shuffle={number}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Once more at the end, which -q leaves."""
    if line := pytest_report_header(terminalreporter.config):
        terminalreporter.line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Shuffle what is to run: before xdist looks at it, and after `tutor.prove` has.

    Of two that are to be first, pytest calls the one first that was registered last;
    so this plugin is named before that one.
    """
    number = session.config.option.shuffle
    if number is not None:
        session.items[:] = shuffled(session.items, number)


def shuffled(items: list[pytest.Item], number: int) -> list[pytest.Item]:
    """The same tests in another order, each file's together."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    drawn = random.Random(number)
    order = sorted(files)  # however they came
    drawn.shuffle(order)
    for name in order:
        if not name.endswith(".ipynb"):
            files[name].sort(key=lambda item: item.nodeid)
            drawn.shuffle(files[name])
    return [item for name in order for item in files[name]]
