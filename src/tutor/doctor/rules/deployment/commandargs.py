"""Commands of manage.py: what they are given, against what their method takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class
from tutor.doctor.source.walking import walk

RANK = 57
# What each command has, by Django's own parser.
_OWN = {
    *("verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"),
    *("skip_checks", "version"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    """``handle(self, value, …)``, where no argument is called value."""
    for owner in seen.source.classes.values():
        bases = owner.library_bases()
        handle = owner.methods.get("handle")
        if handle is None or bases != {"django.core.management.base.BaseCommand"}:
            continue
        told = _told(owner)
        given = handle.node.args
        needed = given.args[1 : len(given.args) - len(given.defaults)]
        lacks = [one.arg for one in needed if told and one.arg not in told | _OWN]
        if lacks:
            yield Found(
                "python-arguments-differ",
                f"TypeError: handle() missing 1 required argument: {lacks[0]!r}",
                at(handle, handle.node),
                RANK,
                TRIED,
                f"one of {', '.join(sorted(told or ()))}",
            )


def _told(owner: Class) -> set[str] | None:
    """The names of a command's arguments; None where not all are written out."""
    method = owner.method("add_arguments")
    found: set[str] = set()
    for node in walk(method.node) if method is not None else ():
        if not isinstance(node, ast.Call):
            continue
        if getattr(node.func, "attr", "") == "add_arguments":
            return None  # somebody else adds some
        if getattr(node.func, "attr", "") != "add_argument":
            continue
        names = [getattr(one, "value", None) for one in node.args]
        words = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
        names = [words["dest"]] if "dest" in words else names
        if not names or not all(isinstance(one, str) for one in names):
            return None
        whole = [str(one) for one in names if str(one).startswith("--")]
        found.add((whole or [str(names[0])])[0].lstrip("-").replace("-", "_"))
    return found
