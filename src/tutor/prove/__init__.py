"""Notebooks as proofs: a pytest plugin over nbval, with its sharp edges filed off.

``pytest -p tutor.prove --nbval steps/``.  It has to be named by ``-p`` (ours is, in
pyproject.toml), because it must load before nbval does.

* Every cell is compared, or says why not; a proof that proves nothing fails.
* After a failing cell the rest of its notebook is skipped, and counted.
* A notebook runs whole, in one kernel, whatever ``--lf``, ``-k`` or ``-n`` chose.
* A failure names the step, the heading and the cell, and shows a plain diff.
* What ran is written, fresh outputs included, to ``build/executed/``.

`cells` says what a proof is, `outputs` how it is compared, `kernels` where it runs,
`rules` what may vary, `turns` when a test may start.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tutor import nurseries
from tutor.prove import turns
from tutor.prove.rules import Rule, load
from tutor.report import Refusal

# jsonschema imports these where they are there, to check formats that notebooks don't
# have; the first builds 35 grammars in 0.85 s, half of nbval's start.  None makes an
# import fail, which jsonschema is ready for; other processes are not touched.
for name in ("rfc3987_syntax", "isoduration", "rfc3986_validator"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]

# nbval imports coverage, 0.1 s, for the options of pytest-cov; without it none is used.
if find_spec("pytest_cov") is None:
    unused = sys.modules.setdefault("nbval.cover", ModuleType("nbval.cover"))
    unused.__dict__.update(setup_coverage=None, teardown_coverage=None)

CELL_SECONDS = 60.0
NBVAL_CELL_SECONDS = 2000.0

# What a file may take until it has been timed: the slowest are to start first, so
# that no core is left waiting for one at the end.
CELL_GUESS = 0.5
TEST_GUESS = 0.02
CACHE = "tutor/seconds"
NURSERIES = "tutor/nurseries"

rules_key = pytest.StashKey[tuple[Rule, ...]]()
address_key = pytest.StashKey[str]()


def pytest_addoption(
    parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
) -> None:
    config = pluginmanager.get_plugin("pytestconfig")
    assert isinstance(config, pytest.Config)
    asked = list(map(str, config.invocation_params.args))
    spread = any(word[:2] == "-n" and word != "-n0" for word in asked)
    spread |= "PYTEST_XDIST_WORKER" in os.environ
    if any(map(names_one, asked)) and not spread:
        with suppress(OSError):
            nurseries.prepare()  # while nbval is imported and the tests are collected
    parser.getgroup("nbval").addoption(
        "--executed",
        metavar="DIR",
        default="build/executed",
        help="where executed notebooks are written (%(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "takes(seconds): for a file that had better start early"
    )
    config.addinivalue_line(
        "markers", "waits: for a test that waits for servers more than it works"
    )
    option = config.option
    if address := getattr(config, "workerinput", {}).get(NURSERIES):
        nurseries.borrow(address)
    if getattr(option, "nbval_lax", False):
        raise pytest.UsageError("--nbval-lax compares nothing: use --nbval")
    if not active(config):
        return
    if getattr(option, "dist", "no") not in ("no", "loadfile", "loadscope"):
        raise pytest.UsageError(
            f"-n with --dist {option.dist} tears a notebook's cells apart, and they "
            "share a kernel: add --dist loadfile"
        )
    option.loadscopereorder = False  # xdist would put the file with most tests first
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


def names_one(argument: str) -> bool:
    """Whether an argument of pytest's is a notebook, or cells of one."""
    return argument.partition("::")[0].endswith(".ipynb")


