"""Layers of which the environment chooses one: what holds where it is another one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.groups.sent import jobs
from tutor.doctor.rules.groups.workers import (
    LATEST,
    LISTS,
    PUBSUB,
    RANK,
    limits_reads,
)
from tutor.doctor.source import Module
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk


def rules(seen: Evidence) -> Iterator[Found]:
    loaded = seen.settings.get("layers")
    sent = [job for job in jobs(seen) if job.channel and "!" not in job.channel]
    if not sent or not isinstance(loaded, dict):
        return
    found = {alias: (module, held) for alias, module, held in _written(seen)}
    now = {alias: one.get("BACKEND") for alias, one in loaded.items() if one}
    for alias, (module, choices) in found.items():
        used = [job for job in sent if job.layer == alias]
        for node, backend in choices if used and len(choices) > 1 else ():
            place = module.file, node.lineno
            if backend == PUBSUB != now.get(alias):
                every = [name for _, held in found.values() for _, name in held]
                yield Found(
                    "worker-jobs-on-pubsub",
                    f"jobs go over {alias}: every worker gets each, and none waits",
                    used[0].place if LISTS in every else place,
                    RANK + 5,
                    TRIED,
                    "jobs on a layer that keeps them",
                )
            limited = backend == LISTS != now.get(alias) and limits_reads(seen)
            if limited and "socket_timeout" not in module.text:
                yield Found(
                    "worker-list-layer-gives-up",
                    "redis.exceptions.TimeoutError: Timeout reading from the server",
                    seen.setting("CHANNEL_LAYERS"),
                    LATEST,
                    TRIED,
                    "'socket_timeout': None beside the address",
                )


def _written(
    seen: Evidence,
) -> Iterator[tuple[str, Module, list[tuple[ast.expr, str]]]]:
    """The layers by their alias, each with all that may be its backend."""
    name = str(seen.settings.get("module") or "")
    for module in seen.source.modules.values():
        values = module.values.get("CHANNEL_LAYERS", [])
        if is_aside(module.file) or len(values) != 1 or module.name != name:
            continue
        where, table = unfold(Frame(body(module)), values[0])
        if not isinstance(table, ast.Dict):
            continue
        for key, value in zip(table.keys, table.values, strict=True):
            alias = getattr(key, "value", None)
            _, held = unfold(where, value)
            if isinstance(alias, str):
                yield alias, module, [*_backends(held)]


def _backends(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    for inner in walk(node):
        for key, value in (
            zip(inner.keys, inner.values, strict=True)
            if isinstance(inner, ast.Dict)
            else ()
        ):
            if getattr(key, "value", "") == "BACKEND":
                told = getattr(value, "value", None)
                if isinstance(told, str):
                    yield value, told
