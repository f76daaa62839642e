"""Workers: their entry in the application, their consumers, their layer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import REST, written
from tutor.doctor.rules.found import HANDLERS, TRIED, Found, at
from tutor.doctor.rules.groups.sent import sending
from tutor.doctor.rules.project.asgi import Called, as_dict, called
from tutor.doctor.rules.reach import reach
from tutor.doctor.source import Class, calls
from tutor.doctor.source.flow import Frame, body, unfold

RANK = 60
ROUTER = "channels.routing.ChannelNameRouter"
LISTS = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
LATEST = 95  # it comes of a library, not of what somebody wrote
FIRST = 8  # the version of redis-py that gives up a read after some seconds


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _without_type(seen)
    workers = [one for one in seen.source.consumers() if for_jobs(one)]
    router = called(seen, ROUTER)
    protocols = seen.walk.get("protocols")
    if router is None or (protocols is not None and "channel" not in protocols):
        yield from _no_entry(seen, workers)
        return
    yield from _entries(seen, router)
    for one in workers:
        yield from _answers(one)
    yield from _layers(seen)


def for_jobs(one: Class) -> bool:
    """Whether a consumer has methods, and none is for a socket, nor an heir's."""
    raw = one.library_bases() & {
        "channels.consumer.AsyncConsumer",
        "channels.consumer.SyncConsumer",
    }
    own = [name for name in one.methods if not name.startswith("_")]
    line = [one, *one.heirs]
    return bool(raw and own) and not any(c.method(n) for c in line for n in HANDLERS)


def works_alone(owner: Class) -> bool:
    """Whether a consumer for jobs has the thread of its worker to itself."""
    others = [
        one
        for one in owner.module.source.consumers()
        if one is not owner and one.kind.startswith("sync") and for_jobs(one)
    ]
    return for_jobs(owner) and not others


def _no_entry(seen: Evidence, workers: list[Class]) -> Iterator[Found]:
    """Consumers for jobs, and an application that knows no channel."""
    protocols = called(seen, "ProtocolTypeRouter")
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    if protocols is None or not any(one.dotted not in routed for one in workers):
        return
    yield Found(
        "worker-no-channel-entry",
        "No application configured for scope type 'channel'",
        protocols.place,
        RANK,
        TRIED,
        'an entry "channel" with a ChannelNameRouter',
    )


def _entries(seen: Evidence, router: Called) -> Iterator[Found]:
    """What stands behind a channel's name has to be an application."""
    module = router.module
    table = router.node.args[0] if router.node.args else None
    place = router.place
    if table is not None:
        where, table = unfold(Frame(body(module)), table)
        module, place = where.module, (where.module.file, table.lineno)
    table = as_dict(table, module)
    if isinstance(table, ast.List | ast.Tuple | ast.Set):
        yield Found(
            "asgi-router-without-mapping",
            f"TypeError: {type(table).__name__.lower()} indices must be integers",
            place,
            RANK,
            TRIED,
            "ChannelNameRouter({'name': Consumer.as_asgi()})",
            "ChannelNameRouter takes one, too: of names and consumers.",
        )
    for value in table.values if isinstance(table, ast.Dict) else []:
        named = (module.resolve(value) or "").removesuffix("()")
        one = seen.source.classes.get(named)
        if one is not None and one.kind:
            yield Found(
                "worker-consumer-without-as-asgi",
                f"{one.name}() takes no arguments",
                (module.file, value.lineno),
                RANK,
                TRIED,
                f"{one.name}.as_asgi()",
            )
    # However the table was made: the application shows what is in it.
    for told in (seen.walk.get("channels") or {}).values():
        if told["is"] in ("class", "method"):
            name = str(told["consumer"]).rpartition(".")[2]
            yield Found(
                "worker-consumer-without-as-asgi",
                f"{name}() takes no arguments",
                place,
                RANK,
                TRIED,
                f"{name}.as_asgi()",
            )


def _answers(one: Class) -> Iterator[Found]:
    """A worker has no socket to answer on."""
    reached: list[Frame] = []
    for own in one.methods.values():
        reach(Frame(own, one), reached)
    for method in (frame.function for frame in reached if frame.owner is one):
        for call in calls.calls(method.node):
            if calls.name_of(call, method) == "self.send":
                yield Found(
                    "worker-answers-with-self-send",
                    "You must implement application_send()",
                    at(method, call),
                    RANK,
                    TRIED,
                    "a message through a channel layer",
                )


def _without_type(seen: Evidence) -> Iterator[Found]:
    """A message without type ends the process that fetches it."""
    for function in seen.source.all_functions():
        for call, name, _ in sending(function):
            if not (calls.is_layer(name) and name.endswith(".send")):
                continue
            if any(
                calls.is_layer(other) and other.endswith(".receive")
                for _, other, _ in sending(function)
            ):
                continue  # it fetches its message itself
            message = written(call.args[1] if len(call.args) > 1 else None, function)
            if message is not None and not {"type", REST} & set(message):
                yield Found(
                    "worker-message-without-type-kills-worker",
                    "Worker received message with no type.",
                    at(function, call),
                    RANK,
                    TRIED,
                    "a type that names a handler",
                )


def _layers(seen: Evidence) -> Iterator[Found]:
    layers = seen.settings.get("layers")
    if not isinstance(layers, dict):
        return
    place = seen.setting("CHANNEL_LAYERS")
    backends = {
        alias: layer.get("BACKEND")
        for alias, layer in layers.items()
        if isinstance(layer, dict)
    }
    others = [backend for alias, backend in backends.items() if alias != "default"]
    if PUBSUB in others or set(backends.values()) == {PUBSUB}:
        yield Found(
            "worker-jobs-on-pubsub",
            "every worker gets every job, and none waits",
            place,
            RANK + 5,
            TRIED,
            "jobs on a layer that keeps them",
        )
    for alias, backend in backends.items():
        if backend == LISTS and _gives_up(seen, layers[alias]):
            yield Found(
                "worker-list-layer-gives-up",
                "redis.exceptions.TimeoutError: Timeout reading from the server",
                place,
                LATEST,
                TRIED,
                "'socket_timeout': None beside the address",
            )


def limits_reads(seen: Evidence) -> bool:
    """Whether the installed redis-py gives up a read after some seconds."""
    versions = seen.look.get("versions") or {}
    major = str(versions.get("found", {}).get("redis", "")).partition(".")[0]
    return major.isdigit() and int(major) >= FIRST


def _gives_up(seen: Evidence, layer: dict[str, Any]) -> bool:
    """Whether redis-py ends a read before the layer's own limit does."""
    if not limits_reads(seen):
        return False
    hosts = (layer.get("CONFIG") or {}).get("hosts") or []
    return not any(isinstance(one, dict) and "socket_timeout" in one for one in hosts)
