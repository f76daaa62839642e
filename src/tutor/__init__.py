"""What the cells of the tutorial stand on.

``import tutor`` is the setup cell.  In a kernel it brings the magics (see
``tutor.magics``) and the functions of ``tutor.cells``; it imports neither Django nor
any project, and prints nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.cells.course import compare, glossary, listen_in, symptoms
from tutor.cells.crowds import cost, flood, incident, vanished, watchers
from tutor.cells.pages import browse, frame, get, login, logout, people, post, url
from tutor.cells.sockets import connect, knock, left, raw, waits, way, wire

if TYPE_CHECKING:
    from tutor.session import Session

__all__ = [
    "browse",
    "compare",
    "connect",
    "cost",
    "environment",
    "flood",
    "frame",
    "get",
    "glossary",
    "incident",
    "knock",
    "left",
    "listen_in",
    "login",
    "logout",
    "people",
    "post",
    "raw",
    "symptoms",
    "url",
    "vanished",
    "waits",
    "watchers",
    "way",
    "wire",
]

_session: Session | None = None


def _current() -> Session:
    """The kernel's one session."""
    global _session
    if _session is None:
        from tutor.session import Session

        _session = Session(Path.cwd())
    return _session


def environment(**variables: str) -> None:
    """Give variables to what runs from now on, until the next step; print which.

    Args:
        variables: their names and values; none at all takes the earlier ones away.
    """
    session = _current()
    session.given = variables
    names = ", ".join(variables) or "none of these"
    print(f"In the environment from now on: {names}.")


def _register() -> None:
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is None or "step" in shell.magics_manager.magics["line"]:
        return
    from tutor.children import warmed
    from tutor.magics import TutorMagics

    warmed()  # imports Django and the others in the background
    shell.register_magics(TutorMagics(shell, _current()))


_register()
