"""How a project's processes are started, and its server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tutor import servers
from tutor.doctor.child import Live


@dataclass(frozen=True)
class How:
    """How a project's processes are started: see ``Live``."""

    python: Path | None
    cold: bool
    extra: dict[str, str]
    added: tuple[str, ...] = ()  # folders that ``manage.py`` puts on ``sys.path``


def started(copy: Path, how: How, target: str, ready: str) -> tuple[Live, int]:
    """A server, and the port where it will listen."""
    held = servers.hold(0)
    held.listen(64)
    live = Live(
        copy,
        "serve",
        [target, held.fileno(), ready, *how.added],
        python=how.python,
        cold=how.cold,
        extra=how.extra,
        pass_fds=(held.fileno(),),
    )
    port = held.getsockname()[1]
    held.close()
    return live, port
