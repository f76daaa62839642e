"""What an AppConfig is meant to do when Django is ready, under a name of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Module


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
