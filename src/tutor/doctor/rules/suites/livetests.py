"""Tests with a server in another process, and the database that it is to see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class
from tutor.doctor.source.walking import walk

RANK = 66
LIVE = {f"channels.testing.{name}ChannelsLiveServerTestCase" for name in ("", "live.")}


_FIXED = re.compile(r"(?:https?|wss?)://(?:localhost|127\.0\.0\.1):\d+(?:/.*)?")


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.classes.values():
        yield from _elsewhere(owner)
    yield from _in_memory(seen)


def _elsewhere(owner: Class) -> Iterator[Found]:
    """A live server that is never asked: its port is another in each run."""
    if not any(base.endswith("LiveServerTestCase") for base in owner.library_bases()):
        return
    nodes = [node for one in owner.line_of_ancestors for node in walk(one.node)]
    if any("live_server" in str(getattr(node, "attr", "")) for node in nodes):
        return
    for node in nodes:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Constant) and _FIXED.fullmatch(str(value)):
            yield Found(
                None,
                f"{value} is no server of this test",
                (owner.module.file, node.lineno),
                RANK + 14,
                f"reading {owner.module.file}",
                "self.live_server_url",
                "The live server has a port of its own, and a database of the tests'.",
            )
            return


def _in_memory(seen: Evidence) -> Iterator[Found]:
    databases = (seen.settings.get("databases") or {}).values()
    in_memory = any(
        one.get("engine", "").endswith("sqlite3")
        and (not one.get("test") or ":memory:" in one["test"])
        for one in databases
    )
    if not in_memory or _names_one_elsewhere(seen):
        return
    for owner in seen.source.classes.values():
        if owner.library_bases() & LIVE:
            yield Found(
                "test-live-server-in-memory",
                "ChannelLiveServerTestCase can not be used with in memory databases",
                seen.setting("DATABASES"),
                RANK,
                f"reading {owner.module.file}, line {owner.node.lineno}",
                "a file for the tests' database: 'TEST': {'NAME': …}",
            )
            return


def _names_one_elsewhere(seen: Evidence) -> bool:
    """Whether other settings, those of the tests, may give it a name."""
    return any(
        isinstance(node, ast.Constant) and node.value in ("TEST", "TEST_NAME")
        for module in seen.source.modules.values()
        if {"DATABASES"} & {*module.lines, *module.changed}
        and module.file != seen.setting("DATABASES")[0]
        for node in walk(module.tree)
    )
