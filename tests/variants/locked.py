# ruff: noqa: E501  (the projects' own lines)
"""Mistakes that only somebody meets who has logged in, and logins that are right.

All on one shape, in which strangers are refused: what is behind its door can only be
seen by a client that is let in.
"""

from __future__ import annotations

from shapes import Change

SETTINGS, ASGI = "guild/settings.py", "guild/asgi.py"
MODELS, PASSES = "halls/models.py", "halls/passes.py"
CONSUMERS, MEMBERS = "halls/consumers.py", "halls/members.py"

# A name for the test, the slug, the file, a text in the line, and the changes.
WRONG: tuple[tuple[str, str | None, str, str, tuple[Change, ...]], ...] = (
    (
        "await-missing",
        "consumer-missing-await-on-send",
        CONSUMERS,
        "pending = deliver(",
        (
            (
                CONSUMERS,
                '        await self.send_json({"kind": "welcome", "name": '
                'self.found["name"]})',
                '        self.greet(self.found["name"])\n\n'
                "    def greet(self, name):\n"
                '        deliver = getattr(self, "send_json")\n'
                '        pending = deliver({"kind": "welcome", "name": name})\n'
                "        return pending",
            ),
        ),
    ),
    (
        "crash-on-a-message",
        "consumer-attribute-never-set",
        CONSUMERS,
        "self.spoken += 1",
        (
            (
                CONSUMERS,
                '        text = str(content.get("words", ""))\n',
                '        text = str(content.get("words", ""))\n'
                "        self.spoken += 1\n",
            ),
        ),
    ),
    (
        "blocking-call",
        "consumer-blocking-call-in-async",
        CONSUMERS,
        "waits[bool(text)](0.6)",
        (
            (
                CONSUMERS,
                "import json\n",
                "import json\nimport time\n\nwaits = {True: time.sleep}\n",
            ),
            (
                CONSUMERS,
                '        event = {"type": "hall.said"',
                '        waits[bool(text)](0.6)\n        event = {"type": "hall.said"',
            ),
        ),
    ),
    (
        "wrong-key",
        "routing-kwarg-name-differs",
        MEMBERS,
        'self.scope["url_route"]["kwargs"][self.key]',
        (
            (
                MEMBERS,
                "        await self.accept()\n",
                "        await self.accept()\n"
                '        self.place = self.scope["url_route"]["kwargs"][self.key]\n',
            ),
            (
                MEMBERS,
                "    async def may_enter",
                '    key = "hall"\n\n    async def may_enter',
            ),
        ),
    ),
    (
        "query-in-the-loop",
        "db-orm-in-async-consumer",
        CONSUMERS,
        "keep(Line.objects)",
        (
            (
                CONSUMERS,
                '        await Line.objects.acreate(hall_id=self.found["number"], '
                "text=text)",
                '        keep = methodcaller("create", text=text, '
                'hall_id=self.found["number"])\n        keep(Line.objects)',
            ),
            (
                CONSUMERS,
                "import json\n",
                "import json\nfrom operator import methodcaller\n",
            ),
        ),
    ),
    (
        "crash-of-members-where-all-are-let-in",
        None,
        CONSUMERS,
        "who.nickname",
        (
            (
                CONSUMERS,
                '        if self.scope["user"].is_anonymous:\n'
                "            self.close()\n"
                "            return\n",
                '        who = self.scope["user"]\n'
                '        self.name = who.nickname if who.is_authenticated else ""\n',
            ),
        ),
    ),
    (
        "task-that-goes-on",
        "consumer-background-task-not-cancelled",
        CONSUMERS,
        "async def tick(",
        (
            (
                CONSUMERS,
                "import json\n",
                'import asyncio\nimport json\n\nways = {"aside": asyncio.create_task}\n',
            ),
            (
                CONSUMERS,
                '        await self.send_json({"kind": "welcome"',
                '        self.clock = ways["aside"](self.tick())\n'
                '        await self.send_json({"kind": "welcome"',
            ),
            (
                CONSUMERS,
                "    async def receive_json",
                "    async def tick(self):\n"
                "        while True:\n"
                "            await asyncio.sleep(10)\n\n"
                "    async def receive_json",
            ),
        ),
    ),
    (
        "text-is-a-number",
        "consumer-int-payload",
        CONSUMERS,
        'send_json({"kind": "welcome"',
        (
            (
                MEMBERS,
                "    async def entered(self):",
                "    async def encode_json(self, content):\n"
                "        return len(content)\n\n"
                "    async def entered(self):",
            ),
        ),
    ),
)

