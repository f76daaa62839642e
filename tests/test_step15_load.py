"""Step 15: one channel a process, and a laboratory that measures what that saves."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import types
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tutor import (
    children,
    crowd,
    curves,
    exercises,
    laboratory,
    measuring,
    places,
    redis,
    trees,
)
from tutor.checks.steps import check_step
from tutor.course import Course
from tutor.measuring import Run
from tutor.redis import NONE
from tutor.report import Refusal
from tutor.servers import serving

pytestmark = pytest.mark.takes(25)

needs_redis = pytest.mark.skipif(redis.program() is None, reason=NONE)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "load")
TREE = COURSE.root / "steps" / STEP.folder
DAPHNE = ["daphne", "webapp.asgi:application"]
LONG = 30.0  # seconds, on a busy machine


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


# -- the check -------------------------------------------------------------------------

FANOUT, CONSUMERS = "master_app/fanout.py", "master_app/consumers.py"
BROKEN = {
    "each listens, too": (
        [
            (CONSUMERS, "= sessions.groups(", "= ['readings'] + sessions.groups("),
            (
                CONSUMERS,
                "    async def heartbeat(",
                "    async def readings_new(self, event):\n        pass\n\n"
                "    async def readings_heartbeat(self, event):\n        pass\n\n"
                "    async def heartbeat(",
            ),
        ],
        "takes a reading from the layer once",
    ),
    "twice": ([(CONSUMERS, "if reading_id not in self.known", "if True"),
               (CONSUMERS, "await self.give(reading_id, text)\n",
                "[await self.give(reading_id, text) for _ in (1, 2)]\n")],
              "once and in order"),
    "backwards": (
        [(FANOUT, "await hand_on(await layer.receive(channel))",
          "events = [await layer.receive(channel), await layer.receive(channel)]\n"
          "            for event in reversed(events):\n"
          "                await hand_on(event)")],
        "once and in order",
    ),
    "no heartbeat": (
        [(FANOUT, "one.heartbeat(text)", "asyncio.sleep(0)")],
        "heartbeat",
    ),
    "never forgotten": (
        [(FANOUT, "    here.discard(consumer)\n", "    return\n")],
        "is forgotten",
    ),
}  # fmt: skip


@needs_redis
@pytest.mark.parametrize(("changes", "title"), BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(
    project: Path, changes: Sequence[tuple[str, str, str]], title: str
) -> None:
    for one in changes:
        change(project, *one)
    first = next(check for check in check_step(project, "load") if check.problem)
    assert title in first.title


def test_without_a_redis_one_process_is_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "program", lambda: None)
    monkeypatch.delenv("REDIS_URL", raising=False)
    alone, burst, beats, left = check_step(project, "load")
    assert not alone.problem and not alone.left_out
    assert not left.problem and not left.left_out
    assert burst.left_out == beats.left_out == NONE


# -- the ear ---------------------------------------------------------------------------

# In one process of the project: who listens is no consumer, but has what is called.
EARS = """
import asyncio, json, logging
from channels.layers import get_channel_layer
from master_app import fanout, readings

logging.disable()
layer = get_channel_layer()


class Ear:
    def __init__(self):
        self.heard = []

    async def deliver(self, number, text):
        self.heard.append(number)
        assert json.loads(text)["id"] == number


async def tell(*numbers):
    for number in numbers:
        reading = {"type": "reading", "id": number, "value": 1}
        event = {"type": "readings.new", "reading": reading}
        await layer.group_send(readings.GROUP, event)
    for _ in range(20):
        await asyncio.sleep(0)


def members():
    return len(layer.groups.get(readings.GROUP, {}))


async def life():
    one, two, late = Ear(), Ear(), Ear()
    await asyncio.gather(fanout.enter(one), fanout.enter(two))
    counts = [members()]
    await tell(1, 2)
    await fanout.leave(one)
    await fanout.enter(late)
    await tell(3)
    counts.append(members())
    await fanout.leave(two)
    await fanout.leave(late)
    counts.append(members())
    return [one.heard, two.heard, late.heard, counts]


async def trouble():
    one = Ear()
    await fanout.enter(one)
    receive, sleep = layer.receive, asyncio.sleep

    async def broken(channel):
        layer.receive = receive
        raise ConnectionError

    layer.receive = broken
    fanout.asyncio.sleep = lambda seconds: sleep(0)  # nor does it wait a second
    await tell(1)  # is heard by the call that waits already; the next one breaks
    await tell(2)
    fanout.asyncio.sleep = sleep
    await tell(3)
    await fanout.leave(one)
    return one.heard


def runs():
    # A loop that ends leaves a task behind, which the next loop must not rely on.
    async def left_behind():
        await fanout.enter(Ear())

    asyncio.run(left_behind())
    fanout.here.clear()
    return [asyncio.run(life()), asyncio.run(trouble())]


