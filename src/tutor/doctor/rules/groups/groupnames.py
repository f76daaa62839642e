"""The names of groups: whether what is sent to is what is joined, and may be one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.groups.filling import filling
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, each, every_call, unfold
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk

Call = tuple[Frame, ast.Call]
WRONG = re.compile(rf"[^\w.\-{ANY}]", re.ASCII)
DEEP = 5
LONGEST = 99  # characters of a group's name


def given(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """An argument of a call, by its place or by its name."""
    if len(call.args) > position:
        return call.args[position]
    return next((k.value for k in call.keywords if k.arg == name), None)


def spread(frame: Frame, call: ast.Call) -> ast.Call:
    """A call with what stars unpack written out: ``add(*self.pair)``, ``add(**it)``.

    What two stars unpack is a dictionary that is written out, with its keys.
    """
    if any(word.arg is None for word in call.keywords):
        words = [one for word in call.keywords for one in _named(frame, word)]
        plain = ast.Call(call.func, call.args, words)
        call = ast.copy_location(plain, call)
    if not any(isinstance(one, ast.Starred) for one in call.args):
        return call
    arguments: list[ast.expr] = []
    for one in call.args:
        held = unfold(frame, one.value)[1] if isinstance(one, ast.Starred) else None
        arguments += getattr(held, "elts", [one])
    return ast.copy_location(ast.Call(call.func, arguments, call.keywords), call)


def _named(frame: Frame, word: ast.keyword) -> Iterator[ast.keyword]:
    """The arguments that two stars unpack; the keyword itself where it is none."""
    held = unfold(frame, word.value)[1] if word.arg is None else None
    if not isinstance(held, ast.Dict) or not all(
        isinstance(key, ast.Constant) for key in held.keys
    ):
        yield word
        return
    for key, value in zip(held.keys, held.values, strict=True):
        yield ast.keyword(str(getattr(key, "value", "")), value)


def group_of(call: ast.Call) -> ast.expr | None:
    """The group that a call of the channel layer names."""
    return given(call, 0, "group")


def listed(seen: Evidence) -> Iterator[tuple[Frame, ast.expr]]:
    """The groups that consumers name in their attribute ``groups``."""
    for owner in seen.source.consumers():
        given, methods = owner.attributes.get("groups"), [*owner.methods.values()]
        for node in getattr(given, "elts", [given] if given else []):
            if methods:
                yield Frame(methods[0], owner), node


def joined_elsewhere(seen: Evidence) -> Iterator[tuple[Frame, ast.expr | None]]:
    """The groups that are joined over a layer which somebody was given."""
    for function in seen.source.all_functions():
        for call in every_call(function.node):
            func = call.func
            if isinstance(func, ast.Call) and func.args:  # async_to_sync(add)(…)
                func = func.args[0]
            joins = getattr(func, "attr", "") == "group_add"
            if joins and not calls.is_layer(
                function.module.resolve(func, function) or ""
            ):
                for frame in seen.sites.frames(function):
                    yield frame, group_of(call)


def misnamed(seen: Evidence) -> Place | None:
    """Where a group of ``groups`` has a name that no group may have."""
    for frame, node in listed(seen):
        if any(WRONG.search(name) for name in values(frame, node) or ()):
            return _origin(frame, node)
    return None


def rules(
    seen: Evidence, sends: list[Call], adds: list[Call], drops: list[Call]
) -> Iterator[Found]:
    """Events to groups that nobody joins.

    Args:
        seen: the evidence.
        sends: the calls of ``group_send``, as they run.
        adds: the calls of ``group_add``.
        drops: the calls of ``group_discard``.
    """
    yield from _impossible([*adds, *sends])
    found = [values(frame, group_of(call)) for frame, call in adds]
    found += [values(frame, node) for frame, node in listed(seen)]
    found += [values(frame, node) for frame, node in joined_elsewhere(seen)]
    joined = {name for names in found for name in names or ()}
    if not joined or None in found:
        yield from _dressed(sends, adds)
        return
    for frame, call in sends:
        node = group_of(call)
        names = values(frame, node)
        part = bare(frame.function, node, adds) or _plain(frame, node, adds, joined)
        if names is None and part:
            names = frozenset([ANY])
        elif names is None or any(meet(a, b) for a in names for b in joined):
            continue
        for name in sorted(names):
            if name in (seen.walk.get("channels") or {}):
                got = f"nobody is in the group {name!r}, which is a worker's channel"
                slug, right = "group-taken-for-a-channel", f"send({name!r}, …)"
                told = [values(f, group_of(c)) for f, c in sends if c is call]
                mixed = any({*(names or ())} & joined for names in told)
                # Where nobody else sends there, it is the helper that is wrong.
                spot = asked(frame, node, call) if mixed else at(frame.function, call)
                yield Found(slug, got, spot, 66, TRIED, right)
                continue
            shown = ", ".join(sorted(p.replace(ANY, "…") for p in joined))
            yield Found(
                "group-names-differ",
                f"nobody is in {name.replace(ANY, '…')!r}",
                _alone(name, adds, drops) or asked(frame, node, call),
                66,
                TRIED,
                f"one of {shown}",
            )


def is_joined(one: Call, adds: list[Call]) -> bool:
    """Whether the group of an event is one of those that some calls join."""
    joined = [name for add in adds for name in values(*_group(add)) or ()]
    return any(meet(a, b) for a in values(*_group(one)) or () for b in joined)


def _alone(name: str, adds: list[Call], drops: list[Call]) -> Place | None:
    """The one call that joins another group than is told, and left."""
    left = {one for frame, call in drops for one in values(frame, group_of(call)) or ()}
    if len(adds) == 1 and left == {name}:
        return at(adds[0][0].function, adds[0][1])
    return None


def _dressed(sends: list[Call], adds: list[Call]) -> Iterator[Found]:
    """What is joined by a bare name, and told under that name with a text around it."""
    for frame, call in sends:
        node = group_of(call)
        made = unfold(frame, node)[1] if node is not None else None
        mine = [one for one in adds if one[0].owner == frame.owner]
        names = {ast.unparse(one) for _, add in mine if (one := group_of(add))}
        known = [values(where, group_of(add)) for where, add in mine]
        if not isinstance(made, ast.JoinedStr) or len(names) != 1 or any(known):
            continue
        holes = [p.value for p in made.values if isinstance(p, ast.FormattedValue)]
        texts = [p for p in made.values if isinstance(p, ast.Constant) and p.value]
        if texts and {ast.unparse(one) for one in holes} == names:
            yield Found(
                "group-names-differ",
                f"nobody is in {ast.unparse(made)}",
                asked(frame, node, call),
                66,
                TRIED,
                names.pop(),
            )
            return


def _impossible(used: list[Call]) -> Iterator[Found]:
    """A text in the name of a group that no group's name may have."""
    for frame, call in used:
        node = group_of(call)
        if node is None or ast.unparse(node).endswith("channel_name"):
            continue
        for name in sorted(values(frame, node) or ()):
            name = name.replace(ANY, filling(frame, node))
            if WRONG.search(name) or len(name) > LONGEST:
                yield Found(
                    "group-name-not-allowed",
                    f"Group name must be a valid unicode string: "
                    f"{name.replace(ANY, '…')!r}",
                    _origin(frame, node) or at(frame.function, call),
                    65,
                    TRIED,
                    "letters, digits, hyphens, underscores and periods",
                )


