"""The packages that a project says it needs, against what its settings name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import commands, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.counting import on_redis
from tutor.doctor.rules.found import Found

RANK = 79  # here it is installed; it is missing where the list is followed
TRIED = "reading the project's list of packages"
MOST = 1_000_000  # bytes; a lock is long
LISTS = re.compile(
    r"requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile|setup\.(cfg|py)|"
    r"(poetry|uv|pdm|Pipfile)\.lock|(environment|conda)[\w.-]*\.ya?ml"
)
_CHANNELS = re.compile(r"""^\s*["']?channels["']?\s*(?:$|[=<>~!;,#"'\[])""", re.I)

# dependencies = ["channels>=4", "django"]
_QUOTED = re.compile(r"""=.*\[.*["']channels(?:[=<>~!;,\[ ][^"']*)?["']""")


def rules(seen: Evidence) -> Iterator[Found]:
    """``channels`` alone, where the settings ask for ``daphne`` or Redis, too."""
    lists = dict(_lists(seen.project))
    for slug, package, is_used in _NEEDS:
        word = rf"\b{package}\b"
        said = any(re.search(word, text, re.I) for text in lists.values())
        if said or mentioned(seen.project, rf"\binstall\b.*{word}"):
            continue
        for file, number in _named(lists) if is_used(seen) else ():
            name = package.replace("[-_]", "_")
            got = f"ModuleNotFoundError: No module named {name!r}"
            yield Found(slug, got, (file, number), RANK, TRIED, f"{name}, beside it")
            break


def _asks_for_daphne(seen: Evidence) -> bool:
    apps = [str(app).partition(".")[0] for app in seen.settings.get("apps") or []]
    return "daphne" in apps or any(
        one.program == "daphne" for one in commands(seen.project)
    )


_NEEDS = (
    ("install-channels-without-daphne-extra", "daphne", _asks_for_daphne),
    ("redis-package-missing", "channels[-_]redis", on_redis),
)


def _named(lists: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Where channels stands in a list of packages."""
    for file, text in lists.items():
        for number, line in enumerate(text.splitlines(), 1):
            if _CHANNELS.match(line) or _QUOTED.search(line):
                yield file, number


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