print("\\n" + json.dumps(await asyncio.to_thread(runs)))
"""


def test_one_ear_hears_for_all_and_ends_with_the_last(project: Path) -> None:
    done = children.run_inside(EARS, project, LONG)
    assert done.code == 0, done.out
    (one, two, late, counts), after = json.loads(done.out.strip().splitlines()[-1])
    assert (one, two, late) == ([1, 2], [1, 2, 3], [3])
    assert counts == [1, 1, 0]
    assert after[0] == 1 and after[-1] == 3 and len(after) > 1, (
        "it stayed deaf after a trouble"
    )


# A client that is slow to be accepted, or catches up, while readings come.
SEAM = """
import json
from collections import deque
from master_app.consumers import ReadingsConsumer

sent = []
consumer = ReadingsConsumer()
consumer.known, consumer.later = set(), deque()

async def send(message):
    sent.append(json.loads(message["text"]))
    if len(sent) == 2:  # while it passes on what has waited, one more comes
        await consumer.deliver(4, "4")

consumer.base_send = send
for number in (1, 2, 2, 3):
    await consumer.deliver(number, str(number))
await consumer.heartbeat('"beat"')  # too early: there are readings to come
before = list(sent)
await consumer.go_live()
await consumer.heartbeat('"beat"')
await consumer.deliver(5, "5")
await consumer.deliver(5, "5")
print("\\n" + json.dumps([before, sent]))
"""


def test_what_is_live_waits_and_nothing_overtakes(project: Path) -> None:
    done = children.run_inside(SEAM, project, LONG)
    assert done.code == 0, done.out
    before, sent = json.loads(done.out.strip().splitlines()[-1])
    assert before == []
    assert sent == [1, 2, 3, 4, "beat", 5]


# -- the laboratory --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "words"),
    [(2, "more than 6 times"), (1, "about 4 times, or less"), (0, "about 4 times")],
)
def test_what_is_drawn_says_how_fast_it_grows(
    power: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(size: int) -> float:
        return 1e-6 * float(size**power)

    picture = asyncio.run(measuring.costs("It", work, [100, 200, 400]))
    assert words in picture.text
    assert words in capsys.readouterr().out
    assert picture.svg.count('<circle class="measured"') == 3


def test_between_the_two_nothing_is_claimed() -> None:
    assert curves.growth(2.8, 2) == "between 2.6 and 3 times"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.00034, "0.3 ms"),
        (0.00994, "9.9 ms"),
        (0.00997, "10 ms"),  # not 10.0, which no rule of the proof lets vary
        (0.0123, "12 ms"),
        (1.4211, "1,421 ms"),
    ],
)
def test_a_measured_time_is_short(seconds: float, said: str) -> None:
    assert curves.milliseconds(seconds) == said


def test_what_says_nothing_is_measured_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    busy = {1000: [1.4, 1.0], 2000: [3.9, 4.0]}

    async def work(size: int) -> float:
        return busy[size].pop(0)

    asyncio.run(measuring.costs("It", work, [1000, 2000]))
    assert "more than 3 times" in capsys.readouterr().out
    assert busy == {1000: [], 2000: []}


@pytest.mark.skipif(sys.platform != "linux", reason="counted on Linux only")
def test_who_had_no_processor_is_told() -> None:
    nobody: Any = SimpleNamespace(child=SimpleNamespace(pid=0))
    began = time.monotonic()
    watch = crowd.starving(nobody)
    greedy = [sys.executable, "-S", "-c", "while True: pass"]
    busy = [subprocess.Popen(greedy) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
        waited = watch()
        took = time.monotonic() - began
    finally:
        for one in busy:
            one.kill()
            one.wait()
    assert 0.05 < waited <= took
    assert watch() < waited, "it begins anew"


@pytest.mark.parametrize(
    ("now", "words"), [(1.0, "less than two thirds of"), (2.0, "most of")]
)
def test_two_runs_are_compared(
    now: float, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Run({10: 0.1, 100: 2.2}, {10: 0.1, 100: 1.0})
    picture = Run({10: 0.1, 100: now}, {10: 0.1, 100: 1.0}).beside(before)
    assert words in picture.text
    assert words in capsys.readouterr().out


def test_a_run_says_whether_the_last_waits_longer() -> None:
    assert "more than twice as long" in repr(Run({}, {10: 0.01, 100: 0.1}))
    assert "about as long" in repr(Run({}, {10: 0.01, 100: 0.015}))


def test_who_is_not_let_in_is_no_crowd(project: Path) -> None:
    argv = ["python", "manage.py", "migrate", "-v", "0"]
    assert children.run(argv, project, LONG).code == 0
    with serving(DAPHNE, project) as server:
        with pytest.raises(Refusal, match="403"), crowd.crowd(server, 2):
            pass
        with crowd.crowd(server, 3, path="/ws/whole1/") as clients:
            assert crowd.work(server) > 0
            assert crowd.memory(server) > 10_000_000
            with pytest.raises(Refusal, match="did not reach all"):
                clients.next(0.1)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([1.0, 0.55], "does about half"),
        # A machine that is busy elsewhere: no two attempts in a row are true.
        ([1.0, 0.95, 2.5, 0.55], "does about half"),
        ([1.0, 0.95, 2.5, 0.9, 1.5, 1.1], "did 90% of the work"),
        ([1.0, 0.2], "did 20% of the work"),
    ],
)
def test_half_the_work_is_seen_on_a_busy_machine(
    found: list[float],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = chain(found, repeat(9.0))
    servers: list[int] = []

    async def divided(some: Sequence[Any], *rest: object) -> float:
        servers.append(len(some))
        return next(results)

    session = SimpleNamespace(serving=lambda at: at, project=None)
    monkeypatch.setattr(laboratory, "_current", lambda: session)
    monkeypatch.setattr(laboratory, "_people", lambda: {"bob": {}})
    monkeypatch.setattr(measuring, "divided", divided)
    if words.startswith("does"):
        asyncio.run(laboratory.divided(160))
        assert words in capsys.readouterr().out
        assert servers == [1, 2] * (len(found) // 2)
    else:
        with pytest.raises(Refusal, match=words):
            asyncio.run(laboratory.divided(160))


# -- the exercise ----------------------------------------------------------------------

KNEE = "def knee(work, rate):\n    return int(1 / (work * rate))\n"
WRONG = {
    "a fraction": ("int(1 / (work * rate))", "1 / (work * rate)", "no number"),
    "too many": ("int(1", "int(2", "s to work"),
    "too few": ("int(1", "int(0.5", "time for more"),
    "one too many": ("int(1 / (work * rate))", "int(1 / (work * rate)) + 1", "s to"),
    "a word": ("int(1 / (work * rate))", "'many'", "ValueError"),
    "raises": ("int(1 / (work * rate))", "None + 1", "TypeError"),
    "another name": ("def knee", "def elbow", "a function knee is needed"),
    "dots": ("int(1 / (work * rate))", "...", "`...` still stands in knee"),
}


@pytest.mark.parametrize(("old", "new", "words"), WRONG.values(), ids=WRONG)
def test_answers_that_are_not_there_yet(
    project: Path, old: str, new: str, words: str
) -> None:
    verdict = exercises.check("load", KNEE.replace(old, new), project)
    assert verdict.startswith("Not yet: ") and words in verdict


def test_a_right_answer_is_measured(project: Path) -> None:
    other = KNEE.replace("int(1 / (work * rate))", "1 / (work * rate) // 1")
    assert exercises.check("load", other, project).startswith("Right. Measured")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such a call")
def test_servers_that_are_compared_take_turns_at_one_core(tmp_path: Path) -> None:
    # It waits for a signal: its input is empty, and input() would end it at once.
    stays = "import signal; print('up', flush=True); signal.pause()"
    child = children.Child(["python", "-c", stays], tmp_path)
    server = SimpleNamespace(child=child)
    try:
        assert child.wait_for(lambda out: "up" in out, 60)  # else it still forks
        pids = [process.pid for process in crowd._processes(server)]
        before = [os.sched_getaffinity(pid) for pid in pids]
        with crowd.on_one_core([server]):
            assert len(set.union(*map(os.sched_getaffinity, pids))) == 1
        assert pids and [os.sched_getaffinity(pid) for pid in pids] == before
        assert child.poll() is None, child.text
    finally:
        child.stop(grace=0)


def test_no_reading_is_published_before_all_have_heard_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that is late would send several at once, at a lower price."""
    published = threading.Semaphore(0)
    under_way, most = 0, 0

    async def publish(number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        published.release()

    class Late:
        """Clients who hear of a reading, and say so."""

        def next(self) -> None:
            nonlocal under_way
            assert published.acquire(timeout=20)
            under_way -= 1

    def project(code: str) -> Any:
        program = compile(code, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        asyncio.run(types.FunctionType(program, {})())
        return SimpleNamespace(code=0)

    app = types.ModuleType("master_app")
    vars(app)["readings"] = SimpleNamespace(publish=publish)
    monkeypatch.setitem(sys.modules, "master_app", app)
    monkeypatch.setattr(measuring, "crowd", lambda *_: nullcontext(Late()))
    monkeypatch.setattr(measuring, "on_one_core", lambda _: nullcontext())
    monkeypatch.setattr(measuring, "work", lambda _: 0.0)
    monkeypatch.setattr(measuring, "cookie", lambda _: "")
    asyncio.run(measuring.divided([cast("Any", None)], 160, 60, {}, project))
    assert most == 1
