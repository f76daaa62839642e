"""What all shall know, and what is in the memory of one of several processes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.packed import RANK
from tutor.doctor.rules.groups.spreading import several
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

SLUG = "layer-inmemory-several-processes"
_SENDS = ("send", "send_json", "group_send")
_MADE = ("dict", "set", "list", "defaultdict", "Counter", "OrderedDict")
_MORE = {"add", "append", "update", "extend", "insert"}
_KEEPS = {"set", "aset", "incr", "aincr"}
_GIVES = {"get", "aget"}


def rules(seen: Evidence) -> Iterator[Found]:
    said = several(seen)
    if not said:
        return
    cached = _caches_in_memory(seen)
    for module in seen.source.modules.values():
        for value in module.values.get("SESSION_ENGINE", []) if cached else ():
            if getattr(value, "value", "") == "django.contrib.sessions.backends.cache":
                got = f"{said}, each with the sessions of its own cache"
                place = module.file, value.lineno
                yield Found(SLUG, got, place, RANK, TRIED, "sessions that all share")
                return
    for owner in seen.source.consumers():
        found = _shown(owner) or (cached and _cached(owner))
        if found:
            got = f"{said}, each with {found[2]} of its own"
            where = at(found[0], found[1])
            yield Found(SLUG, got, where, RANK, TRIED, "Redis, or the database")
            return


def _caches_in_memory(seen: Evidence) -> bool:
    """Whether all settings leave Django's cache where it is: in each process."""
    every = seen.source.modules.values()
    given = [value for one in every for value in one.values.get("CACHES", [])]
    changed = any("CACHES" in one.changed for one in every)
    return not changed and all("locmem" in ast.unparse(value) for value in given)


def _cached(owner: Class) -> tuple[Function, ast.AST, str] | None:
    """A consumer that keeps something in the cache, and takes it out for others."""
    told: dict[str, tuple[Function, ast.AST, str]] = {}
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            name = calls.name_of(call, method)
            if name.startswith("django.core.cache.cache.") and call.args:
                key = ast.unparse(call.args[0])
                what = name.rpartition(".")[2]
                if what in _KEEPS:
                    told.setdefault(f"keeps {key}", (method, call, "a cache"))
                elif what in _GIVES:
                    told.setdefault(f"gives {key}", (method, call, "a cache"))
    keys = {one.partition(" ")[2] for one in told}
    both = [k for k in keys if f"keeps {k}" in told and f"gives {k}" in told]
    return told[f"keeps {both[0]}"] if both else None


def _shown(owner: Class) -> tuple[Function, ast.AST, str] | None:
    """A collection of the module that a consumer adds to, and tells clients of."""
    kept: dict[str, tuple[Function, ast.AST, str]] = {}
    shown: set[str] = set()
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            attr = getattr(call.func, "attr", "")
            given = [*call.args, *(word.value for word in call.keywords)]
            for part in (p for one in given for p in walk(one)):
                if attr in _SENDS and (name := _kept(part, method)):
                    shown.add(name)
            own = any(getattr(one, "id", "") == method.self_name for one in given)
            name = _kept(_root(call.func), method) if attr in _MORE else ""
            if name and not own:
                kept.setdefault(name, (method, call, name))
        for node in (n for n in walk(method.node) if isinstance(n, ast.Assign)):
            for target in node.targets:
                is_part = isinstance(target, ast.Subscript)
                name = _kept(_root(target), method) if is_part else ""
                if name and getattr(node.value, "id", "") != method.self_name:
                    kept.setdefault(name, (method, node, name))
    both = [name for name in kept if name in shown]
    return kept[both[0]] if both else None


def _root(node: ast.expr) -> ast.expr:
    """What ``online[room].add``, or ``online.setdefault(room, set()).add``, is of."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node


def _kept(node: ast.AST, function: Function) -> str:
    """The name of a collection that the module makes once; empty for others."""
    name = getattr(node, "id", "")
    made = function.module.values.get(name, []) if name not in function.values else []
    plain = all(
        isinstance(one, ast.Dict | ast.List | ast.Set)
        or (
            isinstance(one, ast.Call)
            and getattr(one.func, "attr", getattr(one.func, "id", "")) in _MADE
        )
        for one in made
    )
    return name if made and plain else ""
