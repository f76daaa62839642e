"""Imports that fail, in files that the server never reads: tests, commands, tasks."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.groups.spreading import program
from tutor.doctor.rules.suites.configured import imported
from tutor.doctor.source import Module
from tutor.doctor.source.definitions import base_of
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.managers import is_model
from tutor.doctor.source.walking import child_nodes

RANK, OF_TESTS = 62, 80
_LIBRARIES = ("channels", "django", "asgiref", "channels_redis")
_DYNAMIC = re.compile(r"import \*|globals\(\)|__getattr__|setattr\(|sys\.modules")
_READY = re.compile(
    r"\bsetup\(|get_[aw]sgi_application|execute_from_command|configure\("
)
# Below these, an import may be for another case than that at hand.
_IF = (ast.Try, ast.If, ast.With, ast.Match)


def rules(seen: Evidence) -> Iterator[Found]:
    stages = ("settings", "apps", "asgi", "urls")
    if not seen.walk or any(seen.failed(t, *stages) for t in (seen.look, seen.serve)):
        return  # what they import is told there
    yield from _unready(seen)
    for module in seen.source.modules.values():
        if "migrations" in module.file.split("/"):
            continue
        for node in _imports(module.tree):
            if said := _fails(seen, module, node):
                got, right = said
                yield Found(
                    "python-name-not-defined",
                    got,
                    (module.file, node.lineno),
                    OF_TESTS if is_aside(module.file) else RANK,
                    TRIED,
                    right or "a module, and a name in it, that are there",
                )
                break


def _unready(seen: Evidence) -> Iterator[Found]:
    """A script that is started by its name, and imports models without any Django."""
    models = {
        one.module.name
        for one in seen.source.classes.values()
        if is_model(seen.source, one.dotted)
    }
    used = imported(seen) if models else set[str]()
    for module in seen.source.modules.values() if models else ():
        named = "DJANGO_SETTINGS_MODULE" in module.text
        begins = program(module) or (named and module.name not in used)
        if not begins or is_aside(module.file) or _is_ready(seen, module):
            continue
        for node in _imports(module.tree):
            if node in module.tree.body and _reaches(seen, module, node, models):
                yield Found(
                    None if named else "settings-module-not-set",
                    "AppRegistryNotReady: Apps aren't loaded yet."
                    if named
                    else "Requested setting INSTALLED_APPS, but settings are not "
                    "configured.",
                    (module.file, node.lineno),
                    RANK,
                    TRIED,
                    "django.setup() above, after DJANGO_SETTINGS_MODULE is set",
                )
                return


def _is_ready(seen: Evidence, module: Module) -> bool:
    """Whether a file, or another that it imports, makes Django ready."""
    names = {module.name, *module.stars, *module.names.values()}
    names |= {name.rpartition(".")[0] for name in names}
    return any(
        _READY.search(seen.source.modules[name].text)
        for name in names & {*seen.source.modules}
    )


def _reaches(
    seen: Evidence, module: Module, node: ast.ImportFrom, models: set[str]
) -> bool:
    """Whether an import comes to models, itself or by what it imports."""
    todo, done = [(module, node)], set[str]()
    for where, one in todo:  # it grows
        base = base_of(one, where)
        names = [base, *(f"{base}.{alias.name}" for alias in one.names)]
        if models & {*names}:
            return True
        for found in map(seen.source.modules.get, names):
            if found is not None and found.name not in done:
                done.add(found.name)
                inner = (n for n in found.tree.body if isinstance(n, ast.ImportFrom))
                todo += [(found, n) for n in inner]
    return False


def _imports(node: ast.AST) -> Iterator[ast.ImportFrom]:
    for child in child_nodes(node):
        if isinstance(child, ast.ImportFrom):
            yield child
        elif not isinstance(child, (*_IF, ast.expr)):
            yield from _imports(child)


def _fails(
    seen: Evidence, module: Module, node: ast.ImportFrom
) -> tuple[str, str] | None:
    """What Python says of an import, and what is there instead."""
    base = base_of(node, module)
    top = base.partition(".")[0]
    if top in _LIBRARIES and not node.level:
        return _of_library(seen, base, node)
    known, every = seen.source.modules.get(base), seen.source.modules
    if top not in every:
        return None
    way = Path(seen.project, every[top].file).parent
    way = way.parent if every[top].is_package else way
    here = Path(seen.project, module.file).parent
    script = here != way and not (here / "__init__.py").exists()
    if not node.level and script and _is_there(here / top):
        return None  # a script's own neighbour comes before it
    if known is None:
        if not every[top].is_package or _is_there(way / base.replace(".", "/")):
            return None
        if any(name.startswith(f"{base}.") for name in every):
            return None
        near = difflib.get_close_matches(base, [m for m in every if "." in m], 1, 0.8)
        return f"ModuleNotFoundError: No module named {base!r}", "".join(near)
    if known.stars or _DYNAMIC.search(known.text):
        return None
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        if _has(known.text, alias.name) or any(
            name == inner or name.startswith(f"{inner}.") for name in every
        ):
            continue
        if _is_there(Path(seen.project, known.file).parent / alias.name):
            continue
        near = difflib.get_close_matches(alias.name, [*known.lines], 1, 0.6)
        return _cannot(alias.name, base), "".join(near)
    return None


def _of_library(
    seen: Evidence, base: str, node: ast.ImportFrom
) -> tuple[str, str] | None:
    top = base.partition(".")[0]
    found = (seen.look.get("versions") or {}).get("found", {})
    text = _text(base) if found.get(top) and found[top] == _version(top) else ""
    if text is None:
        return f"ModuleNotFoundError: No module named {base!r}", ""
    for alias in node.names if text and not _DYNAMIC.search(text) else ():
        if not _has(text, alias.name) and _text(f"{base}.{alias.name}") is None:
            words = sorted({*re.findall(r"\w+", text)})
            near = difflib.get_close_matches(alias.name, words, 1, 0.8)
            return _cannot(alias.name, base), "".join(near)
    return None


def _cannot(name: str, base: str) -> str:
    return f"ImportError: cannot import name {name!r} from {base!r}"


def _has(text: str, name: str) -> bool:
    """Whether a name stands anywhere in a file: whatever it is there, it may be."""
    return name == "*" or bool(re.search(rf"\b{re.escape(name)}\b", text))


def _is_there(path: Path) -> bool:
    """Whether there is a module, or a folder, which may be a package."""
    return path.is_dir() or any(path.parent.glob(f"{path.name}.*"))


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@cache
def _text(base: str) -> str | None:
    """A library's module, which is not imported for that; None if there is none."""
    top, *rest = base.split(".")
    spec = find_spec(top)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, *rest)
        if path.is_dir():
            path /= "__init__.py"
            return path.read_text("utf-8", "replace") if path.is_file() else ""
        if (path := path.with_name(f"{path.name}.py")).is_file():
            return path.read_text("utf-8", "replace")
        return "" if any(path.parent.glob(f"{path.stem}.*")) else None
    return ""