def asked(frame: Frame, node: ast.expr | None, call: ast.Call) -> Place:
    """The call that gives an argument: this one, or the one of whoever calls."""
    place = at(frame.function, call)
    while isinstance(node, ast.Name) and node.id in frame.given:
        frame, node = frame.given[node.id]
        place = at(frame.function, node)
    rest = frame.function.node.args.kwarg
    if rest is not None and getattr(node, "id", "") == rest.arg:
        given = frame.given.values()  # by name, and one call gives them all
        place = next((at(site.function, one) for site, one in given), place)
    return place


def meet(one: str, other: str) -> bool:
    """Whether two names with unknown parts can be the same."""
    for name, pattern in ((one, other), (other, one)):
        if ANY not in name:
            fits = ".*".join(map(re.escape, pattern.split(ANY)))
            return re.fullmatch(fits, name) is not None
    begins = one.partition(ANY)[0], other.partition(ANY)[0]
    ends = one.rpartition(ANY)[2], other.rpartition(ANY)[2]
    return (begins[0].startswith(begins[1]) or begins[1].startswith(begins[0])) and (
        ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
    )


def _plain(
    frame: Frame, node: ast.expr | None, adds: list[Call], joined: set[str]
) -> bool:
    """Whether an event goes to a parameter that only fills the joined group's name."""
    while isinstance(node, ast.Name) and node.id in frame.given:
        frame, node = frame.given[node.id]
    holes = {part for add, call in adds for part in _holes(add, group_of(call))}
    if isinstance(node, ast.Attribute) and frame.owner is not None:
        own = getattr(node.value, "id", "") == frame.function.self_name
        return own and node.attr in holes and ANY not in joined
    arguments = frame.function.node.args
    taken = {one.arg for one in arguments.args + arguments.kwonlyargs}
    if not isinstance(node, ast.Name) or node.id not in taken or frame.given:
        return False
    if frame.function.name.startswith("_") or any(name == ANY for name in joined):
        return False
    return node.id in holes


