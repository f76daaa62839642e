"""Mistakes behind a login that a furnished user passes, and in what starts servers."""

from __future__ import annotations

from shapes import Change

CONSUMERS, EVENTS = "apps/inventory/consumers.py", "apps/inventory/events.py"
BEATS, LIVE_JS = "apps/core/consumers.py", "static/js/live.js"
UNIT, NGINX = "deploy/lab-web.service", "deploy/nginx.conf"
LIVE, WORKERS = "orders/live/consumers.py", "orders/live/workers.py"
LINK, CONF = "src/fleet/static/fleet/js/link.js", "deploy/gunicorn.conf.py"

BELONGS: tuple[Change, ...] = (
    (
        "apps/accounts/models.py",
        "    badge =",
        "    site = models.ForeignKey(\n"
        '        "inventory.Warehouse", null=True, blank=True,\n'
        '        on_delete=models.SET_NULL, related_name="staff",\n'
        "    )\n"
        "    badge =",
    ),
    (
        CONSUMERS,
        "        if not self.user.is_authenticated:\n",
        "        if not self.user.is_authenticated or self.user.site_id is None:\n",
    ),
)
INSTALLS = """\
import signal

from django.apps import AppConfig


def goodbye(number, frame):
    print("asked to end by", number)


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self):
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, goodbye)
"""

# As in held.py: the shape, each slug with its file, and the changes.
SEVERAL: tuple[
    tuple[str, str, dict[str | None, str], tuple[Change, ...]],
    ...,
] = (
    (
        "a lazy query for who belongs to a site, a receiver in a transaction, a scheme",
        "warehouse",
        {
            "db-lazy-queryset-returned": CONSUMERS,
            "db-told-before-commit": EVENTS,
            "client-ws-hardcoded-on-https-page": LIVE_JS,
        },
        (
            *BELONGS,
            (
                "apps/inventory/selectors.py",
                "def low_levels(",
                "def stock_page(slug: str) -> dict[str, Any]:\n"
                "    levels = StockLevel.objects.filter(warehouse__slug=slug)\n"
                '    return {"slug": slug, "levels": levels}\n\n\n'
                "def low_levels(",
            ),
            (
                CONSUMERS,
                "        levels = await database_sync_to_async("
                "selectors.stock_snapshot)(self.slug)\n",
                "        page = await database_sync_to_async(selectors.stock_page)"
                "(self.slug)\n"
                '        levels = [one.as_payload() for one in page["levels"]]\n',
            ),
            (
                "apps/inventory/services.py",
                "    transaction.on_commit(partial(publish_level, slug, level))\n",
                "",
            ),
            (
                EVENTS,
                "from .models import StockLevel\n",
                "from django.db.models.signals import post_save\n\n"
                "from .models import Movement, StockLevel\n\n\n"
                "def booked(sender, instance, **kwargs):\n"
                "    publish_level(instance.level.warehouse.slug, instance.level)\n\n\n"
                "post_save.connect(booked, sender=Movement)\n",
            ),
            (LIVE_JS, '=== "https:"', '=== "https"'),
        ),
    ),
    (
        "another folder, a variable of nginx, two signals, a mixin, a register",
        "darkroom",
        {
            "deploy-unix-socket-directory-missing": UNIT,
            "nginx-https-to-plain-backend": NGINX,
            "operate-sigterm-is-not-handed-on": "orders/apps.py",
            "worker-answers-with-self-send": WORKERS,
            "load-consumers-never-forgotten": LIVE,
        },
        (
            (UNIT, "RuntimeDirectory=lab\n", "RuntimeDirectory=lab-web\n"),
            (
                NGINX,
                "    location /live/ {\n        proxy_pass http://lab;\n",
                "    location /live/ {\n        set $behind https://lab;\n"
                "        proxy_pass $behind;\n",
            ),
            ("orders/apps.py", None, INSTALLS),
            (
                WORKERS,
                "class Developer(SyncConsumer):",
                "class Answers:\n"
                "    def answer(self, text):\n"
                '        self.send({"type": "websocket.send", "text": text})\n\n\n'
                "class Developer(Answers, SyncConsumer):",
            ),
            (
                WORKERS,
                "        self.tell(order, order.prints)\n",
                "        self.tell(order, order.prints)\n"
                '        self.answer("ready")\n',
            ),
            (LIVE, "class ProgressConsumer", "HERE = {}\n\n\nclass ProgressConsumer"),
            (
                LIVE,
                "        await self.accept(subprotocol=PROTOCOL)\n",
                "        await self.accept(subprotocol=PROTOCOL)\n"
                "        HERE[self.channel_name] = self\n",
            ),
        ),
    ),
    (
        "a port in gunicorn's file, a probe by an address, an old Redis that is locked",
        "couriers",
        {
            "nginx-502-upstream-down": "Caddyfile",
            "operate-probe-behind-the-host-check": "Dockerfile",
            "redis-server-too-old": "compose.yaml",
            "redis-password-missing": "compose.yaml",
        },
        (
            (
                CONF,
                None,
                "bind = '0.0.0.0:8080'\n"
                "worker_class = 'uvicorn_worker.UvicornWorker'\n",
            ),
            ("deploy/redis.conf", None, "requirepass between-us\n"),
            (
                "Dockerfile",
                'CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", '
                '"pedalpost.asgi:application"]',
                "RUN pip install gunicorn uvicorn-worker\n"
                "HEALTHCHECK CMD curl -fsS http://localhost:8080/ || exit 1\n"
                'CMD ["gunicorn", "-c", "deploy/gunicorn.conf.py", '
                '"pedalpost.asgi:application"]',
            ),
            (
                "compose.yaml",
                "    image: redis:7-alpine\n",
                "    image: ${REDIS_IMAGE:-redis:4-alpine}\n"
                "    command: redis-server /etc/redis.conf\n"
                "    volumes:\n      - ./deploy/redis.conf:/etc/redis.conf:ro\n",
            ),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "warehouse",
        "a register that is left, under a channel's name, by who belongs to a site",
        (
            *BELONGS,
            (LIVE_JS, '=== "https:" ? "wss:" : "ws:"', '!== "http:" ? "wss:" : "ws:"'),
            (BEATS, "class Heartbeat", "HERE = {}\n\n\nclass Heartbeat"),
            (
                BEATS,
                '        await self.send({"type": "websocket.accept"})\n',
                "        HERE[self.channel_name] = self\n"
                '        await self.send({"type": "websocket.accept"})\n',
            ),
            (
                BEATS,
                "        raise StopConsumer\n",
                "        HERE.pop(self.channel_name, None)\n"
                "        raise StopConsumer\n",
            ),
        ),
    ),
)
