"""The packages that a project says it needs, against what its settings name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import commands, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found

RANK = 79  # here it is installed; it is missing where the list is followed
TRIED = "reading the project's list of packages"
MOST = 1_000_000  # bytes; a lock is long
LISTS = re.compile(
    r"requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile|setup\.(cfg|py)|"
    r"(poetry|uv|pdm|Pipfile)\.lock|(environment|conda)[\w.-]*\.ya?ml"
)
_CHANNELS = re.compile(r"""^\s*["']?channels["']?\s*(?:$|[=<>~!;,#"'])""", re.I)


def rules(seen: Evidence) -> Iterator[Found]:
    """``channels`` without ``daphne`` beside it, which the settings ask for."""
    lists = dict(_lists(seen.project))
    if not lists or mentioned(seen.project, r"\binstall\b.*\bdaphne\b"):
        return
    if any(re.search(r"\bdaphne\b", text) for text in lists.values()):
        return
    apps = [str(app).partition(".")[0] for app in seen.settings.get("apps") or []]
    started = [one for one in commands(seen.project) if one.program == "daphne"]
    if "daphne" not in apps and not started:
        return
    for file, text in lists.items():
        for number, line in enumerate(text.splitlines(), 1):
            if _CHANNELS.match(line):
                yield Found(
                    "install-channels-without-daphne-extra",
                    "ModuleNotFoundError: No module named 'daphne'",
                    (file, number),
                    RANK,
                    TRIED,
                    "channels[daphne]",
                )
                return


def _lists(project: Path) -> Iterator[tuple[str, str]]:
    """The files that name packages, with their texts."""
    folders = [project, project / "requirements", project / "requires"]
    for folder in folders:
        with suppress(OSError):
            for path in sorted(folder.iterdir()):
                inside = folder != project and path.suffix in (".txt", ".in")
                if not (inside or LISTS.fullmatch(path.name)) or not path.is_file():
                    continue
                if path.stat().st_size > MOST:
                    continue
                with suppress(UnicodeDecodeError):
                    file = path.relative_to(project).as_posix()
                    yield file, path.read_text(encoding="utf-8")