def _holes(frame: Frame, node: ast.expr | None, depth: int = 0) -> set[str]:
    """The names that fill the text of a group's name."""
    if node is None or depth > DEEP:
        return set()
    where, found = unfold(frame, node)
    parts = each(where, found)
    if parts:
        return {name for one in parts for name in _holes(*one, depth + 1)}
    if isinstance(found, (ast.JoinedStr, ast.BinOp, ast.Call)):
        names = {one.id for one in walk(found) if isinstance(one, ast.Name)}
        names |= {one.attr for one in walk(found) if isinstance(one, ast.Attribute)}
        for name in names & set(where.given):
            names |= {getattr(where.given[name][1], "attr", "")}
        return names
    return set()


def bare(function: Function, node: ast.expr | None, adds: list[Call]) -> bool:
    """Whether a name is what the joined group's name is only made of."""
    if not isinstance(node, ast.Attribute) or function.owner is None:
        return False
    mine = [one for one in adds if one[0].function.owner is function.owner]
    known = [values(*_group(one)) for one in adds if one not in mine]
    if any(names is None or ANY in names for names in known):
        return False  # it may be another's group
    for _, call in mine:
        group = group_of(call)
        if not isinstance(group, ast.Attribute):
            return False
        made = [value for _, value in function.owner.assigned(group.attr)]
        parts = {
            ast.unparse(inner)
            for value in made
            if isinstance(value, ast.JoinedStr | ast.BinOp | ast.Call)
            for inner in walk(value)
            if isinstance(inner, ast.Attribute)
        }
        if group.attr == node.attr or ast.unparse(node) not in parts:
            return False
    return bool(mine)


def _group(one: Call) -> tuple[Frame, ast.expr | None]:
    return one[0], group_of(one[1])


def origin(function: Function, node: ast.expr) -> Place | None:
    """Where the text of a group's name is written; None where that is unknown."""
    owners: list[Class | None] = [function.owner]
    if function.owner is not None:
        owners += function.owner.heirs
    frames = [Frame(function, owner) for owner in owners]
    wrong = [f for f in frames if any(map(WRONG.search, values(f, node) or ()))]
    for frame in [*wrong, *frames]:
        place = _origin(frame, node)
        if place is not None:
            return place
    return None


def _origin(frame: Frame, node: ast.expr, depth: int = 0) -> Place | None:
    where, found = unfold(frame, node)
    if depth > DEEP:
        return None
    if isinstance(found, (ast.Constant, ast.JoinedStr)):
        return at(where.function, found)
    if isinstance(found, ast.BinOp):
        # The text with the holes may stand elsewhere.
        texts = [_origin(where, part, depth + 1) for part in (found.left, found.right)]
        held = [v for p in (found.left, found.right) for v in values(where, p) or ()]
        if texts[0] and texts[0] != at(where.function, found) and held:
            return texts[0] if WRONG.search(held[0]) else at(where.function, found)
        return at(where.function, found)
    if isinstance(found, ast.Call) and isinstance(found.func, ast.Attribute):
        return _origin(where, found.func.value, depth + 1)
    parts = each(where, found)
    wrong = [p for p in parts if any(map(WRONG.search, values(*p) or ()))]
    open_ = [p for p in parts if any(ANY in name for name in values(*p) or (ANY,))]
    return _origin(*(wrong or open_ or parts)[0], depth + 1) if parts else None


def text_of(function: Function, node: ast.expr | None) -> str | None:
    """A text with its unknown parts marked, wherever it is written; None for others."""
    found = values(Frame(function, function.owner), node)
    return next(iter(found)) if found and len(found) == 1 else None
