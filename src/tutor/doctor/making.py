"""Make a known mistake on purpose, run the project, and say what a person sees."""

from __future__ import annotations

import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import children, edits, redis, servers, trees
from tutor.doctor import catalogue, copying, evidence, gathering, scenes
from tutor.doctor.catalogue import Mistake
from tutor.doctor.rules import judge
from tutor.report import Problem

NO_START = "server does not start"
TESTS = {True: "the tests pass", False: "a test fails"}


@dataclass(frozen=True)
class Seen:
    """What one run of a broken project showed.

    Args:
        client: what the client saw, in the words of the mistakes' files.
        heard: the messages that the first client heard.
        log: everything the project's processes printed.
        problems: the diagnosis, most likely first.
    """

    client: str
    heard: list[str | bytes]
    log: str
    problems: list[Problem]


def make(mistake: Mistake, checkpoint: Path, target: Path) -> None:
    """Copy a checkpoint and make the mistake in the copy.

    Raises:
        edits.EditError: a change does not fit the checkpoint.
    """
    prepare(mistake.change, checkpoint, target)


def prepare(
    changes: Sequence[Mapping[str, Any]], checkpoint: Path, target: Path
) -> None:
    """Copy a checkpoint and change the copy.

    Args:
        changes: as in the mistakes' files; ``right = true`` says that one is no
            part of the mistake: it only prepares the ground.
        checkpoint: a project that works.
        target: the new folder.

    Raises:
        edits.EditError: a change does not fit the checkpoint.
    """
    trees.copy(checkpoint, target)
    for change in changes:
        path = target / change["file"]
        encoding = change.get("encoding", "utf-8")
        if change.get("remove"):
            path.unlink()
        elif "text" in change:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(change["text"], encoding=encoding)
        else:
            text = path.read_text(encoding="utf-8")
            made = edits.apply(edits.parse(change["edit"]), text)
            if made == text:
                raise edits.EditError(f"the change of {path.name} is there already")
            path.write_text(made, encoding=encoding)


def interpreter(mistake: Mistake, folder: Path) -> Path | None:
    """The interpreter that a mistake needs; None where ours will do.

    Args:
        mistake: it may be ``without`` packages, by their import names, or have
            other ``versions`` of some: their metadata say so, their code is ours.
        folder: an empty folder for the environment.
    """
    packages, versions = mistake.data.get("without"), mistake.data.get("versions")
    if not packages and not versions:
        return None
    binary, site = _environment(packages or [], folder)
    for name, version in (versions or {}).items():
        (link,) = site.glob(f"{name}-*.dist-info")
        link.unlink()
        told = site / f"{name}-{version}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8"
        )
    return binary


def _environment(packages: list[str], folder: Path) -> tuple[Path, Path]:
    """An environment with all our packages but these: its Python, its packages."""
    site = Path(sysconfig.get_path("purelib"))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    there = folder / "lib" / version / "site-packages"
    there.mkdir(parents=True)
    for entry in site.iterdir():
        if (
            entry.name.partition("-")[0].lower() not in packages
            and entry.suffix != ".pth"
        ):
            (there / entry.name).symlink_to(entry)
    binary = folder / "bin" / "python"
    binary.parent.mkdir()
    binary.symlink_to(Path(sys.executable).resolve())
    home = Path(sys.executable).resolve().parent
    (folder / "pyvenv.cfg").write_text(f"home = {home}\n", encoding="utf-8")
    return binary, there