USER = """

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager


class Member(AbstractBaseUser):
    email = models.EmailField(unique=True)
    born = models.DateField()
    level = models.PositiveSmallIntegerField()
    badge = models.UUIDField(unique=True)
    patron = models.ForeignKey("Hall", models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["born", "level", "badge", "patron"]
    objects = BaseUserManager()
"""

THROUGH = """

class Membership(models.Model):
    hall = models.ForeignKey(Hall, models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    role = models.CharField(max_length=8, choices=[("guest", "Guest"), ("head", "Head")])
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hall", "user"], name="once")]
"""

HOME_MADE = '''\
from http.cookies import SimpleCookie

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session


@database_sync_to_async
def holder(key):
    session = Session.objects.filter(pk=key).first()
    number = session and session.get_decoded().get(SESSION_KEY)
    return get_user_model().objects.filter(pk=number).first() or AnonymousUser()


class PassMiddleware:
    """Finds the user itself."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        cookies = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode())
        key = cookies.get(settings.SESSION_COOKIE_NAME)
        user = await holder(key.value) if key else AnonymousUser()
        return await self.app(dict(scope, user=user), receive, send)
'''

TOKEN_MODEL = """

class Pass(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    key = models.CharField(max_length=40, unique=True)
    expires = models.DateTimeField()
"""

TOKEN = '''\
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from .models import Pass


@database_sync_to_async
def holder(key):
    found = Pass.objects.filter(key=key, expires__gt=timezone.now())
    one = found.select_related("user").first()
    return one.user if one else AnonymousUser()


class PassMiddleware:
    """A pass that was fetched a moment ago."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        query = parse_qs(scope["query_string"].decode())
        user = AnonymousUser()
        if "ticket" in query:
            user = await holder(query["ticket"][0])
        return await self.app(dict(scope, user=user), receive, send)
'''

BARE: tuple[Change, ...] = (
    (ASGI, "from channels.auth import AuthMiddleware\n", ""),
    (ASGI, "from channels.sessions import CookieMiddleware, SessionMiddleware\n", ""),
    (
        ASGI,
        """\
            CookieMiddleware(
                SessionMiddleware(AuthMiddleware(PassMiddleware(URLRouter(sockets))))
            )
""",
        "            PassMiddleware(URLRouter(sockets))\n",
    ),
)

MEMBERSHIP: tuple[Change, ...] = (
    (
        MODELS,
        "models.ManyToManyField(settings.AUTH_USER_MODEL)",
        ('models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership")'),
    ),
    (
        MODELS,
        "    text = models.TextField()\n",
        "    text = models.TextField()\n" + THROUGH,
    ),
    (CONSUMERS, "import Hall, Line", "import Hall, Line, Membership"),
    (
        CONSUMERS,
        'return found and {"number": found.pk, "name": found.name}',
        "if found is None:\n"
        "            return None\n"
        '        mine = Membership.objects.get(hall=found, user=self.scope["user"])\n'
        '        return {"number": found.pk, "name": found.name, "role": mine.role}',
    ),
)

RULE = """

class Rule(models.Model):
    word = models.CharField(max_length=20, unique=True)
    text = models.TextField()
"""

MIGRATION = """\
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def write(apps, schema_editor):
    apps.get_model("halls", "Rule").objects.create(word="quiet", text="Be quiet.")


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            "Hall",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("members", models.ManyToManyField(to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            "Line",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("hall", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="halls.hall")),
            ],
        ),
        migrations.CreateModel(
            "Rule",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("word", models.CharField(max_length=20, unique=True)),
                ("text", models.TextField()),
            ],
        ),
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
"""

FOUND = 'found = Hall.objects.filter(pk=number, members=self.scope["user"]).first()'

