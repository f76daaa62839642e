"""The models of a project and their managers: where a query begins."""

from __future__ import annotations

import ast

from tutor.doctor.source import known
from tutor.doctor.source.index import Source
from tutor.doctor.source.syntax import Class, Function
from tutor.doctor.source.walking import walk


def is_model(source: Source, dotted: str) -> bool:
    """Whether a dotted path is a model of the project, or Django's user."""
    found = source.classes.get(dotted)
    if found is not None:
        return any(
            "models.Model" in base or base.endswith("AbstractUser")
            for base in found.library_bases()
        )
    return dotted.startswith(
        (
            "django.contrib.auth.models.",
            "django.contrib.auth.get_user_model()",
            "django.contrib.sessions.models.",
            "django.contrib.contenttypes.models.",
        )
    )


def manager_of(source: Source, model: str, name: str) -> Class | None:
    """The project's own class behind a manager of a model: ``objects = Readings()``."""
    found = source.classes.get(model)
    for one in found.line_of_ancestors if found is not None else ():
        for node in walk(one.attributes.get(name, ast.Constant(None))):
            if isinstance(node, (ast.Name, ast.Attribute)):
                dotted = one.module.resolve(node) or ""
                if dotted in source.classes:
                    return source.classes[dotted]
    return None


def asked_of(function: Function, path: str) -> tuple[str, str, str] | None:
    """The model and the manager that a path begins a query at, and what follows."""
    source, owner = function.module.source, function.owner
    parts = path.split(".")
    for number, part in enumerate(parts[1:], 1):
        base = ".".join(parts[:number])
        if base == "self" and owner is not None:
            base = owner.dotted
        if base.endswith("()") and base[:-2] in source.classes:
            continue
        known_there = part in known.MANAGERS or (
            base in source.classes and manager_of(source, base, part) is not None
        )
        if known_there and is_model(source, base):
            return base, part, ".".join(parts[number + 1 :])
    return None


def is_manager(one: Class | None) -> bool:
    """Whether a class asks the database for others: a manager, or a query set."""
    return one is not None and any(
        base.startswith("django.db.models.") and base.endswith(("Manager", "QuerySet"))
        for base in one.library_bases()
    )