def observe(mistake: Mistake, project: Path, python: Path | None = None) -> Seen:
    """Run a broken project and diagnose it, with one start of its server.

    Args:
        mistake: says which command shows the symptom, where daphne does not.
        project: the project with the mistake in it.
        python: its interpreter.
    """
    with copying.copied(project) as copy:
        end = time.monotonic() + 24
        with _redis(mistake) as extra:
            found = gathering.gather(project, project, copy, python, end, extra=extra)
    symptom = mistake.symptom
    client = _client(found, symptom.get("after", ""), symptom.get("path", ""))
    served = found.serve
    if found.alone is not None:  # the doctor has helped it to start
        client, served = NO_START, found.alone
    log = served.out + found.look.out
    command = symptom.get("run")
    # In another copy: in the first, a client of ours may have signed in.
    if command or mistake.scene:
        with copying.copied(project) as copy:
            if command:
                client, more = _run(command, copy, python)
                log += more
            if mistake.scene:
                scene = {**mistake.scene, **({"python": str(python)} if python else {})}
                client, more = scenes.play(scene, copy, symptom.get("log", ""))
                log += more
    found.aim = mistake.data.get("aim", 0)
    problems = [catalogue.problem(one) for one in judge(found)]
    heard = found.answers.clients[0].heard if found.answers.clients else []
    return Seen(client, heard, log, problems)


@contextmanager
def _redis(mistake: Mistake) -> Iterator[dict[str, str]]:
    """The variables that lead to a Redis, for a mistake that asks for one."""
    if "redis" not in mistake.data:
        yield {}
        return
    with redis.running(*mistake.data["redis"]) as server:
        yield server.extra


def _client(found: evidence.Evidence, after: str, path: str) -> str:
    """What the clients of the project's own origin saw, after text or "binary".

    Args:
        found: the evidence.
        after: ask for what followed this kind of message.
        path: ask those who knocked here; else all.
    """
    answers = found.answers
    if not answers.asked:
        return NO_START
    if answers.page is not None and answers.page >= 500:
        return str(answers.page)
    everyone = [*answers.bare, *answers.clients]  # first as it is, without tables
    clients = [c for c in everyone if path in ("", c.path)]
    codes = [
        client.closed
        for client in clients
        if client.closed not in (None, 1000)
        and ((after or "json") in dict(client.phases) or not (client.phases or after))
    ]
    status = clients[0].status if clients else None
    if status is None:
        return "no answer"
    return f"{status}, then {codes[0]}" if codes else str(status)


def _run(command: str, project: Path, python: Path | None) -> tuple[str, str]:
    """Run ``manage.py``: a check or tests to their end, or runserver and a knock."""
    program = str(python or sys.executable)
    if command == "daphne":
        return _leave(project)
    if command.startswith("pytest"):
        _, *words = command.split()
        result = children.run([program, "-m", "pytest", "-q", *words], project, 20)
        return TESTS[result.code == 0], result.out
    if command == "uvicorn":
        return _with_token(project)
    if command.startswith("test"):
        result = children.run([program, "manage.py", *command.split()], project, 20)
        return TESTS[result.code == 0], result.out
    if command != "runserver":
        result = children.run([program, "manage.py", *command.split()], project, 20)
        return (NO_START if result.code else "0"), result.out
    with servers.serving([program, "manage.py", "runserver"], project) as server:
        if not server.running:
            return NO_START, server.log()
        status = _status(f"{server.url}/ws/whole1/")
        server.child.wait_for(lambda out: "/ws/whole1/" in out, 3)
        return str(status), server.log()


def _leave(project: Path) -> tuple[str, str]:
    """Open a socket and go; wait for what the server then says."""
    argv = ["daphne", "--application-close-timeout", "1", gathering.guess(project)]
    with servers.serving(argv, project) as server:
        with connect(f"{server.ws}/ws/whole1/", origin=Origin(server.url), proxy=None):
            pass
        server.child.wait_for(lambda out: "was killed" in out, 6)
        return "101", server.log()


def _with_token(project: Path) -> tuple[str, str]:
    """Come with a token in the URL, to a server that writes down who comes."""
    scene = {
        "command": f"uvicorn {gathering.guess(project)}",
        "knock": "/ws/whole1/?token=for-ada-only",
    }
    return scenes.play(scene, project, "?token=")


def _status(url: str) -> int | None:
    """The status that a handshake's request gets from a server that only has pages."""
    request = urllib.request.Request(
        url, headers={"Connection": "Upgrade", "Upgrade": "websocket"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with suppress(OSError):
        try:
            with opener.open(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
    return None