def active(config: pytest.Config) -> bool:
    """Whether notebooks are proven in this run."""
    return bool(getattr(config.option, "nbval", False))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """For ``-n logical``: as many workers as there are turns."""
    if not active(config):
        return None
    steps = config.rootpath / "steps"
    only = all(
        names_one(one) or steps in (path := Path(os.path.abspath(one)), *path.parents)
        for one in config.args
    )
    return (turns.WAITING if only else turns.TESTS) * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """One test after the other where other suites run on this machine."""
    waits = item.path.suffix == ".ipynb" or item.get_closest_marker("waits")
    with turns.turn(turns.WAITING if waits else turns.TESTS):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[Any], list[Any]]:
    found = yield
    if not active(parent.config) or file_path.suffix != ".ipynb":
        return found
    # Late: nbval is to be loaded by pytest, not by us.
    from tutor.prove.cells import ProvenNotebook

    return [ProvenNotebook.from_parent(parent, path=file_path)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Notebooks whole, and the file that takes longest first.

    This late, --lf, -k, -m and node ids have made their choice.  A cell without
    those above it means nothing, so one chosen cell brings its whole notebook.
    """
    config = session.config
    if not active(config):
        return
    from tutor.prove.cells import ProvenCell

    files: dict[str, list[pytest.Item]] = {}
    guess: dict[str, float] = {}
    for item in session.items:
        file = file_of(item)
        if isinstance(item, ProvenCell):
            files[file] = list(item.book.items)
            guess[file] = CELL_GUESS * len(files[file])
        else:
            files.setdefault(file, []).append(item)
            told = item.get_closest_marker("takes")
            guess[file] = told.args[0] if told else TEST_GUESS * len(files[file])
    guess |= {file: s for file, s in known_seconds(config).items() if file in guess}
    order = sorted(files, key=lambda file: (-guess[file], file))
    session.items[:] = [item for file in order for item in files[file]]
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and "deselected" in reporter.stats:
        runs = set(session.items)
        reporter.stats["deselected"] = [
            item for item in reporter.stats["deselected"] if item not in runs
        ]


def file_of(test: pytest.Item | pytest.TestReport) -> str:
    return test.nodeid.partition("::")[0]


def known_seconds(config: pytest.Config) -> dict[str, float]:
    """How long each file took when it last ran, as pytest's cache remembers."""
    if hasattr(config, "workerinput"):
        return dict(config.workerinput[CACHE])
    cache = getattr(config, "cache", None)
    return dict(cache.get(CACHE, {})) if cache is not None else {}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give xdist's workers one and the same order, whoever writes the cache now.

    And something to fork kernels and children from, which takes 3 s to start.
    """
    node.workerinput[CACHE] = known_seconds(node.config)
    stash = node.config.stash
    with suppress(OSError):
        if address_key not in stash:
            stash[address_key] = nurseries.share()
        node.workerinput[NURSERIES] = stash[address_key]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remember how long each file took."""
    config = session.config
    cache = getattr(config, "cache", None)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    worker = hasattr(config, "workerinput")
    if not active(config) or worker or cache is None or reporter is None:
        return
    took: defaultdict[str, float] = defaultdict(float)
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                took[file_of(report)] += report.duration
    if took:
        rounded = {file: round(took[file], 1) for file in took}
        cache.set(CACHE, known_seconds(config) | rounded)


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
def pytest_unconfigure() -> None:
    """Spare the interpreter's end a look for garbage in all that was imported."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that says what was proven, and one for each cell that was not."""
    notebooks: set[str] = set()
    outcome: Counter[str] = Counter()
    reasons: list[str] = []
    busy = 0.0
    for report in (r for reports in terminalreporter.stats.values() for r in reports):
        if not isinstance(report, pytest.TestReport) or report.when == "teardown":
            continue
        for name, value in report.user_properties:
            if name in ("compared", "not compared", "failed", "not run"):
                notebooks.add(file_of(report))
                outcome[name] += 1
                if name == "not compared":
                    reasons.append(f"  {report.nodeid}: {value}")
            if name == "seconds" and isinstance(value, float):
                busy += value
    if not notebooks:
        return
    terminalreporter.section("proof", sep="-")
    terminalreporter.line(
        f"{len(notebooks)} notebooks: {outcome['compared']} cells compared, "
        f"{outcome['not compared']} not compared, {outcome['failed']} failed, "
        f"{outcome['not run']} not run; kernels were busy for {busy:.1f} s"
    )
    for line in sorted(reasons):
        terminalreporter.line(line)
