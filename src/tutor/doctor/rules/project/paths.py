"""Dotted paths in the settings, to a middleware or a backend, that lead nowhere."""

from __future__ import annotations

import ast
import re

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source.walking import walk

SLUG = "settings-path-misspelled"
_NOWHERE = re.compile(
    r"No module named '(?P<module>[\w.]+)'|"
    r"module '(?P<owner>[\w.]+)' has no attribute '(?P<name>\w+)'|"
    r"Module \"(?P<asked>[\w.]+)\" does not define a \"(?P<class>\w+)\""
)
# What other rules tell of.
_APART = ("INSTALLED_APPS", "ROOT_URLCONF", "ASGI_APPLICATION", "CHANNEL_LAYERS")


def cause(seen: Evidence, links: list[Event]) -> tuple[str, Place, str] | None:
    """The setting behind a failed import that Django itself has made."""
    every = " ".join(link["text"] for link in links)
    if user := re.search(r"AUTH_USER_MODEL refers to model '(\w+)\.(\w+)'", every):
        if "No installed app" in every and f"{user[1]}.models" in seen.source.modules:
            return "apps-own-app-missing", seen.setting("INSTALLED_APPS"), ""
        hint = f"The app {user[1]} has no model {user[2]}."
        return SLUG, seen.setting("AUTH_USER_MODEL"), hint
    for link in links:
        match = _NOWHERE.search(link["text"])
        if match is None or (link["frames"] and link["frames"][-1]["own"]):
            continue
        parts = [part for part in match.groups() if part]
        place = _written(seen, ".".join(parts)) if "." in parts[0] else None
        if place is not None:
            return SLUG, place, f"There is no {'.'.join(parts)}."
    return None


def _written(seen: Evidence, dotted: str) -> Place | None:
    """Where the settings have a path, or one that goes on below it."""
    module = seen.source.modules.get(str(seen.settings.get("module")))
    if module is None:
        return None
    apart = {
        id(node)
        for name in _APART
        for value in module.values.get(name, [])
        for node in walk(value)
    }
    for node in walk(module.tree):
        value = getattr(node, "value", None)
        if (
            isinstance(node, ast.Constant)
            and isinstance(value, str)
            and f"{value}.".startswith(f"{dotted}.")
            and id(node) not in apart
        ):
            return module.file, node.lineno
    return None
