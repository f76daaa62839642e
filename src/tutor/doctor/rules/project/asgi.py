"""Where things stand in the ASGI module."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source import Module
from tutor.doctor.source.flow import body, every_call
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 40


def assigned(seen: Evidence, name: str) -> Place:
    module = seen.source.modules.get(seen.asgi_module)
    return (seen.asgi_file, module.lines.get(name) if module else None)


@dataclass(frozen=True)
class Called:
    """A call, and the module it stands in."""

    module: Module
    node: ast.Call

    @property
    def place(self) -> Place:
        return self.module.file, self.node.lineno


def called(seen: Evidence, name: str) -> Called | None:
    """A call by the end of its resolved name: in the ASGI module, else in another."""
    first = seen.source.modules.get(seen.asgi_module)
    others = [m for m in seen.source.modules.values() if not is_aside(m.file)]
    for module in [*([first] if first else []), *others]:
        if name.rpartition(".")[2] not in module.text:
            continue
        inner = [f for f in seen.source.functions.values() if f.module is module]
        for function in [body(module), *inner]:
            for node in every_call(function.node):
                if (module.resolve(node.func, function) or "").endswith(name):
                    return Called(module, node)
    return None


def as_dict(node: ast.expr | None, module: Module) -> ast.expr | None:
    """``dict(name=value)`` as ``{"name": value}``; anything else as it is."""
    if not (
        isinstance(node, ast.Call)
        and module.resolve(node.func) == "builtins.dict"
        and not node.args
        and all(word.arg for word in node.keywords)
    ):
        return node
    keys = [ast.copy_location(ast.Constant(w.arg), w) for w in node.keywords]
    made = ast.Dict(keys=[*keys], values=[word.value for word in node.keywords])
    return ast.copy_location(made, node)


def router_place(seen: Evidence) -> Place:
    """Where the protocols are told apart; else where the application is named."""
    call = called(seen, "ProtocolTypeRouter")
    return call.place if call else assigned(seen, "application")


def elsewhere(seen: Evidence, call: Called | None) -> tuple[Place, str] | None:
    """A router under another name than the one that servers are told to take."""
    if call is None or call.module.name != seen.asgi_module:
        return None
    served = seen.target.partition(":")[2] or "application"
    for node in call.module.tree.body:
        if isinstance(node, ast.Assign) and any(n is call.node for n in walk(node)):
            names = [one.id for one in node.targets if isinstance(one, ast.Name)]
            if not names or served in names:
                return None
            hint = f"The router is called {names[0]}, and {served} is what is served."
            wrong = "application" in names and served != "application"
            return seen.setting("ASGI_APPLICATION") if wrong else call.place, hint
    return None


def websocket_place(seen: Evidence) -> Place:
    """Where the application of sockets is written."""
    call = called(seen, "ProtocolTypeRouter")
    if call is None:
        return seen.asgi_file, None
    for node in walk(call.node):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "websocket":
                    named = call.module.names.get(getattr(value, "id", ""), "")
                    path, _, name = named.rpartition(".")
                    other = seen.source.modules.get(path)
                    if other is not None and name in other.lines:
                        return other.file, other.lines[name]  # it is made there
                    return call.module.file, value.lineno
    return call.place


def not_called(seen: Evidence) -> Place | None:
    """Where the ASGI module names ``get_asgi_application`` that it never calls."""
    module = seen.source.modules.get(seen.asgi_module)
    nodes = [*walk(module.tree)] if module is not None else []
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    named = [
        node
        for node in nodes
        if isinstance(node, (ast.Name, ast.Attribute))
        and module is not None
        and module.resolve(node) == "django.core.asgi.get_asgi_application"
    ]
    if module is None or not named or any(id(node) in called for node in named):
        return None
    return module.file, named[0].lineno
