"""Mistakes behind a login, which no stranger's messages show.

What was missing each time: what handlers take, what comes before accept(), names of
groups, keys of messages, the user of a scope, the order of middleware, and tests.
"""

from __future__ import annotations

from shapes import Change

ASGI, PASSES, ROOMS = "guild/asgi.py", "halls/passes.py", "halls/consumers.py"
MEMBERS, BELLS, TESTS = "halls/members.py", "halls/bells.py", "halls/tests.py"
VIEWS = "halls/views.py"
PAGE = "halls/templates/halls/hall.html"

_IN = "        await self.accept()\n        await self.entered()\n"
_OUT = "        await self.entered()\n        await self.accept()\n"
_ORDER = "CookieMiddleware(\n                SessionMiddleware(AuthMiddleware("
_JOIN = "        await self.channel_layer.group_add(self.group, self.channel_name)\n"
_CHECKED = (
    "AllowedHostsOriginValidator(\n            CookieMiddleware(\n                "
)
_FREE = "(\n            CookieMiddleware(\n                "
_END = "            )\n        ),\n"
_END_5173 = '            ),\n            ["http://localhost:5173"],\n        ),\n'
_KEYWORDS = "receive(self, text_data, **kwargs)"
_ROW = "return Hall.objects.get(pk=found.pk)"
_UVICORN = "uvicorn guild.asgi --host 0.0.0.0 --port $PORT"
_PLAIN = "    @database_sync_to_async\n    def hall("
_CALLED = "and await database_sync_to_async(self.hall())()"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "guild",
        "consumer-generic-receive-parameter-renamed",
        ROOMS,
        (
            (
                ROOMS,
                "receive(self, text_data=None, bytes_data=None)",
                "receive(self, t)",
            ),
            (ROOMS, "json.loads(text_data or", "json.loads(t or"),
        ),
    ),
    ("guild", "consumer-send-before-accept", ROOMS, ((MEMBERS, _IN, _OUT),)),
    ("guild", "group-name-not-allowed", ROOMS, ((ROOMS, 'f"hall.{', 'f"hall:{'),)),
    ("guild", "group-never-joined", MEMBERS, ((ROOMS, _JOIN, ""),)),
    (
        "guild",
        "consumer-missing-await-on-send",
        ROOMS,
        ((ROOMS, "await self.say(content)", "self.say(content)"),),
    ),
    (
        "guild",
        "db-decorated-function-not-awaited",
        PASSES,
        (
            (PASSES, "user = await holder(", "user = holder("),
            (
                PASSES,
                'dict(scope, user=user or scope["user"])',
                "{**scope, 'user': user}",
            ),
        ),
    ),
    (
        "guild",
        "db-wrapper-around-the-result",
        ROOMS,
        ((ROOMS, _PLAIN, "    def hall("), (ROOMS, "and await self.hall()", _CALLED)),
    ),
    ("guild", "origin-validator-missing", ASGI, ((ASGI, _CHECKED, _FREE),)),
    (
        "guild",
        "auth-middleware-order",
        ASGI,
        (
            (
                ASGI,
                _ORDER,
                "AuthMiddleware(\n                SessionMiddleware(CookieMiddleware(",
            ),
        ),
    ),
    (
        "guild",
        "client-sends-another-key",
        PAGE,
        ((PAGE, '{ do: "say", words:', '{ action: "say", text:'),),
    ),
    (
        "guild",
        "consumer-handler-without-event",
        ROOMS,
        ((ROOMS, "def bell_rung(self, event)", "def bell_rung(self)"),),
    ),
    (
        "guild",
        "consumer-handlers-not-async",
        ROOMS,
        (
            (ROOMS, "async def hall_said", "def hall_said"),
            (
                ROOMS,
                'await self.send_json({"kind": "said"',
                'self.send_json({"kind": "said"',
            ),
        ),
    ),
    (
        "guild",
        "db-decorated-function-not-awaited",
        ROOMS,
        (
            (
                ROOMS,
                'await self.send_json({"kind": "welcome", "name": self.found["name"]})',
                'await self.send_json({"kind": "welcome", "hall": self.hall()})',
            ),
        ),
    ),
    (
        "guild",
        "db-related-object-touched-later",
        ROOMS,
        (
            (ROOMS, 'return found and {"number": found.pk, "name": found.name}', _ROW),
            (
                ROOMS,
                "        return bool(self.found)\n",
                "        hall = await self.hall()\n"
                "        return bool(self.found) and hall.size < 50\n",
            ),
        ),
    ),
    (
        "guild",
        "group-view-without-async-to-sync",
        VIEWS,
        (
            (BELLS, "def ring(", "async def ring("),
            (BELLS, "async_to_sync(layer.group_send)(", "await layer.group_send("),
            (
                VIEWS,
                "    ring_bell(number)",
                "    on_commit(lambda: ring_bell(number))",
            ),
            (
                VIEWS,
                "from django.http",
                "from django.db.transaction import on_commit\nfrom django.http",
            ),
        ),
    ),
    (
        "guild",
        "consumer-accept-not-called",
        ROOMS,
        ((ROOMS, "await self.say(content)", "await self.say"),),
    ),
    (
        "guild",
        "consumer-accepts-twice",
        MEMBERS,
        ((MEMBERS, _IN, "        await self.accept()\n" + _IN),),
    ),
    (
        "guild",
        "consumer-await-on-no-coroutine",
        ROOMS,
        (
            (
                ROOMS,
                "        self.group = f\"hall.{self.found['number']}\"\n",
                "        self.group = await bell(self.found['number'])\n",
            ),
        ),
    ),
    (
        "guild",
        "group-layer-not-called",
        BELLS,
        ((BELLS, "layer = get_channel_layer()", "layer = get_channel_layer"),),
    ),
    (
        "guild",
        "group-call-without-group",
        ROOMS,
        ((ROOMS, "group_send(self.group, event)", "group_send(event)"),),
    ),
    (
        "guild",
        "db-orm-in-async-consumer",
        ROOMS,
        (
            (
                ROOMS,
                '        event = {"type": "hall.said"',
                "        for line in Line.objects.filter(text=text):\n"
                "            text += str(line.pk)\n"
                '        event = {"type": "hall.said"',
            ),
        ),
    ),
    (
        "guild",
        "db-lazy-queryset-returned",
        ROOMS,
        (
            (
                ROOMS,
                '        event = {"type": "hall.said"',
                "        for line in await self.lines():\n"
                "            text += str(line.pk)\n"
                '        event = {"type": "hall.said"',
            ),
            (
                ROOMS,
                "    async def may_enter(self):\n",
                "    @database_sync_to_async\n"
                "    def lines(self):\n"
                "        return Line.objects.all()\n\n"
                "    async def may_enter(self):\n",
            ),
        ),
    ),
    (
        "guild",
        "consumer-json-not-parsed",
        ROOMS,
        ((ROOMS, 'json.loads(text_data or "")["loudness"]', 'text_data["loudness"]'),),
    ),
    (
        "guild",
        "routing-page-among-sockets",
        ASGI,
        (
            (
                ASGI,
                "from halls.routing import sockets",
                "from guild.urls import urlpatterns",
            ),
            (ASGI, "URLRouter(sockets)", "URLRouter(urlpatterns)"),
        ),
    ),
    (
        "guild",
        "routing-entry-is-no-route",
        ASGI,
        ((ASGI, "URLRouter(sockets)", "URLRouter([sockets])"),),
    ),
    (
        "guild",
        "deploy-daphne-argument-without-colon",
        "Procfile",
        (("Procfile", "daphne -b 0.0.0.0 -p $PORT guild.asgi:application", _UVICORN),),
    ),
    (
        "guild",
        "test-asserts-the-connect-tuple",
        TESTS,
        ((TESTS, "connected, _ = await", "connected = await"),),
    ),
    (
        "guild",
        "deploy-gunicorn-wsgi",
        "Procfile",
        (
            (
                "Procfile",
                "daphne -b 0.0.0.0 -p $PORT guild.asgi:application",
                "gunicorn guild.wsgi",
            ),
        ),
    ),
    (
        "guild",
        "nginx-appends-forwarded-for",
        "deploy/site.conf",
        (("Procfile", "web: daphne", "web: daphne --proxy-headers"),),
    ),
    (
        "guild",
        "origin-validator-scheme-or-port-mismatch",
        ASGI,
        (
            (ASGI, "AllowedHostsOriginValidator", "OriginValidator"),
            (ASGI, _END, _END_5173),
        ),
    ),
)

