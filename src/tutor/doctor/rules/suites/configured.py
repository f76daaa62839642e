"""What a project tells pytest in its files of settings."""

from __future__ import annotations

import re
from contextlib import suppress

from tutor.doctor.evidence import Evidence
from tutor.doctor.texts import text_of

_FILES = ("pytest.ini", ".pytest.ini", "setup.cfg", "tox.ini", "pyproject.toml")


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
