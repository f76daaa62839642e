"""A file of the project with the name of a module of Python's own."""

from __future__ import annotations

import re
import sys

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found

RANK = 10


def shadowed(seen: Evidence) -> Found | None:
    """Such a file, where Django itself could not be imported because of it."""
    lines = [line for line in seen.look.out.splitlines() if line.strip()]
    names = re.findall(r"'([\w.]+)'", lines[-1]) if lines else []
    for name in [*names, *(one.partition(".")[0] for one in names)]:
        if name in sys.stdlib_module_names and (seen.home / f"{name}.py").is_file():
            return Found(
                "install-file-named-channels-py",
                re.sub(r" \(/[^)]*\)", "", lines[-1]),
                (f"{seen.prefix}{name}.py", 1),
                RANK,
                "loading the settings",
                "settings that load",
                f"{name}.py hides Python's own module {name}.",
            )
    return None
