"""What routes, settings and commands say of each other, in two projects."""

from __future__ import annotations

from shapes import Change

VIEWS = "club/views.py"
BASE = "config/settings/base.py"
LOCAL = "config/settings/local.py"
ROUTING = "apps/tickets/realtime/routing.py"
URLS = "apps/tickets/urls.py"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "helpline",
        "settings-module-misspelled",
        "manage.py",
        (("manage.py", '"config.settings.local"', '"config.settings"'),),
    ),
    (
        "helpline",
        "settings-inmemory-layer-with-hosts",
        LOCAL,
        (
            (
                BASE,
                "USE_TZ = True\n",
                "USE_TZ = True\n"
                "CHANNEL_LAYERS = {\n"
                '    "default": {\n'
                '        "BACKEND": "channels_redis.core.RedisChannelLayer",\n'
                '        "CONFIG": {"hosts": ["redis://127.0.0.1:6379"]},\n'
                "    }\n"
                "}\n",
            ),
            (LOCAL, '{"default": {"BACKEND": ', '["default"]["BACKEND"] = '),
            (LOCAL, "LAYERS = [", "LAYERS["),
            (LOCAL, 'ChannelLayer"}}', 'ChannelLayer"'),
        ),
    ),
    (
        "helpline",
        "asgi-urlrouter-without-list",
        ROUTING,
        (
            (ROUTING, "urlpatterns = [", "urlpatterns = ("),
            (ROUTING, '    path("ws/tickets/<int:pk>/", ', ""),
            (ROUTING, "consumers.TicketConsumer.as_asgi()),\n]", ")"),
            (ROUTING, "as_asgi()),\n)", "as_asgi())\n)"),
        ),
    ),
)

# As in held.py: the shape, each slug with its file, and the changes.
SEVERAL: tuple[
    tuple[str, str, dict[str | None, str], tuple[Change, ...]],
    ...,
] = (
    (
        "a route asked for by another name, a view of another value, two programs",
        "chessclub",
        {
            "client-url-name-unknown": VIEWS,
            "python-arguments-differ": VIEWS,
            "client-template-not-found": "checkmate/settings.py",
            "install-outside-the-virtualenv": "Makefile",
            "deploy-program-not-on-path": "deploy/club.conf",
            "consumer-no-stopconsumer": "club/dice.py",
        },
        (
            ("checkmate/settings.py", "'APP_DIRS': True", "'APP_DIRS': False"),
            (VIEWS, "redirect('questions', code=code)", "redirect('ask', code)"),
            (VIEWS, "def room(request, code):", "def room(request, slug):"),
            (VIEWS, "(Room, code=code)\n    return", "(Room, code=slug)\n    return"),
            (
                "club/dice.py",
                None,
                "from channels.consumer import AsyncConsumer\n"
                "from channels.exceptions import StopConsumer\n\n\n"
                "class Dice(AsyncConsumer):\n"
                "    async def websocket_connect(self, event):\n"
                '        await self.send({"type": "websocket.accept"})\n\n'
                "    async def websocket_disconnect(self, event):\n"
                '        if event["code"] == 1000:\n'
                "            raise StopConsumer\n",
            ),
            (
                "Makefile",
                None,
                "run:\n"
                "\tpython3 -m venv venv\n"
                "\tvenv/bin/pip install -r requirements.txt\n"
                "\t/usr/bin/python3 manage.py runserver\n",
            ),
            (
                "deploy/club.conf",
                None,
                "[program:club]\n"
                "directory=/srv/checkmate\n"
                "command=daphne -b 127.0.0.1 -p 8001 checkmate.asgi:application\n",
            ),
        ),
    ),
    (
        "a class that makes no view, and a folder that is elsewhere",
        "helpline",
        {
            "python-function-not-called": URLS,
            "client-static-file-not-there": BASE,
        },
        (
            (URLS, "BoardView.as_view()", "BoardView.as_view"),
            (BASE, 'BASE_DIR / "assets"', 'BASE_DIR / "config" / "assets"'),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "helpline",
        "loaders that are written out, a prefix for static files, a key of its own",
        (
            (BASE, '        "APP_DIRS": True,\n', ""),
            (
                BASE,
                '            "context_processors": [\n',
                '            "loaders": [\n'
                '                "django.template.loaders.filesystem.Loader",\n'
                '                "django.template.loaders.app_directories.Loader",\n'
                "            ],\n"
                '            "context_processors": [\n',
            ),
            (BASE, '[BASE_DIR / "assets"]', '[("own", BASE_DIR / "assets")]'),
            ("templates/tickets/board.html", "'js/board.js'", "'own/js/board.js'"),
            ("templates/tickets/detail.html", "'js/ticket.js'", "'own/js/ticket.js'"),
            (URLS, "<int:pk>", "<int:number>"),
            (URLS, "TicketView.as_view()", 'TicketView.as_view(pk_url_kwarg="number")'),
        ),
    ),
)
