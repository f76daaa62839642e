"""A photo lab: tokens as subprotocols, a worker, units that are handed a file."""

from __future__ import annotations

DARKROOM = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fotolab.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "Procfile": """\
release: python manage.py migrate --noinput
web: daphne -b 0.0.0.0 -p $PORT --proxy-headers fotolab.asgi:application
worker: python manage.py runworker develop --layer queue
""",
    "accounts/__init__.py": "",
    "accounts/http.py": '''\
"""Who sends a request: its token is in the header Authorization."""
from functools import wraps

from django.contrib.auth import get_user_model
from django.http import JsonResponse

from .tokens import user_id


def token_required(view):
    @wraps(view)
    def wrapper(request, *args, **kwargs):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        pk = user_id(token) if kind == "Bearer" else None
        user = get_user_model().objects.filter(pk=pk, is_active=True).first()
        if user is None:
            return JsonResponse({"detail": "Who are you?"}, status=401)
        request.user = user
        return view(request, *args, **kwargs)

    return wrapper
''',
    "accounts/sockets.py": '''\
"""Who opens a socket: its token comes as the second subprotocol."""
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from .tokens import user_id

PROTOCOL = "fotolab.v1"


@database_sync_to_async
def fetch_user(pk):
    return get_user_model().objects.filter(pk=pk, is_active=True).first()


class TokenAuthMiddleware:
    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope, receive, send):
        offered = scope.get("subprotocols", [])
        user = None
        if len(offered) == 2 and offered[0] == PROTOCOL:
            pk = user_id(offered[1])
            if pk is not None:
                user = await fetch_user(pk)
        scope = dict(scope, user=user or AnonymousUser())
        return await self.inner(scope, receive, send)
''',
    "accounts/tokens.py": '''\
"""Signed tokens that tell who somebody is, for a quarter of an hour."""
from django.conf import settings
from django.core import signing

SALT = "fotolab.token"


def issue_for(user):
    return signing.dumps({"user": user.pk}, salt=SALT)


def user_id(token):
    """Whose token it is, or None."""
    try:
        return signing.loads(token, salt=SALT, max_age=settings.TOKEN_SECONDS)["user"]
    except signing.BadSignature:
        return None
''',
    "accounts/views.py": """\
import json

from django.contrib.auth import authenticate
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .tokens import issue_for


@csrf_exempt
@require_POST
def issue(request):
    try:
        given = json.loads(request.body)
        name, word = given["username"], given["password"]
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"detail": "username and password, please"}, status=400)
    user = authenticate(request, username=name, password=word)
    if user is None:
        return JsonResponse({"detail": "no"}, status=401)
    return JsonResponse({"token": issue_for(user)})
""",
    "deploy/lab-web.service": """\
[Unit]
Description=Photo lab, pages and sockets
After=network.target redis.service

[Service]
User=lab
Group=lab
WorkingDirectory=/opt/lab/app
EnvironmentFile=/etc/lab.env
RuntimeDirectory=lab
ExecStartPre=/opt/lab/venv/bin/python manage.py migrate --noinput
ExecStart=/opt/lab/venv/bin/uvicorn --uds /run/lab/web.sock fotolab.asgi:application
Restart=on-failure

[Install]
WantedBy=multi-user.target
""",
    "deploy/lab-worker.service": """\
[Unit]
Description=Photo lab, worker
After=network.target redis.service

[Service]
User=lab
Group=lab
WorkingDirectory=/opt/lab/app
EnvironmentFile=/etc/lab.env
ExecStart=/opt/lab/venv/bin/python manage.py runworker develop --layer queue
Restart=always

[Install]
WantedBy=multi-user.target
""",
    "deploy/lab.env.example": """\
DJANGO_SETTINGS_MODULE=fotolab.settings
LAB_DEBUG=no
LAB_SECRET_KEY=
LAB_HOSTS=lab.example.net
LAB_FRONTENDS=https://lab.example.net
LAB_DATABASE=postgres://lab:lab@localhost/lab
LAB_REDIS=redis://localhost:6379/2
""",
    "deploy/nginx.conf": """\
upstream lab {
    server unix:/run/lab/web.sock fail_timeout=0;
}

server {
    listen 443 ssl http2;
    server_name lab.example.net;
    ssl_certificate /etc/letsencrypt/live/lab.example.net/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/lab.example.net/privkey.pem;

    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;

    root /opt/lab/site;

    location /api/ {
        proxy_pass http://lab;
    }

    location /live/ {
        proxy_pass http://lab;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_read_timeout 10m;
    }
}
""",
    "fotolab/__init__.py": "",
    "fotolab/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fotolab.settings")
