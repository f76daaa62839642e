"""Mistakes in a warehouse, as a big company's project makes them, and what is right."""

from __future__ import annotations

from shapes import Change

BASE = "config/settings/base.py"
CONSTANTS = "apps/inventory/constants.py"
CONSUMERS = "apps/inventory/consumers.py"
FIXTURES = "tests/conftest.py"
IMAGE = "Dockerfile"
LIVE = "static/js/live.js"
NGINX = "docker/nginx/warehouse.conf"
PAGE = "apps/inventory/templates/inventory/warehouse_detail.html"
ROUTES = "config/routing.py"
PROD = "config/settings/prod.py"
STOCK = "static/js/stock.js"
TEST = "config/settings/test.py"
TESTS = "tests/test_stock.py"
TV = "tests/test_views.py"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # the list of packages has one without the other
        "warehouse",
        "install-channels-without-daphne-extra",
        "requirements/base.txt",
        (("requirements/base.txt", "channels[daphne]>=4.2,<5", "channels>=4.2,<5"),),
    ),
    (  # an image with an environment that is not on PATH
        "warehouse",
        "deploy-program-not-on-path",
        IMAGE,
        (
            (
                IMAGE,
                "RUN pip install --no-cache-dir -r requirements/base.txt",
                "RUN python -m venv /opt/venv\n"
                "RUN /opt/venv/bin/pip install -r requirements/base.txt",
            ),
        ),
    ),
    (  # a class of the project opens it
        "warehouse",
        "client-too-many-sockets",
        STOCK,
        (
            (
                STOCK,
                """\
  live.send({
    action: "book",
    sku: data.get("sku"),
    delta: Number(data.get("delta")),
  });
""",
                """\
  const once = new LiveConnection(`${config.slug}/stock/`, {
    onMessage: () => {},
    onStatus: (text) => {
      if (text !== "live") return;
      once.send({
        action: "book",
        sku: data.get("sku"),
        delta: Number(data.get("delta")),
      });
    },
  });
""",
            ),
        ),
    ),
    (  # settings that only the tests run with
        "warehouse",
        "test-database-is-the-real-one",
        TEST,
        (
            (
                TEST,
                "SECRET_KEY",
                """\
DATABASES = {
    "default": {
        **DATABASES["default"],  # noqa: F405
        "TEST": {"NAME": BASE_DIR / "warehouse.sqlite3"},  # noqa: F405
    },
}
SECRET_KEY""",
            ),
        ),
    ),
    (  # a fixture asks the database
        "warehouse",
        "test-pytest-without-django-db",
        TV,
        (
            (
                FIXTURES,
                "def clerk(transactional_db: None) -> User",
                "def clerk() -> User",
            ),
        ),
    ),
    (  # the layer in memory has them
        "warehouse",
        "group-members-cannot-be-counted",
        CONSUMERS,
        (
            (
                CONSUMERS,
                'await self.send_json({"event": "snapshot", "levels": levels})',
                """\
there = len(self.channel_layer.groups.get(stock_group(self.slug), ()))
        await self.send_json({"event": "snapshot", "levels": levels, "by": there})""",
            ),
        ),
    ),
    (  # in settings that development leaves
        "warehouse",
        "redis-hosts-is-a-bare-tuple",
        BASE,
        (
            (
                BASE,
                '"CONFIG": {"hosts": [REDIS_URL], "prefix": "warehouse"}',
                '"CONFIG": {"hosts": (REDIS_HOST, REDIS_PORT), "prefix": "warehouse"}',
            ),
            (
                BASE,
                "CHANNEL_LAYERS =",
                """\
REDIS_HOST: str = os.environ.get("REDIS_HOST", "localhost")
REDIS_PORT = int(os.environ.get("REDIS_PORT", 6379))
CHANNEL_LAYERS =""",
            ),
        ),
    ),
    (  # nginx knows the site by another name
        "warehouse",
        "origin-public-host-not-allowed",
        PROD,
        (
            (
                PROD,
                '[h for h in os.environ["ALLOWED_HOSTS"].split(",") if h]',
                '["web", "warehouse.internal"]',
            ),
        ),
    ),
    (  # a script of the project's own
        "warehouse",
        "origin-tool-without-origin-header",
        "scripts/probe.py",
        (
            (
                "scripts/probe.py",
                None,
                """\
\"""Tells whether the site's sockets answer: python scripts/probe.py HOST\"""

import asyncio
import sys

import websockets


async def main(host: str) -> None:
    async with websockets.connect(f"wss://{host}/ws/heartbeat/") as socket:
        await socket.send("?")
        print(await socket.recv())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
""",
            ),
            ("requirements/dev.txt", "pytest-django\n", "pytest-django\nwebsockets\n"),
        ),
    ),
    (  # it returns a row by its name
        "warehouse",
        "db-wrapper-around-the-result",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "database_sync_to_async(services.book_movement)(",
                "database_sync_to_async(services.book_movement(",
            ),
            (
                CONSUMERS,
                "            user=self.user,\n        )",
                "            user=self.user,\n        ))",
            ),
        ),
    ),
    (  # an image of a service
        "warehouse",
        "deploy-listens-on-loopback-only",
        IMAGE,
        (
            (
                IMAGE,
                '"-b", "0.0.0.0", ',
                "",
            ),
        ),
    ),
    (  # the service's own image says the port
        "warehouse",
        "nginx-502-upstream-down",
        NGINX,
        ((NGINX, "server web:8000;", "server web:8001;"),),
    ),
    (  # a unit of systemd
        "warehouse",
        "deploy-unix-socket-directory-missing",
        "deploy/warehouse.service",
        (
            (
                "deploy/warehouse.service",
                None,
                """\
[Unit]
Description=Warehouse
After=network.target

[Service]
User=warehouse
WorkingDirectory=/srv/warehouse
EnvironmentFile=/etc/warehouse.env
ExecStart=/srv/warehouse/.venv/bin/daphne \\
    -u /run/warehouse/daphne.sock config.asgi:application
Restart=on-failure

[Install]
WantedBy=multi-user.target
""",
            ),
        ),
    ),
    (  # a service of compose is asked
        "warehouse",
        "nginx-https-to-plain-backend",
        NGINX,
        ((NGINX, "proxy_pass http://warehouse;", "proxy_pass https://warehouse;"),),
    ),
    (  # a form whose note is shown at once
        "warehouse",
        "group-sender-gets-own-message",
        STOCK,
        (
            (
                STOCK,
                'form.addEventListener("submit"',
                """\
const notes = document.getElementById("notes");
const noteForm = document.getElementById("note");

function addNote(text) {
  const item = document.createElement("li");
  item.textContent = text;
  notes.append(item);
}

noteForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = noteForm.elements.text.value;
  live.send({ action: "note", text });
  addNote(text);
  noteForm.reset();
});

form.addEventListener("submit\"""",
            ),
            (
                STOCK,
                '    } else if (message.event === "error")',
                """\
    } else if (message.event === "note") {
      addNote(message.text);
    } else if (message.event === "error")""",
            ),
            (
                PAGE,
                '<form id="booking">',
                """\
<ul id="notes"></ul>
<form id="note"><input name="text"><button>Note</button></form>
<form id="booking">""",
            ),
            (
                CONSUMERS,
                '"refresh": "refresh"}',
                '"refresh": "refresh", "note": "note"}',
            ),
            (
                CONSUMERS,
                "    async def stock_changed",
                """\
    async def note(self, content: dict[str, Any]) -> None:
        await self.channel_layer.group_send(
            stock_group(self.slug),
            {"type": "stock.noted", "text": str(content["text"])},
        )

    async def stock_noted(self, event: dict[str, Any]) -> None:
        await self.send_json({"event": "note", "text": event["text"]})

    async def stock_changed""",
            ),
        ),
    ),
    (  # a fixture gives what connects, and a constant says how long
        "warehouse",
        "test-one-second-timeout",
        TESTS,
        (
            (
                CONSUMERS,
                "        levels = await database",
                """\
        await asyncio.sleep(SETTLE)
        levels = await database""",
            ),
            (
                CONSUMERS,
                "from typing import Any, ClassVar\n",
                "import asyncio\nfrom typing import Any, ClassVar\n",
            ),
            (
                CONSUMERS,
                "\n\nclass StockConsumer",
                "\nSETTLE = 1.5\n\n\nclass StockConsumer",
            ),
        ),
    ),
    (  # the mixin would leave
        "warehouse",
        "group-no-discard",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "    async def stock_changed",
                """\
    async def disconnect(self, code: int) -> None:
        logger.info("%s left %s with %s", self.user, self.slug, code)

    async def stock_changed""",
            ),
            (
                CONSUMERS,
                "\n\nclass StockConsumer",
                "\nlogger = logging.getLogger(__name__)\n\n\nclass StockConsumer",
            ),
            (CONSUMERS, "from typing", "import logging\nfrom typing"),
        ),
    ),
    (  # another consumer has a method that is more alike
        "warehouse",
        "group-handler-missing-closes-everyone",
        CONSUMERS,
        ((CONSTANTS, '"stock.changed"', '"stock.level_changed"'),),
    ),
    (  # all callers are lost
        "warehouse",
        "client-path-differs-from-route",
        LIVE,
        ((LIVE, "/ws/inventory/${path}", "/ws/warehouses/${path}"),),
    ),
    (  # one branch of a choice reads it
        "warehouse",
        "client-reads-another-key",
        STOCK,
        ((STOCK, "render(message.level);", "render(message.stock);"),),
    ),
    (  # a script prevents the default of another form
        "warehouse",
        "client-form-without-csrf-token",
        PAGE,
        (
            (
                PAGE,
                "restock:request' warehouse.slug %}\">\n  {% csrf_token %}",
                "restock:request' warehouse.slug %}\">",
            ),
        ),
    ),
    (  # production alone needs it
        "warehouse",
        "redis-package-missing",
        "requirements/base.txt",
        (("requirements/base.txt", "channels-redis>=4.2,<5\n", ""),),
    ),
    (  # the text with its holes stands in a third module
        "warehouse",
        "group-name-not-allowed",
        CONSTANTS,
        ((CONSTANTS, '"inventory.stock.{slug}"', '"inventory/stock/{slug}"'),),
    ),
    (  # it closes with codes, which looks like the mistake
        "warehouse",
        "consumer-never-accepts",
        CONSUMERS,
        ((CONSUMERS, '["slug"]\n        await self.accept()\n', '["slug"]\n'),),
    ),
    (  # it is kept under a name, and used later
        "warehouse",
        "client-element-not-there",
        STOCK,
        ((STOCK, 'getElementById("levels")', 'getElementById("rows")'),),
    ),
    (  # in settings that nobody has loaded
        "warehouse",
        "origin-allowed-hosts-with-scheme-or-port",
        PROD,
        (
            (
                PROD,
                '[h for h in os.environ["ALLOWED_HOSTS"].split(",") if h]',
                '["https://stock.example.com"]',
            ),
        ),
    ),
)

