"""What a check asks of a project, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tutor.report import Problem

if TYPE_CHECKING:
    from tutor.checks.facts import Seen


@dataclass(frozen=True)
class Check:
    """One thing that a step proves.

    Args:
        title: a short true sentence, where there is no problem.
        problem: what came instead; None where the project behaves.
        left_out: why this could not be asked, where it could not.
    """

    title: str
    problem: Problem | None
    left_out: str = ""


Ask = Callable[["Seen"], "str | None"]


@dataclass(frozen=True)
class Question:
    """A title, what is tried, and a function that says what came instead.

    Where ``needs`` says what is missing on this machine, it is left out.
    """

    title: str
    tried: str
    ask: Ask
    in_browser: bool = False
    needs: Callable[[Seen], str] | None = None
