"""Mistakes in other spellings, on projects that are written unlike ours.

Most of them were not recognised when the diagnosis first met them.
"""

from __future__ import annotations

from shapes import Change

# The shape, the mistake, the file that is wrong, and what is changed in the shape.
WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "chat",
        "settings-channel-layer-v1-backends",
        "mysite/settings.py",
        (
            (
                "mysite/settings.py",
                '"channels.layers.InMemoryChannelLayer",',
                (
                    '"asgi_redis.RedisChannelLayer",\n'
                    '        "CONFIG": {"hosts": [("localhost", 6379)]},\n'
                    '        "ROUTING": "chat.routing.channel_routing",'
                ),
            ),
        ),
    ),
    (
        "chat",
        "group-names-differ",
        "chat/consumers.py",
        (
            (
                "chat/consumers.py",
                ("group_send(\n            self.room_group_name"),
                ("group_send(\n            self.room_name"),
            ),
        ),
    ),
    (
        "chat",
        "group-wrong-channel-joined",
        "chat/consumers.py",
        (
            (
                "chat/consumers.py",
                "group_add(self.room_group_name, self.channel_name)",
                "group_add(self.room_group_name, self.room_name)",
            ),
        ),
    ),
    (
        "chat",
        "consumer-blocking-call-in-async",
        "chat/consumers.py",
        (
            (
                "chat/consumers.py",
                "import json\n",
                ("import json\nimport urllib.request\n"),
            ),
            (
                "chat/consumers.py",
                '        message = event["message"]\n',
                (
                    '        message = event["message"]\n'
                    '        urllib.request.urlopen("http://127.0.0.1:9/t'
                    'ranslate?q=" + message)\n'
                ),
            ),
        ),
    ),
    (
        "chat",
        "client-headers-option",
        "chat/templates/chat/room.html",
        (
            (
                "chat/templates/chat/room.html",
                "roomName + '/'\n",
                (
                    "roomName + '/',\n"
                    "        null, {headers: {'Authorization': 'Token abc'}}\n"
                ),
            ),
        ),
    ),
    (
        "board",
        "apps-own-app-missing",
        "config/settings/base.py",
        (("config/settings/base.py", " + LOCAL_APPS\n", "\n"),),
    ),
    (
        "board",
        "apps-name-misspelled",
        "config/settings/base.py",
        (("config/settings/base.py", 'apps.BoardConfig"', 'apps.BoardConf"'),),
    ),
    (
        "board",
        "settings-asgi-application-missing",
        "config/settings/base.py",
        (("config/settings/base.py", "ASGI_APPLICATION", "ASGI_APP"),),
    ),
    (
        "board",
        "asgi-app-package-misspelled",
        "config/asgi.py",
        (
            (
                "config/asgi.py",
                "from config.websocket import routes",
                "from config.websockets import routes",
            ),
        ),
    ),
    (
        "board",
        "group-names-differ",
        "notifier/board/services.py",
        (
            (
                "notifier/board/services.py",
                "        group_of(topic), {",
                '        f"feeds.{topic}", {',
            ),
        ),
    ),
    (
        "board",
        "group-name-not-allowed",
        "notifier/board/services.py",
        (("notifier/board/services.py", 'f"feed.{topic}"', 'f"feed/{topic}"'),),
    ),
    (
        "board",
        "consumer-connect-handler-misnamed",
        "notifier/board/consumers/ticker.py",
        (
            (
                "notifier/board/consumers/ticker.py",
                "async def connect(",
                "async def conect(",
            ),
        ),
    ),
    (
        "board",
        "auth-login-required-on-consumer",
        "notifier/board/consumers/feed.py",
        (
            (
                "notifier/board/consumers/feed.py",
                "from asgiref",
                (
                    "from django.contrib.auth.decorators import "
                    "login_required\n"
                    "from asgiref"
                ),
            ),
            (
                "notifier/board/consumers/feed.py",
                "    def connect(self):",
                ("    @login_required\n    def connect(self):"),
            ),
        ),
    ),
    (
        "one",
        "consumer-base-class-missing",
        "site1/asgi.py",
        (
            ("site1/asgi.py", "class Echo(AsyncConsumer):", "class Echo:"),
            ("site1/asgi.py", "Echo.as_asgi()", "Echo()"),
        ),
    ),
    (
        "one",
        "apps-missing-comma",
        "site1/settings.py",
        (("site1/settings.py", '("daphne", "channels")', '("daphne" "channels")'),),
    ),
    (
        "one",
        "client-path-differs-from-route",
        "site1/urls.py",
        (("site1/urls.py", "/live/echo`", "/live/ech`"),),
    ),
    (
        "one",
        "python-not-a-text-file",
        "site1/settings.py",
        (("site1/settings.py", None, b"\xff\xfeS\x00E\x00C\x00"),),
    ),
    (
        "lab",
        "client-path-differs-from-route",
        "stream/static/stream/main.js",
        (("stream/static/stream/main.js", "/ws/numbers/", "/ws/number/"),),
    ),
    (
        "lab",
        "auth-other-host-than-the-page",
        "stream/static/stream/main.js",
        (("stream/static/stream/main.js", "${location.host}", "localhost:8000"),),
    ),
    (
        "chat",
        "consumer-pydantic-model-sent",
        "chat/consumers.py",
        (
            (
                "chat/consumers.py",
                None,
                (
                    "from typing import Literal\n"
                    "\n"
                    "from channels.generic.websocket import "
                    "AsyncJsonWebsocketConsumer\n"
                    "from pydantic import BaseModel, TypeAdapter, "
                    "ValidationError, Field\n"
                    "from typing import Annotated, Union\n"
                    "\n"
                    "\n"
                    "class Say(BaseModel):\n"
                    '    kind: Literal["say"]\n'
                    "    text: str\n"
                    "\n"
                    "\n"
                    "class Leave(BaseModel):\n"
                    '    kind: Literal["leave"]\n'
                    "\n"
                    "\n"
                    "class Said(BaseModel):\n"
                    "    text: str\n"
                    "\n"
                    "\n"
                    "Command = TypeAdapter(Annotated[Union[Say, Leave], "
                    'Field(discriminator="kind")])\n'
                    "\n"
                    "\n"
                    "class ChatConsumer(AsyncJsonWebsocketConsumer):\n"
                    "    async def receive(self, text_data=None, "
                    "bytes_data=None):\n"
                    "        try:\n"
                    "            command = "
                    'Command.validate_json(text_data or "")\n'
                    "        except ValidationError as error:\n"
                    '            await self.send_json({"error": '
                    "str(error.error_count())})\n"
                    "            return\n"
                    "        if isinstance(command, Say):\n"
                    "            await self.send_json(Said(text=command.t"
                    "ext))\n"
                ),
            ),
        ),
    ),
    (
        "chat",
        "consumer-time-sleep-in-async",
        "chat/typing.py",
        (
            (
                "chat/typing.py",
                None,
                (
                    "import time as t\n"
                    "\n"
                    "\n"
                    "def pretend_to_type(text):\n"
                    "    t.sleep(len(text) * 0.2)\n"
                    "    return text\n"
                ),
            ),
            (
                "chat/consumers.py",
                "import json\n",
                ("import json\n\nfrom .typing import pretend_to_type\n"),
            ),
            (
                "chat/consumers.py",
                '        message = event["message"]\n',
                '        message = pretend_to_type(event["message"])\n',
            ),
        ),
    ),
    (
        "sync",
        "settings-channel-layers-flat",
        "realtime/settings.py",
        (
            (
                "realtime/settings.py",
                ('dict(default=dict(BACKEND="channels.layers.InMemoryChannelLayer"))'),
                'dict(default="channels.layers.InMemoryChannelLayer")',
            ),
        ),
    ),
    (
        "sync",
        "install-file-named-channels-py",
        "json.py",
        (("json.py", None, "data = {}\n"),),
    ),
    (
        "sync",
        "routing-list-empty",
        "rooms/live/__init__.py",
        (
            (
                "rooms/live/__init__.py",
                ('    path("live/room/<int:room>", Room.as_asgi(), name="room"),\n'),
                "",
            ),
        ),
    ),
    (
        "sync",
        "consumer-base-class-missing",
        "rooms/live/base.py",
        (
            (
                "rooms/live/base.py",
                "class Talking(WebsocketConsumer):",
                "class Talking:",
            ),
        ),
    ),
    (
        "sync",
        "group-names-differ",
        "rooms/views.py",
        (("rooms/views.py", 'f"room-{room}"', 'f"room_{room}"'),),
    ),
    (
        "sync",
        "group-handler-missing-closes-everyone",
        "rooms/live/endpoint.py",
        (("rooms/views.py", '"room_said"', '"room_shout"'),),
    ),
    (
        "dash",
        "consumer-time-sleep-in-async",
        "apps/metrics/sockets.py",
        (
            (
                "apps/metrics/sockets.py",
                "import logging\n",
                ("import logging\nimport time\n"),
            ),
            (
                "apps/metrics/sockets.py",
                "            await asyncio.sleep(1)",
                "            time.sleep(1)",
            ),
        ),
    ),
    (
        "dash",
        "db-lazy-queryset-returned",
        "apps/metrics/sockets.py",
        (
            (
                "apps/metrics/sockets.py",
                "import logging\n",
                ("import logging\n\nfrom django.contrib.auth.models import User\n"),
            ),
            (
                "apps/metrics/sockets.py",
                '        return self.user.get_username() or "nobody"',
                "        return User.objects.filter(is_staff=True)",
            ),
            (
                "apps/metrics/sockets.py",
                'self.send_json({"hello": await self.label()})',
                ('self.send_json({"hello": [u.username for u in await self.label()]})'),
            ),
        ),
    ),
    (
        "dash",
        "auth-middleware-queries-synchronously",
        "backend/middleware.py",
        (
            (
                "backend/middleware.py",
                None,
                (
                    "from django.contrib.auth.models import User\n"
                    "\n"
                    "\n"
                    "def with_owner(inner):\n"
                    "    async def application(scope, receive, send):\n"
                    '        scope["owner"] = User.objects.first()\n'
                    "        return await inner(scope, receive, send)\n"
                    "\n"
                    "    return application\n"
                ),
            ),
            (
                "backend/server.py",
                "websocket = security.",
                (
                    "from backend.middleware import with_owner  # noqa: E402\n"
                    "\n"
                    "websocket = with_owner(websocket)\n"
                    "websocket = security."
                ),
            ),
        ),
    ),
    (
        "dash",
        "group-names-differ",
        "apps/metrics/publish.py",
        (
            (
                "apps/metrics/publish.py",
                '        GROUP, {"type"',
                '        "metric", {"type"',
            ),
        ),
    ),
    (
        "dash",
        "group-name-not-allowed",
        "apps/metrics/publish.py",
        (("apps/metrics/publish.py", 'GROUP = "metrics"', 'GROUP = "all metrics"'),),
    ),
    (
        "dash",
        "test-asserts-the-connect-tuple",
        "apps/metrics/tests/test_sockets.py",
        (
            ("apps/metrics/tests/__init__.py", None, ""),
            (
                "apps/metrics/tests/test_sockets.py",
                None,
                (
                    "from channels.testing import WebsocketCommunicator\n"
                    "from django.test import TransactionTestCase\n"
                    "\n"
                    "from backend.server import websocket\n"
                    "\n"
                    "\n"
                    "class SocketTest(TransactionTestCase):\n"
                    "    async def test_hello(self):\n"
                    "        talk = WebsocketCommunicator("
                    'websocket, "/ws/metrics/cpu/")\n'
                    "        ok = await talk.connect()\n"
                    "        self.assertTrue(ok)\n"
                ),
            ),
        ),
    ),
    (
        "dash",
        "test-consumer-without-as-asgi",
        "apps/metrics/tests/test_sockets.py",
        (
            ("apps/metrics/tests/__init__.py", None, ""),
            (
                "apps/metrics/tests/test_sockets.py",
                None,
                (
                    "from channels.testing import WebsocketCommunicator\n"
                    "import pytest\n"
                    "\n"
                    "from apps.metrics import sockets\n"
                    "\n"
                    "\n"
                    "@pytest.mark.asyncio\n"
                    "async def test_hello():\n"
                    "    talk = WebsocketCommunicator(application=sockets"
                    '.MetricsSocket, path="/ws/x/")\n'
                    "    await talk.connect()\n"
                ),
            ),
        ),
    ),
    (
        "dash",
        "test-headers-as-str-or-capitalised",
        "apps/metrics/tests/test_sockets.py",
        (
            ("apps/metrics/tests/__init__.py", None, ""),
            (
                "apps/metrics/tests/test_sockets.py",
                None,
                (
                    "from channels.testing import WebsocketCommunicator\n"
                    "from django.test import TransactionTestCase\n"
                    "\n"
                    "from backend.server import app\n"
                    "\n"
                    'ORIGIN = [(b"Origin", b"http://localhost")]\n'
                    "\n"
                    "\n"
                    "class SocketTest(TransactionTestCase):\n"
                    "    async def test_hello(self):\n"
                    "        talk = WebsocketCommunicator(app, "
                    '"/ws/metrics/cpu/", ORIGIN)\n'
                    "        ok, _ = await talk.connect()\n"
                    "        assert ok\n"
                ),
            ),
        ),
    ),
    (
        "chat",
        "group-add-arguments-swapped",
        "chat/consumers.py",
        (
            (
                "chat/consumers.py",
                "group_add(self.room_group_name, self.channel_name)",
                ("group_add(group=self.channel_name, channel=self.room_group_name)"),
            ),
        ),
    ),
    (
        "lab",
        "routing-greedy-route-first",
        "stream/sockets.py",
        (
            (
                "stream/sockets.py",
                "    re_path('^numbers/$', Countdown.as_asgi()),\n",
                "    re_path('', Countdown.as_asgi()),\n",
            ),
        ),
    ),
    (
        "dash",
        "consumer-asyncio-run-in-async",
        "apps/metrics/sockets.py",
        (
            (
                "apps/metrics/sockets.py",
                'await self.send_json({"answer": what.upper()})',
                'asyncio.run(self.send_json({"answer": what.upper()}))',
            ),
            (
                "apps/metrics/sockets.py",
                'case {"ask": str(what)}',
                'case {"ask": str(what)} | {"message": str(what)}',
            ),
        ),
    ),
    (
        "chat",
        "db-orm-in-async-consumer",
        "chat/consumers.py",
        (
            (
                "chat/consumers.py",
                "import json\n",
                ("import json\n\nfrom django.contrib.sessions.models import Session\n"),
            ),
            (
                "chat/consumers.py",
                "        await self.accept()\n",
                (
                    "        if Session.objects.filter(session_key='x').e"
                    "xists():\n"
                    "            return\n"
                    "        await self.accept()\n"
                ),
            ),
        ),
    ),
)