# Each is close to what is wrong above.
_NOTES = """\
const notes = document.getElementById("notes");
const note = document.getElementById("note");

function addNote(text) {
  notes.append(text);
}

note.addEventListener("submit", (event) => {
  event.preventDefault();
  live.send({ action: "note", text: note.elements.text.value });
});

let other = null;
document.getElementById("watch").onclick = () => {
  if (other) return;
  other = new LiveConnection("alerts/", { onMessage: () => other.send({}) });
};

form.addEventListener("submit\""""
_NOTED = """\
    async def note(self, content: dict[str, Any]) -> None:
        await self.channel_layer.group_send(
            stock_group(self.slug),
            {"type": "stock.noted", "text": str(content["text"])},
        )

    async def stock_noted(self, event: dict[str, Any]) -> None:
        await self.send_json({"event": "note", "text": event["text"]})

    async def disconnect(self, code: int) -> None:
        self.user = None
        await super().disconnect(code)

    async def stock_changed"""
_PROBE = """\
import asyncio
import sys

import websockets


async def main(host: str) -> None:
    url = f"wss://{host}/ws/heartbeat/"
    async with websockets.connect(url, origin=f"https://{host}") as socket:
        await socket.send("?")
        print(await socket.recv())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
"""
_EXTRA = """\
const extra = document.getElementById("extra");
if (extra) extra.textContent = "";

"""
_REFUSES = """\
from channels.generic.websocket import AsyncWebsocketConsumer


class Nobody(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.close()
"""
_GRAPHS = """\
server {
    listen 443 ssl;
    server_name graphs.other.org;

    location / {
        proxy_pass http://grafana:3000;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }
}

"""
_UNIT = """\
[Service]
User=warehouse
RuntimeDirectory=warehouse
WorkingDirectory=/srv/warehouse
EnvironmentFile=/etc/warehouse.env
ExecStart=/srv/warehouse/.venv/bin/daphne \\
    -u /run/warehouse/daphne.sock config.asgi:application
"""
_ALONE = """\
FROM python:3.12-slim
RUN apt-get install -y nginx
RUN uv sync --frozen
ENV PATH="/srv/warehouse/.venv/bin:$PATH"
CMD nginx && daphne -p 8000 config.asgi:application
"""
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "warehouse",
        "close-to-what-is-wrong",
        (
            (STOCK, 'form.addEventListener("submit"', _NOTES),
            (
                STOCK,
                '} else if (message.event === "error")',
                '} else if (message.event === "note") {\n      addNote(message.text);\n'
                '    } else if (message.event === "error")',
            ),
            (
                PAGE,
                '<form id="booking">',
                '<ul id="notes"></ul>\n<button id="watch">Watch</button>\n'
                '<form id="note"><input name="text"></form>\n<form id="booking">',
            ),
            (
                CONSUMERS,
                '"refresh": "refresh"}',
                '"refresh": "refresh", "note": "note"}',
            ),
            (CONSUMERS, "    async def stock_changed", _NOTED),
            (
                CONSUMERS,
                "\n\nclass StockConsumer",
                "\nSETTLE = 1.5\n\n\nclass StockConsumer",
            ),
            (CONSUMERS, "from typing", "import asyncio\nfrom typing"),
            (
                CONSUMERS,
                "        levels = await database",
                "        await asyncio.sleep(SETTLE)\n        levels = await database",
            ),
            (TESTS, "receive_json_from()", "receive_json_from(timeout=5)"),
            (STOCK, "const live = new", _EXTRA + "const live = new"),
            ("apps/core/refusal.py", None, _REFUSES),
            (
                ROUTES,
                "apps.core.consumers import HeartbeatConsumer\n",
                "apps.core.consumers import HeartbeatConsumer\n"
                "from apps.core.refusal import Nobody\n",
            ),
            (
                ROUTES,
                "URLRouter(inventory_routes)),\n",
                "URLRouter(inventory_routes)),\n"
                '    path("ws/<path:rest>", Nobody.as_asgi()),\n',
            ),
            (NGINX, "server {\n    listen", _GRAPHS + "server {\n    listen"),
            (
                PROD,
                '[h for h in os.environ["ALLOWED_HOSTS"].split(",") if h]',
                '[".example.com"]',
            ),
            ("scripts/probe.py", None, _PROBE),
            ("deploy/warehouse.service", None, _UNIT),
            ("Dockerfile.alone", None, _ALONE),
            (
                "config/settings/test.py",
                "SECRET_KEY",
                'DATABASES["default"]["TEST"] = {"NAME": BASE_DIR / "other.sqlite3"}\n'
                "SECRET_KEY",
            ),
        ),
    ),
)
