"""Notebooks as proofs: a pytest plugin over nbval, with its sharp edges filed off.

``pytest -p tutor.prove --nbval steps/``.  It has to be named by ``-p`` (ours is, in
pyproject.toml), because it must load before nbval does.

* Every cell is compared, or says why not; a proof that proves nothing fails.
* After a failing cell the rest of its notebook is skipped, and counted.
* A notebook runs whole, in one kernel, whatever ``--lf``, ``-k`` or ``-n`` chose.
* A failure names the step, the heading and the cell, and shows a plain diff.
* What ran is written, fresh outputs included, to ``build/executed/``.

`cells` says what a proof is, `kernels` where it runs, `rules` what may vary.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tutor.prove.rules import Rule, load
from tutor.report import Refusal

# jsonschema imports this package when it is there, to check a format that notebooks
# don't have: 35 grammars built in 0.85 s, half of nbval's start.  None makes that
# import fail, which jsonschema is ready for; other processes are not touched.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

CELL_SECONDS = 60.0
NBVAL_CELL_SECONDS = 2000.0

rules_key = pytest.StashKey[tuple[Rule, ...]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("nbval").addoption(
        "--executed",
        metavar="DIR",
        default="build/executed",
        help="where executed notebooks are written (%(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    if getattr(option, "nbval_lax", False):
        raise pytest.UsageError("--nbval-lax compares nothing: use --nbval")
    if not active(config):
        return
    if getattr(option, "dist", "no") not in ("no", "loadfile", "loadscope"):
        raise pytest.UsageError(
            f"-n with --dist {option.dist} tears a notebook's cells apart, and they "
            "share a kernel: add --dist loadfile"
        )
    if option.nbval_cell_timeout == NBVAL_CELL_SECONDS:
        option.nbval_cell_timeout = CELL_SECONDS
    try:
        config.stash[rules_key] = (
            load(config.rootpath / option.nbval_sanitize_with)
            if option.nbval_sanitize_with
            else ()
        )
    except Refusal as refusal:
        raise pytest.UsageError(str(refusal)) from None


def active(config: pytest.Config) -> bool:
    """Whether notebooks are proven in this run."""
    return bool(getattr(config.option, "nbval", False))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[Any], list[Any]]:
    found = yield
    if not active(parent.config) or file_path.suffix != ".ipynb":
        return found
    from tutor.prove.cells import (
        ProvenNotebook,  # late: nbval must be loaded by pytest, not by us
    )

    return [ProvenNotebook.from_parent(parent, path=file_path)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Notebooks whole and first, the longest first; then the tests as they come.

    This late, --lf, -k, -m and node ids have made their choice.  A cell without
    those above it means nothing, so one chosen cell brings its whole notebook.
    """
    if not active(session.config):
        return
    from tutor.prove.cells import ProvenCell

    chosen = {
        item.book.nodeid: item.book
        for item in session.items
        if isinstance(item, ProvenCell)
    }
    books = sorted(chosen.values(), key=lambda book: (-len(book.items), book.nodeid))
    others = [item for item in session.items if not isinstance(item, ProvenCell)]
    session.items[:] = [cell for book in books for cell in book.items] + others
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and "deselected" in reporter.stats:
        runs = set(session.items)
        reporter.stats["deselected"] = [
            item for item in reporter.stats["deselected"] if item not in runs
        ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and active(item.config):
        from tutor.prove.cells import ProvenCell

        if isinstance(item, ProvenCell):
            report.user_properties.append(("failed", ""))
            item.book.stop_after(item)
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that says what was proven, and one for each cell that was not."""
    notebooks: set[str] = set()
    outcome: Counter[str] = Counter()
    reasons: list[str] = []
    for report in (r for reports in terminalreporter.stats.values() for r in reports):
        if not isinstance(report, pytest.TestReport) or report.when == "teardown":
            continue
        for name, value in report.user_properties:
            if name in ("compared", "not compared", "failed", "not run"):
                notebooks.add(report.nodeid.partition("::")[0])
                outcome[name] += 1
                if name == "not compared":
                    reasons.append(f"  {report.nodeid}: {value}")
    if not notebooks:
        return
    terminalreporter.section("proof", sep="-")
    terminalreporter.line(
        f"{len(notebooks)} notebooks: {outcome['compared']} cells compared, "
        f"{outcome['not compared']} not compared, {outcome['failed']} failed, "
        f"{outcome['not run']} not run"
    )
    for line in sorted(reasons):
        terminalreporter.line(line)
