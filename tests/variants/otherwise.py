# ruff: noqa: E501  (the projects' own lines)
"""Known mistakes in checkpoints, in spellings that were not recognised at first sight.

What was missing each time: a table behind a name, headers that are added one by one,
what a handshake raises for somebody who has not logged in, a list that takes from
another one, a dict that is filled key by key, and what a page's callbacks call.
"""

from __future__ import annotations

from fourth import CONSUMERS, READINGS, SETTINGS, Right, Wrong

ASGI = "webapp/asgi.py"
CLIENTS = "master_app/tests/clients.py"
PAGE_JS, LIVE_JS = (f"master_app/static/master_app/{n}.js" for n in ("page", "live"))

WRONG: list[Wrong] = [
    (
        14,
        "worker-consumer-without-as-asgi",
        ASGI,
        (
            (
                ASGI,
                "    'channel': ChannelNameRouter({MEASURE: MeasureConsumer.as_asgi()}),",
                "    'channel': ChannelNameRouter(workers),",
            ),
            (
                ASGI,
                "application = ProtocolTypeRouter",
                "workers = {\n"
                "    MEASURE: MeasureConsumer,\n"
                "}\n"
                "\n"
                "application = ProtocolTypeRouter",
            ),
        ),
    ),
    (
        13,
        "auth-anonymous-users-accepted",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "        if not self.scope['user'].is_authenticated:\n"
                "            await self.close()  # before accept: the handshake gets a 403\n"
                "            return\n",
                "        # AuthMiddlewareStack has looked at the session already.\n",
            ),
        ),
    ),
    (
        13,
        "auth-close-without-return",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "        if not self.scope['user'].is_authenticated:\n"
                "            await self.close()  # before accept: the handshake gets a 403\n"
                "            return\n",
                "        await self.only_members()\n",
            ),
            (
                CONSUMERS,
                "    async def __call__(self, scope, receive, send):",
                "    async def only_members(self):\n"
                '        """Who has not logged in stays outside: close, then return."""\n'
                "        if not self.scope['user'].is_authenticated:\n"
                "            await self.close()  # before accept: the handshake gets a 403\n"
                "            return\n"
                "\n"
                "    async def __call__(self, scope, receive, send):",
            ),
        ),
    ),
    (
        12,
        "auth-token-in-the-url",
        PAGE_JS,
        (
            (
                PAGE_JS,
                "const live = new Live('ws/readings/', {",
                "const token = localStorage.getItem('token');\n"
                "const live = new Live(`ws/readings/?token=${token}`, {",
            ),
        ),
    ),
    (
        7,
        "client-ping-pong-without-pause",
        PAGE_JS,
        (
            (
                PAGE_JS,
                "    if (asked) byId('spoken').textContent = `Number ${number}`;\n"
                "    asked = false;\n",
                "    if (asked) byId('spoken').textContent = `Number ${number}`;\n"
                "    asked = false;\n"
                "    again();\n",
            ),
            (
                PAGE_JS,
                "setInterval(() => {\n"
                "  if (byId('auto').checked && !document.hidden) live.send('next');\n"
                "}, 1000);\n",
                "/** Ask for the next one as soon as one is here. */\n"
                "function again() {\n"
                "  if (byId('auto').checked) live.send('next');\n"
                "}\n",
            ),
        ),
    ),
    (
        16,
        "deploy-root-path-breaks-routes",
        SETTINGS,
        (
            (
                SETTINGS,
                "STATIC_URL = 'static/'",
                "FORCE_SCRIPT_NAME = '/board'  # nginx takes it off\n"
                "STATIC_URL = 'static/'",
            ),
        ),
    ),
    (
        10,
        "test-communicator-call-not-awaited",
        "master_app/tests/test_broadcast.py",
        (
            (
                "master_app/tests/test_broadcast.py",
                "            for guest in (ada, bob):\n"
                "                reading = await guest.receive_json_from(SECONDS)\n"
                "                self.assertEqual(reading['value'], 42)\n",
                "            readings = [\n"
                "                guest.receive_json_from(SECONDS) for guest in (ada, bob)\n"
                "            ]\n"
                "            self.assertEqual(readings[0], readings[1])\n",
            ),
        ),
    ),
    (
        13,
        "db-model-instance-in-event",
        READINGS,
        (
            (
                READINGS,
                "return {'type': 'reading', 'id': reading.id, 'value': reading.value}",
                "return {\n"
                "        'type': 'reading', 'id': reading.id, 'value': reading.value,\n"
                "        'moment': reading.moment,\n"
                "    }",
            ),
        ),
    ),
    (
        12,
        "group-name-not-allowed",
        "master_app/sessions.py",
        (
            (
                "master_app/sessions.py",
                "from hashlib import sha256",
                "from hashlib import sha512",
            ),
            (
                "master_app/sessions.py",
                "return f'session.{sha256(key.encode()).hexdigest()}'",
                "return f'session.{sha512(key.encode()).hexdigest()}'",
            ),
        ),
    ),
    (
        9,
        "test-pytest-without-asyncio-mark",
        "master_app/tests/test_async.py",
        (
            (
                "master_app/tests/test_async.py",
                None,
                "import pytest\n"
                "\n"
                "from master_app.tests.clients import SECONDS, client\n"
                "\n"
                "\n"
                "@pytest.fixture\n"
                "def guest():\n"
                "    return client('/ws/whole1/')\n"
                "\n"
                "\n"
                "class TestPractice:\n"
                "    async def test_accepts(self, guest):\n"
                "        accepted, _ = await guest.connect(SECONDS)\n"
                "        assert accepted\n",
            ),
        ),
    ),
    (
        12,
        "test-headers-as-str-or-capitalised",
        CLIENTS,
        (
            (
                CLIENTS,
                "headers.append((b'cookie', cookies.encode()))",
                "headers.append((b'Cookie', cookies.encode()))",
            ),
        ),
    ),
    (
        13,
        "db-allow-async-unsafe",
        SETTINGS,
        (
            (
                SETTINGS,
                "BASE_DIR = Path",
                "os.environ.update(DJANGO_ALLOW_ASYNC_UNSAFE='yes')\nBASE_DIR = Path",
            ),
        ),
    ),
    (
        12,
        "test-no-origin-header",
        CLIENTS,
        (
            (
                CLIENTS,
                "    headers = [(b'origin', origin.encode())] if origin else []\n",
                "    headers = []\n",
            ),
        ),
    ),
    (
        13,
        "test-pytest-without-django-db",
        "master_app/tests/test_models.py",
        (
            (
                "master_app/tests/test_models.py",
                None,
                "from master_app import readings\n"
                "from master_app.models import Reading\n"
                "\n"
                "\n"
                "def test_a_value_is_stored():\n"
                "    readings.store(42)\n"
                "    assert Reading.objects.get().value == 42\n",
            ),
        ),
    ),
    (
        11,
        "client-no-trailing-slash",
        PAGE_JS,
        (
            (
                PAGE_JS,
                "const live = new Live('ws/readings/', {",
                "const PATH = ['ws', 'readings'].join('/');\n"
                "const live = new Live(PATH, {",
            ),
        ),
    ),
    (
        12,
        "auth-other-host-than-the-page",
        LIVE_JS,
        (
            (
                LIVE_JS,
                "    this.url.protocol = this.url.protocol.replace('http', 'ws');\n",
                "    this.url.protocol = this.url.protocol.replace('http', 'ws');\n"
                "    this.url.hostname = 'localhost';\n",
            ),
        ),
    ),
    (
        11,
        "group-handler-missing-closes-everyone",
        CONSUMERS,
        ((CONSUMERS, "async def readings_heartbeat(", "async def on_heartbeat("),),
    ),
    (
        16,
        "deploy-settings-variable-wins",
        "deploy/production.env",
        (
            (
                "compose.yaml",
                None,
                "services:\n"
                "  board:\n"
                "    build: .\n"
                "    env_file: deploy/production.env\n"
                "    command: daphne -b 0.0.0.0 -p 8001 webapp.asgi:application\n",
            ),
            (
                "deploy/production.env",
                None,
                "DJANGO_DEBUG=no\nDJANGO_SETTINGS_MODULE=webapp.settings_production\n",
            ),
        ),
    ),
    (
        10,
        "layer-inmemory-several-processes",
        SETTINGS,
        (
            (
                "deploy/run.sh",
                None,
                "#!/bin/sh\n"
                "export DJANGO_SETTINGS_MODULE=webapp.settings\n"
                'uvicorn webapp.asgi:application --port 8001 --workers "${WORKERS:-4}"\n',
            ),
        ),
    ),
    (
        10,
        "test-communicator-dead-after-timeout",
        "master_app/tests/test_practice.py",
        (
            (
                "master_app/tests/test_practice.py",
                "            self.assertTrue(await guest.receive_nothing())\n",
                "            with self.assertRaises(TimeoutError):\n"
                "                await guest.receive_output(timeout=0.1)\n"
                "            await guest.send_to(text_data='next')\n"
                "            await guest.receive_from(SECONDS)\n",
            ),
        ),
    ),
    (
        10,
        "group-members-cannot-be-counted",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "            case Hello():\n",
                "            case Hello():\n"
                "                here = await self.channel_layer.group_channels(readings.GROUP)\n"
                "                await self.send_json({'type': 'here', 'number': len(here)})\n",
            ),
        ),
    ),
    (
        16,
        "client-ws-hardcoded-on-https-page",
        LIVE_JS,
        ((LIVE_JS, "this.url.protocol.replace('http', 'ws')", "'ws:'"),),
    ),
    (
        10,
        "client-send-object",
        LIVE_JS,
        (
            (
                LIVE_JS,
                "    if (open) this.socket.send(JSON.stringify(message));\n",
                "    const { socket } = this;\n    if (open) socket.send(message);\n",
            ),
        ),
    ),
    (
        12,
        "auth-token-in-the-url",
        LIVE_JS,
        (
            (
                LIVE_JS,
                "    this.onState = onState;\n",
                "    const key = window.localStorage.getItem('key');\n"
                "    this.url.searchParams.set('api_key', key);\n"
                "    this.onState = onState;\n",
            ),
        ),
    ),
    (
        12,
        "deploy-static-files-under-daphne",
        "Procfile",
        (
            (
                "Procfile",
                None,
                "web: daphne -b 0.0.0.0 -p $PORT webapp.asgi:application\n",
            ),
        ),
    ),
    (
        10,
        "consumer-send-after-close",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "        self.bad += 1\n        if self.bad == PATIENCE:\n            await self.close(4400)\n",
                "        self.bad += 1\n        if self.bad == PATIENCE:\n            await self.close(4400)\n        await super().send_json({'type': 'bad', 'number': self.bad})\n",
            ),
        ),
    ),
    (
        10,
        "client-send-before-open",
        PAGE_JS,
        (
            (
                PAGE_JS,
                "    if (word === 'connected') live.send({ type: 'hello', after: last });\n",
                "",
            ),
            (
                PAGE_JS,
                "/** Publish a number",
                "live.socket.send(JSON.stringify({ type: 'hello', after: last }));\n\n/** Publish a number",
            ),
        ),
    ),
    (
        13,
        "group-async-to-sync-around-the-call",
        READINGS,
        (
            (
                READINGS,
                "    async_to_sync(get_channel_layer().group_send)(GROUP, event)\n",
                "    sending = get_channel_layer().group_send(GROUP, event)\n    async_to_sync(sending)\n",
            ),
        ),
    ),
]

