"""Mistakes with a class behind an object of the page, and what others lack."""

from __future__ import annotations

from shapes import Change

CONSUMERS = "household/consumers.py"
LIVE = "household/static/household/js/live.js"
LIST = "household/static/household/js/list.js"
KITCHEN = "household/static/household/js/kitchen.js"
PAGE = "household/templates/household/list.html"
FRAME = "household/templates/household/frame.html"
TESTS = "household/tests/test_list_socket.py"
WATCHED = "src/telemetry/consumers.py"
MODELS = "src/telemetry/messages.py"
DASHBOARD = "src/telemetry/static/telemetry/dashboard.js"

# As in held.py: the shape, each slug with its file, and the changes.
SEVERAL: tuple[
    tuple[str, str, dict[str | None, str], tuple[Change, ...]],
    ...,
] = (
    (
        "an object, a beat, a state and a method without its own; keywords turned",
        "hearth",
        {
            "client-send-object": LIST,
            "client-handler-called-not-assigned": LIST,
            "client-send-after-close": KITCHEN,
            "client-method-without-this": LIVE,
            "client-no-trailing-slash": LIVE,
            "group-add-arguments-swapped": CONSUMERS,
        },
        (
            (LIST, 'sendFrame({ kind: "add", text: field.value })', "sendText(frame)"),
            (
                LIST,
                "    live.sendText(frame)",
                '    const frame = { kind: "add", text: field.value };\n'
                "    live.sendText(frame)",
            ),
            (LIST, "Hearth.showState;", 'Hearth.showState("connecting");'),
            (
                KITCHEN,
                "  live.open();\n",
                "  live.open();\n"
                '  window.setInterval(() => live.socket.send("seen"), 20000);\n',
            ),
            (
                LIVE,
                "forEach((text) => this.socket.send(text))",
                "forEach(this.socket.send)",
            ),
            (
                LIVE,
                "location.host + this.path",
                'location.host + this.path.replace(/\\/$/, "")',
            ),
            (
                CONSUMERS,
                "        await self.channel_layer.group_add("
                "self.group, self.channel_name)\n",
                '        pair = {"group": self.channel_name, "channel": self.group}\n'
                "        await self.channel_layer.group_add(**pair)\n",
            ),
        ),
    ),
    (
        "a page's path in data, a link to a socket, one for each click; class data",
        "hearth",
        {
            "client-path-differs-from-route": PAGE,
            "client-page-not-there": FRAME,
            "client-too-many-sockets": KITCHEN,
            "test-setuptestdata-never-called": TESTS,
        },
        (
            (
                PAGE,
                '"/ws/lists/{{ list.slug }}/"',
                "\"{% url 'household:show_list' list.slug %}\"",
            ),
            (FRAME, "\"{% url 'household:kitchen' %}\"", '"/ws/kitchen/"'),
            (
                KITCHEN,
                '() => live.sendText("seen"));',
                "() => {\n"
                '    const bell = new window.Hearth.LiveSocket("/ws/kitchen/");\n'
                "    bell.open();\n"
                '    bell.sendText("seen");\n'
                "  });",
            ),
            (
                TESTS,
                "    def setUp(self):\n        self.user =",
                "    @classmethod\n    def setUpTestData(self):\n        self.user =",
            ),
        ),
    ),
    (
        "a text that answers itself, an item drawn twice, a method nobody has",
        "hearth",
        {
            "client-ping-pong-without-pause": KITCHEN,
            "group-sender-gets-own-message": LIST,
            None: CONSUMERS,
        },
        (
            (
                KITCHEN,
                "    write(data);\n",
                '    write(data);\n    live.sendText("seen");\n',
            ),
            (
                LIST,
                '    live.sendFrame({ kind: "add", text: field.value });\n',
                "    const text = field.value;\n"
                '    draw({ id: "new", text: text, done: false });\n'
                '    live.sendFrame({ kind: "add", text });\n',
            ),
            (
                CONSUMERS,
                "class ListConsumer(AsyncJsonWebsocketConsumer):\n",
                "class Greeting(AsyncJsonWebsocketConsumer):\n"
                "    async def greet(self):\n"
                "        await self.send_json(self.greeting())\n\n"
                "    def greeting(self):\n"
                "        raise NotImplementedError\n\n\n"
                "class ListConsumer(Greeting):\n",
            ),
        ),
    ),
    (
        "models that are sent and checked, by a name for all of them",
        "observatory",
        {
            "client-sends-another-key": DASHBOARD,
            "client-reads-another-key": DASHBOARD,
        },
        (
            (DASHBOARD, 'values: seen.get("wind")', 'samples: seen.get("wind")'),
            (DASHBOARD, "dome({ azimuth }) {", "dome({ heading }) {"),
            (DASHBOARD, "`${azimuth}°`", "`${heading}°`"),
            (
                MODELS,
                "Command = ",
                "class Dome(BaseModel):\n"
                '    topic: Literal["dome"] = "dome"\n'
                "    turned_to: float\n\n\n"
                "Command = ",
            ),
            (
                WATCHED,
                '        await self.tell("dome", azimuth=event["azimuth"])\n',
                '        moved = messages.Dome(turned_to=event["azimuth"])\n'
                "        await self.send(text_data=moved.model_dump_json())\n",
            ),
        ),
    ),
    (
        "a fixture that nobody awaits, and a layer that is only called for",
        "estimates",
        {
            "test-pytest-without-asyncio-mark": "tests/conftest.py",
            "settings-channel-layers-missing": "server/settings.py",
        },
        (
            ("tests/conftest.py", "def player():", "async def player():"),
            (
                "server/settings.py",
                "CHANNEL_LAYERS = {\n"
                '    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}\n'
                "}\n",
                "def channel_layers():\n"
                "    return {}\n\n\n"
                "CHANNEL_LAYERS = channel_layers()\n",
            ),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "hearth",
        "a state that a function makes, a slash that is put on, a path from a view",
        (
            (
                LIST,
                "  live.onState = window.Hearth.showState;\n",
                "  function stateOf(name) {\n"
                "    return (state) => window.Hearth.showState(name + state);\n"
                "  }\n"
                '  live.onState = stateOf("list: ");\n',
            ),
            (LIVE, "host + this.path", 'host + this.path.replace(/\\/*$/, "/")'),
            (PAGE, "/ws/lists/{{ list.slug }}/", "{{ socket_path }}"),
            (
                "household/views.py",
                '{"list": shopping_list})',
                '{"list": shopping_list, "socket_path": f"/ws/lists/{slug}/"})',
            ),
        ),
    ),
)
