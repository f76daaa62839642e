"""The layers that settings name in any branch, whichever is taken on this machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups.spreading import configuring
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk

RANK = 23
KNOWN = (
    "channels.layers.InMemoryChannelLayer",
    "channels_redis.core.RedisChannelLayer",
    "channels_redis.pubsub.RedisPubSubChannelLayer",
)


_LAYER = re.compile(r"channels(?:_redis)?\.(?:\w+\.)?[A-Z]\w*[Ll]ayer\w*")
_SCHEME = re.compile(r"(?:rediss?|unix)://")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _typo(seen)
    for module in configuring(seen):
        frame = Frame(body(module))
        for node in walk(module.tree):
            for host in _hosts(frame, node):
                told = values(frame, host) or frozenset()
                if told and not any(ANY in t or _SCHEME.match(t) for t in told):
                    yield Found(
                        "redis-url-without-scheme",
                        "Redis URL must specify one of the following schemes",
                        (module.file, host.lineno),
                        RANK,
                        "reading CHANNEL_LAYERS",
                        "redis://host:port",
                    )
                    return


def _hosts(frame: Frame, node: ast.AST) -> Iterator[ast.expr]:
    """The hosts in a list that stands under ``hosts``, and the addresses in those."""
    for key, value in zip(
        getattr(node, "keys", ()), getattr(node, "values", ()), strict=False
    ):
        if getattr(key, "value", "") != "hosts":
            continue
        listed = unfold(frame, value)[1]
        for one in listed.elts if isinstance(listed, ast.List) else ():
            if isinstance(one, ast.Constant | ast.JoinedStr):
                yield one


def _typo(seen: Evidence) -> Iterator[Found]:
    """A layer that its library does not have."""
    for module in configuring(seen):
        for node in walk(module.tree):
            if not isinstance(node, ast.Constant) or node.value in KNOWN:
                continue
            name = str(node.value)
            if _LAYER.fullmatch(name):
                yield Found(
                    "settings-channel-layer-backend-typo",
                    f"Cannot import BACKEND {name!r} specified for default",
                    (module.file, node.lineno),
                    RANK,
                    "reading CHANNEL_LAYERS",
                    seen.near(name, KNOWN, 0.5) or KNOWN[-1],
                )
                return