RIGHT: list[Right] = [
    (
        14,
        "table-of-workers",
        (
            (ASGI, "ChannelNameRouter({MEASURE: MeasureConsumer.as_asgi()})", "ChannelNameRouter(workers)"),
            (ASGI, "application = Prot", "workers = {MEASURE: MeasureConsumer.as_asgi()}\n\napplication = Prot"),
        ),
    ),
    (
        12,
        "origin-added-later",
        (
            (CLIENTS, "headers = [(b'origin', origin.encode())] if origin else []", "headers = []\n    if origin:\n        headers.append((b'origin', origin.encode()))"),
        ),
    ),
    (
        10,
        "gathered",
        (
            (
                "master_app/tests/test_broadcast.py",
                "            for guest in (ada, bob):\n"
                "                reading = await guest.receive_json_from(SECONDS)\n"
                "                self.assertEqual(reading['value'], 42)\n",
                "            coming = [one.receive_json_from(SECONDS) for one in (ada, bob)]\n"
                "            found = await asyncio.gather(*coming)\n"
                "            self.assertEqual(found[0], found[1])\n",
            ),
            ("master_app/tests/test_broadcast.py", "from channels.layers", "import asyncio\n\nfrom channels.layers"),
        ),
    ),
    (
        7,
        "asks-again-after-a-while",
        (
            (PAGE_JS, "    asked = false;\n", "    asked = false;\n    setTimeout(again, 500);\n"),
            (PAGE_JS, "setInterval(() => {", "function again() {\n  if (byId('auto').checked) live.send('next');\n}\nsetInterval(() => {"),
        ),
    ),
    (
        12,
        "ticket",
        (
            ("master_app/templates/master_app/page.html", "<body>", '<body data-ticket="{{ csrf_token }}">'),
            (PAGE_JS, "const live = new Live('ws/readings/'", "const { ticket } = document.body.dataset;\nconst live = new Live(`ws/readings/?ticket=${ticket}`"),
            (PAGE_JS, "const byId", "const theme = localStorage.getItem('theme');\nconst byId"),
        ),
    ),
    (
        13,
        "only-members-by-a-method",
        (
            (CONSUMERS, "        if not self.scope['user'].is_authenticated:\n            await", "        if not self.is_member():\n            await"),
            (CONSUMERS, "    async def __call__", "    def is_member(self):\n        return self.scope['user'].is_authenticated\n\n    async def __call__"),
        ),
    ),
    (
        16,
        "prefix-that-nginx-keeps",
        (
            (SETTINGS, "STATIC_URL = 'static/'", "FORCE_SCRIPT_NAME = os.environ.get('PREFIX')\nSTATIC_URL = 'static/'"),
            ("deploy/production.env", None, "DJANGO_SETTINGS_MODULE=webapp.settings\nDJANGO_DEBUG=no\n"),
            ("deploy/example.env", None, "DJANGO_SETTINGS_MODULE=webapp.settings_yours\n"),
        ),
    ),
    (
        13,
        "pytest-with-the-database",
        (
            (
                "master_app/tests/test_models.py",
                None,
                "import pytest\n\nfrom master_app import readings\nfrom master_app.models import Reading\n\n\n"
                "@pytest.fixture\ndef stored(transactional_db):\n    readings.store(42)\n\n\n"
                "def test_a_value_is_stored(stored):\n    assert Reading.objects.get().value == 42\n",
            ),
        ),
    ),
    (
        11,
        "filled-key-by-key",
        (
            (READINGS, "    event = {'type': 'readings.new', 'reading': new(value)}\n", "    event = {}\n    event['type'] = 'readings.new'\n    event['reading'] = new(value)\n"),
        ),
    ),
    (
        16,
        "a-socket-of-its-own-name",
        (
            (LIVE_JS, ".replace('http', 'ws')", " === 'https:' ? 'wss:' : 'ws:'"),
            (LIVE_JS, "    if (open) this.socket.send(JSON", "    const { socket } = this;\n    if (open) socket.send(JSON"),
            (PAGE_JS, "const byId", "const api = new URL('feed/', document.baseURI);\napi.searchParams.set('token', localStorage.getItem('token'));\nconst byId"),
        ),
    ),
    (
        12,
        "handler-for-static-files",
        (
            ("Procfile", None, "web: daphne -b 0.0.0.0 -p $PORT webapp.asgi:application\n"),
            ("webapp/files.py", None, "from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: F401\n"),
        ),
    ),
    (
        11,
        "filled-by-a-function",
        (
            (READINGS, "    event = {'type': 'readings.new', 'reading': new(value)}\n", "    event = {}\n    event['type'] = 'readings.new'\n    fill(event, value)\n"),
            (READINGS, "async def publish(", "def fill(event, value):\n    event['reading'] = new(value)\n\n\nasync def publish("),
        ),
    ),
    (
        10,
        "one-host-for-all",
        (
            (LIVE_JS, "    this.url.protocol =", "    this.url.pathname = ['', 'ws', 'readings', ''].join('/');\n    this.url.protocol ="),
        ),
    ),
]  # fmt: skip
