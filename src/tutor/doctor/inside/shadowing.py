# mypy: ignore-errors
"""Modules of the project that hide an installed one of the same name."""

import importlib.machinery
import os
import sys

from .report import ROOT, emit, inside


def shadows():
    """Modules of the project that hide an installed one of the same name.

    They lie in its own folder, or in one that ``manage.py`` puts on the path.
    """
    elsewhere = [p for p in sys.path if not own_folder(p)]
    found = []
    folders = [p for p in sys.path if own_folder(p)]
    for folder in dict.fromkeys(os.path.realpath(p or ".") for p in folders):
        if os.path.isdir(folder):
            found += shadows_in(folder, elsewhere)
    emit("shadows", found=found)


def own_folder(path):
    """Whether an entry of the path is a folder of the project."""
    whole = os.path.realpath(path or ".")
    return whole == ROOT or inside(os.path.join(whole, "x")) is not None


def shadows_in(folder, elsewhere):
    found = []
    for entry in sorted(os.listdir(folder)):
        name, dot, end = entry.partition(".")
        is_package = not dot and os.path.isdir(os.path.join(folder, entry))
        if not name.isidentifier() or not (end == "py" or is_package):
            continue
        start = os.path.join(folder, entry, "__init__.py")
        if is_package and not os.path.exists(start):
            continue
        try:
            first = importlib.machinery.PathFinder.find_spec(name, sys.path)
            spec = importlib.machinery.PathFinder.find_spec(name, elsewhere)
        except Exception:
            continue
        origin = getattr(spec, "origin", None)
        wins = inside(getattr(first, "origin", None)) is not None
        if wins and origin and not inside(origin):
            file = os.path.join(folder, entry) if end else start
            found.append({"name": name, "file": inside(file)})
    return found
