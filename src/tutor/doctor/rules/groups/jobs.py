"""Jobs: what is sent to a channel, who listens there, and whether it knows them.

A channel's name stands in three places: where a job is sent, in the router, and in
the command that starts a worker.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tutor.doctor.commands import Command, commands, files, known, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import signatures
from tutor.doctor.rules.deployment.served import found as at_command
from tutor.doctor.rules.deployment.served import serves_sockets
from tutor.doctor.rules.found import TRIED, Found, Place
from tutor.doctor.rules.groups.sent import Job, jobs, received, under
from tutor.doctor.rules.project.asgi import Called, as_dict, called
from tutor.doctor.services import services, started
from tutor.doctor.source import Class
from tutor.doctor.source.flow import Frame, body, bound_at, unfold
from tutor.doctor.source.values import ANY, values
from tutor.doctor.texts import text_of

RANK = 61
_WORKER = r"\brunworker\b"
_UNITS = (".service", ".conf", ".ini")  # of systemd, and of supervisor
_FOR_PEOPLE = (".md", ".rst", ".txt")
ROUTER = "channels.routing.ChannelNameRouter"
MEMORY = "channels.layers.InMemoryChannelLayer"


@dataclass(frozen=True)
class Entry:
    """A channel in the router: its name, where it stands, the consumer behind it."""

    channel: str | None
    place: Place
    consumer: Class | None


def rules(seen: Evidence) -> Iterator[Found]:
    told = commands(seen.project)
    workers = [one for one in told if one.program == "runworker"]
    for one in workers:
        if not one.plain:
            got = "error: the following arguments are required: channels"
            yield at_command("worker-without-channel-names", got, one, "its channels")
    router = called(seen, ROUTER)
    if router is None and not workers:
        return
    yield from _no_command(seen)
    if router is None:
        there = {*(seen.walk.get("protocols") or {})}
        lost = there and "channel" not in there and any(jobs(seen))
        for one in workers[:1] if lost else ():
            got = "No application configured for scope type 'channel'"
            right = "a worker only where asgi.py has an entry 'channel'"
            yield at_command("worker-no-channel-entry", got, one, right)
        return
    entries, sent = list(_entries(seen, router)), list(jobs(seen))
    names = {one.channel for one in entries}
    if None in names or not names:
        return
    yield from _handlers(entries, sent)
    yield from _differs(seen, entries, sent, workers)
    listened = {name for one in workers for name in one.plain}
    if all(map(known, listened)):
        yield from _elsewhere(sent, workers, names)
    if not mentioned(seen.project, _WORKER):
        yield from _not_started(seen, told, sent, names)
    yield from _in_memory(seen, [job for job in sent if job.channel in names])


def _no_command(seen: Evidence) -> Iterator[Found]:
    """Workers, and no app that has the command for them."""
    there = {event["name"] for event in seen.look.all("command")}
    if "runserver" in there and "runworker" not in there:
        yield Found(
            "worker-command-unknown",
            "Unknown command: 'runworker'",
            seen.setting("INSTALLED_APPS"),
            RANK - 4,
            "asking for the commands of manage.py",
            "'channels' among the apps",
        )


def _entries(seen: Evidence, router: Called) -> Iterator[Entry]:
    given = router.node.args[0] if router.node.args else None
    frame = Frame(body(router.module))
    where, table = unfold(frame, given) if given is not None else (frame, None)
    if isinstance(table, ast.DictComp):
        where, table = _looped(where, table)
    table = as_dict(table, where.module)
    if not isinstance(table, ast.Dict):
        place = (where.module.file, table.lineno) if table is not None else router.place
        for name, one in (seen.walk.get("channels") or {}).items():
            yield Entry(name, place, seen.source.classes.get(str(one["consumer"])))
        return
    for key_node, held in zip(table.keys, table.values, strict=True):
        module = where.module
        named = (module.resolve(held) or "").removesuffix(".as_asgi()")
        names = values(where, key_node) if key_node is not None else None
        text = next(iter(names)) if names and len(names) == 1 else None
        line = key_node.lineno if key_node is not None else held.lineno
        name = None if text is None or ANY in text else text
        yield Entry(name, (module.file, line), seen.source.classes.get(named))


def _looped(where: Frame, table: ast.DictComp) -> tuple[Frame, ast.expr | None]:
    """``{name: one.as_asgi() for name, one in ALL.items()}``: what ALL is."""
    loop = table.generators[0]
    over = loop.iter
    names = [getattr(one, "id", "") for one in getattr(loop.target, "elts", [])]
    plain = isinstance(table.key, ast.Name) and [table.key.id] == names[:1]
    if (
        plain
        and isinstance(over, ast.Call)
        and isinstance(over.func, ast.Attribute)
        and over.func.attr == "items"
    ):
        # By its module: to ask for its items is no change of it.
        bound = bound_at(where.function, over.func.value)
        if bound is not None and len(bound[0].values[bound[1]]) == 1:
            return Frame(body(bound[0])), bound[0].values[bound[1]][0]
        return unfold(where, over.func.value)
    return where, None


def _handlers(entries: list[Entry], sent: list[Job]) -> Iterator[Found]:
    """A job of a type for which its consumer has no method."""
    for entry in entries:
        one = entry.consumer
        if one is None or any(map(one.method, ("dispatch", "__call__", "__getattr__"))):
            continue
        if not all(base.startswith("channels.") for base in one.library_bases()):
            continue  # a library may bring the method
        for job in sent:
            wanted = (job.kind or "").replace(".", "_")
            method = one.method(wanted) if wanted else None
            if job.channel == entry.channel and method is not None:
                if not signatures.takes(method, 1):
                    yield Found(
                        "consumer-handler-without-event",
                        f"{wanted}() cannot be called with the job alone",
                        (method.module.file, method.node.lineno),
                        RANK,
                        TRIED,
                        f"{wanted}(self, job)",
                    )
                yield from signatures.not_async(one, method)
            elif job.channel == entry.channel and wanted:
                own = ", ".join(n for n in one.methods if not n.startswith("_"))
                yield Found(
                    "worker-handler-missing",
                    f"ValueError: No handler for message type {job.kind}",
                    (one.module.file, one.node.lineno),
                    RANK,
                    TRIED,
                    f"a method {wanted}",
                    f"{one.name} has {own}." if own else "",
                )


def _differs(
    seen: Evidence, entries: list[Entry], sent: list[Job], workers: Sequence[Command]
) -> Iterator[Found]:
    """A name of the router that nobody uses, and a used one that it has not."""
    used = {job.channel for job in sent if job.channel}
    names = {one.channel for one in entries}
    strange = sorted(name for name in used - names if "!" not in name)
    listened = {name for one in workers for name in one.plain}
    for entry in entries:
        if strange and entry.channel not in used | listened:
            yield Found(
                "worker-router-name-differs",
                f"No application configured for channel name {strange[0]!r}",
                entry.place,
                RANK,
                TRIED,
                f"the name to which jobs are sent: {strange[0]}",
            )
    for job in sent:  # a letter too few, whatever else is sent
        known = {*listened, *received(seen)}
        near = seen.near(job.channel or "", [n for n in names if n], 0.85)
        if job.channel in strange and near in used and job.channel not in known:
            yield Found(
                "worker-listens-to-another-name",
                f"nobody reads {job.channel!r}",
                job.place,
                RANK,
                TRIED,
                f"a job for {near!r}",
            )
            return
    idle = [one.channel for one in entries if one.channel not in used]
    if len(strange) == 1 == len(idle) and {*idle} <= listened - {*strange}:
        # Two of the three places agree, so it is the third that is odd.
        places = [job.place for job in sent if job.channel == strange[0]]
        if strange[0] not in listened and strange[0] not in received(seen):
            yield Found(
                "worker-listens-to-another-name",
                f"nothing is sent to {idle[0]!r}, and nobody reads {strange[0]!r}",
                places[0],
                RANK,
                TRIED,
                f"a job for {idle[0]!r}",
            )


def _elsewhere(
    sent: list[Job], workers: Sequence[Command], names: set[str | None]
) -> Iterator[Found]:
    """Workers that listen where nothing comes, while jobs come elsewhere."""
    used = {job.channel for job in sent if job.channel in names}
    listened = {name for one in workers for name in one.plain}
    for one in workers:
        strange = [name for name in one.plain if name not in used]
        lacking = used - listened
        if one.complete and names.isdisjoint(one.plain):
            # Its file starts all there is, whatever other files do.
            beside = {n for o in workers if o.file == one.file for n in o.plain}
            lacking = used - beside
        missed = sorted(str(name) for name in lacking)
        if strange and missed and all(job.channel for job in sent):
            got = f"nothing is sent to {strange[0]!r}"
            slug, expected = "worker-listens-to-another-name", f"runworker {missed[0]}"
            yield at_command(slug, got, one, expected)
        over = {job.layer for job in sent if job.channel in one.plain}
        layer = one.value("--layer") or "default"
        if over and None not in over and known(layer) and layer not in over:
            got = f"it listens on the layer {layer}; jobs go over {over.pop()}"
            slug = "worker-on-another-layer"
            yield at_command(slug, got, one, "the layer over which its jobs go")


def _names_all(seen: Evidence, one: Command, told: Sequence[Command]) -> bool:
    """Whether a server's file names all processes, or it is one of several units.

    A single unit may have others beside it elsewhere, of which people are told.
    """
    if not one.file.endswith(_UNITS):
        return one.complete
    units = {(o.file, o.line) for o in told if o.file.endswith(_UNITS)}
    if len(units) < 2:
        return False
    for path in files(seen.project):
        with suppress(OSError):
            if path.suffix in _FOR_PEOPLE and re.search(_WORKER, text_of(path)):
                return False
    return True


def _not_started(
    seen: Evidence, told: Sequence[Command], sent: list[Job], names: set[str | None]
) -> Iterator[Found]:
    """A list of all processes with a server in it, and no worker."""
    used = [job.channel for job in sent if job.channel in names]
    for one in told:
        if used and serves_sockets(one) and _names_all(seen, one, told):
            got = f"nobody works on {used[0]!r}"
            expected = f"python manage.py runworker {used[0]}"
            yield at_command("worker-not-started", got, one, expected, 4)
            return
    # Compose starts the image with its own command, and names all processes, too.
    for service in services(seen.project) if used else ():
        for one in [] if service.starts else started(service, told):
            if serves_sockets(one):
                got = f"nobody works on {used[0]!r}"
                expected = f"python manage.py runworker {used[0]}"
                at = replace(one, file=service.file, line=service.line)
                yield at_command("worker-not-started", got, at, expected, 4)
                return


def _in_memory(seen: Evidence, sent: list[Job]) -> Iterator[Found]:
    """Jobs over a layer that no other process can see, whatever the environment."""
    name = "CHANNEL_LAYERS"
    holders = [m for m in seen.source.modules.values() if name in m.lines | m.changed]
    layers: Any = seen.settings.get("layers")
    if len(holders) != 1 or not isinstance(layers, dict):
        return  # production may have another one
    (module,) = holders
    fixed = [
        node.value
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
    ]
    if len(fixed) != 1 or module.values.get(name) != fixed or name in module.changed:
        return
    for job in sent:
        layer = under(fixed[0], job.layer)
        backend = under(layer, "BACKEND")
        if isinstance(backend, ast.Constant) and backend.value == MEMORY:
            yield Found(
                "worker-with-inmemory-layer",
                f"the layer {job.layer} is in the memory of each process",
                (module.file, module.lines[name]),
                RANK,
                TRIED,
                "a layer that processes share: channels_redis",
            )
            return
