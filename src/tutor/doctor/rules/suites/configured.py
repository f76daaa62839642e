"""How a project's tests are found: what pytest is told in its files of settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch

from tutor.doctor.commands import MOST, files
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place
from tutor.doctor.texts import text_of

_FILES = ("pytest.ini", ".pytest.ini", "setup.cfg", "tox.ini", "pyproject.toml")

_LOOKS = re.compile(r"python_files[\"']?\s*=((?:[^\n]|\n(?=[ \t\]]))*)")
_PATTERN = re.compile(r"[\w*?.-]*[*?.][\w*?.-]*")
_SETTINGS = re.compile(r"(?m)^\s*DJANGO_SETTINGS_MODULE\s*=\s*[\"']?([\w.]+)")


def settings_missing(seen: Evidence) -> Iterator[Found]:
    """Settings for the tests, by a name that no module of the project has."""
    modules = seen.source.modules
    for folder in dict.fromkeys((seen.home, seen.project)):
        for name in _FILES:
            with suppress(OSError):
                text = text_of(folder / name)
                told = _SETTINGS.search(text)
                if told is None or told[1] in modules:
                    continue
                path = seen.home / told[1].replace(".", "/")
                there = path.is_dir() or path.with_suffix(".py").exists()
                above = modules.get(told[1].rpartition(".")[0])
                near = seen.near(told[1], modules, 0.9)
                # A package may hold one that is not in the repository.
                lost = (above is not None and not above.is_package) or near
                if told[1].partition(".")[0] in modules and lost and not there:
                    file = (folder / name).relative_to(seen.project).as_posix()
                    yield Found(
                        "settings-module-misspelled",
                        f"ImportError: No module named {told[1]!r}",
                        (file, text.count("\n", 0, told.start(1)) + 1),
                        80,
                        "reading the settings of pytest",
                        near or "a module that is there",
                    )
                    return


def pytest_is_told(seen: Evidence, pattern: str) -> bool:
    """Whether one of the files in which pytest looks for settings says something.

    Args:
        seen: the evidence.
        pattern: a regular expression.
    """
    for folder in {seen.home, seen.project}:
        for name in _FILES:
            with suppress(OSError):
                if re.search(pattern, text_of(folder / name)):
                    return True
    return False


def names_pytest(seen: Evidence) -> bool:
    """Whether pytest, or a pattern of the tests' files, is named anywhere."""
    return _named(seen, r"pytest|--pattern|unittest discover|\s-p[ =]")


def _named(seen: Evidence, pattern: str) -> bool:
    """Whether some words stand in a list, a guide, a recipe or a module."""
    for path in files(seen.project):
        with suppress(OSError, UnicodeDecodeError):
            read = path.suffix != ".py" and path.stat().st_size <= MOST
            if read and re.search(pattern, path.read_text("utf-8")):
                return True
    return any(re.search(pattern, m.text) for m in seen.source.modules.values())


def imported(seen: Evidence) -> set[str]:
    """The modules that others take something from, or all."""
    modules = seen.source.modules.values()
    taken = {name for one in modules for name in one.names.values()}
    parents = {name.rpartition(".")[0] for name in taken}
    return taken | parents | {star for one in modules for star in one.stars}


def unfound(place: Place) -> Found:
    """Tests in a file of which nobody knows that there are some."""
    name = str(place[0]).rpartition("/")[2]
    got = f"nobody looks for tests in {name}"
    return Found("test-never-run", got, place, 80, TRIED, f"test_{name}")


def left_out(seen: Evidence, name: str) -> bool:
    """Whether pytest passes a file of this name by, and nobody names it either."""
    if re.fullmatch(r"test_.*\.py|.*_test\.py|conftest\.py|__init__\.py", name):
        return False
    for folder in {seen.home, seen.project}:
        for one in _FILES:
            with suppress(OSError):
                told = _LOOKS.search(text_of(folder / one))
                if told and any(fnmatch(name, p) for p in _PATTERN.findall(told[1])):
                    return False
    return not _named(seen, rf"\b{re.escape(name)}\b")
