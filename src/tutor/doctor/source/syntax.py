"""Modules, classes and functions of a project, and what their names stand for.

A name is resolved to a dotted path such as ``time.sleep``, through imports,
aliases, re-exports and star imports of the project's own modules.  The result of
a call is written with ``()``: ``channels.layers.get_channel_layer().group_send``.
Attributes of the instance begin with ``self``: ``self.channel_layer.group_add``.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tutor.doctor.source.walking import walk

if TYPE_CHECKING:
    from tutor.doctor.source.index import Source

DEEP = 12  # how many names lead to one another before we give up

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
    outer: Function | None = None  # in whose body it is made

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

    @cached_property
    def self_values(self) -> list[tuple[str, ast.expr]]:
        """``self.name = value`` in a method."""
        found: list[tuple[str, ast.expr]] = []
        for node in walk(self.node):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = (
                    node.targets if isinstance(node, ast.Assign) else [node.target]
                )
                found += [
                    (target.attr, node.value)
                    for target in targets
                    if isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == self.self_name
                ]
        return found

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
            for name, value in function.self_values
            if name == attribute
        ]

    @cached_property
    def heirs(self) -> list[Class]:
        """The project's classes that inherit from it."""
        return [
            one
            for one in self.module.source.classes.values()
            if one is not self and self in one.line_of_ancestors
        ]

    def virtual(self, name: str) -> list[Function]:
        """What ``self.name`` may be in a method: its own one, and those of heirs."""
        own = self.method(name)
        found = [one.methods[name] for one in self.heirs if name in one.methods]
        return [*([own] if own else []), *found]

    @cached_property
    def kind(self) -> str:
        """ "async", "sync" or "" (no consumer), with "-generic" or "-json" added.

        A class that only lends its methods to consumers is of their kind.
        """
        own = self._own_kind
        return own or next((one._own_kind for one in self.heirs if one._own_kind), "")

    @cached_property
    def _own_kind(self) -> str:
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
    # The rules ask for the same few thousand some times each.
    _resolved: dict[tuple[ast.expr, Def | None], str | None] = field(
        default_factory=dict, repr=False
    )

    def resolve(
        self, node: ast.expr | None, function: Function | None = None, depth: int = 0
    ) -> str | None:
        """The dotted path that an expression stands for, or None."""
        if node is None or depth > DEEP:
            return None
        if depth:
            return self._resolve(node, function, depth)
        asked = node, function.node if function else None
        if asked not in self._resolved:
            self._resolved[asked] = self._resolve(node, function, depth)
        return self._resolved[asked]

    def _resolve(
        self, node: ast.expr, function: Function | None, depth: int
    ) -> str | None:
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
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            # A slice of a query is a query, too; of nothing else is this known.
            whole = self.resolve(node.value, function, depth + 1)
            return whole if whole and ".objects." in whole else None
        return None

    def _name(self, name: str, function: Function | None, depth: int) -> str | None:
        if function is not None:
            if name == function.self_name:
                return "self"
            if name in function.names:
                return self.source.canonical(function.names[name])
            for value in reversed(function.values.get(name, [])):
                return self.resolve(value, function, depth + 1)
        while function is not None:  # a function that is made in one
            inner = f"{function.dotted}.<locals>.{name}"
            if inner in self.source.functions:
                return inner
            function = function.outer
        return self.source.canonical(f"{self.name}.{name}", self, name)

    def _attribute(
        self, base: str, name: str, function: Function | None, depth: int
    ) -> str | None:
        if base == "self" and function is not None and function.owner is not None:
            owner = function.owner
            if owner.method(name) is None:
                given = owner.assigned(name)
                given = given or [one for h in owner.heirs for one in h.assigned(name)]
                for where, value in given[:1]:
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
