# ruff: noqa: E501  (the projects' own lines)
"""Mistakes of a fifth batch, in the checkpoints of steps 5 to 11.

What was missing each time: what a mixin lends, what a test's helper or own route
does, what is kept in one hash of Redis, and all that a page loads besides a socket.
"""

from __future__ import annotations

from fourth import CONSUMERS, PRESENCE, READINGS, SETTINGS, VIEWS, Right, Wrong

PRACTICE, ANSWERS, BROWSER = (
    f"master_app/tests/test_{name}.py" for name in ("practice", "readings", "page")
)
PAGE_JS, LIVE_JS = (f"master_app/static/master_app/{n}.js" for n in ("page", "live"))
PAGE = "master_app/templates/master_app/page.html"
FORM = '<form action="publish/" method="post">{% csrf_token %}'

POLITE = """\
class Polite:
    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        try:
            self.message = await self.decode_json(text_data)
        except ValidationError:
            return
{more}

class ReadingsConsumer(Polite, AsyncJson"""
MIXIN = (
    (CONSUMERS, "    async def receive(self,", "    async def _receive(self,"),
    (CONSUMERS, "class ReadingsConsumer(AsyncJson", POLITE),
)
HASH = (
    (
        PRESENCE,
        "            batch.set(f'here:{consumer.channel_name}', '', px=EXPIRY)\n",
        "            batch.hset('here', consumer.channel_name, '1')\n",
    ),
    (
        PRESENCE,
        "    return len({key async for key in redis.scan_iter('here:*', 1000)})",
        "    return await redis.hlen('here')",
    ),
)
HISTORY = (
    (READINGS, "last = 0\n", "last = 0\nhistory = {}\n"),
    (
        READINGS,
        "'reading': new(value)}\n",
        "'reading': new(value)}\n    event['history'] = history\n",
    ),
)


def kept(key: str) -> tuple[tuple[str, str, str], ...]:
    """What has been read, under a key."""
    line = "    last = next(numbers)\n"
    return (*HISTORY, (READINGS, line, f"{line}    history[{key}] = value\n"))


def mixed(more: str) -> tuple[tuple[str, str, str], ...]:
    """A mixin whose ``receive`` does something more with the message."""
    first, (file, old, new) = MIXIN
    return first, (file, old, new.replace("{more}", more))


def routed(end: str) -> tuple[tuple[str, str, str], ...]:
    """A test with a route of its own."""
    imports = "from channels.routing import URLRouter\nfrom channels.testing import WebsocketCommunicator\nfrom django.urls import path\nfrom master_app.consumers import PracticeConsumer\nfrom django.test"
    test = f"    async def test_alone(self):\n        app = URLRouter([path('ws/whole1/', PracticeConsumer{end})])\n        guest = WebsocketCommunicator(app, PATH)\n        await guest.connect()\n        await guest.disconnect()\n\n    async def test_nobody"
    return (
        (PRACTICE, "from django.test", imports),
        (PRACTICE, "    async def test_nobody", test),
    )


def stored(call: str) -> tuple[tuple[str, str, str], ...]:
    """A test that makes a user."""
    return (
        (
            PRACTICE,
            "from django.test",
            "from django.contrib.auth import get_user_model\nfrom django.test",
        ),
        (
            PRACTICE,
            "    async def test_nobody",
            f"    async def test_a_user(self):\n        people = get_user_model().objects\n        {call}\n\n    async def test_nobody",
        ),
    )


