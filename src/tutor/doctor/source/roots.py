"""The names under which the files of a project are imported.

Most are named from the folder of ``manage.py``.  Some projects put another folder on
``sys.path``, such as ``apps/`` or ``src/``: what lies in it is imported without it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from pathlib import Path

from tutor.doctor.source.walking import walk

_DOTTED = re.compile(r"[a-z_]\w*(\.\w+)+").fullmatch
DEEP = 2  # folders between ``manage.py`` and such a folder, and it


def names(trees: Mapping[Path, ast.Module], home: Path) -> dict[Path, str]:
    """The dotted name of each file's module.

    Args:
        trees: the files that are Python.
        home: the folder of ``manage.py``.
    """
    plain = {path: _parts(path, home) for path in trees}
    imported, texts = _asked_for(trees)
    taken = {".".join(parts) for parts in plain.values()}
    folders = {p[:d] for p in plain.values() for d in range(1, min(DEEP + 1, len(p)))}
    own = {one for one in folders if _is_root(one, plain, imported, texts)}
    found = {}
    for path, parts in plain.items():
        begun = (parts[d:] for d in range(1, DEEP + 1) if parts[:d] in own)
        short = ".".join(next(begun, parts))
        found[path] = ".".join(parts) if short in taken else short
    return found


def _parts(path: Path, home: Path) -> tuple[str, ...]:
    parts = path.relative_to(home).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def _asked_for(trees: Mapping[Path, ast.Module]) -> tuple[set[str], set[str]]:
    """The modules that are imported by their whole names, and texts like such names."""
    imported: set[str] = set()
    texts: set[str] = set()
    for tree in trees.values():
        for node in walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module)
            elif isinstance(node, ast.Constant) and _DOTTED(str(node.value)):
                texts.add(str(node.value))
    return imported, texts


def _is_root(
    root: tuple[str, ...],
    plain: Mapping[Path, tuple[str, ...]],
    imported: set[str],
    texts: set[str],
) -> bool:
    """Whether what lies in a folder is imported without it, and never with it."""
    dotted = ".".join(root)
    if any(f"{one}.".startswith(f"{dotted}.") for one in imported | texts):
        return False
    inside = {parts[len(root)] for parts in plain.values() if _is_below(parts, root)}
    elsewhere = {parts[0] for parts in plain.values() if parts}
    asked = {one.partition(".")[0] for one in imported}
    return any(_is_own(name) for name in (inside & asked) - elsewhere)


def _is_below(parts: tuple[str, ...], root: tuple[str, ...]) -> bool:
    return len(parts) > len(root) and parts[: len(root)] == root


def _is_own(name: str) -> bool:
    """Whether no installed module has the name."""
    if name in sys.stdlib_module_names:
        return False
    try:
        return PathFinder.find_spec(name) is None
    except (ImportError, ValueError):
        return False
