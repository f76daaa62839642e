# ruff: noqa: E501
"""A bakery's handlers in tables, its helpers' defaults, its images in parts, its units."""

from __future__ import annotations

from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "bakehouse",
        "client-sends-another-key",
        "orders/static/orders/counter.js",
        (
            (
                "orders/consumers.py",
                "class CounterC",
                "HANDLERS = {}\n\n\ndef handles(word):\n    def register(handler):\n        HANDLERS[word] = handler\n        return handler\n\n    return register\n\n\nclass CounterC",
            ),
            (
                "orders/consumers.py",
                'HANDLERS = {"place": CounterConsumer.place, "bake": CounterConsumer.bake}',
                "",
            ),
            (
                "orders/consumers.py",
                "    async def place",
                '    @handles("place")\n    async def place',
            ),
            (
                "orders/consumers.py",
                "    async def bake",
                '    @handles("bake")\n    async def bake',
            ),
            (
                "orders/static/orders/counter.js",
                'say({ event: "place", bread:',
                'say({ event: "place", loaf:',
            ),
        ),
    ),
    (
        "bakehouse",
        "client-sends-another-key",
        "orders/static/orders/counter.js",
        (("orders/static/orders/counter.js", 'event: "place"', 'event: "order"'),),
    ),
    (
        "bakehouse",
        "client-sends-another-key",
        "orders/static/orders/counter.js",
        (
            (
                "orders/consumers.py",
                'number = content.get("number")',
                'number = content["number"]',
            ),
            (
                "orders/consumers.py",
                'bread = str(content.get("bread", ""))[:40]',
                'bread, table = str(content["bread"])[:40], content["table"]\n        print(table)',
            ),
            (
                "orders/static/orders/counter.js",
                'event: "place", bread: form.elements.bread.value',
                'event: "place", bread: form.elements.bread.value, table: 3',
            ),
            ("tests/test_sockets.py", '"bread": "rye"}', '"bread": "rye", "table": 3}'),
            (
                "orders/static/orders/counter.js",
                'say({ event: "place", bread: form.elements.bread.value, table: 3 })',
                'const order = { event: "place", bread: form.elements.bread.value, desk: 3 };\n  socket.send(JSON.stringify(order))',
            ),
        ),
    ),
    (
        "bakehouse",
        "deploy-gunicorn-wsgi",
        "Makefile",
        (
            ("deploy/systemd/bakehouse-web.service", None, None),
            ("deploy/systemd/bakehouse-oven.service", None, None),
            (
                "compose.yaml",
                "    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
                '    command: sh -c "make migrate && exec make up"\n    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:',
            ),
            (
                "Makefile",
                None,
                "up: serve\n\nserve:\n\t@exec gunicorn -b 0.0.0.0:8000 bakehouse.wsgi\n\nmigrate:\n\tpython manage.py migrate\n",
            ),
        ),
    ),
    (
        "bakehouse",
        "worker-with-inmemory-layer",
        "deploy/systemd/bakehouse-web.service",
        (
            (
                "deploy/systemd/bakehouse-web.service",
                "Environment=DJANGO_SETTINGS_MODULE=bakehouse.settings.production\n",
                "",
            ),
            (
                "deploy/systemd/bakehouse-web.service",
                "EnvironmentFile=/etc/bakehouse.env\n",
                "Environment=DJANGO_SECRET_KEY=%i\n",
            ),
        ),
    ),
)
# What each slug stands in, where none hides another.
SEVERAL: tuple[tuple[str, str, dict[str | None, str], tuple[Change, ...]], ...] = (
    (
        "a default, an encoded header, parts of an image",
        "bakehouse",
        {
            "test-forgets-the-greeting": "tests/test_sockets.py",
            "test-consumer-without-as-asgi": "tests/test_sockets.py",
            "test-headers-as-str-or-capitalised": "tests/test_sockets.py",
            "deploy-daphne-from-wrong-directory": "deploy/docker/web.Dockerfile",
        },
        (
            (
                "tests/test_sockets.py",
                '    assert await client.receive_json_from() == {"event": "hello"}\n',
                "",
            ),
            (
                "tests/test_sockets.py",
                "def through(path, headers=(PAGE,)):",
                "def through(path, app=application):",
            ),
            (
                "tests/test_sockets.py",
                "WebsocketCommunicator(application, path, headers=list(headers))",
                "WebsocketCommunicator(app, path, headers=list(headers))",
            ),
            (
                "tests/test_sockets.py",
                'through("/ws/counter/")',
                'through("/ws/counter/", CounterConsumer)',
            ),
            (
                "tests/test_sockets.py",
                "headers=list(headers)",
                'headers=[("Origin".encode(), b"http://localhost")]',
            ),
            (
                "deploy/docker/web.Dockerfile",
                "COPY . .",
                "COPY manage.py bakehouse orders ./",
            ),
        ),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "bakehouse",
        "a method that is given a part of the message",
        (
            (
                "orders/consumers.py",
                "        await HANDLERS[event](self, content)",
                '        await getattr(self, f"on_{event}")(content["data"])',
            ),
            ("orders/consumers.py", "async def place", "async def on_place"),
            ("orders/consumers.py", "async def bake", "async def on_bake"),
            (
                "orders/consumers.py",
                "CounterConsumer.place",
                "CounterConsumer.on_place",
            ),
            ("orders/consumers.py", "CounterConsumer.bake", "CounterConsumer.on_bake"),
            (
                "orders/static/orders/counter.js",
                '{ event: "bake", number: message.number }',
                '{ event: "bake", data: { number: message.number } }',
            ),
            (
                "orders/static/orders/counter.js",
                '{ event: "place", bread: form.elements.bread.value }',
                '{ event: "place", data: { bread: form.elements.bread.value } }',
            ),
            (
                "tests/test_sockets.py",
                '"place", "bread": "rye"}',
                '"place", "data": {"bread": "rye"}}',
            ),
        ),
    ),
    (
        "bakehouse",
        "one word that two consumers know",
        (
            (
                "orders/consumers.py",
                "class BellConsumer(AsyncJsonWebsocketConsumer):",
                'class DeskConsumer(AsyncJsonWebsocketConsumer):\n    async def receive_json(self, content, **kwargs):\n        if content.get("event") == "place":\n            await self.send_json({"event": "rung", "text": content["loaf"]})\n\n\nclass BellConsumer(AsyncJsonWebsocketConsumer):',
            ),
            (
                "orders/routing.py",
                "]\n",
                '    path("ws/desk/", DeskConsumer.as_asgi()),\n]\n',
            ),
            (
                "orders/routing.py",
                "import BellConsumer,",
                "import BellConsumer, DeskConsumer,",
            ),
            (
                "orders/static/orders/counter.js",
                "form.addEventListener(",
                'const desk = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/desk/`);\nfunction atDesk() {\n  desk.send(JSON.stringify({ event: "place", loaf: "rye" }));\n}\ndocument.getElementById("note").addEventListener("click", atDesk);\nform.addEventListener(',
            ),
        ),
    ),
    (
        "bakehouse",
        "headers that a test encodes",
        (
            (
                "tests/test_sockets.py",
                "headers=list(headers)",
                'headers=[(k.encode(), v.encode()) for k, v in {"origin": "http://localhost"}.items()]',
            ),
        ),
    ),
    (
        "bakehouse",
        "a script in compose that nobody can read",
        (
            ("deploy/systemd/bakehouse-web.service", None, None),
            ("deploy/systemd/bakehouse-oven.service", None, None),
            (
                "deploy/docker/web.Dockerfile",
                'CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "bakehouse.asgi:application"]',
                'CMD ["gunicorn", "-b", "0.0.0.0:8000", "bakehouse.wsgi"]',
            ),
            (
                "compose.yaml",
                "    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
                "    command: ./run.sh\n    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
            ),
        ),
    ),
    (
        "bakehouse",
        "the parts of a project, each copied to its place",
        (
            (
                "deploy/docker/web.Dockerfile",
                "COPY . .",
                "COPY manage.py .\nCOPY bakehouse/ bakehouse/\nCOPY ./orders/ /srv/bakehouse/orders/",
            ),
        ),
    ),
    (
        "bakehouse",
        "a key that a consumer puts in itself",
        (
            (
                "orders/consumers.py",
                'number = content.get("number")',
                'number = content["number"]',
            ),
            (
                "orders/consumers.py",
                'bread = str(content.get("bread", ""))[:40]',
                'bread, table = str(content["bread"])[:40], content["table"]\n        print(table)',
            ),
            (
                "orders/static/orders/counter.js",
                'event: "place", bread: form.elements.bread.value',
                'event: "place", bread: form.elements.bread.value, table: 3',
            ),
            ("tests/test_sockets.py", '"bread": "rye"}', '"bread": "rye", "table": 3}'),
            (
                "orders/consumers.py",
                "        await HANDLERS[event](self, content)",
                '        content["table"] = 3\n        await HANDLERS[event](self, content)',
            ),
            ("orders/static/orders/counter.js", ", table: 3", ", desk: 3"),
        ),
    ),
    (
        "bakehouse",
        "a parameter that a helper encodes",
        (
            (
                "tests/test_sockets.py",
                "def through(path, headers=(PAGE,)):\n",
                'def through(path, origin="http://localhost"):\n    origin = origin.encode()\n',
            ),
            (
                "tests/test_sockets.py",
                "headers=list(headers)",
                'headers=[(b"origin", origin)]',
            ),
        ),
    ),
    (
        "bakehouse",
        "a table of headers that a helper encodes",
        (
            (
                "tests/test_sockets.py",
                "def through(path, headers=(PAGE,)):\n",
                "def through(path, headers=None):\n    headers = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]\n",
            ),
            (
                "tests/test_sockets.py",
                'through("/ws/counter/")',
                'through("/ws/counter/", {"origin": "http://localhost"})',
            ),
        ),
    ),
    (
        "bakehouse",
        "a layer that the environment chooses",
        (
            (
                "bakehouse/settings/local.py",
                'MemoryChannelLayer"}}',
                'MemoryChannelLayer"}}\nimport os\nif os.environ.get("REDIS_URL"):\n    CHANNEL_LAYERS["default"] = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [os.environ["REDIS_URL"]]}}',
            ),
            (
                "deploy/systemd/bakehouse-web.service",
                "settings.production",
                "settings.local",
            ),
            (
                "deploy/systemd/bakehouse-oven.service",
                "settings.production",
                "settings.local",
            ),
        ),
    ),
    (
        "bakehouse",
        "a scope that a helper fills itself",
        (
            (
                "tests/test_sockets.py",
                'def talk(path="/ws/bell/", consumer=BellConsumer):\n    return WebsocketCommunicator(consumer.as_asgi(), path)',
                'def talk(path="/ws/bell/", consumer=BellConsumer):\n    made = WebsocketCommunicator(consumer.as_asgi(), path)\n    made.scope["url_route"] = {"kwargs": {}}\n    return made',
            ),
            (
                "orders/consumers.py",
                '    async def connect(self):\n        await self.accept()\n        await self.send_json({"event": "hello"})',
                '    async def connect(self):\n        self.bell = self.scope["url_route"]["kwargs"].get("bell")\n        await self.accept()\n        await self.send_json({"event": "hello"})',
            ),
        ),
    ),
)
