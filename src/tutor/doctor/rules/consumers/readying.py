"""What an AppConfig is meant to do when Django is ready, under a name of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source import Module
from tutor.doctor.source.definitions import base_of
from tutor.doctor.source.walking import walk


def never_run(seen: Evidence, module: Module) -> Iterator[ast.AST]:
    """Methods of an AppConfig that are not called ``ready``, and that nobody calls."""
    for owner in seen.source.classes.values():
        is_app = any(one.endswith(".AppConfig") for one in owner.library_bases())
        if owner.module is not module or not is_app:
            continue
        for name, method in owner.methods.items():
            used = rf"\.\s*{re.escape(name)}\b|['\"]{re.escape(name)}['\"]"
            if not name.startswith("__") and name != "ready":
                modules = seen.source.modules.values()
                if not any(re.search(used, one.text) for one in modules):
                    yield method.node


def misnamed(seen: Evidence, name: str) -> Place | None:
    """Where a module is imported by such a method, which nobody calls."""
    for module in seen.source.modules.values():
        for method in never_run(seen, module):
            for node in walk(method):
                named = [getattr(one, "name", "") for one in getattr(node, "names", ())]
                if isinstance(node, ast.ImportFrom):
                    base = base_of(node, module)
                    named = [base, *(f"{base}.{one}" for one in named)]
                if isinstance(node, ast.Import | ast.ImportFrom) and name in named:
                    return module.file, getattr(method, "lineno", None)
    return None