http = get_asgi_application()

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings

from accounts.sockets import TokenAuthMiddleware
from orders.live import workers
from orders.live.names import DEVELOP
from orders.live.urls import sockets

application = ProtocolTypeRouter({
    "http": http,
    "websocket": OriginValidator(
        TokenAuthMiddleware(URLRouter(sockets)),
        settings.FRONTEND_ORIGINS,
    ),
    "channel": ChannelNameRouter({
        DEVELOP: workers.Developer.as_asgi(),
    }),
})
""",
    "fotolab/settings.py": '''\
"""Settings of the photo lab; the environment says what differs."""
import os
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent


def flag(name, default=""):
    return os.environ.get(name, default).lower() in {"1", "true", "yes"}


def words(name, default=""):
    return os.environ.get(name, default).split(",")


DEBUG = flag("LAB_DEBUG", "yes")
SECRET_KEY = "for-development" if DEBUG else os.environ["LAB_SECRET_KEY"]
ALLOWED_HOSTS = words("LAB_HOSTS", "localhost,127.0.0.1")
# Pages whose scripts may open sockets; here Vite serves them and hands on the rest.
FRONTEND_ORIGINS = words("LAB_FRONTENDS", "http://localhost:5173")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "channels",
    "accounts",
    "orders",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]

ROOT_URLCONF = "fotolab.urls"
ASGI_APPLICATION = "fotolab.asgi.application"
TEMPLATES = []

DATABASES = {
    "default": dj_database_url.config(
        env="LAB_DATABASE",
        default=f"sqlite:///{BASE_DIR / 'lab.sqlite3'}",
    ),
}

REDIS_URL = os.environ.get("LAB_REDIS")

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        },
        "queue": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
                "prefix": "lab-queue",
                "expiry": 3600,
            },
        },
    }
else:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
        "queue": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }

TOKEN_SECONDS = 15 * 60
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
''',
    "fotolab/urls.py": """\
from django.urls import include, path

from accounts.views import issue

urlpatterns = [
    path("api/token/", issue),
    path("api/orders/", include("orders.api.urls")),
]
""",
    "orders/__init__.py": "",
    "orders/api/__init__.py": "",
    "orders/api/urls.py": """\
from django.urls import path

from . import views

urlpatterns = [
    path("", views.orders),
    path("<int:pk>/", views.order),
]
""",
    "orders/api/views.py": """\
import json

from django.db import transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt

from accounts.http import token_required

from ..live.queue import develop
from ..models import Order


@csrf_exempt
@token_required
def orders(request):
    if request.method == "GET":
        mine = [order.as_dict() for order in request.user.orders.all()]
        return JsonResponse({"orders": mine})
    if request.method != "POST":
        return JsonResponse({"detail": "GET or POST"}, status=405)
    try:
        given = json.loads(request.body)
        title, prints = str(given["title"])[:100], int(given.get("prints", 1))
    except (ValueError, KeyError, TypeError, AttributeError):
        return JsonResponse({"detail": "title and prints, please"}, status=400)
    if not 1 <= prints <= 100:
        return JsonResponse({"detail": "1 to 100 prints"}, status=400)
    with transaction.atomic():
        order = Order.objects.create(customer=request.user, title=title, prints=prints)
        transaction.on_commit(lambda: develop(order.pk))
    return JsonResponse(order.as_dict(), status=201)


@token_required
def order(request, pk):
    found = get_object_or_404(Order, pk=pk, customer=request.user)
    return JsonResponse(found.as_dict())
