"""The key that signs sessions, where everybody who has the repository can read it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import given
from tutor.doctor.rules.deployment.https import set_in_settings
from tutor.doctor.rules.deployment.proxy import RANK
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source.walking import walk
from tutor.doctor.startfiles import is_image
from tutor.doctor.texts import text_of

_GENERATED = "django-insecure-"  # so startproject begins, for development
# What nobody takes for a key, as it stands in examples.
_EXAMPLE = re.compile(
    r"(?i)chang|secret|insecure|example|dummy|dev|test|your|local|xxx"
)

_IGNORES = re.compile(r"/?(?:\*\*/)?(?:\.env(?:\*|\.\*)?|\*\.env\*?|\.\*|\*)/?")


def rules(seen: Evidence) -> Iterator[Found]:
    """A key in the settings, or in what starts a server, that is no example."""
    asked = set[str]()
    for name, file, node in set_in_settings(seen):
        if name != "SECRET_KEY":
            continue
        texts = [one.value for one in walk(node) if isinstance(one, ast.Constant)]
        asked |= {one for one in texts if isinstance(one, str)}
        key = str(node.value.value) if isinstance(node.value, ast.Constant) else ""
        if len(key) >= 40 and (
            not key.startswith(_GENERATED) or _is_production(seen, file)
        ):
            yield _found((file, node.lineno), "reading the settings")
    for key, one in given(seen.project).items():
        plain = re.fullmatch(r"\S{24,}", one.value) and not _EXAMPLE.search(one.value)
        handed = one.file.endswith((".service", ".yml", ".yaml", ".conf", ".ini"))
        if key in asked and plain and handed and not is_image(one.file):
            yield _found((one.file, one.line), "reading what servers are told")
    for name, line, value in _kept(seen):
        if name in asked and len(value) >= 20 and not _EXAMPLE.search(value):
            yield _found((".env", line), "reading .gitignore")


def _kept(seen: Evidence) -> Iterator[tuple[str, int, str]]:
    """The lines of an ``.env`` that Git would keep: name, line and value."""
    with suppress(OSError):
        ignored = text_of(seen.project / ".gitignore").splitlines()
        if not any(_IGNORES.fullmatch(one.strip()) for one in ignored):
            for number, line in enumerate(
                text_of(seen.project / ".env").split("\n"), 1
            ):
                name, sign, value = line.removeprefix("export ").partition("=")
                yield name.strip(), number, value.strip(" '\"\r") if sign else ""


def _is_production(seen: Evidence, file: str) -> bool:
    """Whether settings are for another machine than the one they are written on."""
    module = seen.source.by_file(file)
    own = seen.setting("DEBUG")[0]
    debug = module.values.get("DEBUG", []) if module is not None else []
    return file != own and bool(debug) and all(_is_off(one) for one in debug)


def _is_off(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _found(place: Place, tried: str) -> Found:
    return Found(
        "deploy-secret-in-the-repository",
        "the key that signs the sessions stands in a file of the project",
        place,
        RANK + 12,
        tried,
    )
