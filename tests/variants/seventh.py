# ruff: noqa: E501
"""Mistakes in what tests, starts and guards the last checkpoints: the eighth round."""

from __future__ import annotations

from shapes import Change

CLIENTS = "master_app/tests/clients.py"

WRONG: list[tuple[int, str | None, str, tuple[Change, ...]]] = [
    (
        14,
        "test-consumer-without-as-asgi",
        "master_app/tests/test_workers.py",
        (
            (
                "master_app/tests/test_workers.py",
                "from webapp.asgi import application",
                "from master_app.workers import MeasureConsumer",
            ),
            (
                "master_app/tests/test_workers.py",
                "ApplicationCommunicator(application, scope)",
                "ApplicationCommunicator(MeasureConsumer, scope)",
            ),
        ),
    ),
    (
        12,
        "test-setuptestdata-never-called",
        CLIENTS,
        (
            (
                CLIENTS,
                "    def setUp(self):\n        self.ada = logged_in('ada', is_staff=True)\n        self.bob = logged_in('bob')\n",
                "    async def asyncSetUp(self):\n        self.ada = await made('ada', is_staff=True)\n        self.bob = await made('bob')\n",
            ),
            (
                CLIENTS,
                "def client(",
                "made = database_sync_to_async(logged_in)\n\n\ndef client(",
            ),
            (
                CLIENTS,
                "from channels.testing",
                "from channels.db import database_sync_to_async\nfrom channels.testing",
            ),
        ),
    ),
    (
        13,
        "test-testcase-with-database-consumer",
        CLIENTS,
        (
            (CLIENTS, "AsyncClient, TransactionTestCase", "AsyncClient, TestCase"),
            (CLIENTS, "Visitors(TransactionTestCase)", "Visitors(TestCase)"),
            (
                "master_app/tests/test_history.py",
                "        await readings.publish(42)\n        async with connected(PATH, self.bob) as guest, awake():\n            _,",
                "        await readings.publish(42)\n        self.assertEqual(await readings.Reading.objects.acount(), 2)\n        async with connected(PATH, self.bob) as guest, awake():\n            _,",
            ),
        ),
    ),
    (
        12,
        "auth-stack-missing",
        "webapp/asgi.py",
        (
            (
                "webapp/asgi.py",
                "AuthMiddlewareStack(URLRouter(websocket_urlpatterns))",
                "URLRouter(websocket_urlpatterns)",
            ),
        ),
    ),
    (
        16,
        "origin-allowed-hosts-is-a-string",
        "webapp/production.py",
        (
            (
                "webapp/production.py",
                None,
                "import os\n\nfrom webapp.settings import *  # noqa: F403\n\nALLOWED_HOSTS = os.environ['HOSTS']\n",
            ),
            (
                "Procfile",
                None,
                "web: DJANGO_SETTINGS_MODULE=webapp.production daphne -b 0.0.0.0 -p $PORT webapp.asgi:application\n",
            ),
        ),
    ),
    (
        14,
        "auth-csrf-not-checked",
        "master_app/views.py",
        (
            (
                "master_app/views.py",
                "@require_POST\n",
                "@csrf_exempt\n",
            ),
            (
                "master_app/views.py",
                "    if not readings.may_publish(request.user):",
                "    if request.method != 'POST' or not request.user.is_staff:",
            ),
            (
                "master_app/views.py",
                "from django.views.decorators.http import require_POST",
                "from django.views.decorators.csrf import csrf_exempt",
            ),
        ),
    ),
    (
        15,
        "test-never-run",
        "master_app/tests/here_test.py",
        (
            ("setup.cfg", None, None),
            ("master_app/tests/__init__.py", ", or pytest", ""),
            (
                "master_app/tests/here_test.py",
                None,
                "from django.test import TestCase\n\nfrom master_app import fanout\n\n\nclass Here(TestCase):\n    def test_nobody(self):\n        self.assertEqual(fanout.here, set())\n",
            ),
        ),
    ),
    (
        14,
        "auth-csrf-not-checked",
        "master_app/views.py",
        (
            (
                "master_app/views.py",
                "@require_POST\n",
                "@csrf_exempt\n@require_POST\n",
            ),
            (
                "master_app/views.py",
                "from django.views.decorators.http",
                "from django.views.decorators.csrf import csrf_exempt\nfrom django.views.decorators.http",
            ),
        ),
    ),
    (
        17,
        "settings-logging-refused",
        "webapp/settings.py",
        (("webapp/settings.py", "    'version': 1,\n", ""),),
    ),
    (
        17,
        "test-never-run",
        "master_app/tests/fanout_checks.py",
        (
            (
                "master_app/tests/fanout_checks.py",
                None,
                "import pytest\n\nfrom master_app import fanout\n\n\n@pytest.mark.django_db\ndef test_nobody_is_here():\n    assert fanout.here == set()\n",
            ),
        ),
    ),
    (
        6,
        "consumer-endless-loop-in-handler",
        "master_app/consumers.py",
        (
            (
                "master_app/consumers.py",
                "        await self.send({'type': 'websocket.send', 'text': '0'})",
                "        for n in count():\n            await self.send({'type': 'websocket.send', 'text': str(n)})",
            ),
            (
                "master_app/consumers.py",
                "from random",
                "from itertools import count\nfrom random",
            ),
        ),
    ),
    (
        12,
        "python-function-not-called",
        "webapp/urls.py",
        (("webapp/urls.py", "LoginView.as_view()", "LoginView"),),
    ),
    (
        11,
        "settings-channel-layer-backend-typo",
        "webapp/settings.py",
        (
            (
                "webapp/settings.py",
                "channels_redis.pubsub.RedisPubSubChannelLayer",
                "channels_redis.core.RedisChannelLayers",
            ),
        ),
    ),
    (
        12,
        "client-sends-another-key",
        "master_app/messages.py",
        (("master_app/messages.py", "Literal['publish']", "Literal['publis']"),),
    ),
    (
        9,
        "consumer-missing-await-on-send",
        "master_app/tests/test_readings.py",
        (
            (
                "master_app/tests/test_readings.py",
                "answer = await ask(guest, {'type': 'hello', 'after': 0})",
                "answer = ask(guest, {'type': 'hello', 'after': 0})",
            ),
        ),
    ),
]
RIGHT: list[tuple[int, str, tuple[Change, ...]]] = [
    (
        13,
        "a file of variables that only the other machine has",
        (
            (
                "webapp/production.py",
                None,
                "import os\n\nfrom webapp.settings import *  # noqa: F403\n\nREDIS = os.environ.get('REDIS', 'redis://localhost:6379')\nCHANNEL_LAYERS = {\n    'default': {\n        'BACKEND': 'channels_redis.core.RedisChannelLayer',\n        'CONFIG': {'hosts': [REDIS]},\n    }\n}\n",
            ),
            (".env.example", None, "DJANGO_SECRET_KEY=\n"),
            (
                "Dockerfile",
                None,
                "FROM python:3.12\nWORKDIR /srv\nCOPY . .\nCMD daphne -b 0.0.0.0 -p 8001 webapp.asgi:application\n",
            ),
            (
                "compose.yaml",
                None,
                "services:\n  redis:\n    image: redis:7\n  web:\n    build: .\n    env_file: .env.prod\n    environment:\n      DJANGO_SETTINGS_MODULE: webapp.production\n",
            ),
        ),
    ),
    (
        7,
        "a script in a page, and a policy that nobody sends",
        (
            (
                "master_app/policy.py",
                None,
                "def policy(get_response):\n    def answer(request):\n        response = get_response(request)\n        response.setdefault('Content-Security-Policy', \"default-src 'self'\")\n        return response\n\n    return answer\n",
            ),
            (
                "master_app/templates/master_app/page.html",
                '<script type="module" src="static/master_app/page.js">',
                "<script type=\"module\">import './static/master_app/page.js';",
            ),
        ),
    ),
    (
        14,
        "a view that asks for a secret, and none for the cookie",
        (
            (
                "master_app/views.py",
                "@require_POST\n",
                "@csrf_exempt\n@require_POST\n",
            ),
            (
                "master_app/views.py",
                "    if not readings.may_publish(request.user):",
                "    if request.headers.get('X-Api-Key') != settings.SECRET_KEY:",
            ),
            (
                "master_app/views.py",
                "from django.views.decorators.http",
                "from django.views.decorators.csrf import csrf_exempt\nfrom django.views.decorators.http",
            ),
        ),
    ),
    (
        17,
        "functions of pytest in a file that it is told of",
        (
            (
                "master_app/tests/fanout_checks.py",
                None,
                "import pytest\n\nfrom master_app import fanout\n\n\n@pytest.mark.django_db\ndef test_nobody_is_here():\n    assert fanout.here == set()\n",
            ),
            (
                "setup.cfg",
                "testpaths = master_app",
                "testpaths = master_app\npython_files = test_*.py *_checks.py",
            ),
        ),
    ),
]
