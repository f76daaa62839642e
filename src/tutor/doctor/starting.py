"""What people see of the commands in a project's files: they are run as they stand."""

from __future__ import annotations

import http.cookiejar
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import servers
from tutor.checks.visitor import Person, logged_in
from tutor.doctor import commands
from tutor.doctor.commands import SERVERS, Command
from tutor.servers import Server
from tutor.started import Started

SECONDS = 20  # for a command to come and go, and for an answer
WHERE = ("-p", "--port", "-b", "--bind", "-u", "--unix-socket", "--host", "--uds")
# gunicorn is none of our packages; what any WSGI server shows, Django's own does.
_PAGES = """
from django.core.servers.basehttp import run
from {module} import {name}
run("127.0.0.1", PORT, {name})
"""


def play(scene: Mapping[str, Any], project: Path, awaited: str = "") -> tuple[str, str]:
    """Run a command of the project's own, and knock where it listens.

    Args:
        scene: ``start``, the file with the command, or ``command`` itself; ``knock``,
            a path; ``say``, a text that is sent there; ``user``, who has logged in.
        project: the folder of ``manage.py``.
        awaited: a text that will be printed.

    Returns:
        What was seen, in the words of the mistakes' files, and what was printed.
    """
    one = read(scene, project)
    extra = {name: value for name, (value, _) in one.env.items()}
    if one.program != "runserver" and (
        one.program not in SERVERS or commands.of_manage(one)
    ):
        argv = ["python", "manage.py", one.program, *one.words]
        worker = Started(argv, project, extra)
        try:
            runs = worker.child.wait_for(lambda out: "Running worker" in out, SECONDS)
            return "it runs" if runs else "server does not start", worker.log()
        finally:
            worker.stop(grace=0)
    cookies: dict[str, str] = {}
    if "user" in scene:
        (cookies,) = logged_in(project, None, Person(scene["user"], "", True))
    argv = argv_of(one, scene.get("python", ""))
    with servers.serving(argv, folder_of(one, project), extra) as server:
        if not server.running:
            return "server does not start", server.log()
        if "page_first" in scene:
            cookies = _given(server, scene)
        seen = _knocked(server, scene, cookies)
        server.child.wait_for(lambda out: awaited in out, 3)
        return seen, server.child.text if awaited else server.log()


def folder_of(one: Command, project: Path) -> Path:
    """Where a command is run: a unit of systemd that names no folder runs in /."""
    if one.file.endswith(".service"):
        unit = (project / one.file).read_text(encoding="utf-8")
        return project if "WorkingDirectory=" in unit else Path("/")
    return project


def read(scene: Mapping[str, Any], project: Path) -> Command:
    """The command of a scene: the first one that its file holds."""
    if "command" in scene:
        program, *words = scene["command"].split()
        return Command("", 0, program, tuple(words), {}, False)
    told = commands.commands(project)
    return next(one for one in told if one.file == scene["start"])


def argv_of(one: Command, python: str = "") -> list[str]:
    """A server's command with a port of ours in place of its own.

    Args:
        one: the command.
        python: an interpreter that lacks packages, if the mistake is that.
    """
    if one.program == "gunicorn":
        module, _, name = (one.target or "").partition(":")
        return [
            "python",
            "-c",
            _PAGES.format(module=module, name=name or "application"),
        ]
    if one.program == "runserver":
        flags = [name for name, value in one.read() if name and not value]
        return ["python", "manage.py", "runserver", *flags]
    words = []
    for name, value in one.read():
        if name not in WHERE:
            words += [word for word in (name, value) if word]
    if one.program == "uvicorn":
        server = [python, "-m", "uvicorn"] if python else ["uvicorn"]
        return [*server, *words, "--port", "PORT"]
    return [one.program, *words]


def _given(server: Server, scene: Mapping[str, Any]) -> dict[str, str]:
    """The cookies of a page that a browser sends with the socket's handshake."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
    )
    with opener.open(server.url + scene["page_first"], timeout=SECONDS):
        pass
    request = urllib.request.Request(server.url + scene["knock"])
    jar.add_cookie_header(request)
    pairs = (request.get_header("Cookie") or "").split("; ")
    return dict(one.split("=", 1) for one in pairs if one)


def _knocked(
    server: Server, scene: Mapping[str, Any], cookies: Mapping[str, str]
) -> str:
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    try:
        with connect(
            server.ws + scene["knock"],
            origin=Origin(server.url),
            additional_headers=headers if cookies else None,
            proxy=None,
            open_timeout=SECONDS,
        ) as socket:
            if "page_first" in scene:
                return f"hears {socket.recv(SECONDS)!s}"
            if "say" not in scene:
                return "101"
            try:
                socket.recv(SECONDS)
                socket.send(scene["say"])
                socket.recv(SECONDS)
            except ConnectionClosed as closed:
                return f"101, then {closed.rcvd.code if closed.rcvd else 1006}"
            return "101"
    except InvalidStatus as refused:
        return str(refused.response.status_code)
