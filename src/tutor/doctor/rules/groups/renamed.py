"""A consumer that gives its own channel another name: Channels listens on the first."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.sent import sending
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

RANK = 66


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        if not owner.kind or not any(map(_is_told, _methods(owner))):
            continue
        for method in owner.methods.values():
            for node in walk(method.node):
                if method.name != "__call__" and _renames(node):
                    yield Found(
                        "group-wrong-channel-joined",
                        "nothing: nobody listens on a channel of this name",
                        at(method, node),
                        RANK,
                        TRIED,
                        "self.channel_name as Channels has set it",
                    )
                    return


def _methods(owner: Class) -> Iterator[Function]:
    for one in owner.line_of_ancestors:
        yield from one.methods.values()


def _is_told(method: Function) -> bool:
    """Whether a layer is told the consumer's channel, to join or to be answered."""
    return any(
        calls.is_layer(name) and "self.channel_name" in ast.unparse(call)
        for call, name, _ in sending(method)
    )


def _renames(node: ast.AST) -> bool:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = [one for one in node.targets]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    return any(
        isinstance(one, ast.Attribute)
        and isinstance(one.ctx, ast.Store)  # and no key: here[self.channel_name]
        and ast.unparse(one) == "self.channel_name"
        for target in targets
        for one in walk(target)
    )
