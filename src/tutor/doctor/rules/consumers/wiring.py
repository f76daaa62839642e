"""What is written and never runs, or runs for somebody else: how parts are joined."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import readying
from tutor.doctor.rules.consumers.byname import chosen
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, Module, calls, known
from tutor.doctor.source.definitions import base_of
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 62
HOOKS = {
    *("connect", "disconnect", "receive", "receive_json", "dispatch", "accept"),
    *("decode_json", "encode_json", "websocket_connect", "websocket_receive"),
    *("websocket_disconnect", "send_json", "__call__"),
}
ON_COMMIT = "django.db.transaction.on_commit"
_SIGNALS = "django.db.models.signals."
_LATER = ("delay", "apply_async", "send", "group_send")
# A new value each time it is asked for.
_FRESH = re.compile(
    r"^(uuid\.uuid[14]|time\.(time|monotonic)|secrets\.\w+|random\.\w+|"
    r"datetime\.datetime\.(now|utcnow)|django\.utils\.timezone\.now)\(\)"
)
# Made to be shared.
_SHARED = re.compile(
    r"hub|registry|manager|presence|pool|store|cache|repo|service|client|logg|track|"
    r"limit|lock|queue|broker|bus|router|serializer|form|schema|valid|adapter|backend",
    re.I,
)
_CHANGES = {"append", "add", "pop", "update", "clear", "setdefault", "remove", "extend"}


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _never_imported(seen)
    for function in seen.source.all_functions():
        yield from _called_for_later(function)
    for owner in seen.source.consumers():
        yield from _behind_the_base(owner)
        yield from chosen(owner)
        yield from _made_once(seen, owner)


def _never_imported(seen: Evidence) -> Iterator[Found]:
    """Receivers of signals in a module that nothing imports."""
    modules = [m for m in seen.source.modules.values() if not is_aside(m.file)]
    hearing = {m.name: line for m in modules if (line := _receives(m))}
    if not hearing:
        return
    known: set[str] = set()
    for module in modules:
        known |= set(module.stars)
        unread = {id(n) for one in readying.never_run(seen, module) for n in walk(one)}
        for node in walk(module.tree):
            if id(node) in unread:
                continue
            if isinstance(node, ast.Import):
                known |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = base_of(node, module)
                known |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                known.add(node.value)  # import_module, autodiscover_modules, a list
    for name, line in hearing.items():
        last = name.rpartition(".")[2]
        by_name = any(word == last or word.endswith(f".{name}") for word in known)
        if name in known or by_name or last in ("models", "apps", "__init__"):
            continue
        module = seen.source.modules[name]
        yield Found(
            "app-signals-never-imported",
            f"nothing imports {name}, so nothing hears the signal",
            readying.misnamed(seen, name) or (module.file, line),
            RANK,
            TRIED,
            "an import of it in ready()",
        )


def _receives(module: Module) -> int | None:
    """The line of the first receiver of Django's signals of models in a module."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for one in node.decorator_list:
                made = isinstance(one, ast.Call) and module.resolve(one.func)
                if made == "django.dispatch.receiver":
                    return node.lineno
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = module.resolve(node.value.func) or ""
            if name.startswith(_SIGNALS) and name.endswith(".connect"):
                return node.lineno
    return None


def _called_for_later(function: Function) -> Iterator[Found]:
    """``on_commit(tell(pk))``: told at once, and nothing is left for later."""
    for call in calls.calls(function.node):
        if calls.name_of(call, function) != ON_COMMIT or not call.args:
            continue
        given = call.args[0]
        if not isinstance(given, ast.Call):
            continue
        target = calls.target_of(given, function) or _inner(given, function)
        nothing = target is not None and not any(
            isinstance(node, ast.Return) and node.value is not None
            for node in walk(target.node)
        )
        done = isinstance(given.func, ast.Attribute) and given.func.attr in _LATER
        wrapped = calls.inner_call(given, function).endswith("async_to_sync")
        wrapped |= calls.name_of(given, function) == f"{known.TO_SYNC}()"
        if nothing or done or wrapped:
            yield Found(
                "db-on-commit-given-a-result",
                "TypeError: on_commit()'s callback must be a callable.",
                at(function, given),
                RANK - 15,
                TRIED,
                "a function that is called later: functools.partial(...)",
            )


