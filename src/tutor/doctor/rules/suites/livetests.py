"""Tests with a server in another process, and the database that it is to see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.source.walking import walk

RANK = 66
LIVE = {f"channels.testing.{name}ChannelsLiveServerTestCase" for name in ("", "live.")}


def rules(seen: Evidence) -> Iterator[Found]:
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
