# ruff: noqa: E501  (the projects' own lines)
"""Mistakes of a fourth batch, in the checkpoints themselves, of every step.

What was missing each time: messages that a class describes, events that a class
makes, queries behind managers and properties, and what stands in a helper.
"""

from __future__ import annotations

from shapes import Change

READINGS, CONSUMERS = "master_app/readings.py", "master_app/consumers.py"
Wrong = tuple[int, str, str, tuple[Change, ...]]
Right = tuple[int, str, tuple[Change, ...]]

NEW = """\
    last = next(numbers)
    return {'type': 'reading', 'id': last, 'value': value}
"""
DATACLASS = (
    (READINGS, "from itertools", "from dataclasses import asdict, dataclass\nfrom itertools"),
    (
        READINGS,
        "def new(",
        "@dataclass\nclass Reading:\n    id: int\n    value: int\n    type: str = 'reading'\n\n\ndef new(",
    ),
)
EVENT = """\
@dataclass
class Event:
    reading: dict
    type: str = '{kind}'


async def publish(value):
    await get_channel_layer().group_send(GROUP, asdict(Event(new(value))))


async def _publish("""
DATACLASS_EVENT = (READINGS, "from itertools", "from dataclasses import asdict, dataclass\nfrom itertools")

WRONG: list[Wrong] = [
    (
        8,
        "db-model-instance-in-event",
        CONSUMERS,
        (*DATACLASS, (READINGS, NEW, "    last = next(numbers)\n    return Reading(last, value)\n")),
    ),
    (
        10,
        "group-handler-missing-closes-everyone",
        CONSUMERS,
        (DATACLASS_EVENT, (READINGS, "async def publish(", EVENT.format(kind="reading.new"))),
    ),
]
RIGHT: list[Right] = [
    (
        8,
        "dataclass",
        (*DATACLASS, (READINGS, NEW, "    last = next(numbers)\n    return asdict(Reading(last, value))\n")),
    ),
    (
        10,
        "dataclass-event",
        (DATACLASS_EVENT, (READINGS, "async def publish(", EVENT.format(kind="readings.new"))),
    ),
]
