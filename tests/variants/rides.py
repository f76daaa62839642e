"""Mistakes among couriers on a map: asynchronous code, modules, Caddy, tickets."""

from __future__ import annotations

import re

from shape_couriers import COURIERS
from shapes import Change

SHAPE = "couriers"
CONSUMERS = "src/fleet/consumers.py"
SETTINGS = "src/pedalpost/settings.py"
ASGI = "src/pedalpost/asgi.py"
TICKETS = "src/fleet/tickets.py"
TEST = "tests/test_map.py"
SCRIPTS = "src/fleet/static/fleet/js/"
LINK, MAP, SADDLE = (f"{SCRIPTS}{name}.js" for name in ("link", "map", "saddle"))
NGINX = "deploy/nginx.conf"
UNIT = "deploy/pedalpost-estimator.service"
CMD = 'CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "pedalpost.asgi:application"]'
WORKER = """\
  estimator:
    <<: *app
    command: python manage.py runworker estimates
"""
_TELL = "await self.send(text_data=json.dumps(message))"
_BYTES: Change = (CONSUMERS, _TELL, "await self.send(bytes_data=json.dumps(message))")
_ROUTES = "from fleet.routing import channels, sockets"
_EARLY: tuple[Change, ...] = (
    (ASGI, f"{_ROUTES}  # noqa: E402\n", ""),
    (ASGI, "import os\n\nfrom django", f"import os\n\n{_ROUTES}\nfrom django"),
)
_ASKING: Change = (
    CONSUMERS,
    "        await self.accept()\n        await self.tell(",
    "        await self.accept()\n        await ledger.known_pins(self.zone)\n"
    "        await self.tell(",
)
_LAYERS = COURIERS[SETTINGS].partition("\nif REDIS_URL :=")[2].partition("LOGIN_URL")[0]
_JOB = re.search(
    r" {16}await self\.channel_layer\.send\(.*?\n {16}\)\n", COURIERS[CONSUMERS], re.S
)
assert _JOB is not None
_CHANNELS = (
    "\nchannels = {\n    names.ESTIMATES: workers.EstimateConsumer.as_asgi(),\n}\n"
)
_ALONE: tuple[Change, ...] = (  # no worker, no command: a server only
    (CONSUMERS, _JOB[0], '                await self.send_json({"kind": "eta"})\n'),
    (CONSUMERS, '"minutes": event["minutes"]}', '"minutes": 15}'),
    ("src/fleet/workers.py", None, None),
    ("src/fleet/routing.py", ", names, workers", ""),
    ("src/fleet/routing.py", _CHANNELS, ""),
    (ASGI, "import channels, sockets", "import sockets"),
    (ASGI, "    ChannelNameRouter,\n", ""),
    (ASGI, '        "channel": ChannelNameRouter(channels),\n', ""),
    ("compose.yaml", WORKER, ""),
    (UNIT, None, None),
    ("src/fleet/management/commands/announce.py", None, None),
)

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # below the folder that manage.py puts on the path
        SHAPE,
        "install-file-named-channels-py",
        "src/daphne.py",
        (("src/daphne.py", None, '"""Starts all of it: python src/daphne.py"""\n'),),
    ),
    (  # nobody has migrated, and that is not what is wrong in a file
        SHAPE,
        "consumer-str-under-bytes",
        CONSUMERS,
        (_ASKING, _BYTES),
    ),
    (
        SHAPE,
        "settings-asgi-application-missing",
        SETTINGS,
        ((SETTINGS, "ASGI_APPLICATION =", "if DEBUG:\n    ASGI_APPLICATION ="),),
    ),
    (
        SHAPE,
        "client-socket-without-such-method",
        LINK,
        ((LINK, "() => this.open(), ", "() => this.socket.open(), "),),
    ),
    (  # others give the same method a text
        SHAPE,
        "client-send-object",
        SADDLE,
        (
            (
                SADDLE,
                "link.send(JSON.stringify({ kind, drop",
                "link.send(({ kind, drop",
            ),
            (SADDLE, "send(({ kind, drop", "send({ kind, drop"),
            (SADDLE, ".drop.value) }));", ".drop.value) });"),
        ),
    ),
    (  # a function makes the list
        SHAPE,
        "client-subprotocol-not-answered",
        LINK,
        (
            (
                CONSUMERS,
                "accept(names.PROTOCOL if names.PROTOCOL in offered else None)",
                "accept()",
            ),
            (CONSUMERS, '        offered = self.scope["subprotocols"]\n', ""),
        ),
    ),
    (
        SHAPE,
        "client-fragment-in-url",
        LINK,
        (
            (
                LINK,
                "new URL(path, location.href);",
                "new URL(location.href);\n    this.url.pathname = path;",
            ),
            (
                "src/fleet/templates/fleet/city.html",
                "<h1>The city</h1>",
                '<h1>The city</h1>\n<a href="#bell">To the bell</a>',
            ),
        ),
    ),
    (  # one of the names to which a page leads has a hyphen
        SHAPE,
        "routing-room-name-not-matched-by-w",
        "src/fleet/routing.py",
        (
            ("src/fleet/routing.py", "import path", "import path, re_path"),
            (
                "src/fleet/routing.py",
                'path("ws/zones/<slug:zone>/"',
                're_path(r"^ws/zones/(?P<zone>\\w+)/$"',
            ),
        ),
    ),
    (  # a greeting comes, and nothing after it
        SHAPE,
        "test-broadcast-before-join",
        TEST,
        (
            (
                TEST,
                '    page = await look_at("old-town")\n'
                "    await page.receive_json_from()\n"
                "    pin =",
                "    pin =",
            ),
            (
                TEST,
                '"pin": pin}\n    )\n',
                '"pin": pin}\n    )\n    page = await look_at("old-town")\n'
                "    await page.receive_json_from()\n",
            ),
        ),
    ),
    (
        SHAPE,
        "group-wrong-channel-joined",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "        self.group = names",
                '        self.channel_name = f"watcher.{self.zone}"\n'
                "        self.group = names",
            ),
        ),
    ),
    (
        SHAPE,
        "layer-inmemory-several-processes",
        SETTINGS,
        (
            *_ALONE,
            (
                SETTINGS,
                "if REDIS_URL :=" + _LAYERS,
                'MEMORY = "channels.layers.InMemoryChannelLayer"\n'
                'CHANNEL_LAYERS = {"default": {"BACKEND": MEMORY}}\n\n',
            ),
            (
                SETTINGS,
                'BACKEND": MEMORY',
                'BACKEND": "channels.layers.InMemoryChannelLayer"',
            ),
            (
                "compose.yaml",
                "      - static:/app/static_root\n",
                "      - static:/app/static_root\n    deploy:\n      replicas: 3\n",
            ),
        ),
    ),
    (
        SHAPE,
        "auth-token-in-the-url",
        TICKETS,
        (
            (
                TICKETS,
                'in scope.get("subprotocols", ())',
                'in parse_qs(scope["query_string"].decode()).get("token", [])',
            ),
            (
                TICKETS,
                "from django.contrib",
                "from urllib.parse import parse_qs\n\nfrom django.contrib",
            ),
            (TICKETS, ", max_age=LIFETIME", ""),
        ),
    ),
    (
        SHAPE,
        "worker-not-started",
        "compose.yaml",
        (
            ("compose.yaml", WORKER, ""),
            (UNIT, None, None),
            ("deploy/pedalpost.service", None, None),
        ),
    ),
    (
        SHAPE,
        "deploy-daphne-from-wrong-directory",
        "Dockerfile",
        (("Dockerfile", "    PYTHONPATH=/app/src \\\n", ""),),
    ),
    (
        SHAPE,
        "nginx-proxy-pass-strips-prefix",
        NGINX,
        (
            (
                NGINX,
                "    location /ws/ {\n",
                "    location /ws/ {\n        rewrite ^/ws/(.*)$ /$1 break;\n",
            ),
        ),
    ),
    (
        SHAPE,
        "nginx-proxy-pass-strips-prefix",
        "Caddyfile",
        (
            (
                "Caddyfile",
                "	reverse_proxy web:8000\n",
                "	handle_path /ws/* {\n		reverse_proxy web:8000\n	}\n"
                "	reverse_proxy web:8000\n",
            ),
        ),
    ),
    (
        SHAPE,
        "nginx-without-upgrade-headers",
        NGINX,
        ((NGINX, "Connection $connection_upgrade;", 'Connection "";'),),
    ),
    (
        SHAPE,
        "deploy-gunicorn-asgi-default-worker",
        "Dockerfile",
        (
            (
                "Dockerfile",
                CMD,
                'CMD ["gunicorn", "-k", "daphne", "pedalpost.asgi:application"]',
            ),
        ),
    ),
    (
        SHAPE,
        "deploy-command-unknown",
        "Dockerfile",
        (("Dockerfile", 'CMD ["daphne"', 'CMD ["python", "manage.py", "daphne"'),),
    ),
    (  # what came is handed on by a property of an object that a class was given
        SHAPE,
        "client-reads-another-key",
        SADDLE,
        ((SADDLE, "${message.minutes} min", "${message.mins} min"),),
    ),
    (
        SHAPE,
        "client-message-into-innerhtml",
        MAP,
        ((MAP, "rows.get(id).textContent =", "rows.get(id).innerHTML ="),),
    ),
    (  # a function of the project matches them, and no method
        SHAPE,
        "client-sends-another-key",
        SADDLE,
        (
            (SADDLE, "{ latitude: lat, longitude: lon }", "{ latitude, longitude }"),
            (SADDLE, "'position', lat, lon }", "'position', latitude, longitude }"),
        ),
    ),
    (
        SHAPE,
        "client-form-without-csrf-token",
        SADDLE,
        (
            (
                SADDLE,
                "headers: { 'X-CSRFToken': form.elements.csrfmiddlewaretoken.value }",
                "headers: {}",
            ),
        ),
    ),
    (  # other pages have scripts with a token; this one has none
        SHAPE,
        "client-form-without-csrf-token",
        "src/fleet/templates/registration/login.html",
        (
            (
                "src/fleet/templates/registration/login.html",
                "  {% csrf_token %}\n",
                "",
            ),
        ),
    ),
    (
        SHAPE,
        "nginx-502-upstream-down",
        "Caddyfile",
        (("Caddyfile", "web:8000", "web:8080"),),
    ),
    (
        SHAPE,
        "client-element-not-there",
        SADDLE,
        ((SADDLE, "querySelector('#eta')", "querySelector('#arrival')"),),
    ),
    (
        SHAPE,
        "auth-middleware-queries-synchronously",
        TICKETS,
        (
            (TICKETS, "return await get_user_model()", "return get_user_model()"),
            (TICKETS, ".afirst()", ".first()"),
        ),
    ),
    (
        SHAPE,
        "db-wrapper-around-async",
        "src/fleet/ledger.py",
        (
            (
                "src/fleet/ledger.py",
                "\ndef mark_delivered",
                "\nasync def mark_delivered",
            ),
        ),
    ),
    (  # no message of Daphne's: before accept it is 403, whatever the code
        SHAPE,
        "auth-close-code-before-accept",
        CONSUMERS,
        ((CONSUMERS, "await self.close()", "await self.close(code=400)"),),
    ),
)

# The first finding keeps nothing from being found, too.
BEHIND: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "asgi-consumers-imported-before-settings-module",
        "consumer-str-under-bytes",
        (*_EARLY, _BYTES),
    ),
)
