"""Texts that a consumer puts together, and that are no channel's name."""

from __future__ import annotations

import ast

from tutor.doctor.source import Function
from tutor.doctor.source.walking import walk

_MAKES = {"builtins.str", "builtins.repr", "builtins.format"}
_METHODS = {"join", "format", "lower", "upper", "replace", "title"}
_NAMES = {"__name__", "__qualname__", "hex"}


def is_a_text_of_its_own(function: Function, node: ast.expr) -> bool:
    """Whether a text is made here, of nothing that somebody else may have given."""
    if isinstance(node, ast.Call):
        made = function.module.resolve(node.func, function) or ""
        text = made in _MAKES or getattr(node.func, "attr", "") in _METHODS
    else:
        text = isinstance(node, ast.BinOp) or getattr(node, "attr", "") in _NAMES
    words = {
        getattr(one, "id", getattr(one, "attr", getattr(one, "value", "")))
        for one in walk(node)
    }
    arguments = function.node.args
    given = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    foreign = words & (given - {function.self_name})
    kept = any("channel" in word or "reply" in word for word in map(str, words))
    return text and not foreign and not kept