# What strangers don't see is no mistake where somebody takes care of it.
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "guild",
        "another-front-end",
        (
            (ASGI, "AllowedHostsOriginValidator", "OriginValidator"),
            (ASGI, _END, _END_5173),
            (PAGE, None, "<!doctype html>\n<title>Hall</title>\n"),
        ),
    ),
    (
        "guild",
        "origin-in-the-consumers",
        (
            (ASGI, _CHECKED, _FREE),
            (
                MEMBERS,
                'return self.scope["user"].is_authenticated',
                'origin = dict(self.scope["headers"]).get(b"origin", b"")\n'
                '        known = origin == b"http://localhost:8000"\n'
                '        return known and self.scope["user"].is_authenticated',
            ),
        ),
    ),
    (
        "guild",
        "receive-with-keywords",
        ((ROOMS, "receive(self, text_data=None, bytes_data=None)", _KEYWORDS),),
    ),
    (
        "guild",
        "message-after-accept-in-a-branch",
        (
            (
                MEMBERS,
                "            await self.close()\n            return\n",
                "            await self.accept()\n"
                '            await self.send_json({"kind": "members only"})\n'
                "            await self.close()\n"
                "            return\n",
            ),
        ),
    ),
    (
        "guild",
        "joined-by-a-view",
        (
            (ROOMS, _JOIN, ""),
            (
                BELLS,
                "def ring(",
                "def enter(group, channel):\n"
                "    layer = get_channel_layer()\n"
                "    async_to_sync(layer.group_add)(group, channel)\n\n\n"
                "def ring(",
            ),
        ),
    ),
    (
        "guild",
        "a-key-that-may-be-missing",
        (
            (
                ROOMS,
                "        await Line.objects",
                '        if content.get("tone") == "loud":\n'
                "            text = text.upper()\n"
                '        elif content.get("tone") == "soft":\n'
                "            text = text.lower()\n"
                "        await Line.objects",
            ),
        ),
    ),
    (
        "guild",
        "queries-that-are-waited-for",
        (
            (
                ROOMS,
                '        event = {"type": "hall.said"',
                "        async for line in Line.objects.filter(text=text):\n"
                "            text += str(line.pk)\n"
                "        rows = Line.objects.order_by('pk')\n"
                "        text += str([row.pk async for row in rows])\n"
                "        for line in await self.lines():\n"
                "            text += str(line.pk)\n"
                '        event = {"type": "hall.said"',
            ),
            (
                ROOMS,
                "    async def may_enter(self):\n",
                "    @database_sync_to_async\n"
                "    def lines(self):\n"
                "        return list(Line.objects.all())\n\n"
                "    async def may_enter(self):\n",
            ),
        ),
    ),
    (
        "guild",
        "keys-that-are-handed-on",
        (
            (ROOMS, 'if content.get("do") == "say":', "if self.wants(content):"),
            (
                ROOMS,
                "    async def say(",
                "    def wants(self, content):\n"
                "        return any(content.values())\n\n"
                "    async def say(",
            ),
            (PAGE, '{ do: "say", words:', '{ verb: "say", noun:'),
        ),
    ),
)
