"""What was mended without a test of its own, and what nobody had seen till then."""

from __future__ import annotations

from shapes import Change

DASHBOARD = "machines/static/machines/dashboard.js"
MAIN = "table/static/table/js/main.js"
TABLE = "tests/test_table.py"
COMPOSE = "compose.yaml"
ANNOUNCE = "src/fleet/management/commands/announce.py"
FLEET = "src/fleet/consumers.py"
LAB_ENV, LAB_NGINX = "deploy/lab.env.example", "deploy/nginx.conf"

# The shape, each slug with its file, and the changes; None is a cause without a name.
SEVERAL: tuple[
    tuple[str, str, dict[str | None, str], tuple[Change, ...]],
    ...,
] = (
    (
        "a code in a constant, a timer that an if ends, markup by a fragment",
        "laundry",
        {
            "client-close-code-reserved": DASHBOARD,
            "client-send-after-close": DASHBOARD,
            "client-message-into-innerhtml": DASHBOARD,
        },
        (
            (
                DASHBOARD,
                "  const RECONNECT_DELAY_MS = 2000;\n",
                "  const RECONNECT_DELAY_MS = 2000;\n  const GOING_AWAY = 1001;\n",
            ),
            (
                DASHBOARD,
                "      const message = JSON.parse(event.data);\n",
                "      const message = JSON.parse(event.data);\n"
                "      const range = document.createRange();\n"
                "      elements.toast.append(\n"
                '        range.createContextualFragment(message.detail ?? ""),\n'
                "      );\n",
            ),
            (
                DASHBOARD,
                "\n  connect();\n",
                '\n  window.addEventListener("pagehide", () => {\n'
                "    socket.close(GOING_AWAY);\n  });\n  connect();\n"
                "  window.setInterval(() => {\n"
                '    socket.send(JSON.stringify({ action: "snapshot" }));\n'
                "  }, 30000);\n",
            ),
        ),
    ),
    (
        "a second list of marks, a helper that asks, clients in pairs",
        "estimates",
        {
            "test-pytest-without-django-db": TABLE,
            "test-orm-called-synchronously": TABLE,
            "test-sends-empty-text": "tests/test_pairs.py",
        },
        (
            (
                TABLE,
                "\n\nasync def seated(",
                "\npytestmark = pytest.mark.asyncio\n\n\n"
                "def cards():\n    return Vote.objects.count()\n\n\n"
                "async def seated(",
            ),
            (TABLE, "await Vote.objects.acount() == 1", "cards() == 1"),
            (
                "tests/test_pairs.py",
                None,
                """\
import pytest
from channels.testing import WebsocketCommunicator

from server.asgi import application

ORIGIN = [(b"origin", b"http://localhost")]


@pytest.mark.asyncio
async def test_nothing_is_said_to_the_other():
    ann, bob = (
        WebsocketCommunicator(application, "/ws/table/one/", headers=ORIGIN),
        WebsocketCommunicator(application, "/ws/table/two/", headers=ORIGIN),
    )
    await ann.connect()
    await bob.connect()
    await ann.send_to(text_data="")
    await ann.disconnect()
    await bob.disconnect()
""",
            ),
        ),
    ),
    (
        "a socket more at each submit",
        "hub",
        {"client-too-many-sockets": "static/js/lobby.js"},
        (
            (
                "static/js/lobby.js",
                None,
                """\
const room = document.body.dataset.room;
const log = document.getElementById("log");
const form = document.getElementById("say");

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/chat/${room}/`);
  socket.addEventListener("message", (event) => {
    const item = document.createElement("li");
    const data = JSON.parse(event.data);
    item.textContent = `${data.author}: ${data.text}`;
    log.append(item);
  });
  window.live = socket;
}
connect();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  window.live.send(JSON.stringify({type: "say", text: form.elements.text.value}));
  connect();
});
""",
            ),
        ),
    ),
    (
        "a renamed attribute, coroutines in a list, a row's text without quotes",
        "estimates",
        {
            "client-data-attribute-not-there": MAIN,
            "group-send-not-awaited": "table/consumers.py",
            "client-template-variable-unquoted": "table/templates/table/room.html",
        },
        (
            (
                "table/templates/table/room.html",
                "</main>\n",
                "</main>\n<script>window.story = {{ story.slug }};</script>\n",
            ),
            (MAIN, "root.dataset.slug", 'root.getAttribute("data-story")'),
            (
                "table/consumers.py",
                "        self.player = name\n",
                "        self.player = name\n        [\n"
                "            self.channel_layer.group_add(one, self.channel_name)\n"
                '            for one in ("all", name)\n'
                "        ]\n",
            ),
        ),
    ),
    (
        "a form by a helper, a Host written out, a database in another container",
        "couriers",
        {
            "client-body-not-as-the-view-reads-it": "src/fleet/static/fleet/js/map.js",
            "nginx-without-host": "deploy/nginx.conf",
            None: COMPOSE,
        },
        (
            (
                "src/fleet/static/fleet/js/map.js",
                "refresh.addEventListener('click', () => link.send('refresh'));",
                """\
refresh.addEventListener('click', () => link.send('refresh'));
const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
const post = (url, body) =>
  fetch(url, { method: 'POST', headers: { 'X-CSRFToken': token }, body });
document.querySelector('#add').addEventListener('submit', (event) => {
  event.preventDefault();
  post(`/api/zones/${map.dataset.zone}/drops/`, new FormData(event.target));
});""",
            ),
            (
                "src/fleet/templates/fleet/zone.html",
                '<button type="button" id="refresh">',
                '<form id="add">{% csrf_token %}<input name="address"></form>\n'
                '<button type="button" id="refresh">',
            ),
            (
                "deploy/nginx.conf",
                "    location / {\n        proxy_pass http://pedalpost;\n"
                "        proxy_set_header Host $host;",
                "    location / {\n        proxy_pass http://pedalpost;\n"
                "        proxy_set_header Host localhost;",
            ),
            (
                COMPOSE,
                "  redis:\n    image",
                "  db:\n    image: postgres:16\n  redis:\n    image",
            ),
            (COMPOSE, "    REDIS_URL:", "    PGHOST: localhost\n    REDIS_URL:"),
        ),
    ),
    (
        "DEBUG that stays on, hosts with a scheme, TLS to what speaks none",
        "darkroom",
        {
            "deploy-debug-cannot-be-off": "fotolab/settings.py",
            "origin-allowed-hosts-with-scheme-or-port": LAB_ENV,
            "nginx-https-to-plain-backend": LAB_NGINX,
            "nginx-static-alias-elsewhere": LAB_NGINX,
            "deploy-gunicorn-asgi-default-worker": "deploy/lab-web.service",
        },
        (
            (
                "fotolab/settings.py",
                'DEBUG = flag("LAB_DEBUG", "yes")',
                'DEBUG = bool(os.environ.get("LAB_DEBUG", "yes"))',
            ),
            (LAB_ENV, "HOSTS=lab.", "HOSTS=https://lab."),
            (
                LAB_NGINX,
                "server unix:/run/lab/web.sock fail_timeout=0;",
                "server 127.0.0.1:8000;",
            ),
            (
                LAB_NGINX,
                "    location /live/ {\n        proxy_pass http://lab;\n",
                "    location /static/ {\n        root /srv/collected;\n    }\n\n"
                "    location /live/ {\n        proxy_pass $scheme://lab;\n",
            ),
            (
                "deploy/lab-web.service",
                "uvicorn --uds /run/lab/web.sock",
                "gunicorn -c deploy/serving.py",
            ),
            (
                "deploy/serving.py",
                None,
                'bind = "127.0.0.1:8000"\nworkers = 2\n',
            ),
        ),
    ),
    (
        "a Redis whose service has another name",
        "couriers",
        {"redis-server-not-running": COMPOSE},
        (
            (COMPOSE, "  redis:\n    image", "  cache:\n    image"),
            (COMPOSE, "    - redis\n", "    - cache\n"),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "couriers",
        "a command that keeps SIGTERM, a query string of bytes",
        (
            (
                ANNOUNCE,
                "from asgiref",
                "import signal\nimport threading\n\nfrom asgiref",
            ),
            (
                ANNOUNCE,
                "        self.stdout",
                "        signal.signal(signal.SIGTERM, lambda *_: self.over.set())\n"
                "        self.over.wait()\n        self.stdout",
            ),
            (ANNOUNCE, "    help =", "    over = threading.Event()\n    help ="),
            (
                FLEET,
                "from channels.consumer",
                "from django.http import QueryDict\nfrom channels.consumer",
            ),
            (
                FLEET,
                '        await self.tell(kind="hello", zone=self.zone)\n',
                '        asked = QueryDict(self.scope["query_string"])\n'
                '        if asked.get("quiet") != "1":\n'
                '            await self.tell(kind="hello", zone=self.zone)\n',
            ),
        ),
    ),
)
