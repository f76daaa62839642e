"""A machine that is slow or stands still is not the project's fault."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from tutor import doctor, trees
from tutor.doctor import catalogue, child, making
from tutor.doctor.answers import Client
from tutor.doctor.ask import Conversation
from tutor.doctor.child import Event, Live, Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.inside import folders, report
from tutor.doctor.rules.project import loading
from tutor.doctor.source import Source
from tutor.doctor.talking import LEAVING

STEPS = Path(__file__).parents[1] / "steps"


def finished(folder: Path, more: str) -> Path:
    """A copy of the finished project of Part I, with more in its consumers."""
    trees.copy(next(STEPS.glob("06-*")), folder / "project")
    consumers = folder / "project/master_app/consumers.py"
    consumers.write_text(consumers.read_text("utf-8") + more, "utf-8")
    return folder / "project"


def test_a_folder_of_templates_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = SimpleNamespace(template_dirs=["pages"])
    assert folders.of_templates(engine) == [str(tmp_path / "pages")]


class Starved(Live):
    """A server that waits for a processor as long as its client waits for it."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def starved(self) -> float:
        return sum(self.waits)

    async def heard(
        self, seen: Callable[[Event], bool], patience: float
    ) -> Event | None:
        self.waits.append(patience)
        event = {"kind": "ended", "conn": "one"}
        return event if seen(event) and len(self.waits) > 1 else None


async def test_what_a_server_waits_for_a_processor_is_not_its_own_time() -> None:
    busy = Starved()
    talk = Conversation(busy, 0, "localhost", [])
    assert await talk.settled(Client("one", "/", None), 2, LEAVING)
    assert busy.waits == [LEAVING, LEAVING]
    assert await talk.settled(Client("two", "/", None), 2, LEAVING) is None
    assert busy.waits == pytest.approx([LEAVING] * 4)


STANDS_STILL = """
import asyncio
import os


class StandsStill(PracticeConsumer):
    async def websocket_disconnect(self, event):
        words = f"kill -STOP {os.getpid()}; sleep 1.1; kill -CONT {os.getpid()}"
        os.posix_spawnp("sh", ["sh", "-c", words], os.environ)
        await asyncio.sleep(0.3)
        await super().websocket_disconnect(event)


PracticeConsumer = StandsStill
"""


def test_a_machine_that_stands_still_is_no_slow_consumer(tmp_path: Path) -> None:
    project = finished(tmp_path, STANDS_STILL)
    began = time.monotonic()
    assert doctor.diagnose(project).findings == []
    assert time.monotonic() - began > 1.1


def test_of_a_machine_that_stands_still_no_more_than_a_nap_is_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = Live.__new__(Live)
    live.events, live._closed, live._news = [], False, threading.Condition()
    clock = [0.0]

    def wait(seconds: float | None = None) -> bool:
        clock[0] += 60.0
        if clock[0] == 180.0:
            live.events.append({"kind": "ended"})
        return True

    monkeypatch.setattr(live._news, "wait", wait)
    monkeypatch.setattr(child.time, "monotonic", lambda: clock[0])
    assert live.wait_for(lambda event: True, LEAVING) == {"kind": "ended"}
    assert live.wait_for(lambda event: False, LEAVING) is None
    naps = clock[0] / 60.0 - 3
    assert LEAVING / child.NAP <= naps < LEAVING / child.NAP + 2


async def test_who_listens_keeps_nobody_from_listening() -> None:
    live = Live.__new__(Live)
    live.events, live._closed, live._news = [], False, threading.Condition()
    live._ears = set()
    listening = [
        asyncio.ensure_future(live.heard(lambda event: False, 60)) for _ in range(40)
    ]
    await asyncio.sleep(0)
    live.events.append({"kind": "ready"})
    assert await asyncio.wait_for(live.heard(lambda event: True, 60), 20)
    for one in listening:
        one.cancel()


SAYS_MUCH = """
class SaysMuch(PracticeConsumer):
    async def websocket_receive(self, event):
        for number in range(500):
            await self.send({"type": "websocket.send", "text": str(number)})


PracticeConsumer = SaysMuch
"""


def test_who_waits_for_the_doctor_to_read_does_not_stand_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(reading: int, writing: int) -> None:
        """Carry over what is reported, with pauses in which the pipe gets full."""
        pauses = iter([0.5] * 4)
        with os.fdopen(reading, "rb", 0) as source, os.fdopen(writing, "wb", 0) as sink:
            while piece := source.read(1 << 16):
                sink.write(piece)
                if len(piece) > 1 << 12:
                    time.sleep(next(pauses, 0))

    def read(live: Live, reading: int) -> None:
        slow, writing = os.pipe()
        threading.Thread(target=late, args=(reading, writing), daemon=True).start()
        real(live, slow)

    real = Live._read
    monkeypatch.setattr(Live, "_read", read)
    project = finished(tmp_path, SAYS_MUCH)
    found = [one.slug for one in doctor.diagnose(project).findings]
    assert "consumer-blocking-call-in-async" not in found


@pytest.mark.parametrize(
    "slug",
    ["group-send-not-awaited", "auth-user-awaited", "db-allow-async-unsafe"],
)
def test_a_redis_that_is_down_comes_after_what_is_wrong_in_a_file(
    tmp_path: Path, slug: str
) -> None:
    mistake = catalogue.mistakes()[slug]
    making.make(mistake, next(STEPS.glob("12-*")), tmp_path / "project")
    down = {"REDIS_URL": "redis://127.0.0.1:1"}
    told = doctor.diagnose(tmp_path / "project", given=down)
    slugs = [one.slug for one in told.findings]
    assert slugs == [slug, "redis-server-not-running"]


@pytest.mark.parametrize(
    ("share", "slug", "wall", "stands"),
    [
        (0.0, "project-hangs-while-loading", 6, True),
        (0.6, "project-hangs-while-loading", 15, True),
        (0.7, "project-hangs-while-loading", 16, True),
        (0.7, None, 16, False),  # it gets on, slowly
        (0.9, None, 16, True),
    ],
)
def test_a_project_that_waits_for_a_processor_does_not_hang(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    share: float,
    slug: str | None,
    wall: float,
    stands: bool,
) -> None:
    clock, told, waits = [0.0], [], []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return clock[0]

        @staticmethod
        def sleep(seconds: float) -> None:
            clock[0] += max(seconds, 0.001)

    class Watch:
        def __init__(self, target: Callable[[], None], daemon: bool) -> None:
            waits.append(target)

        def start(self) -> None:
            pass

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(report, "time", Clock)
    monkeypatch.setattr(report, "starved", lambda: share * clock[0])
    threads = SimpleNamespace(Thread=Watch, main_thread=threading.main_thread)
    monkeypatch.setattr(report, "threading", threads)
    monkeypatch.setattr(report.os, "_exit", leave)
    monkeypatch.setattr(
        report, "emit", lambda kind, **d: told.append({"kind": kind, **d})
    )
    if not stands:
        steps = count()
        own = {"file": "a.py", "line": 1, "own": True, "module": "a"}
        monkeypatch.setattr(
            report, "stack_of", lambda _: [{**own, "name": f"f{next(steps)}"}]
        )
    report.give_up_after(6, lambda: "settings")
    with pytest.raises(SystemExit):
        waits[0]()
    assert wall <= clock[0] <= wall + report.GRACE
    seen = Evidence(tmp_path, tmp_path, Told(told), Source(tmp_path, tmp_path))
    (found,) = loading.rules(seen)
    assert found.slug == slug
