"""The channel layers, as the settings configure them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at, last_line
from tutor.doctor.rules.project import backends, layerconfig, rewritten
from tutor.doctor.rules.project.settings import like
from tutor.doctor.source import calls
from tutor.doctor.source.walking import walk

RANK = 22
LAYER = "channels.layers.get_channel_layer"


def rules(seen: Evidence) -> Iterator[Found]:
    if seen.settings:
        yield from _configured(seen)
        yield from islice(unknown_alias(seen), 1)


def _configured(seen: Evidence) -> Iterator[Found]:
    yield from layerconfig.rules(seen)
    yield from backends.rules(seen)
    layers = seen.settings.get("layers")
    place = seen.setting("CHANNEL_LAYERS")
    tried, expected = "building the channel layer", "a channel layer named default"
    if not layers:
        yield from no_layers(seen, tried, expected)
        return
    if not isinstance(layers, dict):
        yield Found(
            "settings-channel-layers-flat",
            f"CHANNEL_LAYERS = {layers!r}",
            place,
            RANK,
            tried,
            expected,
            "It is a list or a tuple: a comma behind the last bracket makes one.",
        )
        return
    if "default" not in layers:
        flat = any(key.upper() in ("BACKEND", "CONFIG") for key in layers)
        slug = (
            "settings-channel-layers-flat"
            if flat
            else "settings-channel-layers-no-default"
        )
        if flat or uses_layer(seen) or len(layers) == 1:
            got = f"CHANNEL_LAYERS has {', '.join(layers)}"
            yield Found(slug, got, place, RANK, tried, expected)
        return
    if not isinstance(layers["default"], dict):
        slug, got = "settings-channel-layers-flat", f"default is {layers['default']!r}"
        yield Found(slug, got, place, RANK, tried, expected)
        return
    if _is_bare(layers["default"]):
        got = "Redis URL must specify one of the following schemes"
        slug = "redis-hosts-is-a-bare-tuple"
        yield Found(slug, got, place, RANK, tried, expected)
        return
    for event in seen.look.all("layer"):
        if event["error"]:
            known = error(layers.get(event["alias"]), event["error"])
            of_backend = "backend" in f"{known}" or known == "redis-package-missing"
            keys = {"BACKEND"} if of_backend else {"BACKEND", "CONFIG", "hosts"}
            yield Found(
                known,
                last_line(event["error"][:1]),
                rewritten.place(seen, "CHANNEL_LAYERS", keys),
                RANK,
                tried,
                expected,
            )
            return


def error(layer: Any, links: list[dict[str, Any]]) -> str | None:
    text = " ".join(link["text"] for link in links)
    backend = str(layer.get("BACKEND", "")) if isinstance(layer, dict) else ""
    if "No BACKEND specified" in text or not backend:
        return "settings-channel-layer-backend-lowercase"
    if "ROUTING key found" in text:
        return "settings-channel-layer-v1-backends"
    if "Cannot import BACKEND" in text:
        if backend.startswith("asgi_redis") or (
            backend.startswith("asgi") and "ChannelLayer" in backend
        ):
            return "settings-channel-layer-v1-backends"
        if "No module named 'channels_redis'" in text:
            return "redis-package-missing"
        return "settings-channel-layer-backend-typo"
    if "has no attribute 'rsplit'" in text:  # the class itself, and no text
        return "settings-channel-layer-backend-typo"
    if "unexpected keyword argument" in text:
        if "InMemory" in backend and "'hosts'" in text:
            return "settings-inmemory-layer-with-hosts"
        return "settings-channel-layer-config-unknown"
    if "must be a list of possible keys" in text:
        return "redis-encryption-keys-is-text"
    if "list of Redis hosts" in text:
        return "redis-hosts-is-a-string"
    if "Redis URL must specify" in text:
        return "redis-url-without-scheme"
    return None


def _is_bare(layer: Any) -> bool:
    """Whether the hosts of a layer are one host and its port: ``("127.0.0.1", 6379)``.

    Which of the two the layer then takes for a URL, and so what it says, varies.
    """
    config = layer.get("CONFIG") if isinstance(layer, dict) else None
    hosts = config.get("hosts") if isinstance(config, dict) else None
    return isinstance(hosts, list) and any(isinstance(host, int) for host in hosts)


def uses_layer(seen: Evidence) -> bool:
    """Whether any code of the project asks for a channel layer."""
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.Attribute) and node.attr in (
                "channel_layer",
                "group_send",
            ):
                return True
            if isinstance(node, ast.Call) and (
                function.module.resolve(node.func, function) == LAYER
            ):
                return True
    return any("groups" in one.attributes for one in seen.source.consumers())


def unknown_alias(seen: Evidence) -> Iterator[Found]:
    """``get_channel_layer("job")``, and no layer that is called so."""
    layers = seen.settings.get("layers")
    if not isinstance(layers, dict) or not layers:
        return
    asked: list[tuple[ast.expr, Place]] = []
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            if calls.name_of(call, function) == LAYER:
                given = [*call.args[:1], *(word.value for word in call.keywords)]
                asked += [(alias, at(function, call)) for alias in given[:1]]
    for one in seen.source.consumers():
        alias = one.attributes.get("channel_layer_alias")
        asked += [(alias, (one.module.file, alias.lineno))] if alias else []
    for alias, place in asked:
        name = alias.value if isinstance(alias, ast.Constant) else None
        if isinstance(name, str) and name not in layers:
            yield Found(
                "layer-alias-unknown",
                "'NoneType' object has no attribute 'send'",
                place,
                54,
                TRIED,
                f"one of {', '.join(sorted(layers))}",
            )


def no_layers(seen: Evidence, tried: str, expected: str) -> Iterator[Found]:
    layers = seen.settings.get("layers")
    if isinstance(layers, dict) and "default" in layers:
        yield from unknown_alias(seen)  # that layer is there
        return
    is_set = "CHANNEL_LAYERS" in seen.settings.get("names", [])
    other = None if is_set else like(seen, "CHANNEL_LAYERS")
    if other:
        got = "get_channel_layer() returns None"
        hint = f"The settings have {other}, which nobody reads."
        yield Found(
            "settings-channel-layer-singular",
            got,
            seen.setting(other),
            RANK,
            tried,
            expected,
            hint,
        )
    elif uses_layer(seen) or seen.aim >= 3:
        place = seen.setting("CHANNEL_LAYERS")  # it may be there, and empty
        if place[1] is None:
            place = seen.setting_file("ASGI_APPLICATION", "INSTALLED_APPS"), None
        yield Found(
            "settings-channel-layers-missing",
            "get_channel_layer() returns None",
            place,
            RANK,
            tried,
            expected,
        )
