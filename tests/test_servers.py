"""Servers: ready when they answer, never on a guessed port, gone when told."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tutor import servers
from tutor.report import Refusal
from tutor.servers import Server, serving

from .courses import APP

PAGES = ["python", "-m", "http.server", "--bind", "127.0.0.1", "PORT"]
BROKEN = "raise ImportError('no door here')\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "app.py").write_text(APP)
    (folder / "broken.py").write_text(BROKEN)
    return folder


@pytest.fixture(scope="module")
def daphne(project: Path) -> Iterator[Server]:
    with serving(["daphne", "app:application"], project) as server:
        yield server


def read(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((servers.HOST, port))
        except OSError:
            return False
        return True


def test_daphne_is_ready_when_it_says_so(daphne: Server) -> None:
    assert daphne.running and "Listening on" in daphne.log()
    assert daphne.url == f"http://127.0.0.1:{daphne.port}"
    assert daphne.ws == f"ws://127.0.0.1:{daphne.port}"
    assert read(daphne.url) == "door"
    assert daphne.ready(0)  # and stays so


def test_its_log_is_the_same_in_every_run(daphne: Server) -> None:
    read(f"{daphne.url}/page")
    assert daphne.child.wait_for(lambda out: "GET /page" in out)
    lines = daphne.log().splitlines()
    assert "GET /page 200 4" in lines, lines
    assert str(daphne.port) not in daphne.log()
    assert str(time.localtime().tm_year) not in daphne.log()


def test_it_takes_connections_before_it_is_up(project: Path) -> None:
    """Its socket is ours and listens from the first moment."""
    server = Server(["daphne", "app:application"], project)
    try:
        assert read(server.url) == "door"
    finally:
        server.stop()


def test_its_port_is_freed_and_stop_may_be_said_twice(project: Path) -> None:
    with serving(["daphne", "app:application"], project) as server:
        assert not free(server.port)
    server.stop()
    assert not server.running and repr(server).endswith("stopped>")
    assert free(server.port)
    assert "Listening on" in server.log()


def test_another_command_gets_a_port_that_is_kept_for_it(project: Path) -> None:
    with serving(PAGES, project) as server:
        assert "app.py" in read(server.url)
        assert "%serve" not in server.shown and server.shown == " ".join(PAGES)
    assert free(server.port)


def test_a_kept_port_is_given_to_nobody_else(project: Path) -> None:
    server = Server(["sleep", "3600"], project)
    try:
        with socket.socket() as other:
            for _ in range(50):
                with socket.socket() as other:
                    other.bind((servers.HOST, 0))
                    assert other.getsockname()[1] != server.port
    finally:
        server.stop()


def test_runserver_gets_its_port_as_a_word(project: Path, tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("import sys; print(sys.argv[1:])")
    with serving(["python", "manage.py", "runserver"], tmp_path) as server:
        assert server.log() == "['runserver', '--noreload', '127.0.0.1:PORT']\n"
        assert not server.running


@pytest.mark.parametrize(
    "command, said",
    [
        ("daphne broken:application", "ImportError: no door here"),
        ("daphne app:nothing", "has no attribute 'nothing'"),
        ("daphne gone:application", "No module named 'gone'"),
        ("daphne", "usage: daphne"),
        ("python gone.py", "can't open file"),
        ("no-such-server", "not found"),
    ],
)
def test_a_server_that_dies_at_start(project: Path, command: str, said: str) -> None:
    server = Server(command.split(), project)
    began = time.monotonic()
    try:
        assert not server.ready(60)
    finally:
        server.stop()
    assert time.monotonic() - began < 30
    assert said in server.log() and not server.running
    assert free(server.port)


def test_a_server_that_is_neither_ready_nor_gone(project: Path) -> None:
    server = Server(["sh", "-c", "echo thinking; exec sleep 3600"], project)
    try:
        assert server.child.wait_for(lambda out: "thinking" in out)
        with pytest.raises(Refusal, match=r"after 0\.1 s") as refusal:
            server.ready(0.1)
        assert "thinking" in str(refusal.value)
    finally:
        server.stop()


def test_a_taken_port_is_refused_with_the_next_one_to_try(daphne: Server) -> None:
    with pytest.raises(Refusal) as refusal:
        Server(["daphne", "app:application"], Path("/"), port=daphne.port)
    said = str(refusal.value)
    assert f"Port {daphne.port} is taken" in said
    assert f"PORT={daphne.port + 1}" in said
    assert read(daphne.url) == "door"  # and whoever has it goes on


def test_the_wanted_port_is_used(project: Path) -> None:
    with socket.socket() as probe:
        probe.bind((servers.HOST, 0))
        port = probe.getsockname()[1]
    server = Server(["daphne", "app:application"], project, port=port)
    try:
        assert server.port == port and read(f"http://127.0.0.1:{port}") == "door"
    finally:
        server.stop()


LOG = """\
2026-11-22 15:16:11,123 INFO     Listening on TCP address 127.0.0.1:40001
127.0.0.1:51000 - - [22/Nov/2026:15:16:11] "GET /" 200 12068
127.0.0.1:51000 - - [22/Nov/2026:15:16:11] "WSCONNECTING /ws/whole1/" - -
[22/Nov/2026 15:16:11] "GET / HTTP/1.1" 200 12068
WebSocket REJECT /ws/whole1/ [127.0.0.1:51000]
2026-11-22 15:16:12,001 ERROR    Exception inside application: 40001 is no number
"""


def test_what_differs_from_run_to_run_is_taken_out() -> None:
    assert servers.tidy(LOG, 40001) == (
        "INFO     Listening on TCP address 127.0.0.1:PORT\n"
        "GET / 200 12068\n"
        "WSCONNECTING /ws/whole1/ - -\n"
        "GET / HTTP/1.1 200 12068\n"
        "WebSocket REJECT /ws/whole1/\n"
        "ERROR    Exception inside application: PORT is no number\n"
    )


@pytest.mark.parametrize("command", [["daphne", "app:application"], PAGES])
def test_it_comes_back_on_its_port(project: Path, command: list[str]) -> None:
    with serving(command, project) as server:
        port = server.port
        for _ in range(2):
            server.pause()
            assert not server.running
            with pytest.raises(OSError):
                read(server.url)
            with socket.socket() as other, pytest.raises(OSError):
                other.bind((servers.HOST, port))
            server.again()
            assert server.ready()
            assert server.port == port and read(server.url)
        server.pause()
        server.pause()  # safe to repeat
    assert free(port)
