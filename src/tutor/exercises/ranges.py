"""The check of exercise 13: time ranges that meet, overlap and are empty.

The learner's function runs in the project, on a database made for this one run, whose
rows are not in the order of their moments.
"""

from __future__ import annotations

from pathlib import Path

from tutor.exercises.answers import NotYet, complete, inside

JUDGE = """
import asyncio, inspect, json, tempfile
from asgiref.sync import sync_to_async
from datetime import datetime, timedelta, timezone
from django.core.management import call_command
from django.db import connections
from master_app.models import Reading as Row
from master_app.readings import message as told

NOON = datetime(2026, 3, 29, 12, tzinfo=timezone.utc)
FAR = timezone(timedelta(hours=9))
ROWS = ((30, 6), (0, 1), (10, 2), (20, 4), (20, 3), (29, 5), (-10, 0), (90, 7))
RANGES = (  # minutes after noon, and the values in between
    (0, 20, [1, 2]), (20, 30, [4, 3, 5]), (30, 90, [6]), (-60, 0, [0]),
    (-60, 100, [0, 1, 2, 4, 3, 5, 6, 7]), (31, 60, []), (20, 20, []), (30, 0, []),
)


class Wrong(Exception):
    pass


def at(minutes, zone=timezone.utc):
    return (NOON + timedelta(minutes=minutes)).astimezone(zone)


@sync_to_async
def fill():
    call_command("migrate", verbosity=0)
    for minutes, value in ROWS:
        Row.objects.create(moment=at(minutes), value=value)
    return {row.value: told(row) for row in Row.objects.all()}


async def ask(start, end):
    try:
        found = history(start, end)
        if not inspect.isawaitable(found):
            raise Wrong("a consumer awaits history, so it is an `async def`.")
        found = await asyncio.wait_for(found, 3)
    except TimeoutError:
        raise Wrong("it does not end.") from None
    except Wrong:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:120]
        raise Wrong(f"it ends with {text}") from None
    if not isinstance(found, list):
        kind = type(found).__name__
        raise Wrong(f"a list of messages is due, and this is a {kind}.")
    return found


async def judge():
    messages = await fill()
    for zone in (timezone.utc, FAR):
        for start, end, values in RANGES:
            found = await ask(at(start, zone), at(end, zone))
            due = [messages[value] for value in values]
            span = f"from 12:00 {start:+} min to 12:00 {end:+} min"
            if found == due:
                continue
            if not all(one in messages.values() for one in found):
                raise Wrong(f"{str(found[0])[:60]} is no message of a reading.")
            for what, one, other in (("lacks", due, found), ("has", found, due)):
                for reading in one:
                    if reading not in other:
                        row = next(m for m, v in ROWS if messages[v] == reading)
                        raise Wrong(f"{span}: it {what} the one of {row:+} min.")
            if len(found) != len(due):
                raise Wrong(f"{span}: a reading comes twice.")
            raise Wrong(f"{span}: the order is another one.")
    return len(RANGES)


with tempfile.TemporaryDirectory() as folder:
    connections.settings["default"]["NAME"] = f"{folder}/ranges.sqlite3"
    try:
        print(json.dumps({"ranges": await judge()}))
    except Wrong as wrong:
        print(json.dumps({"wrong": str(wrong)}))
"""


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    complete(code, "function", "history")
    seen = inside(code + JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    return f"{seen['ranges']} ranges, each with its readings in their order."
