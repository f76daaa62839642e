"""The diagnosis: what is wrong with a Django + Channels project, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tutor.report import Problem


@dataclass(frozen=True)
class Diagnosis:
    """What was found, most likely first."""

    findings: list[Problem] = field(default_factory=list)


def diagnose(project: Path, *, python: Path | None = None) -> Diagnosis:
    """Look at a project and name what is wrong with it."""
    return Diagnosis()
