# ruff: noqa: E501
"""Mistakes in a shopping list for flat-mates, behind a helper or another name."""

from __future__ import annotations

from booth import SPEAK
from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "flatlist",
        "client-too-many-sockets",
        "shopping/static/shopping/list.js",
        (
            (
                "shopping/static/shopping/list.js",
                "connect();\n\ndocument",
                "connect();\nsetInterval(connect, 5000);  // stay fresh\n\ndocument",
            ),
        ),
    ),
    (
        "flatlist",
        "client-template-variable-unquoted",
        "shopping/templates/shopping/flat.html",
        (
            (
                "shopping/templates/shopping/flat.html",
                '{{ flat|json_script:"flat-name" }}',
                "<script>window.flatName = {{ flat }};</script>",
            ),
            (
                "shopping/static/shopping/list.js",
                "var flatName = JSON.parse(document.getElementById('flat-name').textContent);",
                "var flatName = window.flatName;",
            ),
            (
                "shopping/static/shopping/bell.js",
                "JSON.parse(document.getElementById('flat-name').textContent)",
                "window.flatName",
            ),
        ),
    ),
    (
        "flatlist",
        "test-consumer-without-urlrouter",
        "tests/test_sockets.py",
        (
            (
                "tests/test_sockets.py",
                "    return WebsocketCommunicator(application, path, headers=HEADERS)",
                "    app = BellConsumer if 'bell' in path else ListConsumer\n    return WebsocketCommunicator(app.as_asgi(), path, headers=HEADERS)",
            ),
            (
                "tests/test_sockets.py",
                "from flatlist.asgi import application",
                "from shopping.consumers import BellConsumer, ListConsumer",
            ),
        ),
    ),
    (
        "flatlist",
        "test-communicator-shared-between-tests",
        "tests/test_sockets.py",
        (
            (
                "tests/test_sockets.py",
                "async def test_bell():\n    socket = communicator('/ws/bell/attic/')\n",
                "async def test_bell():\n    socket = BELL\n",
            ),
            (
                "tests/test_sockets.py",
                "@pytest.mark.asyncio\n@pytest.mark.django_db(transaction=True)\nasync def test_greeting",
                "BELL = communicator('/ws/bell/attic/')\n\n\n@pytest.mark.asyncio\nasync def test_bell_connects():\n    connected, _ = await BELL.connect()\n    assert connected\n\n\n@pytest.mark.asyncio\n@pytest.mark.django_db(transaction=True)\nasync def test_greeting",
            ),
            (
                "tests/test_sockets.py",
                "    socket = BELL\n    connected, _ = await socket.connect()\n    assert connected\n",
                "    socket = BELL\n",
            ),
        ),
    ),
    (
        "flatlist",
        "test-pytest-without-django-db",
        "tests/test_sockets.py",
        (
            (
                "tests/test_sockets.py",
                "@pytest.mark.asyncio\n@pytest.mark.django_db(transaction=True)\nasync def test_nothing_is",
                "@pytest.mark.asyncio\nasync def test_nothing_is",
            ),
        ),
    ),
    (
        "flatlist",
        "test-sends-empty-text",
        "tests/test_sockets.py",
        (
            (
                "tests/test_sockets.py",
                "send_to(text_data='ring')",
                "send_to(text_data=str())",
            ),
        ),
    ),
    (
        "flatlist",
        "group-wrong-channel-joined",
        "shopping/consumers.py",
        (
            (
                "shopping/consumers.py",
                "group_add(self.flat_group_name, self.channel_name)",
                "group_add(self.flat_group_name, type(self).__name__)",
            ),
        ),
    ),
    (
        "flatlist",
        "group-view-without-async-to-sync",
        "shopping/views.py",
        (
            (
                "shopping/views.py",
                "async_to_sync(channel_layer.group_send)('flat_%s' % flat, {'type': 'list.cleared'})",
                "[channel_layer.group_send(one, {'type': 'list.cleared'}) for one in (f'flat_{flat}',)]",
            ),
        ),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "booth",
        "a table of methods",
        (
            (
                SPEAK,
                '        try:\n            text = content["text"].strip()[:500]\n        except (TypeError, KeyError, AttributeError):\n            return\n',
                '        if not isinstance(content, dict) or content.get("do") not in self.actions:\n            return\n        await getattr(self, self.actions[content["do"]])(content)\n\n    actions = {"say": "on_say"}\n\n    async def on_say(self, content):\n        text = str(content.get("text", ""))[:500]\n',
            ),
        ),
    ),
)
