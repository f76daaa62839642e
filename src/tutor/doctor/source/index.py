"""Modules, classes and functions of a project, and what their names stand for.

A name is resolved to a dotted path such as ``time.sleep``, through imports,
aliases, re-exports and star imports of the project's own modules.  The result of
a call is written with ``()``: ``channels.layers.get_channel_layer().group_send``.
Attributes of the instance begin with ``self``: ``self.channel_layer.group_add``.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tutor.doctor.copying import SKIPPED

DEEP = 12  # how many names lead to one another before we give up
BIG = 400_000  # bytes of one source file

_parsing = threading.Lock()  # CPython 3.11 fails now and then with two at once

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Function:
    """A function or method, with the names that its own body binds."""

    name: str
    node: Def
    module: Module
    owner: Class | None = None
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def self_name(self) -> str | None:
        """What the method calls its instance."""
        if self.owner is None or not (
            arguments := self.node.args.posonlyargs + self.node.args.args
        ):
            return None
        return arguments[0].arg

    @property
    def dotted(self) -> str:
        return f"{self.owner.dotted if self.owner else self.module.name}.{self.name}"

    def decorators(self) -> list[str]:
        found = []
        for decorator in self.node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            found.append(self.module.resolve(target) or "")
        return found


@dataclass
class Class:
    """A class with its methods, its class attributes and its bases by name."""

    name: str
    node: ast.ClassDef
    module: Module
    methods: dict[str, Function] = field(default_factory=dict)
    attributes: dict[str, ast.expr] = field(default_factory=dict)

    @property
    def dotted(self) -> str:
        return f"{self.module.name}.{self.name}"

    @cached_property
    def bases(self) -> list[str]:
        return [self.module.resolve(base) or "" for base in self.node.bases]

    @cached_property
    def line_of_ancestors(self) -> list[Class]:
        """Itself, then the project's classes that it inherits from."""
        found: list[Class] = []

        def visit(one: Class) -> None:
            if one in found:
                return
            found.append(one)
            for base in one.bases:
                known = self.module.source.classes.get(base)
                if known is not None:
                    visit(known)

        visit(self)
        return found

    def library_bases(self) -> set[str]:
        """The dotted names of everything it inherits from outside the project."""
        known = self.module.source.classes
        return {
            b for one in self.line_of_ancestors for b in one.bases if b not in known
        }

    def method(self, name: str) -> Function | None:
        """A method of its own or of one of the project's bases."""
        return next(
            (
                one.methods[name]
                for one in self.line_of_ancestors
                if name in one.methods
            ),
            None,
        )

    def assigned(self, attribute: str) -> list[tuple[Function, ast.expr]]:
        """What its methods put into ``self.attribute``."""
        return [
            (function, value)
            for one in self.line_of_ancestors
            for function in one.methods.values()
            for name, value in function.module.self_values(function)
            if name == attribute
        ]

    @cached_property
    def kind(self) -> str:
        """ "async", "sync" or "" (no consumer), with "-generic" or "-json" added."""
        found = ""
        for base in self.library_bases():
            name = base.rpartition(".")[2]
            if not base.startswith("channels.") or not name.endswith("Consumer"):
                continue
            side = "async" if name.startswith("Async") else "sync"
            if "Json" in name:
                return f"{side}-json"
            found = f"{side}-generic" if "Websocket" in name else found or side
        return found


@dataclass
class Module:
    """One file."""

    name: str
    file: str
    tree: ast.Module
    source: Source = field(repr=False)
    text: str = field(default="", repr=False)
    is_package: bool = False
    names: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)

    def resolve(
        self, node: ast.expr | None, function: Function | None = None, depth: int = 0
    ) -> str | None:
        """The dotted path that an expression stands for, or None."""
        if node is None or depth > DEEP:
            return None
        if isinstance(node, ast.Await):
            return self.resolve(node.value, function, depth + 1)
        if isinstance(node, ast.Name):
            return self._name(node.id, function, depth)
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value, function, depth + 1)
            return (
                None
                if base is None
                else self._attribute(base, node.attr, function, depth)
            )
        if isinstance(node, ast.Call):
            return self._call(node, function, depth)
        return None

    def _name(self, name: str, function: Function | None, depth: int) -> str | None:
        if function is not None:
            if name == function.self_name:
                return "self"
            if name in function.names:
                return self.source.canonical(function.names[name])
            for value in reversed(function.values.get(name, [])):
                return self.resolve(value, function, depth + 1)
        return self.source.canonical(f"{self.name}.{name}", self, name)

    def _attribute(
        self, base: str, name: str, function: Function | None, depth: int
    ) -> str | None:
        if base == "self" and function is not None and function.owner is not None:
            owner = function.owner
            if owner.method(name) is None:
                for where, value in owner.assigned(name)[:1]:
                    if where.node is not function.node or depth < 3:
                        found = where.module.resolve(value, where, depth + 2)
                        if found and found != "self." + name:
                            return found
        return self.source.canonical(f"{base}.{name}")

    def _call(
        self, node: ast.Call, function: Function | None, depth: int
    ) -> str | None:
        called = self.resolve(node.func, function, depth + 1)
        constants = [a.value for a in node.args if isinstance(a, ast.Constant)]
        if called in ("builtins.__import__", "importlib.import_module") and constants:
            return self.source.canonical(str(constants[0]))
        if called == "builtins.getattr" and len(node.args) > 1 and constants:
            base = self.resolve(node.args[0], function, depth + 1)
            return base and self._attribute(base, str(constants[0]), function, depth)
        if called == "functools.partial" and node.args:
            return self.resolve(node.args[0], function, depth + 1)
        return called and called + "()"

    def self_values(self, function: Function) -> Iterator[tuple[str, ast.expr]]:
        """``self.name = value`` in one method."""
        for node in ast.walk(function.node):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = (
                    node.targets if isinstance(node, ast.Assign) else [node.target]
                )
                for target in targets:
                    if (
                        isinstance(target, ast.Attribute)
                        and isinstance(target.value, ast.Name)
                        and target.value.id == function.self_name
                    ):
                        yield target.attr, node.value


