"""Mistakes in a photo lab: what its servers are handed, and what its worker gets."""

from __future__ import annotations

from shapes import Change

SETTINGS = "fotolab/settings.py"
HANDED = "deploy/lab.env.example"
WORKER = "orders/live/workers.py"
CONSUMER = "orders/live/consumers.py"
QUEUE = "orders/live/queue.py"
UNIT = "deploy/lab-web.service"
_COMPOSE = """\
services:
  web:
    build: .
    env_file: .env
    command: daphne -b 0.0.0.0 -p 8000 fotolab.asgi:application
  worker:
    build: .
    env_file: .env
    command: python manage.py runworker develop --layer queue
  redis:
    image: redis:7
    command: redis-server --requirepass opensesame
"""
_PAGES = """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fotolab.settings")
application = get_wsgi_application()
"""
_RECIPE = "serve:\n\t@python manage.py daphne -p 9000 fotolab.asgi:application\n"
_JOB = """\
def job(kind, **facts):
    return {"kind": kind, **facts}


def develop("""
_SENT = '{"type": "film.develop", "order": order_id}'
_EXAMPLE = "LAB_DEBUG=no\nLAB_SECRET_KEY=\nLAB_HOSTS=lab.example.net\nLAB_REDIS="

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (  # its worker's thread is its own, its recipe takes variables, its Redis a word
        "darkroom",
        "another-way",
        (
            (WORKER, "self.expose(order, done)", "time.sleep(0.2)"),
            (WORKER, "import logging\n", "import logging\nimport time\n"),
            ("Makefile", None, "serve:\n\tdaphne -p $(PORT) $(APP)\n"),
            ("docker-compose.yml", None, _COMPOSE),
            (".env.example", None, f"{_EXAMPLE}redis://:opensesame@redis/0\n"),
        ),
    ),
)
WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # the variable has another name there, so the layers are those without it
        "darkroom",
        "worker-with-inmemory-layer",
        SETTINGS,
        ((HANDED, "LAB_REDIS=", "REDIS_URL="),),
    ),
    (
        "darkroom",
        "origin-validator-scheme-or-port-mismatch",
        HANDED,
        ((HANDED, "LAB_FRONTENDS=https", "LAB_FRONTENDS=http"),),
    ),
    (
        "darkroom",
        "redis-server-not-running",
        ".env.example",
        (
            ("docker-compose.yml", None, _COMPOSE),
            (".env.example", None, f"{_EXAMPLE}redis://localhost:6379/0\n"),
        ),
    ),
    (
        "darkroom",
        "redis-password-missing",
        ".env.example",
        (
            ("docker-compose.yml", None, _COMPOSE),
            (".env.example", None, f"{_EXAMPLE}redis://redis:6379/0\n"),
        ),
    ),
    (  # the Procfile starts one that carries sockets, nginx asks the other
        "darkroom",
        "deploy-gunicorn-wsgi",
        UNIT,
        (
            ("fotolab/wsgi.py", None, _PAGES),
            (
                UNIT,
                "uvicorn --uds /run/lab/web.sock fotolab.asgi:application",
                "gunicorn --bind unix:/run/lab/web.sock fotolab.wsgi",
            ),
        ),
    ),
    (
        "darkroom",
        "nginx-502-upstream-down",
        "deploy/nginx.conf",
        (("deploy/nginx.conf", "/run/lab/web.sock", "/run/lab/uvicorn.sock"),),
    ),
    ("darkroom", "deploy-command-unknown", "Makefile", (("Makefile", None, _RECIPE),)),
    (
        "darkroom",
        "worker-message-without-type-kills-worker",
        QUEUE,
        (
            (QUEUE, "def develop(", _JOB),
            (QUEUE, _SENT, 'job("film.develop", order=order_id)'),
        ),
    ),
    (  # the row is told by its name, the field by its model
        "darkroom",
        "redis-message-not-serialisable",
        WORKER,
        ((WORKER, '"done": done,', '"done": done, "at": order.placed,'),),
    ),
    (  # through the user's own list, which begins at no manager that has a name
        "darkroom",
        "db-lazy-queryset-returned",
        CONSUMER,
        (
            (
                CONSUMER,
                "[order.as_dict() for order in waiting]",
                "(order.as_dict() for order in waiting)",
            ),
        ),
    ),
    (  # in a method that only a message of the worker's leads to
        "darkroom",
        "auth-request-or-self-user",
        CONSUMER,
        ((CONSUMER, '"done": event["done"],', '"for": self.request.user.pk,'),),
    ),
    (  # the unit's worker has the right name, and that of the Procfile has not
        "darkroom",
        "worker-listens-to-another-name",
        "Procfile",
        (("Procfile", "runworker develop", "runworker developer"),),
    ),
)
