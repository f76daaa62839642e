"""The last line of `make test`: proved, or but for what.  A pytest plugin.

It speaks only when everything was asked for and nothing failed; a run of one file
proves that file.  It also gives tests their browser and their nginx: the fixtures
`browser_path` and `nginx_path`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tutor import browser, nginx
from tutor.report import unwritable

MISSED = {"browser": browser.HOW, "nginx": nginx.HOW}
last_line = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say it in one line where pytest itself could not even begin."""
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise pytest.UsageError(unwritable(error)) from None


def pytest_configure(config: pytest.Config) -> None:
    for name in MISSED:
        config.addinivalue_line("markers", f"{name}: needs a {name}")


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """The browser that is here; without one the test is left out, in CI it fails."""
    return _there("browser", browser.find())


@pytest.fixture(scope="session")
def nginx_path() -> Path:
    """The nginx that is here; without one the test is left out, in CI it fails."""
    return _there("nginx", nginx.find())


def _there(name: str, found: Path | None) -> Path:
    if found is None:
        reason = f"no {name}; to get one: {MISSED[name]}"
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
    missed = {name: sum(name in r.keywords for r in left_out) for name in MISSED}
    line = "proved"
    if (others := len(left_out) - sum(missed.values())) > 0:
        line += f", but for {others} {_tests(others)} that did not run (-rs says why)"
    for name, n in missed.items():
        if n:
            line += f", but for the {name} ({n} {_tests(n)})"
            line += f"; to get one: {MISSED[name]}"
    config.stash[last_line] = line


def _tests(count: int) -> str:
    return "test" if count == 1 else "tests"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say it below pytest's own last line."""
    if last_line in config.stash:
        print(config.stash[last_line], flush=True)
