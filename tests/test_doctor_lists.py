"""What the doctor reads in lists of packages, in compose files, and in profiles."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tutor import doctor
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment import (
    composed,
    development,
    interpreters,
    libraries,
    listed,
    nowhere,
    pinned,
    whereabouts,
)
from tutor.doctor.source import Source

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import shapes

SERVED = Told([{"kind": "walk", "protocols": {"websocket": {}}}])


def look(tmp_path: Path, module: object, **files: str) -> list[tuple[str, int | None]]:
    """What one module finds: the slugs, and the lines."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    source = Source(tmp_path, tmp_path)
    seen = Evidence(tmp_path, tmp_path, Told([]), source, serve=SERVED)
    return [(one.slug, one.place[1]) for one in module.rules(seen)]  # type: ignore


@pytest.mark.parametrize(
    ("line", "old"),
    [
        ("channels==3.0.5", True),
        ("channels[daphne]~=3.0  # as the answer says", True),
        ("channels >=3, <4", True),
        ('channels = "^3.0"', True),
        ('channels = {version = "^3.0", extras = ["x"]}', True),
        ("RUN pip install channels==3.0.4 daphne", True),
        ("channels<=3.0.5", True),
        ("channels", False),
        ("channels>=3", False),
        ("channels[daphne]>=4,<5", False),
        ("channels~=4.0", False),
        ("# channels==3.0.5", False),
        ("channels-redis==3.4.1", False),
        ("django-channels==3.0", False),
    ],
)
def test_an_old_version_is_read_however_it_is_pinned(
    line: str, old: bool, tmp_path: Path
) -> None:
    slug = "install-pinned-channels-3"
    found = look(tmp_path, pinned, requirements_DOT_txt=f"django\n{line}\n")
    assert found == ([(slug, 2)] if old else [])


@pytest.mark.parametrize(
    ("listed", "lacks"),
    [
        ("uvicorn", True),
        ("uvicorn==0.30 ; python_version > '3'", True),
        ("uvicorn[standard]", False),
        ("uvicorn\nwebsockets", False),
        ("uvicorn-worker", False),
    ],
)
def test_uvicorn_needs_a_library_beside_it(
    listed: str, lacks: bool, tmp_path: Path
) -> None:
    files = {"Procfile": "web: uvicorn site.asgi:application\n"}
    found = look(tmp_path, libraries, requirements_DOT_txt=listed, **files)
    assert found == ([("deploy-uvicorn-without-websocket-library", 1)] if lacks else [])


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("daphne mysite.asgi:application", True),
        ("uvicorn site1/asgi:application", True),
        ("gunicorn -k uvicorn.workers.UvicornWorker mysite.asgi", True),
        ("daphne site1.asgi:application", False),
        ("daphne other.asgi:application", False),
        ("uvicorn sidecar.main:app", False),
        ("daphne $PROJECT.asgi:application", False),
        ("uvicorn --app-dir backend mysite.asgi:application", False),
    ],
)
def test_a_server_is_told_a_module_that_is_there(
    command: str, wrong: bool, tmp_path: Path
) -> None:
    for name in ("site1", "services/other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "asgi.py").write_text("application = None\n", "utf-8")
    (tmp_path / "Procfile").write_text(f"web: {command}\n", "utf-8")
    target = "site1.asgi:application"
    source = Source(tmp_path, tmp_path)
    seen = Evidence(tmp_path, tmp_path, Told([]), source, target=target)
    slugs = [one.slug for one in nowhere.rules(seen)]
    assert slugs == (["deploy-application-misspelled"] if wrong else [])


@pytest.mark.parametrize(
    ("listing", "line"),
    [
        ("django-channels\ndjango", 1),
        ("whitenoise\nDjango>=5", 2),
        ("django\nchannels-redis", None),
        ("django\ndjangochannelsrestframework", None),
        ("whitenoise", None),
    ],
)
def test_channels_is_in_some_list(
    listing: str, line: int | None, tmp_path: Path
) -> None:
    files = {
        "requirements_DOT_txt": listing,
        "app_DOT_py": "from channels.consumer import AsyncConsumer\n"
        "class It(AsyncConsumer):\n    async def websocket_connect(self, e): pass\n",
    }
    slug = "install-channels-missing"
    assert look(tmp_path, listed, **files) == ([(slug, line)] if line else [])


@pytest.mark.parametrize(
    ("image", "installs", "lacks"),
    [
        ("python:3.12", "", 2),
        ("python:3.12", "gunicorn uvicorn-worker", 0),
        ("python:3.12", "gunicorn", 1),
        ("tiangolo/uvicorn-gunicorn:python3.11", "", 0),
    ],
)
def test_a_server_of_an_image_is_installed(
    image: str, installs: str, lacks: int, tmp_path: Path
) -> None:
    run = f"RUN pip install -r requirements.txt {installs}\n"
    command = "CMD gunicorn -k uvicorn.workers.UvicornWorker site.asgi:application\n"
    files = {"Dockerfile": f"FROM {image}\n{run}{command}"}
    found = look(tmp_path, listed, requirements_DOT_txt="channels\n", **files)
    assert found == [("install-package-missing", 1)] * lacks


@pytest.mark.parametrize(
    ("command", "wrong"),
    [("", True), ("cd src && ", False), ("PYTHONPATH=src ", False)],
)
def test_a_procfile_starts_its_server_where_it_lies(
    command: str, wrong: bool, tmp_path: Path
) -> None:
    files = {"Procfile": f"web: {command}daphne site1.asgi:application\n"}
    files["src__site1__asgi_DOT_py"] = "application = None\n"
    (tmp_path / "src").mkdir()
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    home = tmp_path / "src"
    seen = Evidence(tmp_path, home, Told([]), Source(tmp_path, home))
    found = [(one.slug, one.place) for one in whereabouts.rules(seen)]
    slug = "deploy-daphne-from-wrong-directory"
    assert found == ([(slug, ("Procfile", 1))] if wrong else [])


@pytest.mark.parametrize(
    ("url", "more", "missing"),
    [
        ("redis://cache:6379/1", "command: redis-server --requirepass x", True),
        (
            "redis://:x@cache:6379/1",
            "command: redis-server --requirepass x",
            False,
        ),
        ("redis://cache:6379/1", "command: redis-server --appendonly yes", False),
        ("redis://other:6379/1", "command: redis-server --requirepass x", False),
    ],
)
def test_a_password_of_compose_stands_in_the_url(
    url: str, more: str, missing: bool, tmp_path: Path
) -> None:
    text = f"""\
services:
  web:
    command: daphne site.asgi:application
    environment:
      - REDIS={url}
  cache:
    image: redis:7
    {more}
"""
    found = look(tmp_path, composed, compose_DOT_yml=text)
    assert found == ([("redis-password-missing", 5)] if missing else [])


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("Makefile", "run:\n\tpython manage.py runserver --noasgi\n", 2),
        ("_DOT_vscode__launch_DOT_json", '["runserver",\n "--noasgi"]\n', 2),
        ("Makefile", "run:\n\tpython manage.py runserver\n# not --noasgi\n", None),
    ],
)
def test_a_flag_is_seen_wherever_people_start_it(
    name: str, text: str, line: int | None, tmp_path: Path
) -> None:
    found = look(tmp_path, development, **{name: text})
    assert found == ([("apps-runserver-noasgi", line)] if line else [])


