"""Commands that stay beside the servers; messages that are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis as Client
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from tutor import redis
from tutor.client import Talk
from tutor.redis import NONE, running
from tutor.report import Refusal
from tutor.started import Started, start

from .courses import Kernel, make

STAYS = """
import time
print("here", flush=True)
print("ERROR x", flush=True)
time.sleep(60)
"""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    root = make(tmp_path.resolve() / "course")
    monkeypatch.setenv("TUTOR_ROOT", str(root))
    monkeypatch.delenv("TUTOR_RECORD", raising=False)
    found = Kernel(root)
    found.runs("%step 3", f"%%write stays.py\n{STAYS}")
    yield found
    found.session.end()


def test_it_says_its_first_line_and_ends_by_a_word(kernel: Kernel) -> None:
    said, both = kernel.runs("%start python stays.py", "%start python stays.py")
    assert said == both and said.text == "here\n"
    one, two = kernel.session.started
    assert one.running and two.running
    assert kernel.runs("%stop --kill stays.py")[0].text == "stays.py was killed.\n"
    assert not one.running and not two.running
    assert kernel.run("%stop stays.py").refuses("Nothing with stays.py", "%start")


def test_it_ends_with_the_servers(kernel: Kernel) -> None:
    kernel.runs("%serve daphne app:application", "%start python stays.py")
    (one,) = kernel.session.started
    assert one.child.wait_for(lambda out: "ERROR" in out)
    assert "ERROR x" in kernel.runs("%log")[0].text
    assert kernel.runs("%log")[0].text.startswith("nothing in the log")
    kernel.runs("%serve daphne app:application")
    assert not one.running and not psutil.pid_exists(one.child.pid)
    kernel.runs("%start python stays.py")
    (one,) = kernel.session.started
    kernel.session.end()
    assert not one.running


def test_it_ends_while_starting(kernel: Kernel) -> None:
    kernel.runs("%%write broken.py\n1 / 0\n", "%%write mute.py\npass\n")
    shown = kernel.run("%start python broken.py")
    assert shown.failed and "ended while starting" in shown.text
    assert "broken.py" in shown.text and "ZeroDivisionError" in shown.text
    assert (
        "src/tutor" not in shown.text and str(kernel.session.folder) not in shown.text
    )
    assert kernel.run("%start python mute.py").refuses("has said nothing", "it ended")
    assert not kernel.session.started


def test_it_says_nothing(tmp_path: Path) -> None:
    one = Started(["sleep", "60"], tmp_path)
    with pytest.raises(Refusal, match="it runs"):
        one.first_line(0.1)
    one.stop()
    assert not one.running


WORKER = """
import asyncio, os, sys
from redis.asyncio import Redis

async def work():
    async with Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None) as client:
        print("Running worker", flush=True)
        await asyncio.sleep(0.3)  # it has said that it runs, and is not there yet
        if sys.argv[2] == "list":
            await client.bzpopmin("jobs", 60)
        talk = client.pubsub()
        await talk.subscribe("jobs")
        await asyncio.sleep(60)

asyncio.run(work())
"""


@pytest.mark.skipif(redis.program() is None, reason=NONE)
@pytest.mark.parametrize("how", ["list", "subscribe"])
def test_a_worker_is_waited_for_until_it_listens(tmp_path: Path, how: str) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    with running() as store, Client.from_url(store.url) as client:
        assert store.readers() == 0
        workers = [
            start(["python", "worker.py", "runworker", how], tmp_path, store)
            for _ in range(2)
        ]
        try:
            assert store.readers() == 2
            if how == "subscribe":
                assert client.pubsub_numsub("jobs") == [(b"jobs", 2)]
        finally:
            for one in workers:
                one.stop(grace=0)


@pytest.mark.parametrize(
    ("sent", "options", "said"),
    [
        (["a", "b", "a"], {}, "ada ← 2 messages with a"),
        (["b"], {}, "ada ← no messages with a"),
        (["a"], {"until": 1}, "ada ← 1 message with a"),
        (["a", "a"], {"until": 1}, "ada ← 1 message with a"),
        (["a", "a"], {"more_than": 1}, "ada ← more than 1 messages with a   (how"),
        (["a"], {"more_than": 1}, "ada ← 1 message with a"),
    ],
)
async def test_messages_are_counted(
    sent: list[str],
    options: dict[str, int],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def answer(socket: ServerConnection) -> None:
        for text in sent:
            await socket.send(text)
        await socket.wait_closed()

    async with serve(answer, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
            talk = Talk(socket, "ada")
            async with asyncio.timeout(20):
                await talk.counts("a", within=0.5, **options)
    assert capsys.readouterr().out.startswith(said)
