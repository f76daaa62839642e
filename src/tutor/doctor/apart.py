"""What people see of several processes on one Redis: one speaks, another hears it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tutor import children, servers
from tutor.doctor import gathering, scenes
from tutor.redis import running

SECONDS = 20  # for a command to come and go
LATE = 1.0  # seconds for an event; a new subscriber looks after a tenth of one


def play(scene: Mapping[str, Any], project: Path, awaited: str = "") -> tuple[str, str]:
    """Start servers on a Redis of their own, and let one of the processes speak.

    Args:
        scene: ``path`` for two clients; ``servers``, on how many they are; ``say``,
            a text that the first one sends, or ``command``, one of the project's
            that is run meanwhile.
        project: the folder of ``manage.py``.
        awaited: a text that a server will print.

    Returns:
        What was seen, in the words of the mistakes' files, and what was printed.
    """
    argv = ["daphne", gathering.guess(project)]
    with running() as redis, ExitStack() as stack:
        many: list[servers.Server] = []
        for _ in range(scene.get("servers", 1)):
            many.append(servers.Server(argv, project, redis.extra))
            stack.callback(many[-1].stop)
        if not all(one.ready() for one in many):
            return "server does not start", many[0].log()
        act = None
        if "command" in scene:
            words = ["python", "manage.py", *scene["command"].split()]
            act = partial(children.run, words, project, SECONDS, redis.extra)
        seen = asyncio.run(scenes.talk(many[0], scene, many[-1], act, LATE))
        if awaited:
            many[0].child.wait_for(lambda out: awaited in out, 3)
        return seen, "".join(one.log() for one in many)
