# ruff: noqa: E501  (the projects' own lines)
"""Mistakes in four projects as working developers write them, missed at first sight."""

from __future__ import annotations

from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "observatory",
        "deploy-root-path-breaks-routes",
        "Procfile",
        (("Procfile", "daphne -b", "daphne --root-path=/observatory -b"),),
    ),
    (
        "observatory",
        "consumer-has-no-handlers",
        "src/telemetry/consumers.py",
        (
            (
                "src/telemetry/consumers.py",
                'class ClockConsumer(AsyncConsumer):\n    """Sidereal time, once a second, for the display over the door."""',
                'class Ticking:\n    """Something that says the time, once a second."""\n',
            ),
            (
                "src/telemetry/consumers.py",
                "            await asyncio.sleep(1)\n",
                '            await asyncio.sleep(1)\n\n\nclass ClockConsumer(AsyncConsumer):\n    """Sidereal time for the display over the door."""\n',
            ),
        ),
    ),
    (
        "observatory",
        "client-parses-plain-text-as-json",
        "src/telemetry/static/telemetry/dashboard.js",
        (
            (
                "src/telemetry/static/telemetry/dashboard.js",
                '$("#clock").textContent = text;',
                '$("#clock").textContent = JSON.parse(text).seconds;',
            ),
        ),
    ),
    (
        "observatory",
        "load-encoded-for-each-client",
        "src/telemetry/feed.py",
        (
            (
                "src/telemetry/feed.py",
                '            text = json.dumps({"topic": "readings", "readings": readings})\n',
                "",
            ),
            (
                "src/telemetry/feed.py",
                "                queue.put_nowait(text)",
                '                queue.put_nowait(json.dumps({"topic": "readings", "readings": readings}))',
            ),
        ),
    ),
    (
        "trivia",
        "client-reads-another-key",
        "game/templates/game/play.html",
        (
            (
                "game/templates/game/play.html",
                "quiz.on('scores', msg => showScores(msg.table))",
                "quiz.on('scores', msg => showScores(msg.scores))",
            ),
        ),
    ),
    (
        "trivia",
        "client-template-not-found",
        "game/views.py",
        (("game/views.py", "'game/host.html'", "'host.html'"),),
    ),
    (
        "observatory",
        "worker-listens-to-another-name",
        "Procfile",
        (("Procfile", "runworker analysis", "runworker analyses"),),
    ),
    (
        "observatory",
        "load-task-not-kept",
        "src/telemetry/consumers.py",
        (
            (
                "src/telemetry/consumers.py",
                "        self.ticker = asyncio.create_task(self.tick())",
                "        asyncio.get_running_loop().create_task(self.tick())",
            ),
            (
                "src/telemetry/consumers.py",
                "        self.ticker.cancel()\n        raise",
                "        self.over = True\n        raise",
            ),
            (
                "src/telemetry/consumers.py",
                "        while True:\n            await self.send({",
                "        self.over = False\n        while not self.over:\n            await self.send({",
            ),
        ),
    ),
    (
        "trivia",
        "consumer-attribute-never-set",
        "game/consumers.py",
        (
            (
                "game/consumers.py",
                "        lobby.forget(self.match.code)",
                "        lobby.forget(self.code)",
            ),
        ),
    ),
    (
        "observatory",
        "operate-trusts-the-address",
        "src/telemetry/views.py",
        (
            (
                "src/telemetry/views.py",
                '    return JsonResponse({"readings"',
                '    if not ip_address(request.META["REMOTE_ADDR"]).is_loopback:\n        return JsonResponse({}, status=403)\n    return JsonResponse({"readings"',
            ),
            (
                "src/telemetry/views.py",
                "import json\n",
                "import json\nfrom ipaddress import ip_address\n",
            ),
        ),
    ),
    (
        "trivia",
        "settings-module-not-set",
        "trivia/asgi.py",
        (
            (
                "trivia/asgi.py",
                "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'trivia.settings')\n",
                "",
            ),
            ("trivia/asgi.py", "import os\n\n", ""),
        ),
    ),
)

