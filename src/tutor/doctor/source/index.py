"""All source files of a project, and the definitions in them."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard

from tutor.doctor.copying import SKIPPED
from tutor.doctor.source import roots
from tutor.doctor.source.definitions import Definitions, base_of, bind, statements
from tutor.doctor.source.syntax import DEEP, Class, Function, Module

BIG = 400_000  # bytes of one source file

_parsing = threading.Lock()  # CPython 3.11 fails now and then with two at once


class Source:
    """All source files of a project.

    Args:
        project: the project's folder, as it is reported to people.
        home: the folder of ``manage.py``, from which modules are imported.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self._asked = threading.local()
        self.modules: dict[str, Module] = {}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        self._steps: dict[str, str | None] = {}  # nothing is entered after __init__
        self.broken: dict[str, SyntaxError] = {}  # files that are no Python
        parsed: dict[Path, tuple[ast.Module, str]] = {}
        for path in sorted(_files(home)):
            found = _read(path, path.relative_to(home))
            if isinstance(found, SyntaxError):
                self.broken[path.relative_to(project).as_posix()] = found
            elif found is not None:
                parsed[path] = found
        names = roots.names({path: tree for path, (tree, _) in parsed.items()}, home)
        for path, (tree, text) in parsed.items():
            file = path.relative_to(project).as_posix()
            is_package = path.stem == "__init__"
            module = Module(names[path], file, tree, self, text, is_package)
            self.modules[module.name] = module
            for node in statements(tree):
                bind(node, module, module.names, module.values, module.lines)
        for module in list(self.modules.values()):
            Definitions(module).visit(module.tree)

    def canonical(
        self, dotted: str, module: Module | None = None, name: str = ""
    ) -> str | None:
        """Follow a dotted path through the project's own modules to its origin."""
        for _ in range(DEEP):
            if dotted not in self._steps:
                self._steps[dotted] = self._step(dotted)
            step = self._steps[dotted]
            if step is None or step == dotted:
                break
            dotted = step
        if (
            module is not None
            and dotted == f"{module.name}.{name}"
            and not self._known(dotted)
        ):
            for star in module.stars:
                found = self.canonical(f"{star}.{name}")
                if found and self._known(found):
                    return found
            if name in _BUILTINS:
                return f"builtins.{name}"
            return dotted if name in module.lines else None
        return dotted

    def _known(self, dotted: str) -> bool:
        return (
            dotted in self.functions or dotted in self.classes or dotted in self.modules
        )

    def _step(self, dotted: str) -> str | None:
        """One step of ``canonical``; none where a name leads back to itself."""
        asked: set[str] = vars(self._asked).setdefault("names", set())
        if self._known(dotted) or dotted in asked:
            return None
        asked.add(dotted)
        try:
            return self._stepped(dotted)
        finally:
            asked.discard(dotted)

    def _stepped(self, dotted: str) -> str | None:
        head, _, tail = dotted.rpartition(".")
        rest = ""
        while head:
            module = self.modules.get(head)
            if module is not None:
                if tail in module.names:
                    return module.names[tail] + rest
                for value in reversed(module.values.get(tail, [])):
                    if isinstance(value, (ast.Name, ast.Attribute, ast.Call)):
                        found = self._valued(f"{head}.{tail}", module, value)
                        return None if found is None else found + rest
                for star in module.stars:
                    if star in self.modules and tail in self.modules[star].lines:
                        return f"{star}.{tail}{rest}"
                return None
            head, _, last = head.rpartition(".")
            rest, tail = f".{tail}{rest}", last
        return None

    def _valued(self, name: str, module: Module, value: ast.expr) -> str | None:
        """What a name's value stands for; none for one made of itself.

        ``APPS = APPS.insert(0, 'daphne')`` would lead to APPS.insert().insert(), on.
        """
        asked: set[str] = vars(self._asked).setdefault("values", set())
        if name in asked:
            return None
        asked.add(name)
        try:
            found = module.resolve(value, None, 3)
        finally:
            asked.discard(name)
        return None if found is None or f"{found}.".startswith(f"{name}.") else found

    def setting(self, module: str, name: str) -> tuple[str, int] | None:
        """Where a setting is given its last value: file and line."""
        seen: set[str] = set()

        def visit(where: str, name: str) -> tuple[str, int] | None:
            found = self.modules.get(where)
            if found is None or where in seen:
                return None
            seen.add(where)
            for node in reversed(found.tree.body):  # what a star puts in its place
                if _is_star(node) and node.lineno > found.lines.get(name, node.lineno):
                    below = visit(base_of(node, found), name)
                    if below:
                        return below
            if name in found.lines:  # an import may lead to where it is written
                base, _, real = found.names.get(name, "").rpartition(".")
                below = visit(base, real) if name not in found.values else None
                return below or (found.file, found.lines[name])
            for star in reversed(found.stars):
                below = visit(star, name)
                if below:
                    return below
            return None

        place = visit(module, name)
        if (
            place is None
            and module in self.modules
            and name in self.modules[module].changed
        ):
            return self.modules[module].file, self.modules[module].changed[name]
        return place

    def by_file(self, file: str) -> Module | None:
        return next((m for m in self.modules.values() if m.file == file), None)

    def consumers(self) -> list[Class]:
        """The consumer classes of the project."""
        return [one for one in self.classes.values() if one.kind]

    def all_functions(self) -> Iterator[Function]:
        """Every function outside tests and migrations."""
        for function in self.functions.values():
            if not is_aside(function.module.file):
                yield function


@lru_cache(4000)
def is_aside(file: str) -> bool:
    """Whether a file is no part of the running application."""
    parts = file.split("/")
    return (
        "migrations" in parts
        or "tests" in parts
        or parts[-1]
        in ("tests.py", "conftest.py", "manage.py", "fabfile.py", "setup.py")
        or parts[-1].startswith("test_")
    )


def _is_star(node: ast.stmt) -> TypeGuard[ast.ImportFrom]:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def _read(path: Path, name: Path) -> tuple[ast.Module, str] | SyntaxError | None:
    """A file as a syntax tree and as text, or what is wrong with it; None if unread.

    Of a file that is loaded the project's own interpreter says it better.
    """
    try:
        data = path.read_bytes()
        if len(data) > BIG:
            return None
        with _parsing:
            return _parsed(data, name), data.decode("utf-8", "replace")
    except SyntaxError as error:
        return error
    except (OSError, ValueError, RecursionError):
        return None


@lru_cache(400)  # files: the next project is often the last one, changed in one place
def _parsed(data: bytes, name: Path) -> ast.Module:
    # By its name as well: in one project, two files alike have a tree each.
    return ast.parse(data)


def _files(home: Path) -> Iterator[Path]:
    folders = [home]
    while folders:
        folder = folders.pop()
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue
        packages = {
            e.parent for one in entries for e in [one / "__init__.py"] if e.is_file()
        }
        for entry in entries:
            if entry.suffix == ".py" and entry.with_suffix("") in packages:
                continue  # Python imports the package of the same name
            if entry.is_dir():
                if entry.name not in SKIPPED and not (entry / "pyvenv.cfg").exists():
                    folders.append(entry)
            elif entry.suffix == ".py" and entry.is_file():
                yield entry


_BUILTINS = set(dir(__import__("builtins")))