WRONG: list[Wrong] = [
    (8, "consumer-receive-hides-receive-json", CONSUMERS, mixed("")),
    (11, "redis-key-never-expires", PRESENCE, HASH),
    (9, "test-consumer-without-as-asgi", PRACTICE, routed("")),
    (
        9,
        "test-django-live-server",
        BROWSER,
        (
            (
                BROWSER,
                "from channels.testing import Channels",
                "from django.contrib.staticfiles.testing import Static",
            ),
            (BROWSER, "(ChannelsLive", "(StaticLive"),
        ),
    ),
    (
        9,
        "test-communicator-call-not-awaited",
        ANSWERS,
        ((ANSWERS, "    await guest.send_json_to(", "    guest.send_json_to("),),
    ),
    (
        9,
        "test-orm-called-synchronously",
        PRACTICE,
        stored("people.create_user('ada')"),
    ),
    (11, "redis-non-string-dict-keys", READINGS, kept("last")),
    (
        7,
        "client-django-tag-in-static-js",
        PAGE_JS,
        ((PAGE_JS, "'./chart.js'", "\"{% static 'master_app/chart.js' %}\""),),
    ),
    (7, "client-import-not-there", PAGE_JS, ((PAGE_JS, "'./live.js'", "'./live'"),)),
    (
        10,
        "client-handler-called-not-assigned",
        PAGE_JS,
        ((PAGE_JS, "setInterval(() => {", "setInterval(publish(), 9);\n(() => {"),),
    ),
    (
        10,
        "client-form-leads-nowhere",
        PAGE,
        ((PAGE, FORM, FORM.replace('publish/"', '/publish"')),),
    ),
    (
        7,
        "client-method-without-this",
        LIVE_JS,
        ((LIVE_JS, "= () => this.wait()", "= this.wait"),),
    ),
    (
        10,
        "python-name-not-defined",
        VIEWS,
        ((VIEWS, "from master_app import readings\n", ""),),
    ),
    (
        8,
        "python-name-imported-once",
        CONSUMERS,
        (
            (CONSUMERS, "import readings\n", "import readings\nfrom .readings import last as newest\n"),
            (CONSUMERS, "readings.last", "newest"),
        ),
    ),
    (
        6,
        "python-global-missing",
        CONSUMERS,
        (
            (CONSUMERS, "class Practice", "sent = 7\n\n\ndef count():\n    sent += 1\n    return sent\n\n\nclass Practice"),
            (CONSUMERS, "randint(0, 100)", "count()"),
        ),
    ),
    (
        9,
        "test-headers-as-str-or-capitalised",
        "master_app/tests/clients.py",
        (("master_app/tests/clients.py", "(b'origin', origin.encode())", "('Origin', origin)"),),
    ),
    (
        9,
        "test-text-compared-with-number",
        PRACTICE,
        ((PRACTICE, "In(int(number), range", "In(number, range"),),
    ),
    (
        11,
        "settings-name-unknown",
        VIEWS,
        ((VIEWS, "settings.DEBUG", "settings.DEBUGGING"),),
    ),
]  # fmt: skip
RIGHT: list[Right] = [
    (8, "mixin", mixed("        await self.receive_json(self.message)")),
    (9, "route-of-a-test", routed(".as_asgi()")),
    (9, "user-of-a-test", stored("await people.acreate(username='ada')")),
    (11, "text-keys", kept("str(last)")),
    (
        7,
        "path-from-the-page",
        (
            (VIEWS, "'master_app/page.html')", "'master_app/page.html', {'at': 'ws/whole1/'})"),
            (PAGE, "<script", "{{ at|json_script:'at' }}\n  <script"),
            (PAGE_JS, "new Live('ws/whole1/'", "new Live(JSON.parse(byId('at').textContent)"),
        ),
    ),
    (
        7,
        "default-export",
        (
            (PAGE_JS, "import { Live }", "import Live"),
            (LIVE_JS, "export class", "export default class"),
            (LIVE_JS, "= () => this.wait()", "= this.wait.bind(this)"),
        ),
    ),
    (
        10,
        "named-url",
        (
            ("webapp/urls.py", "path('publish/', publish)", "path('publish', publish, name='publish')"),
            (PAGE, 'action="publish/"', "action=\"{% url 'publish' %}\""),
        ),
    ),
    (
        10,
        "names-of-the-module",
        (
            (READINGS, "def new(", "def again(value):\n    last = value\n    return last\n\n\ndef new("),
            (SETTINGS, "STATIC_URL", "PACE = 1\nSTATIC_URL"),
            (VIEWS, "settings.DEBUG", "settings.DEBUG or settings.PACE > 2"),
        ),
    ),
]  # fmt: skip
