"""The commands in a project's files, as the doctor reads them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tutor import notebook, trees
from tutor.doctor import commands, copying, gathering
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment import (
    addresses,
    mounts,
    options,
    proxy,
    publichosts,
    unread,
    whereabouts,
)
from tutor.doctor.rules.deployment import commands as rules
from tutor.doctor.rules.groups import jobs
from tutor.doctor.source import Source

STEPS = Path(__file__).parents[1] / "steps"
TARGET = "webapp.asgi:application"

# What files say, and the program, the words and the line that are read of it.
SAID = {
    "procfile": (
        "Procfile",
        f"# what runs\nweb: daphne -b 0.0.0.0 -p $PORT {TARGET}\n",
        [("daphne", f"-b 0.0.0.0 -p $PORT {TARGET}", 2)],
    ),
    "unit": (
        "deploy/board@.service",
        f"[Service]\nExecStart=/srv/v/bin/daphne \\\n  --fd 0 \\\n  {TARGET}\n",
        [("daphne", f"--fd 0 {TARGET}", 2)],
    ),
    "supervisor": (
        "supervisord.conf",
        f"[fcgi-program:x]\ncommand=daphne a\n    --fd 0\n[program:web]\n"
        f"command=/v/bin/python -m daphne {TARGET}\n[supervisord]\ncommand=daphne b\n",
        [("daphne", "a --fd 0", 2), ("daphne", TARGET, 5)],
    ),
    "docker list": (
        "Dockerfile",
        f'FROM python\nCMD ["python", "-m", "uvicorn", "{TARGET}"]\n',
        [("uvicorn", TARGET, 2)],
    ),
    "docker shell": (
        "docker/web.Dockerfile",
        f"FROM a\nCMD python manage.py migrate && exec daphne {TARGET}\n",
        [("migrate", "", 2), ("daphne", TARGET, 2)],
    ),
    "docker entry": (
        "Dockerfile",
        'ENTRYPOINT ["python", "manage.py"]\nCMD ["runworker", "a"]\n',
        [("runworker", "a", 2)],
    ),
    "docker script before": (
        "Dockerfile",
        f'ENTRYPOINT ["/entry.sh"]\nCMD ["daphne", "{TARGET}"]\n',
        [("daphne", TARGET, 2)],
    ),
    "compose": (
        "docker-compose.prod.yml",
        "services:\n  web:\n    environment:\n      DJANGO_SETTINGS_MODULE: a.b\n"
        f"    command: daphne {TARGET}\n  work:\n    command: >\n"
        "      python manage.py\n      runworker a\n  more:\n    command:\n"
        "    - python\n    - manage.py\n    - runworker\n    - b\n"
        '  flow:\n    command: ["./manage.py", "runworker", "c"]\n',
        [
            ("daphne", TARGET, 5),
            ("runworker", "a", 7),
            ("runworker", "b", 11),
            ("runworker", "c", 17),
        ],
    ),
    "script": (
        "start.sh",
        f'#!/bin/sh\nset -e\nif true; then\n  exec uv run uvicorn {TARGET} "$@"\nfi\n'
        "sh -c 'python3 manage.py runworker a > log 2>&1'\n",
        [("uvicorn", f"{TARGET} $@", 4), ("runworker", "a", 6)],
    ),
    "nothing": ("nginx.conf", "server { location / { daphne; } }\n", []),
    "broken": ("start.sh", "daphne 'never closed\n", []),
    "no list": ("Dockerfile", "CMD [" * 20_000, []),
    "no end": ("compose.yml", " command:\n" * 9_000, []),
}


def write(project: Path, file: str, text: str) -> None:
    path = project / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", SAID)
def test_a_command_is_read(name: str, tmp_path: Path) -> None:
    file, text, expected = SAID[name]
    write(tmp_path, file, text)
    found = commands.commands(tmp_path)
    assert [(c.program, " ".join(c.words), c.line) for c in found] == expected


@pytest.mark.parametrize(
    ("said", "target", "ports"),
    [
        (f"daphne {TARGET}", TARGET, {"8000"}),
        (f"daphne -p 8001 -v 2 {TARGET}", TARGET, {"8001"}),
        (f"daphne -u /run/a.sock --proxy-headers {TARGET}", TARGET, {"/run/a.sock"}),
        (f"daphne --access-log - {TARGET}", TARGET, {"8000"}),
        (f"daphne --port=8002 --root-path=/a {TARGET}", TARGET, {"8002"}),
        (f"daphne -p $PORT {TARGET}", TARGET, None),
        (f"daphne -e tcp:port=1:interface=0 {TARGET}", TARGET, None),
        (f"daphne --fd 0 {TARGET}", TARGET, None),
        (f"uvicorn --reload {TARGET} --port 9", TARGET, {"9"}),
        (f"gunicorn -w4 -b127.0.0.1:7 -k uvicorn.Worker {TARGET}", TARGET, {"7"}),
        (f"gunicorn --bind unix:/run/a.sock {TARGET}", TARGET, {"/run/a.sock"}),
        ("daphne $TARGET", None, {"8000"}),
        ("uvicorn", None, {"8000"}),
    ],
)
def test_a_server_and_where_it_listens(
    said: str, target: str | None, ports: set[str] | None, tmp_path: Path
) -> None:
    write(tmp_path, "Procfile", f"web: {said}\n")
    (one,) = commands.commands(tmp_path)
    assert one.target == target
    assert one.ports() == ports


def test_the_commands_of_the_course(tmp_path: Path) -> None:
    for file, text in written().items():
        write(tmp_path, file, text)
    found = {(one.file, one.program) for one in commands.commands(tmp_path)}
    assert found == {
        ("deploy/compose.yaml", "daphne"),
        ("deploy/compose.yaml", "runworker"),
        ("deploy/compose.yaml", "produce"),
        ("deploy/daphne@.service", "daphne"),
        ("deploy/worker@.service", "runworker"),
        ("deploy/producer.service", "produce"),
    }


def test_variables_come_with_their_lines(tmp_path: Path) -> None:
    unit = "[Service]\nEnvironment=A=1 'B=2 3'\nExecStart=daphne a:b\n"
    write(tmp_path, "a.service", unit)
    write(tmp_path, "b.sh", "export A=1\nB=2 daphne a:b\n")
    write(tmp_path, "Dockerfile", "ENV A=1 B=2\nENV C 3\nCMD daphne a:b\n")
    told = {one.file: one.env for one in commands.commands(tmp_path)}
    assert told["a.service"] == {"A": ("1", 2), "B": ("2 3", 2)}
    assert told["b.sh"] == {"A": ("1", 1), "B": ("2", 2)}
    assert told["Dockerfile"] == {"A": ("1", 1), "B": ("2", 1), "C": ("3", 2)}


# Right ways to start the last checkpoint; none of them may be called a mistake.
RIGHT = {
    "paas": {
        "Procfile": f"web: daphne -b 0.0.0.0 -p $PORT {TARGET}\n"
        "worker: python manage.py runworker measure --layer jobs -v2\n"
    },
    "units": {
        "deploy/board@.service": "[Service]\nEnvironment=DJANGO_DEBUG=no\n"
        f"ExecStart=/srv/v/bin/daphne -p 800%i --proxy-headers {TARGET}\n",
        "deploy/pages.service": "[Service]\n"
        "ExecStart=/srv/v/bin/gunicorn -b 127.0.0.1:9000 webapp.wsgi:application\n",
        "deploy/work.service": "[Service]\nExecStart=/srv/v/bin/python manage.py "
        "runworker measure --layer=jobs\n",
    },
    "compose": {
        "Dockerfile": f'FROM python\nENTRYPOINT ["daphne"]\nCMD ["{TARGET}"]\n',
        "compose.yaml": "services:\n  redis:\n    image: redis\n  web:\n    build: .\n"
        "    environment:\n      - DJANGO_SETTINGS_MODULE=webapp.settings\n"
        f"    command: uvicorn --lifespan auto --root-path '' {TARGET}\n  worker:\n"
        "    command: python manage.py runworker measure --layer jobs\n",
    },
    "worker elsewhere": {
        "Procfile": f"web: daphne -p $PORT {TARGET}\n",
        "Makefile": "work:\n\tpython manage.py runworker measure --layer jobs\n",
    },
    "a socket": {
        "deploy/board.service": "[Service]\nStandardInput=socket\n"
        f"ExecStart=daphne --fd 0 {TARGET}\n"
    },
    "wsgi spoken": {
        "start.sh": "uvicorn --interface wsgi webapp.wsgi:application\n"
        f"daphne -p 8001 {TARGET}\n"
    },
}


def written() -> dict[str, str]:
    """The units and the compose file that the course itself shows."""
    cells = notebook.read(STEPS.parent / "tutorial.ipynb")["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    shown = [text for text in sources if text.startswith("%%system ")]
    pairs = [text.removeprefix("%%system ").split("\n", 1) for text in shown]
    return {f"deploy/{name}": text for name, text in pairs}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What is known of the last checkpoint but the board: asked once."""
    project = tmp_path_factory.mktemp("seen") / "project"
    trees.copy(next(STEPS.glob("17-*")), project)
    with copying.copied(project) as copy:
        return gathering.gather(project, project, copy, None, time.monotonic() + 24)


