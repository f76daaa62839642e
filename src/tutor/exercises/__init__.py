"""The exercises' checks: each answer is held against the real thing, run.

Steps 1 to 6 share a module; each later step has one of its own, whose ``verdict``
says what is right about an answer, or raises `NotYet`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tutor.exercises.answers import NotYet
from tutor.report import Refusal

CHECKS = {  # a step's slug: the module, and the function in it
    "install": ("part_one", "install"),
    "installed-apps": ("part_one", "installed_apps"),
    "settings": ("part_one", "settings"),
    "asgi": ("part_one", "asgi"),
    "routing": ("part_one", "routing"),
    "consumer": ("part_one", "consumer"),
    "browser": ("waking", "verdict"),
    "protocol": ("correcting", "verdict"),
    "tests": ("counting", "verdict"),
    "groups": ("rooms", "verdict"),
    "redis": ("incidents", "verdict"),
    "users": ("members", "verdict"),
    "database": ("ranges", "verdict"),
    "worker": ("traffic", "verdict"),
    "load": ("knee", "verdict"),
    "deploy": ("balance", "verdict"),
    "operate": ("outage", "verdict"),
}
NOT_PYTHON = {"browser": "browser", "deploy": "nginx"}  # and what they need


def check(slug: str, code: str, folder: Path) -> str:
    """Check an answer; a line that begins with "Right" or "Not yet".

    Args:
        slug: the step's.
        code: the learner's cell.
        folder: the exercise's own copy of the project.

    Raises:
        Refusal: the step has no exercise.
    """
    if slug not in CHECKS:
        raise Refusal(f"The step {slug} has no exercise.")
    module, name = CHECKS[slug]
    verdict: Callable[[str, Path], str] = getattr(
        import_module(f"tutor.exercises.{module}"), name
    )
    try:
        if slug not in NOT_PYTHON:
            ast.parse(code)
        return f"Right. {verdict(code, folder)}"
    except NotYet as reason:
        return f"Not yet: {reason}"
    except SyntaxError as error:
        return f"Not yet: line {error.lineno} is no Python: {error.msg}."
