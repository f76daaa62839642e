"""The known mistakes: one TOML file each in ``tutor/mistakes``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tutor.doctor.rules.found import Found
from tutor.report import Problem, Severity

FOLDER = Path(__file__).parents[1] / "mistakes"


@dataclass(frozen=True)
class Mistake:
    """A mistake as its file tells it.

    Args:
        slug: the stem of the file.
        title: the mistake in a few words.
        step: the step it belongs to.
        severity: "error", "warning" or "advice".
        cause: why it happens, one or two sentences.
        cure: what to do.
        reread: where the tutorial explains it.
        symptom: what a person sees: "client" and "log", the libraries' own text;
            "where" is "console" if that stands in the browser's and in no log.
        base: the checkpoint it is made on.
        change: the changes that make it: tables with "file" and "edit" or "text".
        scene: what has to be done until it shows; see ``scenes``.
        data: the whole file; ``redis`` in it asks for a Redis with these settings;
            ``aim`` is for what is only missing: the step
            that the project is meant to have reached.
    """

    slug: str
    title: str
    step: int
    severity: Severity
    cause: str
    cure: str
    reread: str
    symptom: dict[str, str]
    base: int
    change: list[dict[str, Any]]
    scene: dict[str, Any]
    data: dict[str, Any]


def read(path: Path) -> Mistake:
    """Read one file.

    Raises:
        KeyError: a field is missing.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return Mistake(
        slug=path.stem,
        title=data["title"],
        step=data["step"],
        severity=data.get("severity", "error"),
        cause=data["cause"],
        cure=data["cure"],
        reread=data.get("reread", f"step {data['step']}"),
        symptom=data.get("symptom", {}),
        base=data.get("base", data["step"]),
        change=data.get("change", []),
        scene=data.get("scene", {}),
        data=data,
    )


@cache
def mistakes() -> dict[str, Mistake]:
    """All known mistakes by their slug, in the order of the steps."""
    found = [read(path) for path in sorted(FOLDER.glob("*.toml"))]
    return {one.slug: one for one in sorted(found, key=lambda m: (m.step, m.slug))}


def problem(found: Found) -> Problem:
    """What a rule recognised, in the words of the mistake's file."""
    file, line = found.place
    known = mistakes().get(found.slug or "")
    if known is None:
        told = "Something that is not in the list of mistakes"
        return Problem(
            tried=found.tried or "running the project",
            expected=found.expected or "a project that works",
            got=found.got,
            cause=found.hint,
            title=told if found.hint else "Something that no known mistake explains",
            file=file,
            line=line,
            slug=None,
        )
    cause = found.milder or known.cause
    cause += f" {found.hint}" if found.hint else ""
    return Problem(
        tried=found.tried or "running the project",
        expected=found.expected or "a project that works",
        got=found.got,
        cause=cause,
        cure=known.cure,
        file=file,
        line=line,
        reread=known.reread,
        slug=known.slug,
        title=known.title,
        step=known.step,
        severity="advice" if found.milder else known.severity,
    )
