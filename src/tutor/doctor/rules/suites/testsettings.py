"""The settings that tests alone run with: their database is no project's."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Module
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.walking import walk

RANK = 27
MEMORY = (":memory:", "")


def rules(seen: Evidence) -> Iterator[Found]:
    """``TEST`` with the name of the database beside it, in settings of its own."""
    for module in seen.source.modules.values():
        if "DATABASES" not in module.text:
            continue
        names = [
            _told(one, node)
            for one, node in _names(seen, module)
            if "test" not in one.module.name.rpartition(".")[2]
        ]
        for at, node in _tested(module):
            told = _told(at, node)
            if told not in MEMORY and (told in names or _is_theirs(node)):
                yield Found(
                    "test-database-is-the-real-one",
                    f"TEST and the project both have {ast.unparse(node)}",
                    (module.file, node.lineno),
                    RANK,
                    "reading DATABASES",
                    "a name of its own for the tests' database",
                )
                return


def _tested(module: Module) -> Iterator[tuple[Frame, ast.expr]]:
    """What the tests' database is called, however that is written."""
    frame = Frame(body(module))
    for node in walk(module.tree):
        if isinstance(node, ast.Dict):
            test = _under(node, "TEST")
        elif isinstance(node, ast.Assign):
            path = [key for target in node.targets for key in _keys(target)]
            if path[-2:] == ["TEST", "NAME"]:
                yield frame, node.value
            test = node.value if path[-1:] == ["TEST"] else None
        else:
            continue
        name = _under(unfold(frame, test)[1], "NAME") if test is not None else None
        if name is not None:
            yield frame, name


def _names(seen: Evidence, module: Module) -> Iterator[tuple[Frame, ast.expr]]:
    """What databases are called, here and in the settings that these begin with."""
    todo, done = [module.name], set[str]()
    while todo:
        one = seen.source.modules.get(todo.pop())
        if one is None or one.name in done:
            continue
        done.add(one.name)
        todo += one.stars
        for node in walk(one.tree):
            name = _under(node, "NAME")
            if name is not None and _under(node, "ENGINE") is not None:
                yield Frame(body(one)), name


def _under(node: ast.AST | None, key: str) -> ast.expr | None:
    """What a dictionary that is written out has under a key."""
    if not isinstance(node, ast.Dict):
        return None
    for name, value in zip(node.keys, node.values, strict=True):
        if getattr(name, "value", None) == key:
            return value
    return None


def _keys(node: ast.expr) -> list[object]:
    """``DATABASES["default"]["TEST"]``: the keys, outermost first."""
    if not isinstance(node, ast.Subscript):
        return []
    return [*_keys(node.value), getattr(node.slice, "value", None)]


def _is_theirs(node: ast.expr) -> bool:
    """``DATABASES["default"]["NAME"]`` itself."""
    keys = _keys(node)
    return len(keys) > 1 and keys[-1] == "NAME" and keys[-2] != "TEST"


def _told(frame: Frame, node: ast.expr) -> str:
    """An expression with all its names filled in: the same path is the same text."""
    where, found = unfold(frame, node)
    if where.function is not frame.function:
        return ast.unparse(node)  # of a helper: the same call is the same path
    if isinstance(found, ast.Constant):
        return str(found.value)
    if isinstance(found, ast.BinOp) and isinstance(found.op, ast.Div):
        left = _told(where, found.left).rstrip("/")
        return f"{left}/{_told(where, found.right)}"
    name = where.module.resolve(getattr(found, "func", found), where.function) or ""
    if isinstance(found, ast.Call) and found.args:
        if name in ("builtins.str", "os.fspath"):
            return _told(where, found.args[0])
        if name == "os.path.join" or name.endswith(".joinpath"):
            return "/".join(_told(where, one).rstrip("/") for one in found.args)
    return ast.unparse(found)
