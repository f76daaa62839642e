"""The checks of the steps in their order: one look at a project, then questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tutor.checks import (
    board,
    deployment,
    facts,
    groups,
    history,
    load,
    operation,
    page,
    part_one,
    processes,
    protocol,
    suite,
    users,
    workers,
)
from tutor.checks.question import Check, Question
from tutor.report import Problem


class Step(Protocol):
    """What the module of a later step has."""

    @property
    def QUESTIONS(self) -> Sequence[Question]: ...

    def look(self, project: Path, python: Path | None = None) -> Any: ...


LATER: dict[str, Step] = {
    "browser": page,
    "protocol": protocol,
    "tests": suite,
    "groups": groups,
    "redis": processes,
    "users": users,
    "database": history,
    "worker": workers,
    "load": load,
    "deploy": deployment,
    "operate": operation,
    "capstone": board,
}
NUMBERS = {slug: number for number, slug in enumerate([*part_one.QUESTIONS, *LATER], 1)}
KNOWN = frozenset(NUMBERS)


def check_step(project: Path, slug: str, *, python: Path | None = None) -> list[Check]:
    """Ask a project everything that one step proves.

    Args:
        project: the folder of ``manage.py``.
        slug: the step, one of ``KNOWN``.
        python: the project's own interpreter; by default ours.

    Returns:
        One check a question, in a fixed order with fixed titles.  Where the
        project cannot be loaded, the first check says so and the others follow.

    Raises:
        KeyError: the slug is not one of ``KNOWN``.
    """
    number = NUMBERS[slug]
    early = slug in part_one.QUESTIONS
    served, spoken = early and number >= 4, early and number >= 6
    seen = facts.look(project, served=served, spoken=spoken, python=python)
    return _asked(project, slug, seen, python)


def check_all(
    project: Path, *, python: Path | None = None
) -> Iterator[tuple[str, list[Check]]]:
    """Ask what every step proves, one after the other, and look no further than asked.

    Steps 1 to 6 share one look.

    Yields:
        Each step's slug, with its checks as `check_step` gives them.
    """
    seen = facts.look(project, served=True, spoken=True, python=python)
    for slug in NUMBERS:
        yield slug, _asked(project, slug, seen, python)


def _asked(
    project: Path, slug: str, seen: facts.Seen, python: Path | None
) -> list[Check]:
    if slug in part_one.QUESTIONS:
        return judge(slug, seen, seen)
    later = LATER[slug]
    broken = part_one.loads(seen)
    return judge(slug, seen, None if broken else later.look(project, python))


def judge(slug: str, seen: facts.Seen, more: Any) -> list[Check]:
    """What looks at a project say to each question of a step.

    Args:
        slug: the step.
        seen: whether it can be loaded at all.
        more: what the step's questions are asked of.
    """
    early = part_one.QUESTIONS
    loading, broken = early["install"][0], part_one.loads(seen)
    checks = []
    for question in early.get(slug) or LATER[slug].QUESTIONS:
        if not broken and question.needs and (missing := question.needs(more)):
            checks.append(Check(question.title, None, missing))
            continue
        tried = loading.tried if broken else question.tried
        got = broken or question.ask(more)
        number = NUMBERS[slug]
        problem = got and Problem(
            tried, question.title, got, step=number, reread=f"step {number}"
        )
        checks.append(Check(question.title, problem or None))
    return checks
