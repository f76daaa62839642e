"""Mistakes that were not recognised at first sight, on two more shapes.

What was missing each time: messages that a consumer tells apart by a field, groups
and types that a caller gives, a base class that asks its heirs, an application that
another module builds, and a folder of apps on ``sys.path``.
"""

from __future__ import annotations

from shapes import Change

ASGI, WS = "config/asgi.py", "apps/common/ws.py"
AUTH, CHAT = "apps/common/auth.py", "apps/chat/consumers.py"
SERVER, LIVE, TICKETS = "backend/server", "backend/live", "backend/tickets"
DESK, GROUPS = f"{LIVE}/consumers.py", f"{LIVE}/groups.py"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    # ---- apps on sys.path, a base consumer, actions by type ----------------
    (
        "hub",
        "group-handler-missing-closes-everyone",
        CHAT,
        ((CHAT, '{"type": "chat.typing"}', '{"type": "chat.is_typing"}'),),
    ),
    (
        "hub",
        "consumer-never-accepts",
        WS,
        ((WS, "        await self.accept()\n", ""),),
    ),
    (
        "hub",
        "consumer-generic-disconnect-without-code",
        WS,
        ((WS, "def disconnect(self, code):", "def disconnect(self):"),),
    ),
    (
        "hub",
        "auth-middleware-queries-synchronously",
        AUTH,
        (
            (AUTH, "@database_sync_to_async\n", ""),
            (AUTH, "await get_user(", "get_user("),
            (AUTH, 'query.get("token")', 'query.get("token", ["x"])'),
        ),
    ),
    (
        "hub",
        "consumer-endless-loop-in-handler",
        CHAT,
        (
            (CHAT, "from common", "import asyncio\n\nfrom common"),
            (
                CHAT,
                '        await self.send_json({"type": "welcome"',
                "        while True:\n"
                "            await asyncio.sleep(1)\n"
                '            await self.send_json({"type": "welcome"',
            ),
        ),
    ),
    (
        "hub",
        "asgi-get-asgi-application-not-called",
        ASGI,
        ((ASGI, "= get_asgi_application()", "= get_asgi_application"),),
    ),
    (
        "hub",
        "client-fragment-in-url",
        "static/js/lobby.js",
        (("static/js/lobby.js", "${room}/`", "${room}/#top`"),),
    ),
    # ---- calls by name, an application from another module -----------------
    (
        "desk",
        "asgi-no-websocket-entry",
        f"{SERVER}/application.py",
        ((f"{SERVER}/application.py", '"websocket": websocket', '"ws": websocket'),),
    ),
    (
        "desk",
        "auth-request-or-self-user",
        DESK,
        ((DESK, 'user = self.scope["user"]', "user = self.user"),),
    ),
    (
        "desk",
        "consumer-handlers-not-async",
        DESK,
        ((DESK, "async def ping", "def ping"),),
    ),
    (
        "desk",
        "consumer-generic-method-in-raw-consumer",
        DESK,
        (
            (
                DESK,
                '{"type": "websocket.send", "text": f"{seconds}"}',
                'text_data=f"{seconds}"',
            ),
        ),
    ),
    (
        "desk",
        "group-names-differ",
        DESK,
        ((DESK, "group_send(Group.TEAM.of(self.team)", "group_send(self.team"),),
    ),
    (
        "desk",
        "group-name-not-allowed",
        GROUPS,
        ((GROUPS, '"desk.team."', '"desk/team/"'),),
    ),
    (
        "desk",
        "group-send-not-awaited",
        f"{TICKETS}/views.py",
        ((f"{TICKETS}/views.py", "await news.tell_closed", "news.tell_closed"),),
    ),
    (
        "desk",
        "consumer-missing-await-on-send",
        f"{TICKETS}/views.py",
        ((f"{TICKETS}/views.py", "await queries.close", "queries.close"),),
    ),
    (
        "desk",
        "client-path-differs-from-route",
        f"{TICKETS}/templates/tickets/home.html",
        ((f"{TICKETS}/templates/tickets/home.html", '"/ws/clock/"', '"/clock/"'),),
    ),
)
