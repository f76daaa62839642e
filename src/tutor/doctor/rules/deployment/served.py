"""Commands that start a server: what they serve, and a mistake that stands at one."""

from __future__ import annotations

import re

from tutor.doctor.commands import SERVERS, Command, known
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found

RANK = 58
TRIED = "reading the commands in the project's files"
WSGI = "django.core.wsgi.get_wsgi_application()"
_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):([A-Za-z_]\w*)")
# What gunicorn looks for in a module that it is given without a name.
_USUAL = ":application"


def found(slug: str, got: str, one: Command, expected: str, more: int = 0) -> Found:
    """A mistake that stands at a command."""
    return Found(slug, got, (one.file, one.line), RANK + more, TRIED, expected)


def serves_sockets(one: Command) -> bool:
    """Whether a command starts a server that can carry sockets."""
    if (one.value("--interface") or "").startswith("wsgi"):
        return False
    return one.program in SERVERS and (
        one.server != "gunicorn" or not known(one.worker)
    )


def served_by(seen: Evidence, one: Command) -> tuple[str, str, str] | None:
    """The module and the name that a server is given, and what the name stands for."""
    target = one.target or ""
    if one.program == "gunicorn" and ":" not in target:
        target += _USUAL
    match = _TARGET.fullmatch(target)
    if match is None or match[1] not in seen.source.modules:
        return None
    stands_for = seen.source.canonical(f"{match[1]}.{match[2]}") or ""
    return match[1], match[2], stands_for


def meant_by(seen: Evidence, one: Command) -> str:
    """What stands behind the name that a server is given; empty if unknown."""
    meant = served_by(seen, one)
    return meant[2] if meant else ""
