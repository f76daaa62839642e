# ruff: noqa: E501
"""Mistakes in a bakery whose images, units and settings stand in folders of their own."""

from __future__ import annotations

from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "bakehouse",
        "deploy-daphne-from-wrong-directory",
        "deploy/docker/web.Dockerfile",
        (("deploy/docker/web.Dockerfile", "COPY . .", "COPY . ./app/"),),
    ),
    (
        "bakehouse",
        "deploy-gunicorn-wsgi",
        "compose.yaml",
        (
            ("deploy/systemd/bakehouse-web.service", None, None),
            ("deploy/systemd/bakehouse-oven.service", None, None),
            (
                "compose.yaml",
                "    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
                "    command: gunicorn -b 0.0.0.0:8000 bakehouse.wsgi\n    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
            ),
        ),
    ),
    (
        "bakehouse",
        "redis-encryption-keys-differ",
        "bakehouse/settings/production.py",
        (
            (
                "bakehouse/keys.py",
                None,
                "import secrets\n\nCHANNELS = secrets.token_hex(32)\n",
            ),
            (
                "bakehouse/settings/production.py",
                "from .base import *\n",
                "from .. import keys\nfrom .base import *\n",
            ),
            (
                "bakehouse/settings/production.py",
                '"CONFIG": {"hosts"',
                '"CONFIG": {"symmetric_encryption_keys": [keys.CHANNELS], "hosts"',
            ),
        ),
    ),
    (
        "bakehouse",
        "redis-server-not-running",
        "bakehouse/settings/layers.py",
        (
            (
                "bakehouse/settings/local.py",
                "CHANNEL_LAYERS =",
                "REDIS_PORT = 1\nLOCAL_LAYERS =",
            ),
            (
                "bakehouse/settings/local.py",
                "LOCAL_LAYERS",
                "from .layers import CHANNEL_LAYERS\nOTHER",
            ),
            (
                "bakehouse/settings/layers.py",
                None,
                'CHANNEL_LAYERS = {\n    "default": {\n        "BACKEND": "channels_redis.core.RedisChannelLayer",\n        "CONFIG": {"hosts": [{"address": "redis://127.0.0.1:1", "socket_timeout": None}]},\n    }\n}\n',
            ),
            ("pytest.ini", None, None),
            ("tests/test_sockets.py", None, None),
        ),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "bakehouse",
        "an image whose command compose replaces",
        (
            ("deploy/systemd/bakehouse-web.service", None, None),
            ("deploy/systemd/bakehouse-oven.service", None, None),
            (
                "deploy/docker/web.Dockerfile",
                'CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "bakehouse.asgi:application"]',
                'CMD ["gunicorn", "-b", "0.0.0.0:8000", "bakehouse.wsgi"]',
            ),
            (
                "compose.yaml",
                "    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
                "    command: daphne -b 0.0.0.0 -p 8000 bakehouse.asgi:application\n    environment:\n      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}\n      REDIS_URL: redis://redis:6379/0\n    ports:",
            ),
        ),
    ),
    (
        "metro",
        "a URL without a fragment",
        (
            (
                "board/static/board/feed.js",
                "    const address = new URL(`/board/${station}/live`, window.location);\n",
                "    const address = new URL(`/board/${station}/live`, window.location);\n    address.hash = '';\n",
            ),
        ),
    ),
)