def test_a_project_without_its_database_is_looked_at_all_the_same(
    tmp_path: Path,
) -> None:
    """What is wrong beside it comes first; where nothing is, there is advice."""
    opened = ("club/middleware.py", "if scope['user'].is_authenticated:", "if True:")
    emptied = ("db.sqlite3", None, "")
    untyped = ("club/consumers.py", "{'type': 'websocket.send', ", "{")
    slug = "auth-migrations-not-applied"
    cases: list[tuple[tuple[shapes.Change, ...], list[tuple[str, str]]]] = [
        ((opened,), [(slug, "advice")]),
        ((opened, emptied), [(slug, "error")]),
    ]
    for number, (changes, expected) in enumerate(cases):
        found = doctor.diagnose(
            shapes.write("chessclub", changes, tmp_path / str(number))
        ).findings
        assert [(one.slug, one.severity) for one in found] == expected
    both = shapes.write("chessclub", (opened, untyped), tmp_path / "both")
    found = doctor.diagnose(both).findings
    assert [one.severity for one in found] == ["error", "advice"]
    assert found[1].slug == slug


IMAGE = 'FROM python\nCMD ["./start.sh"]\n'


@pytest.mark.parametrize(
    ("image", "script", "found"),
    [
        ('CMD ["daphne -p 80 a:b"]', "", [("deploy-program-not-on-path", 1)]),
        ('CMD ["daphne", "-p", "80", "a:b"]', "", []),
        ('CMD ["sh", "-c", "daphne a:b"]', "", []),
        (IMAGE, "set -e\ndaphne a:b\n", [("operate-sigterm-is-not-handed-on", 2)]),
        (IMAGE, "set -e\nexec daphne a:b\n", []),
        (f"RUN apt install tini\n{IMAGE}", "daphne a:b\n", []),
        ("FROM python\n", "daphne a:b\n", []),
    ],
)
def test_what_an_image_starts(
    image: str, script: str, found: list[tuple[str, int]], tmp_path: Path
) -> None:
    told = look(tmp_path, interpreters, Dockerfile=image, start_DOT_sh=script)
    assert told == found