# A name for the test, and the changes; the client is let in everywhere.
RIGHT: tuple[tuple[str, tuple[Change, ...]], ...] = (
    ("session", ()),
    (
        "settings-for-postgres",
        (
            (
                SETTINGS,
                '{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "guild.db"}',
                '{"ENGINE": "django.db.backends.postgresql", "NAME": "guild", "HOST": "db"}',
            ),
        ),
    ),
    (
        "signed-cookies",
        (
            (
                SETTINGS,
                "DEBUG = True",
                'DEBUG = True\nSESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"',
            ),
        ),
    ),
    (
        "sessions-in-a-cache-elsewhere",
        (
            (
                SETTINGS,
                "DEBUG = True",
                'DEBUG = True\nSESSION_ENGINE = "django.contrib.sessions.backends.cache"\n'
                "CACHES = {\n"
                '    "default": {\n'
                '        "BACKEND": "django.core.cache.backends.redis.RedisCache",\n'
                '        "LOCATION": "redis://cache.example:6379/1",\n'
                "    }\n"
                "}",
            ),
        ),
    ),
    ("own-middleware", ((PASSES, None, HOME_MADE), *BARE)),
    (
        "token-in-the-query",
        (
            (PASSES, None, TOKEN),
            (
                MODELS,
                "    text = models.TextField()\n",
                "    text = models.TextField()\n" + TOKEN_MODEL,
            ),
            *BARE,
        ),
    ),
    ("membership-through-a-model", MEMBERSHIP),
    (
        "custom-user",
        (
            (
                MODELS,
                "    text = models.TextField()\n",
                "    text = models.TextField()\n" + USER,
            ),
            (
                SETTINGS,
                "DEBUG = True",
                'DEBUG = True\nAUTH_USER_MODEL = "halls.Member"',
            ),
        ),
    ),
    (
        "redis-that-is-away",
        (
            (
                PASSES,
                "        return await self.app(scope",
                '        if scope["user"].is_anonymous:\n'
                '            await send({"type": "websocket.close"})\n'
                "            return None\n"
                "        return await self.app(scope",
            ),
            (
                SETTINGS,
                '{"BACKEND": "channels.layers.InMemoryChannelLayer"}',
                '{\n        "BACKEND": "channels_redis.core.RedisChannelLayer",\n'
                '        "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},\n    }',
            ),
        ),
    ),
    (
        "row-of-a-migration",
        (
            (
                MODELS,
                "    text = models.TextField()\n",
                "    text = models.TextField()\n" + RULE,
            ),
            ("halls/migrations/0001_initial.py", None, MIGRATION),
            (CONSUMERS, "import Hall, Line", "import Hall, Line, Rule"),
            (
                CONSUMERS,
                FOUND,
                FOUND + '\n        self.rule = Rule.objects.get(word="quiet").text',
            ),
        ),
    ),
    (
        "room-by-its-slug",
        (
            (MODELS, "from django.conf", "import uuid\n\nfrom django.conf"),
            (
                MODELS,
                "    name = models.CharField(max_length=80)\n",
                "    id = models.UUIDField(primary_key=True, default=uuid.uuid4)\n"
                "    slug = models.SlugField(unique=True)\n"
                "    opened = models.DateTimeField(null=True, blank=True)\n"
                "    name = models.CharField(max_length=80)\n",
            ),
            (
                "halls/routing.py",
                "sockets/halls/<int:number>/",
                "sockets/halls/<slug:number>/",
            ),
            (CONSUMERS, FOUND, FOUND.replace("pk=", "slug=")),
            (CONSUMERS, '"number": found.pk', '"number": str(found.pk)'),
        ),
    ),
    (
        "pages-that-send-objects",
        (
            (
                CONSUMERS,
                '        if content.get("do") == "say":\n',
                '        if content["do"] in ("hi", "say"):\n'
                '            self.colour = content["words"]["style"]["colour"]\n',
            ),
        ),
    ),
    (
        "pages-that-send-numbers-of-ours",
        (
            (
                CONSUMERS,
                '        if content.get("do") == "say":\n',
                "        if isinstance(content, dict):\n"
                '            self.colour = {"red": 1}[content.get("name", "red")]\n'
                '        if content.get("do") == "say":\n',
            ),
        ),
    ),
    (
        "two-databases",
        (
            (
                SETTINGS,
                '"NAME": BASE_DIR / "guild.db"}\n',
                '"NAME": BASE_DIR / "guild.db"},\n    "archive": {},\n',
            ),
        ),
    ),
    (
        "database-in-memory",
        ((SETTINGS, 'BASE_DIR / "guild.db"', '":memory:"'),),
    ),
    (
        "only-the-staff",
        (
            (
                MEMBERS,
                'return self.scope["user"].is_authenticated',
                'return self.scope["user"].is_staff',
            ),
        ),
    ),
)
