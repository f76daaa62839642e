"""Pages and what starts them, as learners write them from memory."""

from __future__ import annotations

from shapes import Change

ROOM = "chat/templates/chat/room.html"

COMPOSE = """\
services:
  app:
    image: python:3.12
    command: daphne -b 0.0.0.0 -p 8000 mysite.asgi:application
    environment:
      REDIS_HOST: cache
  cache:
    image: redis:7
  proxy:
    image: nginx:1.27
    volumes: ["./nginx:/etc/nginx/conf.d:ro", "files:/files"]
"""
NGINX = """\
server {
    listen 443 ssl;
    server_name chat.example.org;
    location /static/ { alias /files/; }
    location / {
        proxy_pass http://app:8000;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
"""
UNIT = """\
[Service]
EnvironmentFile=/etc/chat.env
WorkingDirectory=/srv/chat
ExecStart=/srv/chat/venv/bin/daphne mysite.asgi:application
"""
TLS = """\
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = not DEBUG
STATIC_ROOT = BASE_DIR / "files"
"""
SECURE = ("mysite/settings.py", "USE_TZ = True\n", f"USE_TZ = True\n{TLS}")
YAML, CONF = ("docker-compose.yml", None, COMPOSE), ("nginx/chat.conf", None, NGINX)


def served(*changes: Change) -> tuple[Change, ...]:
    """A chat behind nginx, in containers."""
    named = '["localhost", "chat.example.org"]'
    hosts = ("mysite/settings.py", "ALLOWED_HOSTS = []", f"ALLOWED_HOSTS = {named}")
    return (hosts, SECURE, YAML, CONF, *changes)


def posts(options: str) -> tuple[Change, ...]:
    """A chat that posts to the address in an attribute of its page."""
    button = """<button id="leave" data-leave-url="{% url 'index' %}">Leave</button>"""
    script = f"leave.onclick = () => fetch(to, {{method: 'POST', {options}}});"
    found = "const leave = document.getElementById('leave');"
    found += "\nconst to = leave.dataset.leaveUrl;"
    return (
        (ROOM, "<script>", f"{button}<script>{found}"),
        (ROOM, "</script>", f"{script}</script>"),
    )


def image(program: str) -> tuple[Change, ...]:
    """A chat in an image, which is built of a list without uvicorn."""
    lines = (
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
        "RUN pip install -r requirements.txt\n"
        f"CMD {program} mysite.asgi:application --host 0.0.0.0 --port 8000\n"
    )
    named = "django\nchannels\ndaphne\n"
    return (("Dockerfile", None, lines), ("requirements.txt", None, named))


WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "chat",
        "nginx-502-upstream-down",
        "nginx/chat.conf",
        served(("nginx/chat.conf", "app:8000", "127.0.0.1:8000")),
    ),
    (
        "chat",
        "nginx-502-upstream-down",
        "nginx/chat.conf",
        served(("nginx/chat.conf", "app:8000", "web:8000")),
    ),
    (
        "chat",
        "nginx-502-upstream-down",
        "docker-compose.yml",
        served(
            ("nginx/chat.conf", None, None),
            (
                "docker-compose.yml",
                "    environment:",
                "    labels:\n"
                "      - traefik.http.services.app.loadbalancer.server.port=80\n"
                "    environment:",
            ),
        ),
    ),
    (
        "chat",
        "redis-server-not-running",
        "docker-compose.yml",
        served(("docker-compose.yml", "REDIS_HOST: cache", "REDIS_HOST: localhost")),
    ),
    (
        "chat",
        "deploy-https-of-the-proxy-unknown",
        "mysite/settings.py",
        served(("mysite/settings.py", TLS.partition("\n")[0], "")),
    ),
    (
        "chat",
        "deploy-trusted-origin-without-scheme",
        "docker-compose.yml",
        served(
            (
                "mysite/settings.py",
                "STATIC_ROOT",
                "import os\nCSRF_TRUSTED_ORIGINS = "
                'os.environ.get("TRUSTED", "").split()\nSTATIC_ROOT',
            ),
            (
                "docker-compose.yml",
                "REDIS_HOST: cache",
                "TRUSTED: chat.example.org",
            ),
        ),
    ),
    (
        "chat",
        "client-form-without-csrf-token",
        ROOM,
        posts("headers: {'X-CSRF-Token': '{{ csrf_token }}'}"),
    ),
    ("chat", "client-form-without-csrf-token", ROOM, posts("body: 'a=b'")),
    (
        "chat",
        "redis-url-without-scheme",
        "docker-compose.yml",
        served(
            (
                "mysite/settings.py",
                "STATIC_ROOT",
                "import os\nif 'CACHE' in os.environ:\n"
                "    CHANNEL_LAYERS['default'] = {\n"
                "        'BACKEND': 'channels_redis.core.RedisChannelLayer',\n"
                "        'CONFIG': {'hosts': [os.environ['CACHE']]},\n    }\n"
                "STATIC_ROOT",
            ),
            ("docker-compose.yml", "REDIS_HOST: cache", "CACHE: cache:6379"),
        ),
    ),
    ("chat", "install-package-missing", "requirements.txt", image("uvicorn")),
    (
        "chat",
        "deploy-daphne-from-wrong-directory",
        "chat.service",
        (("chat.service", None, UNIT.replace("WorkingDirectory=/srv/chat\n", "")),),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    ("chat", "posts", posts("headers: {'X-CSRFTOKEN': '{{ csrf_token }}'}")),
    ("chat", "in-containers", served()),
    ("chat", "by-a-unit", (("chat.service", None, UNIT),)),
    (
        "chat",
        "slug-made-a-word",
        (
            ("chat/urls.py", "<str:room_name>", "<slug:room_name>"),
            (
                "chat/views.py",
                '{"room_name": room_name}',
                '{"room_name": room_name.replace("-", "_")}',
            ),
        ),
    ),
)
