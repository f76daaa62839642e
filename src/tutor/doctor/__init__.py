"""The diagnosis: what is wrong with a Django + Channels project, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tutor.doctor.cli import main

if TYPE_CHECKING:
    from tutor.doctor.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose", "main"]


def __getattr__(name: str) -> Any:
    """Import the rules and all they need when they are asked for: see ``cli.main``."""
    if name in __all__:
        from tutor.doctor import diagnosis

        return getattr(diagnosis, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
