"""Mistakes in a game and in an editor that were not recognised at first sight.

Their sockets are behind a login or a token, their files lie below other folders, and
what starts them stands in containers.
"""

from __future__ import annotations

from shapes import Change

LOBBY, MATCH = "arena/lobby/consumers.py", "arena/match/consumers.py"

_TASK = "asyncio.create_task(self.tick())"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "arena",
        "client-path-differs-from-route",
        "arena/static/js/match.js",
        (("arena/static/js/match.js", "`/ws/match/${", "`/ws/matches/${"),),
    ),
    (
        "padd",
        "nginx-without-upgrade-headers",
        "deploy/nginx.conf",
        (
            ("deploy/nginx.conf", "Upgrade $http_upgrade", "X-Real-IP $remote_addr"),
            ("deploy/nginx.conf", "Connection $connection_upgrade", "X-Scheme $scheme"),
        ),
    ),
    (
        "arena",
        "consumer-unvalidated-input-closes-socket",
        LOBBY,
        (
            (
                LOBBY,
                'content.get("action") if isinstance(content, dict) else None',
                'content["action"]',
            ),
        ),
    ),
    (
        "padd",
        "consumer-unvalidated-input-closes-socket",
        "server/docs/consumers.py",
        (
            ("server/docs/consumers.py", "        try:\n", "        if text_data:\n"),
            (
                "server/docs/consumers.py",
                "except (KeyError, TypeError, ValueError)",
                "else",
            ),
        ),
    ),
    (
        "arena",
        "consumer-background-task-not-cancelled",
        MATCH,
        ((MATCH, "            self.ticker.cancel()\n", ""),),
    ),
    (
        "arena",
        "consumer-endless-loop-in-handler",
        MATCH,
        (
            (
                MATCH,
                "self.ticker = asyncio.create_task(self.tick())",
                "await self.tick()",
            ),
        ),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = ()
