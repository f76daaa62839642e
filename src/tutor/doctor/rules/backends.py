"""The layers that settings name in any branch, whichever is taken on this machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.spreading import configuring
from tutor.doctor.source.walking import walk

RANK = 23
KNOWN = (
    "channels.layers.InMemoryChannelLayer",
    "channels_redis.core.RedisChannelLayer",
    "channels_redis.pubsub.RedisPubSubChannelLayer",
)


def rules(seen: Evidence) -> Iterator[Found]:
    """A layer that its library does not have."""
    for module in configuring(seen):
        for node in walk(module.tree):
            name = node.value if isinstance(node, ast.Constant) else None
            if not isinstance(name, str) or name in KNOWN:
                continue
            library, _, last = name.rpartition(".")
            ours = library.startswith(("channels_redis", "channels.layers"))
            if ours and last.endswith("Layer"):
                yield Found(
                    "settings-channel-layer-backend-typo",
                    f"Cannot import BACKEND {name!r} specified for default",
                    (module.file, node.lineno),
                    RANK,
                    "reading CHANNEL_LAYERS",
                    seen.near(name, KNOWN, 0.5) or KNOWN[-1],
                )
                return
