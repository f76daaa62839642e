"""Mistakes in projects of other people's kind: rows, forks, and a page's own events."""

from __future__ import annotations

from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "greenhouse",
        "consumer-no-stopconsumer",
        "sensors/ingest.py",
        (
            (
                "sensors/ingest.py",
                "        raise StopConsumer\n",
                "",
            ),
            (
                "sensors/ingest.py",
                "from channels.exceptions import StopConsumer\n",
                "",
            ),
        ),
    ),
    (
        "greenhouse",
        "consumer-blocking-call-in-async",
        "sensors/pager.py",
        (
            (
                "sensors/dashboard.py",
                ('        reading = {k: v for k, v in event.items() if k != "type"}\n'),
                (
                    "        reading = {k: v for k, v in event.items() if k != "
                    '"type"}\n'
                    "        if alarms(reading):\n"
                    "            page_gardener(reading)\n"
                ),
            ),
            (
                "sensors/dashboard.py",
                "from .store import last_readings\n",
                (
                    "from .pager import page_gardener\n"
                    "from .store import last_readings\n"
                ),
            ),
            (
                "sensors/pager.py",
                None,
                (
                    "import json\n"
                    "import urllib.request\n"
                    "\n"
                    'URL = "https://pager.example/hooks/garden"\n'
                    "\n"
                    "\n"
                    "def page_gardener(reading):\n"
                    "    request = urllib.request.Request(\n"
                    "        URL, data=json.dumps(reading).encode(), "
                    'method="POST"\n'
                    "    )\n"
                    "    with urllib.request.urlopen(request, timeout=20) as "
                    "answer:\n"
                    "        return answer.status\n"
                ),
            ),
        ),
    ),
    (
        "greenhouse",
        "auth-headers-are-bytes",
        "sensors/keys.py",
        (
            (
                "sensors/keys.py",
                'headers.get(b"x-device-key", b"").decode("latin-1")',
                'headers.get("x-device-key", "")',
            ),
        ),
    ),
    (
        "greenhouse",
        "db-decorated-function-not-awaited",
        "sensors/views.py",
        (
            (
                "sensors/views.py",
                "await last_readings(5)",
                "last_readings(5)",
            ),
        ),
    ),
    (
        "greenhouse",
        "client-parses-the-event",
        "sensors/static/sensors/connection.js",
        (
            (
                "sensors/static/sensors/connection.js",
                "JSON.parse(e.data)",
                "JSON.parse(e)",
            ),
        ),
    ),
    (
        "greenhouse",
        "client-reads-another-key",
        "sensors/static/sensors/dashboard.js",
        (
            (
                "sensors/static/sensors/dashboard.js",
                '.on("reading", addRow)',
                '.on("measurement", addRow)',
            ),
        ),
    ),
    (
        "greenhouse",
        "client-sends-another-key",
        "sensors/static/sensors/dashboard.js",
        (
            (
                "sensors/static/sensors/dashboard.js",
                '"pause" : "resume");',
                '"stop" : "start");',
            ),
        ),
    ),
    (
        "auction",
        "group-handler-missing-closes-everyone",
        "lots/live.py",
        (
            (
                "lots/pages.py",
                '"lot.sold"',
                '"lot.closed"',
            ),
        ),
    ),
    (
        "auction",
        "db-told-before-commit",
        "lots/live.py",
        (
            (
                "lots/live.py",
                (
                    "            Bid.objects.create(lot=self.lot, "
                    "bidder=bidder, amount=amount)\n"
                    '        facts = {"pk": self.lot.pk, "price": str(amount)}\n'
                    '        tell(lot_room(self.lot.pk), "price.changed", '
                    "**facts)\n"
                    '        tell(FLOOR, "price.changed", **facts)'
                ),
                (
                    "            Bid.objects.create(lot=self.lot, "
                    "bidder=bidder, amount=amount)\n"
                    '            facts = {"pk": self.lot.pk, "price": '
                    "str(amount)}\n"
                    '            tell(lot_room(self.lot.pk), "price.changed", '
                    "**facts)\n"
                    '            tell(FLOOR, "price.changed", **facts)'
                ),
            ),
        ),
    ),
    (
        "auction",
        "group-name-not-allowed",
        "lots/channels_.py",
        (
            (
                "lots/channels_.py",
                '"lot-%d" % pk',
                '"lot #%d" % pk',
            ),
        ),
    ),
    (
        "auction",
        "client-reads-another-key",
        "lots/templates/lot.html",
        (
            (
                "lots/templates/lot.html",
                'field("sorry").textContent = news.why',
                'field("sorry").textContent = news.error',
            ),
        ),
    ),
    (
        "auction",
        "client-sends-another-key",
        "lots/templates/lot.html",
        (
            (
                "lots/templates/lot.html",
                'say({ what: "bid", bidder',
                'say({ type: "bid", bidder',
            ),
        ),
    ),
    (
        "auction",
        "client-uses-text-as-object",
        "lots/static/lots/talk.js",
        (
            (
                "lots/static/lots/talk.js",
                "hear(JSON.parse(event.data));",
                "hear(event.data);",
            ),
        ),
    ),
    (
        "auction",
        "consumer-mixin-after-base",
        "lots/live.py",
        (
            (
                "lots/live.py",
                (
                    "class Base(JsonWebsocketConsumer):\n"
                    '    """Answers every bad message instead of closing."""\n'
                ),
                (
                    "class Polite:\n"
                    '    """Answers every bad message instead of closing."""\n'
                ),
            ),
            (
                "lots/live.py",
                "    def enter(self, room):",
                ("\nclass Rooms:\n    def enter(self, room):"),
            ),
            (
                "lots/live.py",
                "class FloorConsumer(Base):",
                (
                    "class Base(JsonWebsocketConsumer, Polite, Rooms):\n"
                    "    pass\n"
                    "\n"
                    "\n"
                    "class FloorConsumer(Base):"
                ),
            ),
        ),
    ),
    (
        "auction",
        "consumer-state-on-class",
        "lots/live.py",
        (
            (
                "lots/live.py",
                ("    def disconnect(self, code):\n        if self.lot is not None:"),
                (
                    "    history = []\n"
                    "\n"
                    "    def price_changed(self, event):\n"
                    '        self.history.append(event["facts"]["price"])\n'
                    '        self.send_json({"what": "price", "seen": '
                    'len(self.history), **event["facts"]})\n'
                    "\n"
                    "    def disconnect(self, code):\n"
                    "        if self.lot is not None:"
                ),
            ),
            (
                "lots/live.py",
                (
                    '        tell(FLOOR, "price.changed", **facts)\n'
                    "\n"
                    "    def price_changed(self, event):\n"
                    '        self.send_json({"what": "price", '
                    '**event["facts"]})\n'
                ),
                '        tell(FLOOR, "price.changed", **facts)\n',
            ),
        ),
    ),
    (
        "metro",
        "client-host-without-port",
        "board/static/board/feed.js",
        (
            (
                "board/static/board/feed.js",
                (
                    "    const address = new URL(`/board/${station}/live`, "
                    "window.location);\n"
                    '    const secure = window.location.protocol === "https:";\n'
                    '    address.protocol = secure ? "wss:" : "ws:";\n'
                    "    this.#socket = new WebSocket(address.href);"
                ),
                (
                    "    const { protocol, hostname } = window.location;\n"
                    '    const scheme = protocol === "https:" ? "wss" : "ws";\n'
                    "    this.#socket = new "
                    "WebSocket(`${scheme}://${hostname}/board/${station}/live`)"
                    ";"
                ),
            ),
        ),
    ),
    (
        "metro",
        "client-reads-another-key",
        "board/static/board/main.js",
        (
            (
                "board/static/board/main.js",
                'feed.addEventListener("trains"',
                'feed.addEventListener("departures"',
            ),
        ),
    ),
    (
        "metro",
        "client-no-trailing-slash",
        "board/static/board/feed.js",
        (
            (
                "board/routes.py",
                "/live$",
                "/live/$",
            ),
        ),
    ),
    (
        "metro",
        "consumer-dict-payload",
        "board/consumer.py",
        (
            (
                "board/consumer.py",
                '"text": json.dumps({"topic": topic, "body": body})',
                '"text": {"topic": topic, "body": body}',
            ),
        ),
    ),
    (
        "metro",
        "db-model-instance-in-event",
        "board/consumer.py",
        (
            (
                "board/timetable.py",
                "[asdict(one) for one in trains]",
                "list(trains)",
            ),
        ),
    ),
    (
        "metro",
        "consumer-background-task-not-cancelled",
        "board/consumer.py",
        (
            (
                "board/consumer.py",
                (
                    "        self.clock.cancel()\n"
                    "        with suppress(asyncio.CancelledError):\n"
                    "            await self.clock\n"
                ),
                "",
            ),
        ),
    ),
    (
        "metro",
        "consumer-endless-loop-in-handler",
        "board/consumer.py",
        (
            (
                "board/consumer.py",
                "self.clock = asyncio.ensure_future(self.every(PAUSE))",
                "await self.every(PAUSE)",
            ),
            (
                "board/consumer.py",
                (
                    "        self.clock.cancel()\n"
                    "        with suppress(asyncio.CancelledError):\n"
                    "            await self.clock\n"
                ),
                "",
            ),
        ),
    ),
    (
        "studio",
        "db-decorated-function-not-awaited",
        "notes/consumers.py",
        (
            (
                "notes/consumers.py",
                "snapshot = await service.save(self.name, body, version)",
                "snapshot = service.save(self.name, body, version)",
            ),
        ),
    ),
    (
        "studio",
        "db-orm-in-async-consumer",
        "notes/service.py",
        (
            (
                "notes/service.py",
                ("@database_sync_to_async\ndef load(name):"),
                "async def load(name):",
            ),
        ),
    ),
    (
        "studio",
        "db-on-commit-given-a-result",
        "notes/hooks.py",
        (
            (
                "notes/hooks.py",
                "transaction.on_commit(tell)",
                "transaction.on_commit(tell())",
            ),
        ),
    ),
    (
        "studio",
        "app-signals-never-imported",
        "notes/hooks.py",
        (
            (
                "notes/apps.py",
                (
                    "    def ready(self):\n"
                    "        from notes.hooks import note_deleted\n"
                    "\n"
                    "        post_delete.connect(note_deleted, "
                    'sender=self.get_model("Note"))\n'
                ),
                "",
            ),
            (
                "notes/hooks.py",
                "def note_deleted(",
                ('@receiver(post_delete, sender="notes.Note")\ndef note_deleted('),
            ),
            (
                "notes/hooks.py",
                "from django.db import transaction\n",
                (
                    "from django.db import transaction\n"
                    "from django.db.models.signals import post_delete\n"
                    "from django.dispatch import receiver\n"
                ),
            ),
            (
                "notes/apps.py",
                "from django.db.models.signals import post_delete\n",
                "",
            ),
        ),
    ),
    (
        "studio",
        "auth-close-without-return",
        "notes/consumers.py",
        (
            (
                "notes/consumers.py",
                "            return await self.close()\n",
                "            await self.close()\n",
            ),
        ),
    ),
    (
        "metro",
        "consumer-method-chosen-by-client",
        "board/consumer.py",
        (
            (
                "board/consumer.py",
                ('        verb = order.get("verb")\n        if verb == "filter":'),
                (
                    '        verb = order.get("verb")\n'
                    "        if hasattr(self, str(verb)):\n"
                    "            await getattr(self, str(verb))()\n"
                    '        elif verb == "filter":'
                ),
            ),
        ),
    ),
    (
        "metro",
        "consumer-state-on-class",
        "board/consumer.py",
        (
            (
                "board/consumer.py",
                "class BoardConsumer(AsyncConsumer):\n",
                (
                    "class BoardConsumer(AsyncConsumer):\n"
                    "    visitor = uuid.uuid4().hex\n"
                    "\n"
                ),
            ),
            (
                "board/consumer.py",
                "import json\n",
                ("import json\nimport uuid\n"),
            ),
            (
                "board/consumer.py",
                'number=self.scope["number"]',
                "number=self.visitor",
            ),
        ),
    ),
    (
        "greenhouse",
        "client-reads-another-key",
        "sensors/static/sensors/connection.js",
        (
            (
                "sensors/static/sensors/connection.js",
                (
                    "const { topic, payload } = JSON.parse(e.data);\n"
                    "      this.listeners[topic]?.(payload);"
                ),
                (
                    "const { topic, content } = JSON.parse(e.data);\n"
                    "      this.listeners[topic]?.(content);"
                ),
            ),
        ),
    ),
    (
        "greenhouse",
        "auth-headers-are-bytes",
        "sensors/keys.py",
        (
            (
                "sensors/keys.py",
                (
                    '        headers = dict(scope["headers"])\n'
                    '        given = headers.get(b"x-device-key", '
                    'b"").decode("latin-1")\n'
                ),
                (
                    '        given = ""\n'
                    '        for name, value in scope["headers"]:\n'
                    '            if name == "x-device-key":\n'
                    '                given = value.decode("latin-1")\n'
                ),
            ),
        ),
    ),
    (
        "metro",
        "origin-validator-scheme-or-port-mismatch",
        "metro/asgi.py",
        (
            (
                "metro/asgi.py",
                "import AllowedHostsOriginValidator",
                "import OriginValidator",
            ),
            (
                "metro/asgi.py",
                "AllowedHostsOriginValidator(Stamp(URLRouter(SOCKETS)))",
                'OriginValidator(Stamp(URLRouter(SOCKETS)), ["//localhost"])',
            ),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "auction",
        "as-it-is",
        (),
    ),
    (
        "metro",
        "as-it-is",
        (),
    ),
    (
        "studio",
        "as-it-is",
        (),
    ),
    (
        "greenhouse",
        "as-it-is",
        (),
    ),
    (
        "metro",
        "settings-of-another-machine",
        (
            (
                "metro/production.py",
                None,
                (
                    "import os\n"
                    "\n"
                    "from metro.settings import *  # noqa: F403\n"
                    "\n"
                    "DEBUG = False\n"
                    'SECRET_KEY = os.environ["METRO_KEY"]\n'
                    'ALLOWED_HOSTS = ["metro.example"]\n'
                ),
            ),
            (
                "metro/asgi.py",
                '"metro.settings"',
                '"metro.production"',
            ),
        ),
    ),
    (
        "metro",
        "a-branch-for-later",
        (
            (
                "board/static/board/main.js",
                'feed.addEventListener("complaint"',
                (
                    'feed.addEventListener("delay", () => {});\n'
                    'feed.addEventListener("complaint"'
                ),
            ),
        ),
    ),
    (
        "studio",
        "a-key-that-may-be-missing",
        (
            (
                "templates/note.html",
                "state.textContent = told.reason;",
                "state.textContent = told.hint || told.reason;",
            ),
        ),
    ),
    (
        "auction",
        "a-table-of-methods",
        (
            (
                "lots/live.py",
                (
                    "        if not isinstance(content, dict) or "
                    'content.get("what") != "bid":\n'
                    '            raise ValueError("unknown message")\n'
                ),
                (
                    '        what = content.get("what") if isinstance(content, '
                    "dict) else None\n"
                    '        if what not in ("bid",):\n'
                    '            raise ValueError("unknown message")\n'
                    "        getattr(self, what)\n"
                ),
            ),
        ),
    ),
    (
        "studio",
        "a-partial-for-later",
        (
            (
                "notes/hooks.py",
                "transaction.on_commit(tell)",
                "transaction.on_commit(partial(tell))",
            ),
            (
                "notes/hooks.py",
                "from asgiref",
                ("from functools import partial\n\nfrom asgiref"),
            ),
        ),
    ),
)
