"""Which commands can run in a forked child, and where one takes a Python of its own."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tutor.warm.libraries import LIBRARY_NAMES

ENTRY_POINTS = ("daphne", "django-admin", "pytest")  # as in nursery.py

# What an interpreter or its libraries read once, when they start.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "TZ")


def possible() -> bool:
    """Whether anything starts warm here."""
    return sys.platform == "linux" and not os.environ.get("TUTOR_COLD")


def understood(argv: Sequence[str]) -> bool:
    """Whether a command is one of ours: this Python with a script, or -c."""
    script = script_of(argv)
    return script is None or script.endswith(".py") or argv[0] in ENTRY_POINTS


def set_variables(variables: dict[str, str], argv: Sequence[str]) -> Sequence[str]:
    """Do what ``env [-u NAME]... [NAME=VALUE]...`` would do; the rest of the command.

    So that ``python`` behind it starts warm too.
    """
    words = list(argv)
    changed = dict(variables)
    if words.pop(0) == "env":
        while words[:1] == ["-u"] and len(words) > 1:
            changed.pop(words[1], None)
            del words[:2]
        while words and re.match(r"[A-Za-z_]\w*=", words[0]):
            name, _, value = words.pop(0).partition("=")
            changed[name] = value
        if understood(words or argv) and changed.get("PATH") == variables["PATH"]:
            variables.clear()
            variables.update(changed)
            return words
    return argv


def script_of(argv: Sequence[str]) -> str | None:
    """The file that a command runs; None for ``-c``, "" for what is no Python."""
    if argv[0] in ENTRY_POINTS:
        return str(Path(sys.executable).with_name(argv[0]))
    words = argv[2:] if argv[1:2] == ["-P"] else argv[1:]
    if argv[0] not in ("python", sys.executable) or not words:
        return ""
    return None if words[0] == "-c" and words[1:] else words[0]


def hides_a_library(folder: Path) -> bool:
    """Whether a module in a folder has the name of one that the nursery holds.

    ``random.py`` beside manage.py is a classic mistake, and has to stay one.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name, _, kind = entry.name.partition(".")
            if name in LIBRARY_NAMES and (
                kind == "py" or Path(entry.path, "__init__.py").exists()
            ):
                return True
    return False


def settings_of(env: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in env.items() if k.startswith(_READ_AT_START)}
