"""Mistakes in a game and in an editor that were not recognised at first sight.

Their sockets are behind a login or a token, their files lie below other folders, and
what starts them stands in containers.
"""

from __future__ import annotations

from shapes import Change

TOKENS = "arena/players/auth.py"
DASHBOARD = "server/plant/static/plant/dashboard.js"
SOCKET = "arena/static/js/socket.js"
COMPOSE = "docker-compose.yml"
PLANT = "server/plant/consumers.py"
MODELS = "arena/lobby/models.py"
VIEWS = "arena/lobby/views.py"
LOBBY, MATCH = "arena/lobby/consumers.py", "arena/match/consumers.py"

_TASK = "asyncio.create_task(self.tick())"

_PARSE = "from urllib.parse import parse_qs\n\nfrom channels.auth"
_OFFERED = """\
        for offered in scope.get("subprotocols", []):
            if offered.startswith(self.prefix):
                player = await player_of(offered[len(self.prefix) :])
"""
_ASKED = """\
        given = parse_qs(scope.get("query_string", b""))
        for key in given.get("ticket", []):
            if key.startswith(self.prefix):
                player = await player_of(key)
"""

_HOSTS = '[env("REDIS_URL", "redis://redis:6379/1")]'
_TEXT = '"at": self.created.isoformat()}'
_FETCHED = """\
    token = ApiToken.objects.select_related("player").filter(key=key).first()
    return token.player if token else None
"""
_ENDS = """\
from .engine import STEPS, Game


def end(task):
    task.cancel()
"""
_CHOSEN = "subprotocol=offered[0] if offered else None"
_FIXED = 'subprotocol="arena.v1"'

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "arena",
        "client-path-differs-from-route",
        "arena/static/js/match.js",
        (("arena/static/js/match.js", "`/ws/match/${", "`/ws/matches/${"),),
    ),
    (
        "slate",
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
        "slate",
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
    (
        "arena",
        "auth-query-string-is-bytes",
        TOKENS,
        (
            (TOKENS, "from channels.auth", _PARSE),
            (TOKENS, _OFFERED, _ASKED),
        ),
    ),
    (
        "slate",
        "client-handler-called-not-assigned",
        DASHBOARD,
        (
            (
                DASHBOARD,
                "setTimeout(() => this.connect(),",
                "setTimeout(this.connect(),",
            ),
        ),
    ),
    (
        "arena",
        "client-handler-called-not-assigned",
        SOCKET,
        ((SOCKET, "(() => this.open(),", "(this.open(),"),),
    ),
    (
        "arena",
        "redis-hosts-is-a-string",
        "config/settings/prod.py",
        (("config/settings/prod.py", _HOSTS, _HOSTS[1:-1]),),
    ),
    (
        "slate",
        "redis-server-not-running",
        COMPOSE,
        ((COMPOSE, "redis://redis:6379/0", "redis://localhost:6379/0"),),
    ),
    (
        "slate",
        "origin-allowed-hosts-with-scheme-or-port",
        COMPOSE,
        ((COMPOSE, "HOSTS: slate.example.org", "HOSTS: https://slate.example.org"),),
    ),
    (
        "slate",
        "group-event-without-key",
        PLANT,
        ((PLANT, '"sensor": event["sensor"]', '"sensor": event["name"]'),),
    ),
    (
        "slate",
        "consumer-groups-is-text",
        PLANT,
        ((PLANT, '["readings"]', '("readings")'),),
    ),
    (
        "arena",
        "db-model-instance-in-event",
        MODELS,
        (
            (
                MODELS,
                '"status": self.status}',
                '"status": self.status, "at": self.created}',
            ),
        ),
    ),
    (
        "slate",
        "client-message-into-innerhtml",
        DASHBOARD,
        ((DASHBOARD, "textContent = sensor", "innerHTML = `<b>${sensor}</b>`"),),
    ),
    (
        "arena",
        "db-orm-in-async-consumer",
        VIEWS,
        (
            (VIEWS, "def abort(", "async def abort("),
            (VIEWS, "async_to_sync(layer.group_send)", "await layer.group_send"),
        ),
    ),
    (
        "arena",
        "db-related-object-touched-later",
        TOKENS,
        (
            (TOKENS, _FETCHED, "    return ApiToken.objects.filter(key=key).first()\n"),
            (TOKENS, "player = await player_of(", "token = await player_of("),
            (TOKENS, "if player is not", "if token is not"),
            (TOKENS, "user=player", "user=token.player"),
        ),
    ),
    (
        "arena",
        "test-communicator-call-not-awaited",
        "tests/test_lobby.py",
        (("tests/test_lobby.py", "await first.send_json_to", "first.send_json_to"),),
    ),
    (
        "slate",
        "redis-url-without-scheme",
        COMPOSE,
        ((COMPOSE, "redis://redis:6379/0", "redis:6379/0"),),
    ),
    (
        "slate",
        "worker-message-without-type-kills-worker",
        "server/docs/consumers.py",
        (("server/docs/consumers.py", '"type": "index.document", ', ""),),
    ),
    (
        "arena",
        "consumer-task-not-called",
        MATCH,
        ((MATCH, "create_task(self.tick())", "create_task(self.tick)"),),
    ),
    (
        "arena",
        "client-message-into-innerhtml",
        "arena/static/js/lobby.js",
        (("arena/static/js/lobby.js", "link.textContent", "link.innerHTML"),),
    ),
    (
        "slate",
        "nginx-502-upstream-down",
        "deploy/nginx.conf",
        (("deploy/nginx.conf", "server web:8000", "server web:80"),),
    ),
    ("arena", "consumer-subprotocol-not-offered", LOBBY, ((LOBBY, _CHOSEN, _FIXED),)),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "arena",
        "a-query-string-that-is-decoded",
        (
            (TOKENS, "from channels.auth", _PARSE),
            (TOKENS, _OFFERED, _ASKED.replace('b"")', 'b"").decode()')),
        ),
    ),
    (
        "arena",
        "a-subprotocol-that-the-page-offers",
        (
            (LOBBY, _CHOSEN, _FIXED),
            (SOCKET, "new WebSocket(this.url)", 'new WebSocket(this.url, "arena.v1")'),
        ),
    ),
    (
        "arena",
        "times-that-are-text",
        ((MODELS, '"status": self.status}', f'"status": self.status, {_TEXT}'),),
    ),
    (
        "arena",
        "a-key-that-is-looked-for",
        (
            (
                LOBBY,
                'content.get("action") if isinstance(content, dict) else None',
                'content["action"] if "action" in content else None',
            ),
        ),
    ),
    (
        "arena",
        "a-task-that-another-ends",
        (
            (
                MATCH,
                "            self.ticker.cancel()\n",
                "            end(self.ticker)\n",
            ),
            (MATCH, "from .engine import STEPS, Game", _ENDS),
        ),
    ),
    (
        "slate",
        "an-event-that-is-filled-later",
        (
            (
                "server/plant/publish.py",
                "    layer = get_channel_layer()\n",
                "    layer = get_channel_layer()\n"
                '    event = {"type": "reading.new"}\n'
                '    event["sensor"], event["value"] = sensor, value\n',
            ),
            (
                "server/plant/publish.py",
                '{"type": "reading.new", "sensor": sensor, "value": value}',
                "event",
            ),
        ),
    ),
    (
        "slate",
        "a-network-that-is-shared",
        (
            (
                COMPOSE,
                "    command: daphne",
                "    network_mode: host\n    command: daphne",
            ),
            (COMPOSE, "redis://redis:6379/0", "redis://localhost:6379/0"),
        ),
    ),
)