STORED: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "lounge",
        "origin-validator-scheme-or-port-mismatch",
        "support/settings.py",
        (
            (
                "support/settings.py",
                '"http://localhost:8000", "http://127.0.0.1:8000"',
                '"http://localhost", "http://127.0.0.1"',
            ),
            (
                "support/asgi.py",
                "import AllowedHostsOriginValidator",
                "import OriginValidator\nfrom django.conf import settings",
            ),
            (
                "support/asgi.py",
                "AllowedHostsOriginValidator(inner)",
                "OriginValidator(inner, settings.SOCKET_ORIGINS)",
            ),
        ),
    ),
    (
        "helpline",
        "db-allow-async-unsafe",
        "config/settings/local.py",
        (
            ("config/settings/local.py", "from .base", "import os\n\nfrom .base"),
            (
                "config/settings/local.py",
                "DEBUG = True",
                '# notebooks and the shell\nos.environ.update(DJANGO_ALLOW_ASYNC_UNSAFE="true")\n\nDEBUG = True',
            ),
        ),
    ),
    (
        "lounge",
        "db-decorated-function-not-awaited",
        "core/middleware.py",
        (
            (
                "core/middleware.py",
                "invitation=await find_invitation(code) if code else None",
                "invitation=find_invitation(code) if code else None",
            ),
        ),
    ),
    (
        "lounge",
        "client-fragment-in-url",
        "rooms/static/rooms/socket.js",
        (
            (
                "rooms/static/rooms/socket.js",
                "    this.ws = new",
                '    url.hash = "chat";\n    this.ws = new',
            ),
        ),
    ),
    (
        "helpline",
        "db-lazy-queryset-returned",
        "apps/tickets/selectors.py",
        (
            (
                "apps/tickets/selectors.py",
                'def board() -> list[Ticket]:\n    return list(Ticket.objects.open().urgent_first().select_related("assignee"))',
                'def board():\n    return Ticket.objects.open().urgent_first().select_related("assignee")',
            ),
            (
                "apps/tickets/realtime/consumers.py",
                "    @database_sync_to_async\n    def snapshot(self):\n        return TicketSerializer(selectors.board(), many=True).data",
                "    async def snapshot(self):\n        tickets = await database_sync_to_async(selectors.board)()\n        return TicketSerializer(tickets, many=True).data",
            ),
        ),
    ),
    (
        "lounge",
        "client-ping-pong-without-pause",
        "rooms/static/rooms/main.js",
        (
            (
                "rooms/static/rooms/main.js",
                "  error:",
                "  pong: () => room.ping(),\n  error:",
            ),
            (
                "rooms/static/rooms/socket.js",
                "  leave() {",
                '  ping() {\n    this.#send({ kind: "ping" });\n  }\n\n  leave() {',
            ),
            (
                "rooms/static/rooms/socket.js",
                "    this.ws.onclose",
                "    this.ws.onopen = () => this.ping();\n    this.ws.onclose",
            ),
            (
                "rooms/consumers.py",
                '        else:\n            await self.reply("error", reason="unknown kind")',
                '        elif kind == "ping":\n            await self.reply("pong")\n        else:\n            await self.reply("error", reason="unknown kind")',
            ),
        ),
    ),
    (
        "helpline",
        "test-testcase-with-database-consumer",
        "tests/test_realtime.py",
        (
            ("tests/test_realtime.py", "TransactionTestCase", "TestCase"),
            (
                "tests/test_realtime.py",
                "        await database_sync_to_async(self.ticket.refresh_from_db)()\n        self.assertEqual(self.ticket.assignee_id, self.agent.pk)\n        await socket.disconnect()\n",
                "        await socket.disconnect()\n        await database_sync_to_async(self.ticket.refresh_from_db)()\n        self.assertEqual(self.ticket.assignee_id, self.agent.pk)\n",
            ),
        ),
    ),
    (
        "lounge",
        "python-function-not-called",
        "rooms/models.py",
        (("rooms/models.py", "self.sent.isoformat()", "self.sent.isoformat"),),
    ),
    (
        "lounge",
        "auth-close-without-return",
        "rooms/consumers.py",
        (
            (
                "rooms/consumers.py",
                "            await self.close()\n            return\n",
                "            await self.accept()\n            await self.close(4001)\n",
            ),
            (
                "rooms/consumers.py",
                "if room is None or name is None:",
                "if name is None:",
            ),
        ),
    ),
    (
        "helpline",
        "client-sends-another-key",
        "assets/js/ticket.js",
        (
            (
                "assets/js/ticket.js",
                "{ text: form.elements.text.value }",
                "{ message: form.elements.text.value }",
            ),
        ),
    ),
    (
        "lounge",
        "auth-other-host-than-the-page",
        "rooms/static/rooms/socket.js",
        (
            (
                "rooms/static/rooms/socket.js",
                '    const scheme = location.protocol === "https:" ? "wss:" : "ws:";\n    const url = new URL(`${scheme}//${location.host}/rooms/${slug}/socket/`);',
                '    const url = new URL(`/rooms/${slug}/socket/`, "ws://127.0.0.1:8000");',
            ),
        ),
    ),
    (
        "helpline",
        "auth-token-in-the-url",
        "config/tokens.py",
        (
            (
                "assets/js/channel.js",
                "${host}${this.path}`",
                "${host}${this.path}?access_token=${document.body.dataset.token}`",
            ),
            (
                "templates/base.html",
                "<body>",
                '<body data-token="{{ request.session.session_key }}">',
            ),
            (
                "config/tokens.py",
                None,
                'from http.cookies import SimpleCookie\nfrom urllib.parse import parse_qsl\n\n\nclass TokenToCookie:\n    """The session\'s key comes in the query, as our mobile app has no cookies."""\n\n    def __init__(self, app):\n        self.app = app\n\n    async def __call__(self, scope, receive, send):\n        query = dict(parse_qsl(scope["query_string"].decode()))\n        if "access_token" in query:\n            cookie = SimpleCookie({"sessionid": query["access_token"]})\n            header = cookie.output(header="").strip().encode()\n            scope = {**scope, "headers": [*scope["headers"], (b"cookie", header)]}\n        return await self.app(scope, receive, send)\n',
            ),
            (
                "config/asgi.py",
                "AuthMiddlewareStack(URLRouter(websocket_urlpatterns))",
                "TokenToCookie(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))",
            ),
            (
                "config/asgi.py",
                "from config.routing",
                "from config.tokens import TokenToCookie  # noqa: E402\nfrom config.routing",
            ),
        ),
    ),
    (
        "lounge",
        "client-uses-text-as-object",
        "rooms/static/rooms/socket.js",
        (
            (
                "rooms/static/rooms/socket.js",
                "const data = JSON.parse(event.data);",
                "const { data } = event;",
            ),
        ),
    ),
    (
        "lounge",
        "test-sends-empty-text",
        "tests/test_rooms.py",
        (
            (
                "tests/test_rooms.py",
                '        await socket.send_to(json.dumps({"kind": "message", "text": "Help!"}))\n',
                '        await socket.send_to(text_data="")\n        problem = json.loads(await socket.receive_from())\n        self.assertEqual(problem["kind"], "error")\n        await socket.send_to(json.dumps({"kind": "message", "text": "Help!"}))\n',
            ),
        ),
    ),
    (
        "helpline",
        "auth-user-in-message",
        "apps/tickets/realtime/consumers.py",
        (
            (
                "apps/tickets/realtime/consumers.py",
                '{"event": "taken", "ticket": ticket_id, "ok": taken}',
                '{"event": "taken", "by": self.user, "ticket": ticket_id, "ok": taken}',
            ),
        ),
    ),
    (
        "lounge",
        "consumer-await-on-no-coroutine",
        "rooms/consumers.py",
        (
            (
                "rooms/store.py",
                "@database_sync_to_async\ndef room_by_slug(slug):\n    return Room.objects.filter(slug=slug).first()",
                "def room_by_slug(slug):\n    return Room(slug=slug, topic=slug)",
            ),
        ),
    ),
    (
        "helpline",
        "apps-string-added",
        "config/settings/local.py",
        (
            (
                "config/settings/local.py",
                "DEBUG = True\n",
                'DEBUG = True\nINSTALLED_APPS += "django.contrib.humanize"  # noqa: F405\n',
            ),
        ),
    ),
    (
        "helpline",
        "client-script-before-element",
        "templates/tickets/board.html",
        (
            (
                "templates/tickets/board.html",
                '{% block scripts %}\n<script type="module" src="{% static \'js/board.js\' %}"></script>\n{% endblock %}\n',
                "",
            ),
            (
                "templates/tickets/board.html",
                "{% block title %}Board{% endblock %}\n",
                "{% block title %}Board{% endblock %}\n{% block head %}<script src=\"{% static 'js/board.js' %}\"></script>{% endblock %}\n",
            ),
            ("assets/js/board.js", 'import { Channel } from "./channel.js";\n\n', ""),
            (
                "assets/js/board.js",
                "const channel = new Channel",
                "class Channel {\n  constructor(path, handlers) {\n    this.socket = new WebSocket(`ws${location.origin.slice(4)}${path}`);\n    this.socket.onmessage = ({ data }) => {\n      const { event, ...rest } = JSON.parse(data);\n      handlers[event]?.(rest);\n    };\n  }\n\n  send(command, payload = {}) {\n    this.socket.send(JSON.stringify({ command, ...payload }));\n  }\n}\n\nconst channel = new Channel",
            ),
        ),
    ),
)
