"""What a check asks of a project, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tutor.report import Problem


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


# What is asked of is what one look at a project brought; each step has its own kind.
Ask = Callable[[Any], "str | None"]


@dataclass(frozen=True)
class Question:
    """A title, what is tried, and a function that says what came instead.

    Where ``needs`` says what is missing on this machine, it is left out.
    """

    title: str
    tried: str
    ask: Ask
    needs: Callable[[Any], str] | None = None
