# ruff: noqa: E501  (the project's own lines)
"""Mistakes of the first six steps, made in projects of other layouts."""

from __future__ import annotations

from shapes import Change

ASGI, BASE = "config/asgi.py", "config/settings/base.py"
FEED = "notifier/board/consumers/feed.py"
TICKER = "notifier/board/consumers/ticker.py"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # what fails in a task that is cancelled later, nobody ever reads
        "board",
        "python-name-not-defined",
        TICKER,
        ((TICKER, "        number = 0\n", ""),),
    ),
    (
        "board",
        "consumer-attribute-never-set",
        TICKER,
        ((TICKER, "self.task = asyncio", "task = asyncio"),),
    ),
    (
        "board",
        "consumer-init-takes-scope",
        TICKER,
        (
            (
                TICKER,
                "    async def connect(self):\n",
                "    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n        self.path = self.scope['path']\n\n    async def connect(self):\n",
            ),
        ),
    ),
    (
        "board",
        "routing-kwarg-of-another-kind",
        FEED,
        ((FEED, '["topic"]', '["topic"] + 1'),),
    ),
    (
        "board",
        "asgi-settings-module-of-another-project",
        ASGI,
        ((ASGI, "config.settings.local", "config.settings"),),
    ),
    (
        "board",
        "routing-page-among-sockets",
        ASGI,
        (
            ("config/urls.py", "import path", "import include, path"),
            (
                "config/urls.py",
                "[path",
                '[path("x/", include(("config.websocket", "x"))), path',
            ),
            ("config/websocket.py", "routes = ", "urlpatterns = "),
            (
                ASGI,
                "from config.websocket import routes",
                "from config.urls import urlpatterns as routes",
            ),
        ),
    ),
    (  # a comma behind a list makes a tuple of it
        "board",
        "routing-entry-is-no-route",
        "config/websocket.py",
        (("config/websocket.py", "\n]", "\n],"),),
    ),
    (
        "board",
        "install-package-missing",
        BASE,
        (
            (
                BASE,
                "MIDDLEWARE = [",
                'MIDDLEWARE = [\n    "whitenoyse.middleware.WhiteNoise",',
            ),
        ),
    ),
    (  # a key of the route, asked of the scope itself
        "board",
        "routing-kwarg-name-differs",
        FEED,
        ((FEED, 'self.scope["url_route"]["kwargs"]', 'self.scope["kwargs"]'),),
    ),
    (
        "board",
        "group-sync-consumer-without-async-to-sync",
        FEED,
        ((FEED, "async_to_sync", "sync_to_async"),),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "board",
        "a-sensor-out-of-reach",
        (
            (
                TICKER,
                "            number += 1\n",
                "            await asyncio.open_connection('127.0.0.1', 1)\n            number += 1\n",
            ),
        ),
    ),
)