class Source:
    """All source files of a project.

    Args:
        project: the project's folder, as it is reported to people.
        home: the folder of ``manage.py``, from which modules are imported.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self.modules: dict[str, Module] = {}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        for path in sorted(_files(home)):
            self._read(project, home, path)
        for module in list(self.modules.values()):
            _Definitions(module).visit(module.tree)

    def _read(self, project: Path, home: Path, path: Path) -> None:
        try:
            data = path.read_bytes()
            if len(data) > BIG:
                return
            with _parsing:
                tree = ast.parse(data)
        except (OSError, SyntaxError, ValueError, RecursionError):
            return  # the project's own interpreter says what is wrong with it
        parts = list(path.relative_to(home).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        file = path.relative_to(project).as_posix()
        text = data.decode("utf-8", "replace")
        module = Module(name, file, tree, self, text, is_package)
        self.modules[name] = module
        for node in _statements(tree):
            _bind(node, module, module.names, module.values, module.lines)

    def canonical(
        self, dotted: str, module: Module | None = None, name: str = ""
    ) -> str | None:
        """Follow a dotted path through the project's own modules to its origin."""
        for _ in range(DEEP):
            step = self._step(dotted)
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
        if self._known(dotted):
            return None
        head, _, tail = dotted.rpartition(".")
        rest = ""
        while head:
            module = self.modules.get(head)
            if module is not None:
                if tail in module.names:
                    return module.names[tail] + rest
                for value in reversed(module.values.get(tail, [])):
                    if isinstance(value, (ast.Name, ast.Attribute, ast.Call)):
                        found = module.resolve(value, None, 3)
                        return None if found is None else found + rest
                for star in module.stars:
                    if star in self.modules and tail in self.modules[star].lines:
                        return f"{star}.{tail}{rest}"
                return None
            head, _, last = head.rpartition(".")
            rest, tail = f".{tail}{rest}", last
        return None

    def setting(self, module: str, name: str) -> tuple[str, int] | None:
        """Where a setting is given its last value: file and line."""
        seen: set[str] = set()

        def visit(where: str) -> tuple[str, int] | None:
            found = self.modules.get(where)
            if found is None or where in seen:
                return None
            seen.add(where)
            if name in found.lines:
                return found.file, found.lines[name]
            for star in reversed(found.stars):
                below = visit(star)
                if below:
                    return below
            return None

        place = visit(module)
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


class _Definitions(ast.NodeVisitor):
    """Enter the classes and functions of a module into the index."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.owner: Class | None = None
        self.outer: Function | None = None

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        made = Class(node.name, node, self.module)
        self.module.source.classes.setdefault(made.dotted, made)
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        made.attributes[target.id] = statement.value
            elif (
                isinstance(statement, ast.AnnAssign)
                and statement.value is not None
                and isinstance(statement.target, ast.Name)
            ):
                made.attributes[statement.target.id] = statement.value
        before, self.owner = self.owner, made
        outer, self.outer = self.outer, None
        self.generic_visit(node)
        self.owner, self.outer = before, outer

    def _function(self, node: Def) -> None:
        made = Function(node.name, node, self.module, self.owner)
        if self.outer is not None:
            made.owner = self.outer.owner
            made.names.update(self.outer.names)
            made.values.update(self.outer.values)
        for statement in _statements(node):
            _bind(statement, self.module, made.names, made.values, {})
        if self.outer is None:
            if self.owner is not None:
                self.owner.methods[node.name] = made
            self.module.source.functions[made.dotted] = made
        else:
            self.module.source.functions[
                f"{self.outer.dotted}.<locals>.{node.name}"
            ] = made
        before, self.outer = self.outer, made
        self.generic_visit(node)
        self.outer = before

    visit_FunctionDef = _function
    visit_AsyncFunctionDef = _function


def _files(home: Path) -> Iterator[Path]:
    folders = [home]
    while folders:
        folder = folders.pop()
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir():
                if entry.name not in SKIPPED and not (entry / "pyvenv.cfg").exists():
                    folders.append(entry)
            elif entry.suffix == ".py" and entry.is_file():
                yield entry


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a body and of its branches, but of no inner definition."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child
            continue
        yield child
        if not isinstance(child, (ast.expr, ast.Lambda)):
            yield from _statements(child)


def _bind(
    node: ast.AST,
    module: Module,
    names: dict[str, str],
    values: dict[str, list[ast.expr]],
    lines: dict[str, int],
) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            names[bound] = alias.name if alias.asname else bound
            lines[bound] = node.lineno
    elif isinstance(node, ast.ImportFrom):
        base = _base(node, module)
        for alias in node.names:
            if alias.name == "*":
                module.stars.append(base)
            else:
                names[alias.asname or alias.name] = f"{base}.{alias.name}"
                lines[alias.asname or alias.name] = node.lineno
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        lines[node.name] = node.lineno
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                values.setdefault(target.id, []).append(node.value)
                if isinstance(node, ast.AugAssign):
                    module.changed.setdefault(target.id, node.lineno)
                else:
                    lines[target.id] = node.lineno
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            if isinstance(item.optional_vars, ast.Name):
                values.setdefault(item.optional_vars.id, []).append(item.context_expr)


def _base(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (1 if module.is_package else 0)
    return ".".join([*parts[: max(keep, 0)], *([node.module] if node.module else [])])


_BUILTINS = set(dir(__import__("builtins")))