@pytest.mark.parametrize("name", [*RIGHT, "the course"])
def test_nothing_is_found_in_right_commands(
    name: str, seen: Evidence, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    trees.copy(seen.project, project)
    for file, text in (RIGHT.get(name) or written()).items():
        write(project, file, text)
    here = replace(seen, project=project, home=project)
    found = [one for module in (rules, jobs, proxy) for one in module.rules(here)]
    assert [(one.slug, one.place, one.got) for one in found] == []


IMAGE = (
    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\n"
    f"RUN pip install -r requirements.txt\nCOPY . .\n"
    "RUN python manage.py collectstatic --noinput\n"
    f"CMD python manage.py migrate && daphne -b 0.0.0.0 {TARGET}\n"
)
COMPOSE = (
    "services:\n  redis:\n    image: redis\n  web:\n    build: .\n    environment:\n"
    "      REDIS_URL: redis://redis:6379\n    volumes: [static:/app/staticfiles]\n"
    "  nginx:\n    image: nginx\n    volumes: [./nginx.conf:/etc/nginx/nginx.conf, "
    "static:/app/staticfiles]\n"
    "volumes:\n  static:\n"
)
ASKED = "  proxy_set_header Upgrade $http_upgrade;\n"
NGINX = (
    f"upstream web {{ server web:8000; }}\nserver {{\n{ASKED}"
    "  proxy_set_header Connection $http_connection;\n"
    "  proxy_set_header Host $host;\n  location / { proxy_pass http://web; }\n"
    "  proxy_set_header X-Forwarded-Proto $scheme;\n"
    "  location /static/ { alias /app/staticfiles/; }\n}\n"
)
UNIT = (
    "[Service]\nWorkingDirectory=/app\nEnvironmentFile=/etc/board\n"
    f"ExecStart=/v/bin/daphne {TARGET}\n"
)
WORKER = (
    "[Service]\nEnvironmentFile=/etc/board\n"
    "ExecStart=/v/bin/python manage.py runworker measure --layer jobs\n"
)
# What is handed over, as it is right; each change of it is a mistake, or none.
CONTAINERS = {"Dockerfile": IMAGE, "compose.yaml": COMPOSE, "nginx.conf": NGINX}
UNITS = {
    "a.service": UNIT.replace("daphne", "daphne -p 8001"),
    "b.service": WORKER,
    "nginx.conf": NGINX.replace("web:8000", "127.0.0.1:8001"),
}
NAMED = {
    **UNITS,
    "nginx.conf": UNITS["nginx.conf"].replace(
        "{\n  p", "{\n  server_name board.example;\n  p", 1
    ),
}
PROFILE = {
    "Procfile": f"web: daphne -b 0.0.0.0 -p $PORT {TARGET}\n",
    "webapp/files.py": "from django.views.static import serve\n",
}
ORIGINS = "settings.ALLOWED_ORIGINS or settings.ALLOWED_HOSTS"
MISSING, SETTINGS = "settings-variable-missing", "webapp/settings.py"
HANDED = [
    (CONTAINERS, "Dockerfile", "", "", None),
    (CONTAINERS, "Dockerfile", "COPY . .\n", "", "deploy-daphne-from-wrong-directory"),
    (CONTAINERS, "Dockerfile", ":3.12-slim", ":3-onbuild", None),
    (CONTAINERS, "compose.yaml", "REDIS_URL:", "REDIS_URI:", MISSING),
    (CONTAINERS, "compose.yaml", "REDIS_URL:", "DJANGO_REDIS_URL:", MISSING),
    (CONTAINERS, "compose.yaml", "REDIS_URL:", "PGURL:", None),
    (CONTAINERS, SETTINGS, "environ.get('DATABASE_URL')", "environ['DSN']", MISSING),
    (
        {**CONTAINERS, "run.sh": 'export DSN="postgres://$(cat /run/a)"\n'},
        SETTINGS,
        "environ.get('DATABASE_URL')",
        "environ['DSN']",
        None,
    ),
    (CONTAINERS, "nginx.conf", "web:8000", "app:8000", "nginx-502-upstream-down"),
    (
        CONTAINERS,
        "nginx.conf",
        "$http_connection",
        "$http_connection_upgrade",
        "nginx-without-upgrade-headers",
    ),
    (
        CONTAINERS,
        "nginx.conf",
        "$http_connection",
        "$http_upgrade",
        "nginx-without-upgrade-headers",
    ),
    (CONTAINERS, "compose.yaml", "REDIS_URL: redis://redis:6379", "A: b", None),
    (
        CONTAINERS,
        "Dockerfile",
        "RUN python manage.py collectstatic --noinput\n",
        "",
        "nginx-static-alias-elsewhere",
    ),
    (
        {**CONTAINERS, "Dockerfile": IMAGE.replace("python manage.py migrate &&", "")},
        "Dockerfile",
        "RUN python manage.py collectstatic --noinput\n",
        "",
        None,
    ),
    (
        {**CONTAINERS, "README.md": "Run `manage.py collectstatic` once.\n"},
        "Dockerfile",
        "RUN python manage.py collectstatic --noinput\n",
        "",
        None,
    ),
    (
        CONTAINERS,
        "compose.yaml",
        "[static:/app/staticfiles]\n  nginx",
        "[static:/app/static]\n  nginx",
        "nginx-static-alias-elsewhere",
    ),
    (
        CONTAINERS,
        "nginx.conf",
        "alias /app/staticfiles/",
        "alias /app/staticfiles/static/",
        "nginx-static-alias-elsewhere",
    ),
    (NAMED, "webapp/asgi.py", ORIGINS, "['https://board.example']", None),
    (NAMED, "webapp/asgi.py", ORIGINS, "['.example']", None),
    (
        NAMED,
        "webapp/asgi.py",
        ORIGINS,
        "['https://board.org']",
        "origin-public-host-not-allowed",
    ),
    (PROFILE, "Procfile", "$PORT", "8000", "deploy-port-of-the-platform-not-taken"),
    (PROFILE, "Procfile", "0.0.0.0 -p $PORT", "127.0.0.1 -p 8000", None),
    ({**PROFILE, "run.sh": "honcho start"}, "Procfile", "$PORT", "8000", None),
    (UNITS, "a.service", "", "", None),
    (UNITS, "a.service", "EnvironmentFile=/etc/board\n", "", MISSING),
    (UNITS, "a.service", "EnvironmentFile=/etc/board", "Environment=REDIS_URL=a", None),
    (
        UNITS,
        "nginx.conf",
        "127.0.0.1:8001",
        "unix:/run/web.sock",
        "nginx-502-upstream-down",
    ),
    (
        {**UNITS, "a.socket": "[Socket]\nListenStream=/run/web.sock\n"},
        "nginx.conf",
        "127.0.0.1:8001",
        "unix:/run/web.sock",
        None,
    ),
    (
        UNITS,
        "a.service",
        "daphne -p 8001",
        "gunicorn -b 127.0.0.1:8001 -k uvicorn.worker.UvicornWorker",
        "deploy-gunicorn-asgi-default-worker",
    ),
    (
        UNITS,
        "a.service",
        "daphne -p 8001",
        "gunicorn -b 127.0.0.1:8001 -k uvicorn_worker.UvicornWorker",
        None,
    ),
]


@pytest.mark.parametrize(("files", "file", "old", "new", "slug"), HANDED)
def test_what_is_handed_over_is_what_is_asked_for(
    files: dict[str, str],
    file: str,
    old: str,
    new: str,
    slug: str | None,
    seen: Evidence,
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    trees.copy(seen.project, project)
    (project / "deploy/nginx.conf").unlink()
    for name, text in files.items():
        write(project, name, text)
    text = (project / file).read_text("utf-8")
    assert old in text
    write(project, file, text.replace(old, new))
    here = replace(seen, project=project, home=project, source=Source(project, project))
    modules = (rules, proxy, unread, whereabouts, mounts, publichosts, addresses)
    found = {one.slug: one.place[0] for each in modules for one in each.rules(here)}
    if file == SETTINGS and slug:
        file = "compose.yaml"
    assert found == ({slug: file} if slug else {})


# What daphne does not take, and the end of what it says.
REFUSED = [
    (f"--workers 4 {TARGET}", "--workers 4"),
    (f"--reload {TARGET}", "--reload"),
    (f"-b 0.0.0.0:8001 {TARGET}", "Name or service not known."),
    (f"-p localhost:80 {TARGET}", "invalid int value: 'localhost:80'"),
    (f"--fd 0 {TARGET}", "Socket operation on non-socket"),
    (f"{TARGET} 8001", "8001"),
]
TAKEN = [f"-b :: -p 80 {TARGET}", f"--ping-int 5 {TARGET}", f"-v2 -s x $MORE {TARGET}"]


@pytest.mark.parametrize(("said", "end"), [*REFUSED, *((one, "") for one in TAKEN)])
def test_what_daphne_says_to_its_options(
    said: str, end: str, seen: Evidence, tmp_path: Path
) -> None:
    write(tmp_path, "Procfile", f"web: daphne {said}\n")
    (one,) = commands.commands(tmp_path)
    got = options.refused(replace(seen, project=tmp_path), one)
    assert got.endswith(end)
    assert bool(got) == bool(end)


def test_the_options_are_those_of_the_installed_daphne() -> None:
    code = (
        "from daphne.cli import CommandLineInterface as Line\n"
        "for one in Line().parser._actions: print(*one.option_strings)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(shown.stdout.split()) == options.DAPHNE


def test_a_wrong_one_is_found_there(seen: Evidence, tmp_path: Path) -> None:
    trees.copy(seen.project, tmp_path / "project")
    write(tmp_path / "project", "Procfile", f"web: daphne -p $PORT {TARGET}\n")
    here = replace(seen, project=tmp_path / "project", home=tmp_path / "project")
    assert [one.slug for one in jobs.rules(here)] == ["worker-not-started"]