def _inner(call: ast.Call, function: Function) -> Function | None:
    """A function that is defined in another, where that one calls it."""
    name = f"{function.dotted}.<locals>.{getattr(call.func, 'id', '')}"
    return function.module.source.functions.get(name)


def _behind_the_base(owner: Class) -> Iterator[Found]:
    """A mixin's handlers, behind those of the library's class: never called."""
    source = owner.module.source
    consumer_first = False
    taken: set[str] = set()  # what the classes before it already have
    for base, node in zip(owner.bases, owner.node.bases, strict=False):
        known = source.classes.get(base)
        if known is None:
            consumer_first |= base.startswith("channels.generic.")
            continue
        own = any(b.startswith("channels.") for b in known.library_bases())
        lost = sorted(HOOKS & {*known.methods} - {*owner.methods})
        has = {*known.methods, *known.attributes}
        idle = bool(known.methods) and has <= taken and known.node.bases == []
        taken |= {
            name
            for one in known.line_of_ancestors
            for name in (*one.methods, *one.attributes)
        }
        if idle:  # all it has stands before it
            lost = sorted({*known.methods} - {*owner.methods})
        if (consumer_first or idle) and not own and lost:
            yield Found(
                "consumer-mixin-after-base",
                f"{lost[0]} of {known.name} is never called",
                at_class(owner, node),
                RANK - 15,
                TRIED,
                f"class {owner.name}({known.name}, ...)",
            )
            return


def at_class(owner: Class, node: ast.AST) -> tuple[str, int]:
    return owner.module.file, getattr(node, "lineno", owner.node.lineno)


def _made_once(seen: Evidence, owner: Class) -> Iterator[Found]:
    """A value that each client should have of its own, made for the class."""
    own = {n for method in owner.methods.values() for n, _ in method.self_values}
    for name, value in owner.attributes.items():
        if name in own or name.isupper():
            continue
        used = _used(owner, name)
        if used is None:
            continue
        made = owner.module.resolve(value) or ""
        fresh = _FRESH.match(made)
        kind = seen.source.classes.get(made.removesuffix("()"))
        changed = (
            kind is not None and made.endswith("()") and _changes(owner, name, kind)
        )
        if fresh or (changed and not _SHARED.search(f"{name} {made}")):
            yield Found(
                "consumer-state-on-class",
                f"all clients share {owner.name}.{name}",
                at(used, value),
                RANK - 6,
                TRIED,
                "state that belongs to one client",
            )
            return


def _used(owner: Class, name: str) -> Function | None:
    """A method that reads an attribute of its consumer."""
    for method in owner.methods.values():
        for node in walk(method.node):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == name
                and getattr(node.value, "id", "") == method.self_name
            ):
                return method
    return None


def _changes(owner: Class, name: str, kind: Class) -> bool:
    """Whether a consumer calls what changes an object of its own project."""
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            target = call.func
            if not isinstance(target, ast.Attribute):
                continue
            inner = target.value
            mine = isinstance(inner, ast.Attribute) and inner.attr == name
            called = kind.method(target.attr) if mine else None
            if called is not None and _changes_itself(called):
                return True
    return False


def _changes_itself(method: Function) -> bool:
    for node in walk(method.node):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            targets = [node.func.value] if node.func.attr in _CHANGES else []
        for one in targets:
            while isinstance(one, ast.Subscript):
                one = one.value
            held = one.value if isinstance(one, ast.Attribute) else None
            if getattr(held, "id", "") == method.self_name:
                return True
    return False
