"""Close codes: those that a page waits for, and those that the project sends."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 71
OWN = range(4000, 5000)  # what no library sends
_ASKED = re.compile(
    r"(?:\b|\.)code\s*[!=]==?\s*([\w$.]+)|([\w$.]+)\s*[!=]==?\s*\w+\.code\b"
)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """``if (code === 4001)``, where every consumer closes with another one."""
    sent = {
        node.value
        for module in seen.source.modules.values()
        if not is_aside(module.file)
        for node in walk(module.tree)
        if isinstance(node, ast.Constant)
        and type(node.value) is int
        and node.value in OWN
    }
    asked = [
        (code, match.start(), int(text))
        for code in every
        for match in _ASKED.finditer(code.bare)
        if (text := _number(code, match[1] or match[2]))
    ]
    closed = {number for _, _, number in asked}
    unheard = sorted(sent - closed)
    for code, index, number in asked if unheard else ():
        if number in OWN and number not in sent:
            yield Found(
                "client-close-code-differs",
                f"nobody closes with {number}; the project closes with {unheard[0]}",
                code.spot(index),
                RANK,
                TRIED,
                "the same code on both sides",
            )
            return


def _number(code: Code, name: str) -> str:
    """The number that a name stands for in a script; empty where it is none."""
    told = code.script.bound.get(name, name).strip()
    found = re.fullmatch(r"(\d{4})(?:\s*//.*)?", told)
    return found[1] if found else ""
