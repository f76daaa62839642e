"""However a notebook ends, nothing of it stays: no process, no port, no file.

A small course of one step runs in kernels of its own, each ending in another way.
All that they start inherits a variable that names this run, which finds it again,
whoever its parent has become.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tutor import notebook

from .conftest import Prove, Run, book, code, printed, text

pytestmark = pytest.mark.takes(25)

MARK = "TUTOR_TEST_RUN"
SECONDS = 15  # in which all must be gone on a busy machine

APP = """\
async def application(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"hello"})
"""

# Does not end when asked to, has a child that doesn't either, and kills the kernel.
STUBBORN = """\
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1:]:
    subprocess.Popen([sys.executable, __file__])
    os.kill(int(sys.argv[1]), signal.SIGKILL)
time.sleep(3600)
"""

SERVING: list[dict[str, Any]] = [
    code("import tutor", metadata={"tags": ["setup"]}),
    text("## Step 1. A door", step=1, slug="door", minutes=1, label="works"),
    code("%step 1", printed("Step 1: 1 minutes · no file · works\n")),
    code(f"%%write app.py\n{APP}", printed("app.py: 4 lines\n")),
    code("%redis", printed("Redis is up, and REDIS_URL says where.\n")),
    code("%serve daphne app:application", printed("The server is up.\n")),
    code(
        "import os, pathlib\n"
        "port = tutor._current().serving().port\n"
        "_ = open(os.environ['PORTS'], 'a').write(f'{port}\\n')"
    ),
]
ENDLESS = code("import asyncio; await asyncio.Event().wait()")
ENDINGS = {
    "passes": [code("print(1)", printed("1\n"))],
    "stopped": [code("%stop", printed("The server has ended.\n"))],
    "fails": [code("1 / 0"), code("%stop")],
    "endless": [ENDLESS],
    "exits": [code("os._exit(0)")],
    "killed": [
        code(f"%%write stubborn.py\n{STUBBORN}", printed("stubborn.py: 6 lines\n")),
        code("%sh python stubborn.py {os.getpid()}"),
    ],
}


@dataclass(frozen=True)
class Place:
    """Where a run under test stands: its course, its temporary folder, its mark."""

    course: Path
    temporary: Path
    ports: Path
    mark: str

    @property
    def env(self) -> dict[str, str]:
        return {
            "TUTOR_ROOT": str(self.course),
            "TMPDIR": str(self.temporary),
            "PORTS": str(self.ports),
            MARK: self.mark,
        }

    def processes(self) -> list[psutil.Process]:
        """Every process that began in this run, and is there."""
        return list(self.commands())

    def commands(self) -> dict[psutil.Process, str]:
        """The same, each with its command line."""
        found = {}
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark:
                    found[process] = " ".join(process.cmdline())
            except psutil.Error:
                continue  # gone, a zombie, or another user's
        return found

    def left(self) -> list[str]:
        """The commands of those that do not end by themselves now."""
        found = self.commands()
        _, alive = psutil.wait_procs(list(found), timeout=SECONDS)
        for process in alive:
            process.kill()
        return [found[process] for process in alive]

    def files(self) -> list[str]:
        """What is in the temporary folder, but for pytest's own."""
        found = (path.relative_to(self.temporary) for path in self.temporary.rglob("*"))
        return sorted(str(path) for path in found if "pytest-of" not in path.parts[0])


@contextmanager
def a_place(course: Path, outside: Path) -> Iterator[Place]:
    place = Place(course, outside / "tmp", outside / "ports", uuid.uuid4().hex)
    place.temporary.mkdir()
    place.ports.touch()
    notebook.write(course / "tutorial.ipynb", book(*SERVING))
    try:
        yield place
    finally:
        for process in place.processes():
            process.kill()


@pytest.fixture(scope="module")
def place(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with a_place(folder, tmp_path_factory.mktemp("outside")) as place:
        yield place


@pytest.fixture(scope="module")
def run(prove: Prove, place: Place) -> Run:
    """Every ending, two at a time."""
    books = {name: book(*SERVING, *cells) for name, cells in ENDINGS.items()}
    return prove(
        "-n2", "--dist=loadfile", "--nbval-cell-timeout=6", env=place.env, **books
    )


def test_each_ended_as_it_should(run: Run) -> None:
    ends = {name: run.outcomes(name)[len(SERVING) - 1 :] for name in ENDINGS}
    assert ends == {
        "passes": ["passed"],
        "stopped": ["passed"],
        "fails": ["failed", "skipped"],
        "endless": ["failed"],
        "exits": ["failed"],
        "killed": ["passed", "failed"],
    }, run.out
    assert "signal SIGKILL" in run.cases[f"killed.ipynb::Cell {len(SERVING) + 1}"].said


def test_no_process_is_left(run: Run, place: Place) -> None:
    assert place.left() == []


def test_no_port_is_held(run: Run, place: Place) -> None:
    assert place.left() == []
    ports = [int(line) for line in place.ports.read_text().split()]
    assert len(ports) == len(ENDINGS)
    # Only who listens counts: a free port may be lent to any connection meanwhile.
    listening = {
        connection.laddr.port
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert not listening & set(ports)


def test_no_file_is_left(run: Run, place: Place) -> None:
    assert place.left() == []
    assert place.files() == []
    ours = {".pytest_cache", "build", "pytest.ini", "report.xml", "tutorial.ipynb"}
    found = {path.name for path in place.course.iterdir()}
    assert found == ours | {f"{name}.ipynb" for name in ENDINGS}


def test_nothing_is_left_when_pytest_itself_is_killed(tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    with a_place(tmp_path / "course", tmp_path) as place:
        doorbell = socket.create_server(("127.0.0.1", 0))
        ring = f"import socket; _ = socket.create_connection({doorbell.getsockname()})"
        nb = book(*SERVING, code(ring), ENDLESS)
        notebook.write(place.course / "orphan.ipynb", nb)
        command = [sys.executable, "-m", "pytest", "-p", "tutor.prove", "--nbval"]
        said = tmp_path / "said"
        with said.open("wb") as out:
            child = subprocess.Popen(
                [*command, "orphan.ipynb"],
                cwd=place.course,
                env={k: v for k, v in os.environ.items() if "PYTEST" not in k}
                | place.env,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            ended = threading.Thread(target=_shut_after, args=(child, doorbell))
            ended.start()
            doorbell.settimeout(60)
            try:
                doorbell.accept()[0].close()  # the server is up
            except OSError:
                raise AssertionError(said.read_text()[-3000:]) from None
            assert len(place.processes()) > 3
        finally:
            child.kill()
            child.wait()
            ended.join()
        assert place.left() == []
        assert place.files() == []


def _shut_after(child: subprocess.Popen[bytes], doorbell: socket.socket) -> None:
    """Let nobody wait at a door to which nobody comes any more."""
    child.wait()
    with suppress(OSError):
        doorbell.shutdown(socket.SHUT_RDWR)
    doorbell.close()
