"""Each fault of a board costs exactly its point.

The board is the reference of the last step, spoilt in one place.  Only the crowd is
smaller than in earnest, and so is what a board may keep for a slow client.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor import places, trees
from tutor.course import Course
from tutor.redis import NONE, there
from tutor.referee import POINTS, played

pytestmark = pytest.mark.takes(110)

STEP = Course.load(places.root()).steps[-1]
FEW = (
    ("counter/consumers.py", "UNSEEN = 100", "UNSEEN = 40"),
    ("board.toml", "[ack]", "[limits]\nbehind = 40\n\n[ack]"),
)
MEMORY = (
    "CHANNEL_LAYERS['default'] = {'BACKEND': 'channels.layers.InMemoryChannelLayer'}"
)
OPEN = "__import__('redis').from_url(__import__('os').environ['REDIS_URL'])"

# The point that it costs -> file, what stands there, what stands there instead.
FAULTS: dict[str, list[tuple[str, str, str]]] = {
    "foreign origin": [
        (
            "webapp/asgi.py",
            "settings.ALLOWED_ORIGINS or settings.ALLOWED_HOSTS",
            "['*']",
        ),
    ],
    "two processes": [
        # A command could reach nobody then, so ada publishes over the socket.
        (
            "board.toml",
            'command = "call VALUE"',
            'message = { type = "next", desk = "VALUE" }',
        ),
        ("webapp/settings.py", "", f"\n{MEMORY}\n"),
    ],
    "hard kill": [
        # It counts the sockets of a user in Redis, and nothing there expires.
        (
            "counter/consumers.py",
            "        self.joined = [calls.GROUP",
            "        if await self.seats(1) > 15:\n"
            "            await self.close()\n"
            "            return\n"
            "        self.joined = [calls.GROUP",
        ),
        (
            "counter/consumers.py",
            '        """Leave the groups."""\n',
            '        """Leave the groups."""\n        await self.seats(-1)\n',
        ),
        (
            "counter/consumers.py",
            "    async def send_json",
            "    async def seats(self, change):\n"
            "        from django.conf import settings\n"
            "        from redis.asyncio import Redis\n"
            "        async with Redis.from_url(settings.REDIS_URL) as redis:\n"
            "            pk = self.scope['user'].pk\n"
            "            return await redis.incrby(f'seats:{pk}', change)\n\n"
            "    async def send_json",
        ),
    ],
    "Redis restart": [
        # What a process writes into Redis once, when it starts, is gone afterwards.
        ("counter/consumers.py", "UNSEEN =", f"{OPEN}.set('open', 1)\n\nUNSEEN ="),
        (
            "counter/calls.py",
            "    event = ",
            f"    if not {OPEN}.exists('open'):\n        return call\n    event = ",
        ),
    ],
    "slow client": [("counter/consumers.py", "UNSEEN = 40", "UNSEEN = 10**9")],
    "logout": [
        ("counter/consumers.py", ", *sessions.groups(self.scope)]", "]"),
        ("counter/consumers.py", "        sessions.enter(self)\n", ""),
    ],
    "resume by id": [("counter/calls.py", "known - OVERLAP", "known + 2")],
    "watchers": [
        (
            "counter/consumers.py",
            "        self.joined = [calls.GROUP",
            "        if len(pulse.here) >= 40:\n"
            "            await self.close()\n"
            "            return\n"
            "        self.joined = [calls.GROUP",
        ),
    ],
}


def spoilt(folder: Path, changes: list[tuple[str, str, str]]) -> Path:
    """A copy of the reference board with some of its text replaced."""
    tree = places.root() / "steps" / STEP.folder
    trees.copy(tree, folder)
    for name, old, new in [*FEW, *changes]:
        text = (folder / name).read_text()
        if old:
            assert text.count(old) == 1, f"{old!r} in {name}: {text.count(old)} times"
            text = text.replace(old, new)
        else:
            text += new
        (folder / name).write_text(text)
    return folder


def test_each_point_has_its_fault() -> None:
    assert FAULTS.keys() == POINTS.keys()


@pytest.mark.skipif(not there(), reason=NONE)
@pytest.mark.parametrize("point", FAULTS)
def test_a_fault_costs_exactly_its_point(point: str, tmp_path: Path) -> None:
    crowd = 60 if point == "watchers" else 12
    score = played(spoilt(tmp_path / "board", FAULTS[point]), crowd)
    lost = {name: problem.got for name, problem in score.found.items() if problem}
    assert set(lost) == {point}, lost
    problem = score.found[point]
    assert problem and problem.got and problem.cause, problem
    assert problem.reread == f"step {POINTS[point].step}"
