"""The layers that settings name in any branch, whichever is taken on this machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups.spreading import configuring
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk

RANK, OF_TESTS = 23, 80
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
                first = host.elts[0] if isinstance(host, ast.Tuple) else host
                told = values(frame, first) or frozenset()
                urls = [bool(_SCHEME.match(text)) for text in told]
                known = told and not any(ANY in text for text in told)
                # A pair's first part is the host alone, and is made a URL.
                if any(urls) if first is not host else known and not any(urls):
                    yield Found(
                        "redis-url-without-scheme",
                        "Redis URL must specify one of the following schemes",
                        (module.file, host.lineno),
                        RANK,
                        "reading CHANNEL_LAYERS",
                        "'redis://host:port', or ('host', port)",
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
            pair = isinstance(one, ast.Tuple) and len(one.elts) == 2
            if pair or isinstance(one, ast.Constant | ast.JoinedStr):
                yield one


def _typo(seen: Evidence) -> Iterator[Found]:
    """A layer that its library does not have."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if "CHANNEL_LAYERS" in module.text else ():
            if not isinstance(node, ast.Constant) or node.value in KNOWN:
                continue
            name = str(node.value)
            if _LAYER.fullmatch(name):
                yield Found(
                    "settings-channel-layer-backend-typo",
                    f"Cannot import BACKEND {name!r} specified for default",
                    (module.file, node.lineno),
                    OF_TESTS if is_aside(module.file) else RANK,
                    "reading CHANNEL_LAYERS",
                    seen.near(name, KNOWN, 0.5) or KNOWN[-1],
                )
                return
