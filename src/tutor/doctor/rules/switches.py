"""Switches that the environment turns: a text where a yes or a no is due."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.commands import commands, variables
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.index import is_aside

RANK = 66
TRIED = "reading the settings"
_ASKS = ("os.environ.get", "os.getenv", "decouple.config")
_NO = {"0", "false", "no", "off", "n", "f", "none"}


def rules(seen: Evidence) -> Iterator[Found]:
    """``DEBUG = bool(os.environ.get("DEBUG", True))`` is on, whatever is said."""
    for module in seen.source.modules.values():
        if is_aside(module.file):
            continue
        for value in module.values.get("DEBUG", []):
            frame, asked = unfold(Frame(body(module)), value)
            name = frame.module.resolve(getattr(asked, "func", None), frame.function)
            if name == "builtins.bool" and isinstance(asked, ast.Call) and asked.args:
                frame, asked = unfold(frame, asked.args[0])
            told = _told(asked, frame)
            if told is None:
                continue
            variable, otherwise = told
            if otherwise or _says_no(seen, variable):
                yield Found(
                    "deploy-debug-cannot-be-off",
                    f"{variable}=False leaves DEBUG on",
                    (module.file, value.lineno),
                    RANK,
                    TRIED,
                    "a comparison with one text",
                )
                return


def _told(asked: ast.expr, frame: Frame) -> tuple[str, bool] | None:
    """The variable that decides, and whether DEBUG is on without it."""
    if not isinstance(asked, ast.Call):
        return None
    name = frame.module.resolve(asked.func, frame.function) or ""
    words = {word.arg: word.value for word in asked.keywords}
    if name not in _ASKS or "cast" in words or not asked.args:
        return None
    variable = getattr(asked.args[0], "value", None)
    otherwise = asked.args[1] if len(asked.args) > 1 else words.get("default")
    if not isinstance(variable, str):
        return None
    return variable, bool(getattr(otherwise, "value", False))


def _says_no(seen: Evidence, variable: str) -> bool:
    """Whether a file of the project gives the variable a word that means no."""
    given = [value for _, _, key, value in variables(seen.project) if key == variable]
    for one in commands(seen.project):
        given += [value for key, (value, _) in one.env.items() if key == variable]
    return any(value.strip("'\"").lower() in _NO for value in given)
