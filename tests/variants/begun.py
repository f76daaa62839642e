"""Slips of learners in the first six checkpoints."""

from __future__ import annotations

from shapes import Change

SETTINGS, ASGI, ROUTES = "webapp/settings.py", "webapp/asgi.py", "master_app/routing.py"
CONSUMERS, URLS = "master_app/consumers.py", "webapp/urls.py"
LISTED = """[
    path('ws/whole1/', PracticeConsumer.as_asgi()),
]"""
DISCONNECT = '''
    async def websocket_disconnect(self, event):
        """Tell Channels that this consumer is done."""
        raise StopConsumer
'''
ROUTER = """application = ProtocolTypeRouter({
    'http': django_asgi_app,
    'websocket': AllowedHostsOriginValidator(
        AuthMiddlewareStack(URLRouter(websocket_urlpatterns)),
    ),
})
"""
GUARDED = "if __name__ == '__main__':\n" + "".join(
    f"    {line}\n" for line in ROUTER.splitlines()
)
IN_A_FUNCTION = GUARDED.replace("if __name__ == '__main__'", "def make()", 1)
IN_A_FUNCTION = IN_A_FUNCTION.replace("application =", "return", 1)
IN_A_FUNCTION += "\n\napplication = make\n"
OUTSIDE = '''    """Sends 0 on connect, then a random number for each message."""


async def websocket_connect(self, event):
    """Accept the handshake and send the first number."""
    await self.send({'type': 'websocket.accept'})
    await self.send({'type': 'websocket.send', 'text': '0'})
'''
MADE = """def routes(**consumers):
    found = []
    for name, consumer in consumers.items():
        found.append(path(f'ws/{name}/', consumer.as_asgi()))


websocket_urlpatterns = routes(whole1=PracticeConsumer)"""

# What the first finding has to be: the step, the slug, its file, the changes.
WRONG: list[tuple[int, str, str, tuple[Change, ...]]] = [
    (
        6,  # half a rename: the entry leads to a class whose name is no package
        "apps-name-misspelled",
        "master_app/apps.py",
        (("master_app/apps.py", "name = 'master_app'", "name = 'masterapp'"),),
    ),
    (
        6,
        "python-defined-twice",
        SETTINGS,
        (
            (
                SETTINGS,
                "MIDDLEWARE = [",
                "INSTALLED_APPS = ['daphne', 'channels', 'master_app']\nMIDDLEWARE = [",
            ),
        ),
    ),
    (
        3,
        "python-module-beside-package",
        SETTINGS,
        (
            ("webapp/settings/__init__.py", None, ""),
            ("webapp/settings/dev.py", None, "from webapp.settings import *\n"),
        ),
    ),
    (
        1,
        "settings-variable-missing",
        SETTINGS,
        ((SETTINGS, "'DJANGO_SECRET_KEY', ", "'DJANGO_SECRET_KEY' "),),
    ),
    (
        6,
        "install-file-named-channels-py",
        "random.py",
        (("random.py", None, "print([4, 8, 15])\n"),),
    ),
    (
        6,  # get() sets nothing
        "settings-module-not-set",
        ASGI,
        ((ASGI, "os.environ.setdefault(", "os.environ.get("),),
    ),
    (6, "asgi-application-name-missing", SETTINGS, ((ASGI, ROUTER, GUARDED),)),
    (6, "python-function-not-called", ASGI, ((ASGI, ROUTER, IN_A_FUNCTION),)),
    (
        6,
        "asgi-application-name-missing",
        ASGI,
        (
            (ASGI, "django_asgi_app = get", "application = get"),
            (ASGI, ROUTER, ROUTER.replace("application", "app", 1)),
            (ASGI, "'http': django_asgi_app", "'http': application"),
        ),
    ),
    (
        6,
        "origin-validator-without-list",
        ASGI,
        (
            (ASGI, "import AllowedHostsOrigin", "import Origin"),
            (ASGI, "AllowedHostsOriginValidator(", "OriginValidator("),
            (
                ASGI,
                "URLRouter(websocket_urlpatterns)),",
                "URLRouter(websocket_urlpatterns)),\n        'http://localhost:8000',",
            ),
        ),
    ),
    (
        6,
        "asgi-urlrouter-without-list",
        ROUTES,
        ((ROUTES, f"websocket_urlpatterns = {LISTED}", MADE),),
    ),
    (
        6,  # a generator: URLRouter itself has used it up
        "routing-list-empty",
        ASGI,
        (
            (
                ROUTES,
                LISTED,
                "(path(where, PracticeConsumer.as_asgi()) for where in ['ws/whole1/'])",
            ),
        ),
    ),
    (
        6,
        "routing-consumer-in-urls-py",
        URLS,
        (
            (URLS, "import path\n\n", "import include, path\n\n"),
            (
                URLS,
                "    path('admin/', admin.site.urls),\n]",
                "    path('', include('master_app.routing')),\n]",
            ),
        ),
    ),
    (
        6,
        "consumer-has-no-handlers",
        CONSUMERS,
        (
            (
                CONSUMERS,
                OUTSIDE.replace("\n\n\nasync", "\n\n    async")
                .replace("\n    await", "\n        await")
                .replace('\n    """Accept', '\n        """Accept'),
                OUTSIDE,
            ),
            (
                CONSUMERS,
                "    async def websocket_receive",
                "async def websocket_receive",
            ),
            (CONSUMERS, '        """Answer', '    """Answer'),
            (CONSUMERS, "        number =", "    number ="),
            (
                CONSUMERS,
                "        await self.send({'type': 'websocket.send', 'text': str",
                "    await self.send({'type': 'websocket.send', 'text': str",
            ),
            (CONSUMERS, DISCONNECT, ""),
        ),
    ),
    (
        6,
        "python-function-not-called",
        CONSUMERS,
        ((CONSUMERS, "randint(0, 100)", "randint"),),
    ),
    (
        6,
        "python-defined-twice",
        CONSUMERS,
        (
            (
                CONSUMERS,
                DISCONNECT,
                DISCONNECT + "\n\nclass PracticeConsumer(AsyncConsumer):\n    ...\n",
            ),
        ),
    ),
]