# What is right, and looks odd to some rule.
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "chat",
        "percent-name",
        (
            (
                "chat/consumers.py",
                'f"chat_{self.room_name}"',
                '"chat_%s" % self.room_name',
            ),
        ),
    ),
    (
        "chat",
        "redis-if-there",
        (
            (
                "mysite/settings.py",
                "CHANNEL_LAYERS = {",
                ("import os\n\nCHANNEL_LAYERS = {"),
            ),
            (
                "mysite/settings.py",
                '"channels.layers.InMemoryChannelLayer",',
                (
                    '"channels.layers.InMemoryChannelLayer",\n'
                    '    } if not os.environ.get("REDIS_OF_CHAT") else {\n'
                    '        "BACKEND": "channels_redis.core.RedisChannel'
                    'Layer",\n'
                    '        "CONFIG": {"hosts": '
                    '[os.environ["REDIS_OF_CHAT"]]},'
                ),
            ),
        ),
    ),
    (
        "chat",
        "reconnects",
        (
            (
                "chat/templates/chat/room.html",
                (
                    "    const chatSocket = new WebSocket(\n"
                    "        scheme + '://' + window.location.host + "
                    "'/ws/chat/' + roomName + '/'\n"
                    "    );"
                ),
                (
                    "    let chatSocket;\n"
                    "    function open() {\n"
                    "        chatSocket = new WebSocket(scheme + '://' + "
                    "window.location.host + '/ws/chat/' + roomName + '/');\n"
                    "    }\n"
                    "    open();\n"
                    "    setInterval(() => { if (chatSocket.readyState "
                    "=== 3) open(); }, 1000);"
                ),
            ),
        ),
    ),
    (
        "chat",
        "thread-function",
        (
            (
                "chat/consumers.py",
                "import json\n",
                ("import json\nimport time\nfrom asgiref.sync import sync_to_async\n"),
            ),
            (
                "chat/consumers.py",
                "        await self.accept()\n",
                (
                    "        await self.accept()\n"
                    "        await sync_to_async(self.work, "
                    "thread_sensitive=False)()\n"
                ),
            ),
            (
                "chat/consumers.py",
                "    async def disconnect",
                (
                    "    def work(self):\n"
                    "        time.sleep(0.01)\n"
                    "\n"
                    "    async def disconnect"
                ),
            ),
        ),
    ),
    (
        "chat",
        "task-set",
        (
            ("chat/consumers.py", "import json\n", ("import asyncio\nimport json\n")),
            (
                "chat/consumers.py",
                "        await self.accept()\n",
                (
                    "        await self.accept()\n"
                    "        self.tasks = {asyncio.create_task(self.tick())}\n"
                ),
            ),
            (
                "chat/consumers.py",
                "        # Leave room group\n",
                ("        for task in self.tasks:\n            task.cancel()\n"),
            ),
            (
                "chat/consumers.py",
                "    # Receive message from WebSocket\n",
                (
                    "    async def tick(self):\n"
                    "        while True:\n"
                    "            await asyncio.sleep(0.2)\n"
                    "            await self.send(text_data='{}')\n"
                    "\n"
                ),
            ),
        ),
    ),
    (
        "chat",
        "service",
        (
            (
                "chat/service.py",
                None,
                (
                    "from channels.layers import get_channel_layer\n"
                    "\n"
                    'MESSAGE = "chat.message"\n'
                    "\n"
                    "\n"
                    "def group(room):\n"
                    '    return "chat_" + room\n'
                    "\n"
                    "\n"
                    "async def say(room, text):\n"
                    "    layer = get_channel_layer()\n"
                    '    await layer.group_send(group(room), {"type": '
                    'MESSAGE, "message": text})\n'
                ),
            ),
            (
                "chat/consumers.py",
                "import json\n",
                ("import json\n\nfrom . import service\n"),
            ),
            (
                "chat/consumers.py",
                (
                    "await self.channel_layer.group_send(\n"
                    '            self.room_group_name, {"type": '
                    '"chat.message", "message": message}\n'
                    "        )"
                ),
                "await service.say(self.room_name, message)",
            ),
            (
                "chat/consumers.py",
                'f"chat_{self.room_name}"',
                "service.group(self.room_name)",
            ),
        ),
    ),
    (
        "chat",
        "token-middleware",
        (
            (
                "chat/auth.py",
                None,
                (
                    "from urllib.parse import parse_qs\n"
                    "\n"
                    "from channels.db import database_sync_to_async\n"
                    "from channels.middleware import BaseMiddleware\n"
                    "from django.contrib.auth.models import AnonymousUser\n"
                    "\n"
                    "\n"
                    "@database_sync_to_async\n"
                    "def user_of(token):\n"
                    "    return AnonymousUser()\n"
                    "\n"
                    "\n"
                    "class TokenAuth(BaseMiddleware):\n"
                    "    async def __call__(self, scope, receive, send):\n"
                    '        query = parse_qs(scope["query_string"].decode())\n'
                    '        scope["user"] = await '
                    'user_of(query.get("token", [""])[0])\n'
                    "        return await super().__call__(scope, "
                    "receive, send)\n"
                ),
            ),
            (
                "mysite/asgi.py",
                "from chat.routing",
                ("from chat.auth import TokenAuth\nfrom chat.routing"),
            ),
            (
                "mysite/asgi.py",
                "AuthMiddlewareStack(URLRouter(websocket_urlpatterns))",
                "TokenAuth(URLRouter(websocket_urlpatterns))",
            ),
            (
                "chat/consumers.py",
                "        await self.accept()\n",
                (
                    "        await self.accept()\n"
                    '        self.user = self.scope["user"]\n'
                ),
            ),
        ),
    ),
    (
        "chat",
        "function-middleware",
        (
            (
                "chat/auth.py",
                None,
                (
                    "def stamped(inner):\n"
                    "    async def app(scope, receive, send):\n"
                    "        return await inner(dict(scope, stamp=1), "
                    "receive, send)\n"
                    "\n"
                    "    return app\n"
                ),
            ),
            (
                "mysite/asgi.py",
                "from chat.routing",
                ("from chat.auth import stamped\nfrom chat.routing"),
            ),
            (
                "mysite/asgi.py",
                "AuthMiddlewareStack(URLRouter(websocket_urlpatterns))",
                ("stamped(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))"),
            ),
        ),
    ),
    (
        "chat",
        "tests",
        (
            # With DEBUG off, as in tests, an empty list lets nobody in.
            ("mysite/settings.py", "HOSTS = []", 'HOSTS = ["localhost"]'),
            (
                "chat/tests.py",
                None,
                (
                    "from channels.testing import WebsocketCommunicator\n"
                    "from django.test import TransactionTestCase\n"
                    "\n"
                    "from mysite.asgi import application\n"
                    "from .consumers import ChatConsumer\n"
                    "\n"
                    "\n"
                    "class Tests(TransactionTestCase):\n"
                    "    async def test_whole(self):\n"
                    '        headers = [(b"origin", b"http://localhost")]\n'
                    "        talk = WebsocketCommunicator(application, "
                    '"/ws/chat/x/", headers)\n'
                    "        connected, subprotocol = await talk.connect()\n"
                    "        assert connected\n"
                    '        await talk.send_json_to({"message": "hi"})\n'
                    "        assert await talk.receive_json_from() == "
                    '{"message": "hi"}\n'
                    "        await talk.disconnect()\n"
                    "\n"
                    "    async def test_foreign(self):\n"
                    "        talk = WebsocketCommunicator(application, "
                    '"/ws/chat/x/", [(b"origin", b"http://evil.example")])\n'
                    "        connected, _ = await talk.connect()\n"
                    "        self.assertFalse(connected)\n"
                    "\n"
                    "    async def test_alone(self):\n"
                    "        talk = WebsocketCommunicator(ChatConsumer.as"
                    '_asgi(), "/x/")\n'
                    '        talk.scope["url_route"] = {"kwargs": '
                    '{"room_name": "x"}}\n'
                    "        result = await talk.connect()\n"
                    "        self.assertTrue(result[0])\n"
                ),
            ),
        ),
    ),
    (
        "chat",
        "starred-event",
        (
            (
                "chat/consumers.py",
                '{"type": "chat.message", "message": message}',
                '{"type": "chat.message", **{"message": message}}',
            ),
        ),
    ),
    (
        "chat",
        "two-groups",
        (
            (
                "chat/consumers.py",
                "        await self.accept()\n",
                (
                    '        await self.channel_layer.group_add("everyone'
                    '", self.channel_name)\n'
                    "        await self.accept()\n"
                ),
            ),
            (
                "chat/consumers.py",
                "        # Leave room group\n",
                (
                    '        await self.channel_layer.group_discard("ever'
                    'yone", self.channel_name)\n'
                ),
            ),
            (
                "chat/consumers.py",
                "        # Send message to room group\n",
                (
                    '        if message == "all":\n'
                    '            await self.channel_layer.group_send("eve'
                    'ryone", {"type": "chat.message", "message": message})\n'
                ),
            ),
        ),
    ),
    (
        "chat",
        "sync",
        (
            ("chat/consumers.py", "async def ", "def "),
            (
                "chat/consumers.py",
                "await self.channel_layer.group_add(",
                "async_to_sync(self.channel_layer.group_add)(",
            ),
            (
                "chat/consumers.py",
                "await self.channel_layer.group_discard(",
                "async_to_sync(self.channel_layer.group_discard)(",
            ),
            (
                "chat/consumers.py",
                "await self.channel_layer.group_send(",
                "async_to_sync(self.channel_layer.group_send)(",
            ),
            ("chat/consumers.py", "await ", ""),
            ("chat/consumers.py", "AsyncWebsocketConsumer", "WebsocketConsumer"),
            (
                "chat/consumers.py",
                "import json\n",
                ("import json\n\nfrom asgiref.sync import async_to_sync\n"),
            ),
        ),
    ),
    (
        "board",
        "encode",
        (
            (
                "notifier/board/consumers/feed.py",
                "from asgiref",
                ("import json\n\nfrom asgiref"),
            ),
            (
                "notifier/board/consumers/feed.py",
                "    def post_created",
                (
                    "    @classmethod\n"
                    "    def encode_json(cls, content):\n"
                    "        return json.dumps(content, default=str)\n"
                    "\n"
                    "    def post_created"
                ),
            ),
        ),
    ),
    (
        "board",
        "static-dirs",
        (
            (
                "config/settings/base.py",
                'STATIC_URL = "/static/"',
                (
                    'STATIC_URL = "/static/"\n'
                    'STATICFILES_DIRS = [ROOT / "config" / "static"]'
                ),
            ),
            ("config/static/site.js", None, "console.log('x');\n"),
        ),
    ),
    (
        "board",
        "signal",
        (
            (
                "notifier/board/signals.py",
                None,
                (
                    "from django.db.models.signals import post_save\n"
                    "from django.dispatch import receiver\n"
                    "\n"
                    "from .models import Post\n"
                    "from .services import announce\n"
                    "\n"
                    "\n"
                    "@receiver(post_save, sender=Post)\n"
                    "def told(sender, instance, **kwargs):\n"
                    "    announce(instance.topic, instance.text)\n"
                ),
            ),
            (
                "notifier/board/apps.py",
                '    verbose_name = "Board"\n',
                (
                    '    verbose_name = "Board"\n'
                    "\n"
                    "    def ready(self):\n"
                    "        from . import signals  # noqa: F401\n"
                ),
            ),
        ),
    ),
    (
        "one",
        "wrapped",
        (
            (
                "site1/asgi.py",
                "application = ProtocolTypeRouter({",
                "router = ProtocolTypeRouter({",
            ),
            (
                "site1/asgi.py",
                ("URLRouter(urls)),\n})\n"),
                (
                    "URLRouter(urls)),\n"
                    "})\n"
                    "\n"
                    "\n"
                    "async def application(scope, receive, send):\n"
                    "    await router(scope, receive, send)\n"
                ),
            ),
        ),
    ),
    (
        "lab",
        "helper-send",
        (
            (
                "stream/numbers.py",
                (
                    "            await self.send({\n"
                    "                'type': 'websocket.send',\n"
                    "                'text': str(randint(1, 6)),\n"
                    "            })\n"
                ),
                (
                    "            await self.number(randint(1, 6))\n"
                    "\n"
                    "    async def number(self, value):\n"
                    "        await self.send(dict(type='websocket.send', "
                    "text=f'{value}'))\n"
                ),
            ),
        ),
    ),
    (
        "dash",
        "taskgroup",
        (
            (
                "apps/metrics/sockets.py",
                "            await asyncio.sleep(1)\n",
                (
                    "            async with asyncio.timeout(5):\n"
                    "                await asyncio.sleep(1)\n"
                ),
            ),
        ),
    ),
)
