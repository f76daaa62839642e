"""The last line of `make test`: proved, or but for what.  A pytest plugin.

It speaks only when everything was asked for and nothing failed; a run of one file
proves that file.  It also gives tests their browser: the fixture `browser_path`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tutor import browser
from tutor.report import unwritable

last_line = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say it in one line where pytest itself could not even begin."""
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise pytest.UsageError(unwritable(error)) from None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs a browser")


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """The browser that is here; without one the test is left out, in CI it fails."""
    found = browser.find()
    if found is None:
        reason = f"no browser; to get one: {browser.HOW}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    stats = terminalreporter.stats
    if exitstatus != 0 or not everything or "deselected" in stats:
        return
    left_out = stats.get("skipped", [])
    for_browser = [report for report in left_out if "browser" in report.keywords]
    line = "proved"
    if others := len(left_out) - len(for_browser):
        line += f", but for {others} {_tests(others)} that did not run (-rs says why)"
    if n := len(for_browser):
        line += f", but for the browser ({n} {_tests(n)}); to get one: {browser.HOW}"
    config.stash[last_line] = line


def _tests(count: int) -> str:
    return "test" if count == 1 else "tests"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say it below pytest's own last line."""
    if last_line in config.stash:
        print(config.stash[last_line], flush=True)