""",
    "orders/live/__init__.py": "",
    "orders/live/consumers.py": '''\
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from accounts.sockets import PROTOCOL

from .names import customer_group


class ProgressConsumer(AsyncJsonWebsocketConsumer):
    """Tells a customer how far each of the orders is."""

    async def connect(self):
        self.customer = self.scope["user"]
        if self.customer.is_anonymous:
            await self.close()
            return
        self.room = customer_group(self.customer.pk)
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept(subprotocol=PROTOCOL)
        for order in await self.open_orders():
            await self.send_json({"kind": "order", **order})

    async def disconnect(self, code):
        if not self.customer.is_anonymous:
            await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """Nothing is expected from customers here."""

    @database_sync_to_async
    def open_orders(self):
        waiting = self.customer.orders.exclude(state="ready")
        return [order.as_dict() for order in waiting]

    async def order_progress(self, event):
        await self.send_json({
            "kind": "progress",
            "id": event["order"],
            "state": event["state"],
            "done": event["done"],
            "of": event["of"],
        })
''',
    "orders/live/names.py": '''\
"""The names that more than one process has to know."""
DEVELOP = "develop"
QUEUE = "queue"


def customer_group(pk):
    return f"customer-{pk}"
''',
    "orders/live/queue.py": '''\
"""Hand an order to the worker."""
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from .names import DEVELOP, QUEUE


def develop(order_id):
    layer = get_channel_layer(QUEUE)
    async_to_sync(layer.send)(DEVELOP, {"type": "film.develop", "order": order_id})
''',
    "orders/live/urls.py": """\
from django.urls import re_path

from . import consumers

sockets = [
    re_path(r"^live/progress/$", consumers.ProgressConsumer.as_asgi()),
]
""",
    "orders/live/workers.py": '''\
"""What the worker does: python manage.py runworker develop --layer queue."""
import hashlib
import logging

from asgiref.sync import async_to_sync
from channels.consumer import SyncConsumer
from channels.layers import get_channel_layer

from ..models import Order
from .names import QUEUE, customer_group

log = logging.getLogger(__name__)
ROUNDS = 200_000


class Developer(SyncConsumer):
    channel_layer_alias = QUEUE

    def film_develop(self, message):
        taken = Order.objects.filter(pk=message["order"], state=Order.State.WAITING)
        if not taken.update(state=Order.State.RUNNING):
            log.warning("order %s is not waiting", message["order"])
            return
        order = Order.objects.get(pk=message["order"])
        for done in range(1, order.prints + 1):
            self.expose(order, done)
            self.tell(order, done)
        Order.objects.filter(pk=order.pk).update(state=Order.State.READY)
        order.state = Order.State.READY
        self.tell(order, order.prints)

    def expose(self, order, done):
        name = f"{order.title} {done}".encode()
        return hashlib.pbkdf2_hmac("sha256", name, b"lab", ROUNDS)

    def tell(self, order, done):
        async_to_sync(get_channel_layer().group_send)(
            customer_group(order.customer_id),
            {
                "type": "order.progress",
                "order": order.pk,
                "state": str(order.state),
                "done": done,
                "of": order.prints,
            },
        )
''',
    "orders/migrations/0001_initial.py": """\
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("title", models.CharField(max_length=100)),
                ("prints", models.PositiveIntegerField(default=1)),
                ("state", models.CharField(default="waiting", max_length=10)),
                ("placed", models.DateTimeField(auto_now_add=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="orders",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["-placed"]},
        ),
    ]
""",
    "orders/migrations/__init__.py": "",
    "orders/models.py": """\
from django.conf import settings
from django.db import models


class Order(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="orders"
    )
    title = models.CharField(max_length=100)
    prints = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, default=State.WAITING)
    placed = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-placed"]

    def as_dict(self):
        return {
            "id": self.pk,
            "title": self.title,
            "prints": self.prints,
            "state": self.state,
            "placed": self.placed.isoformat(),
        }
""",
    "requirements.txt": """\
django~=5.2
channels[daphne]~=4.2
channels_redis~=4.2
dj-database-url
psycopg[binary]
uvicorn[standard]
""",
    "web/src/lab.js": """\
// The front end's part that talks to the lab.
const API = "/api";
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const SOCKETS = `${scheme}//${location.host}/live/progress/`;

export async function logIn(username, password) {
  const answer = await fetch(`${API}/token/`, {
    method: "POST",
    body: JSON.stringify({ username, password }),
  });
  if (!answer.ok) {
    throw new Error("wrong name or password");
  }
  return (await answer.json()).token;
}

export function follow(fetchToken, show) {
  let pause = 1000;
  async function open() {
    const socket = new WebSocket(SOCKETS, ["fotolab.v1", await fetchToken()]);
    socket.onopen = () => { pause = 1000; };
    socket.onmessage = (event) => show(JSON.parse(event.data));
    socket.onclose = () => {
      setTimeout(open, pause);
      pause = Math.min(2 * pause, 60000);
    };
  }
  open();
}
""",
}
