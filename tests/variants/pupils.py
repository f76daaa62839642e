# ruff: noqa: E501  (the projects' own lines)
"""Slips of learners in the checkpoints of steps 7 to 11, none recognised at first.

What was missing each time: a method that lost its object by a pattern, texts of another
script, a model that is asked for keys, an ``except`` that fails itself, a call that has
no end, what a star unpacks, the types that stay inside of a group, a page on the path
of another consumer, and what a test causes by way of a view.
"""

from __future__ import annotations

from fourth import CONSUMERS, READINGS, SETTINGS, Right, Wrong

CLIENTS = "master_app/tests/clients.py"
BROADCAST = "master_app/tests/test_broadcast.py"
PRESENCE = "master_app/presence.py"
COMMAND = "master_app/management/commands/publish.py"
PAGE_JS, LIVE_JS = (f"master_app/static/master_app/{n}.js" for n in ("page", "live"))

WRONG: list[Wrong] = [
    (
        7,
        "client-method-without-this",
        LIVE_JS,
        (
            (
                LIVE_JS,
                "this.timer = setTimeout(() => this.open(), delay);",
                ("const { open } = this;\n    this.timer = setTimeout(open, delay);"),
            ),
        ),
    ),
    (
        7,
        "client-no-trailing-slash",
        "master_app/static/master_app/paths.js",
        (
            (
                PAGE_JS,
                "import { Live } from './live.js';\n",
                (
                    "import { Live } from './live.js';\n"
                    "import { PATHS } from './paths.js';\n"
                ),
            ),
            (PAGE_JS, "new Live('ws/whole1/'", "new Live(PATHS.numbers"),
            (
                "master_app/static/master_app/paths.js",
                None,
                "export const PATHS = { numbers: 'ws/whole1' };\n",
            ),
        ),
    ),
    (
        8,
        "consumer-json-not-parsed",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "incoming.validate_json(text_data)",
                "incoming.validate_python(text_data)",
            ),
        ),
    ),
    (
        8,
        "consumer-attribute-never-set",
        CONSUMERS,
        ((CONSUMERS, "        self.bad = 0  # in a row\n", ""),),
    ),
    (
        8,
        "python-method-calls-itself",
        CONSUMERS,
        (
            (
                CONSUMERS,
                (
                    "        self.closing = True\n"
                    "        await super().close(code, reason)"
                ),
                (
                    "        self.closing = True\n"
                    "        await self.finish(code, reason)\n"
                    "\n"
                    "    async def finish(self, code, reason):\n"
                    '        """The end."""\n'
                    "        await self.close(code, reason)"
                ),
            ),
        ),
    ),
    (
        8,
        "consumer-model-read-like-dict",
        CONSUMERS,
        (
            (CONSUMERS, "case Hello():", "case {'type': 'hello'}:"),
            (
                CONSUMERS,
                "case Publish(value=value):",
                "case {'type': 'publish', 'value': value}:",
            ),
        ),
    ),
    (
        9,
        "test-no-origin-header",
        CLIENTS,
        (
            (
                CLIENTS,
                "def client(path, origin='http://localhost'):",
                "def client(path, origin=None):",
            ),
        ),
    ),
    (
        10,
        "group-add-arguments-swapped",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "await self.channel_layer.group_add(readings.GROUP, self.channel_name)",
                "await self.channel_layer.group_add(*self.member)",
            ),
            (
                CONSUMERS,
                ("        self.closing = False\n        await self.channel"),
                (
                    "        self.closing = False\n"
                    "        self.member = self.channel_name, readings.GROUP\n"
                    "        await self.channel"
                ),
            ),
            (
                CONSUMERS,
                (
                    "group_discard(\n"
                    "            readings.GROUP, self.channel_name\n"
                    "        )"
                ),
                "group_discard(*self.member)",
            ),
        ),
    ),
    (
        10,
        "client-reads-another-key",
        PAGE_JS,
        (
            (
                PAGE_JS,
                "if (type !== 'reading') return;",
                "if (type !== 'readings.new') return;",
            ),
        ),
    ),
    (
        10,
        "client-reads-another-key",
        PAGE_JS,
        ((PAGE_JS, "new Live('ws/readings/'", "new Live('ws/whole1/'"),),
    ),
    (
        10,
        "test-broadcast-before-join",
        BROADCAST,
        (
            (
                BROADCAST,
                (
                    "        async with connected(PATH) as ada, connected(PATH) as bob:\n"
                    "            answer = await self.async_client.post('/publish/', {'value': 42})\n"
                    "            self.assertEqual(answer.status_code, 204)\n"
                ),
                (
                    "        answer = await self.async_client.post('/publish/', {'value': 42})\n"
                    "        self.assertEqual(answer.status_code, 204)\n"
                    "        async with connected(PATH) as ada, connected(PATH) as bob:\n"
                ),
            ),
        ),
    ),
    (
        11,
        "redis-url-without-scheme",
        SETTINGS,
        ((SETTINGS, "{'hosts': [REDIS_URL]}", "{'hosts': ['localhost:6379']}"),),
    ),
    (
        11,
        "python-for-or-async-for",
        PRESENCE,
        ((PRESENCE, "key async for key in", "key for key in"),),
    ),
    # Nobody of ours ever runs the command: what it gives back is read.
    (
        11,
        "group-send-not-awaited",
        READINGS,
        (
            (
                READINGS,
                "async def publish(value):",
                "async def withdraw(number):\n"
                '    """Tell everyone that a reading was none."""\n'
                "    event = {'type': 'readings.new', 'reading': {'id': number}}\n"
                "    return get_channel_layer().group_send(GROUP, event)\n"
                "\n"
                "\n"
                "async def publish(value):",
            ),
            (
                COMMAND,
                "        async_to_sync(readings.publish)(value)",
                "        async_to_sync(readings.withdraw)(value)",
            ),
        ),
    ),
]

RIGHT: list[Right] = [
    (
        11,
        "names-at-the-end-of-a-line-and-a-base-that-awaits",
        (
            (
                PAGE_JS,
                "  const value = Math.floor(Math.random() * 101);",
                "  const most = 101;\n"
                "  const draws =\n"
                "    publish;\n"
                "  const value = draws === null ? 0 : Math.floor(Math.random() * most);",
            ),
            (
                COMMAND,
                "class Command(BaseCommand):",
                "class Awaited(BaseCommand):\n"
                '    """Runs what is async."""\n'
                "\n"
                "    def execute(self, *args, **options):\n"
                "        return async_to_sync(self.handle)(**options)\n"
                "\n"
                "\n"
                "class Command(Awaited):",
            ),
            (
                COMMAND,
                "    def handle(self, value, **options):\n"
                "        async_to_sync(readings.publish)(value)",
                "    async def handle(self, value, **options):\n"
                "        await readings.publish(value)",
            ),
        ),
    ),
]
